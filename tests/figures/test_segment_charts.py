"""Charts and tables of segments, movement, clusters, levels and decisions: whole, readable, with their numbers."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from crm_lib import figures, language, segments
from crm_lib.company import Company
from crm_lib.customers.window import Basis
from crm_lib.errors import TooLittleData
from crm_lib.segments import Decisions, check_structure, choose_clusters, structure
from crm_lib.segments.decisions import _held, changes
from crm_lib.segments.predictive import compare_groupings
from crm_lib.segments.relationship_levels import place_groups
from tests.companies import write_company
from tests.figures.conftest import drawn
from tests.segments.conftest import shop_tables

NINE = ["Champions", "Loyal", "Slipping away", "Growing", "Steady", "Fading", "Light, recent", "Occasional", "Dormant"]


def customers(*, alike=False, names=NINE):
    rng = np.random.default_rng(1)
    groups = pd.Series(rng.choice(names, 1800), index=[f"c{number:04d}" for number in range(1800)])
    mean = groups.map({name: 1.0 if alike else 400.0 / (place + 1) ** 1.5 for place, name in enumerate(names)})
    return groups, pd.Series(rng.gamma(1.0, mean.to_numpy()), index=groups.index)


def levels(**how):
    groups, value = customers(**how)
    costs = pd.DataFrame({"contacts": 1, "cost": 0.3}, index=groups.index)
    return place_groups(groups, value, Basis(currency="GBP"), costs)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    tables = shop_tables()
    rng = np.random.default_rng(2)
    lines = tables["transactions"]
    lines["category"] = lines["category"].map({"Books": "A < B & C", "Cards": "Preis $1 $2", "Games": "図書"})
    who = rng.choice(lines["customer_id"], 400)
    opened = pd.Timestamp("2026-06-29") - pd.to_timedelta(rng.uniform(0, 300, 400), unit="D")
    closed = (opened + pd.Timedelta(days=3)).where(rng.random(400) < 0.8)
    tables["complaints"] = pd.DataFrame({"customer_id": who, "opened_at": opened, "closed_at": closed})
    points = rng.integers(1, 11, 400)
    tables["surveys"] = pd.DataFrame({"customer_id": who, "responded_at": "2026-03-01", "satisfaction": points})
    folder = tmp_path_factory.mktemp("data") / "shop"
    return Company.open(write_company(folder, tables, how="parquet", as_of="2026-06-30"))


@pytest.fixture(scope="module")
def segmented(shop):
    return segments.segment_customers(shop)


@pytest.fixture(scope="module")
def moved(shop):
    return segments.movement(shop)


@pytest.fixture(scope="module")
def core(shop, segmented):
    return segments.compare_core(shop, segmented)


@pytest.fixture(scope="module")
def checked():
    """Structure of two heaps of customers, and of one."""
    values = np.random.default_rng(3).normal(size=(400, 2))
    apart = values + np.where(np.arange(400)[:, None] < 200, [0, 8], 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(structure, "_SPLITS", 3)
        patch.setattr(structure, "_SAMPLES", 99)
        return [check_structure(pd.DataFrame(each, columns=["recency", "order_value"])) for each in (apart, values)]


@pytest.fixture(scope="module")
def charts(shop, segmented, moved, core, checked):
    categories = segments.profit_table(shop, "category")
    after = pd.Series(np.random.default_rng(5).gamma(1, 20, 300))
    groups = {"clusters": after.gt(20).map({True: "a", False: "b"}), "RFM segments": pd.Series(np.arange(300) % 5)}
    compared = compare_groupings(groups, after, scored_on=dt.date(2026, 4, 1), basis=Basis(currency="GBP", days=90))
    return {
        "months": figures.monthly_chart(shop),
        "profit": figures.profit_chart(categories),
        "returns": figures.returns_chart(categories),
        "concentration": figures.concentration_chart(
            segments.concentration(segmented.value, resamples=99, basis=segmented.basis)
        ),
        "tiers": figures.tiers_chart(segmented),
        "core": figures.core_chart(core),
        "map": figures.rfm_map(segmented),
        "movement": figures.movement_chart(moved),
        "kinds": figures.structure_chart(checked[0]),
        "no kinds": figures.structure_chart(checked[1]),
        "predictive": figures.predictive_value_chart(compared),
        "grid": figures.relationship_grid(levels()),
        "all in one cell": figures.relationship_grid(levels(alike=True)),
        "long names": figures.relationship_grid(levels(names=[f"Kunden $x$ <b> {{x}} 李雷 {n}" for n in NINE])),
    }


def test_charts_travel_with_drawing_words_and_table(charts):
    before = dict(plt.rcParams)
    for chart in charts.values():
        drawn(chart)
    assert not plt.get_fignums()
    assert dict(plt.rcParams) == before
    assert charts["returns"].to_svg() == drawn(charts["returns"])[0]


def test_headlines_state_the_finding(charts):
    assert charts["kinds"].alt.startswith("Customers fall into kinds: a gap divides them.")
    assert charts["no kinds"].alt.startswith("No gap found: customers form one continuum.")
    assert "recency" in charts["no kinds"].table.note
    assert charts["grid"].alt.startswith("The closest level called for is")


def test_tables_of_movement_have_the_numbers_that_were_found(moved):
    table = figures.movement_table(moved)
    assert table.frame.to_numpy().sum() == len(moved.frame)
    assert table.label("to 0") == "Champions"
    change_table = figures.segment_change_table(moved)
    assert "By the cut points of 30 Jun 2025 on both days" in change_table.note
    change = change_table.frame
    assert change["before"].sum() == (moved.frame["way"] != "came").sum()
    grown = change["after"] - change["before"]
    assert [words.partition(" ")[0] for words in change["change"]] == [f"{n}".replace("-", "−") for n in grown]
    assert figures.flows_table(moved).frame["change"].sum() == pytest.approx(moved.flows()["change"].sum())


def test_tables_of_segments_have_the_numbers_that_were_found(shop, segmented, core):
    assert figures.tiers_table(segmented).frame["customers"].sum() == len(segmented.value)
    assert figures.segments_table(segmented).frame["customers"].sum() == len(segmented.rfm.frame)
    note = figures.cut_points_table(segmented).note
    assert f"the {len(segmented.rfm.frame)} customers who bought in the 365 days up to 30 Jun 2026" in note
    tried = segments.rfm_sensitivity(shop)
    sensitivity = figures.sensitivity_table(tried)
    assert sensitivity.frame["moved"].tolist() == tried.table()["moved"].tolist()
    share = language.share(float(1 - tried.stable.mean()))
    assert sensitivity.title == f"{share} of the customers would be in another segment under some other rule"
    assert figures.stable_segments_table(tried).frame["stable"].sum() == tried.stable.sum()
    assert len(figures.core_table(core).frame) == len(core.frame)
    assert figures.handling_table(core).frame.index[0] == "Settled in time"


def test_the_grid_leaves_out_what_is_too_small_to_place():
    groups, value = pd.Series(list("abc")), pd.Series([1.0, 2.0, 3.0])
    few = place_groups(groups, value, Basis(kind="revenue", currency="GBP"))
    with pytest.raises(TooLittleData, match="at least 10 customers"):
        figures.relationship_grid(few)
    table = figures.relationship_table(levels())
    assert "£0.30 each" in table.note
    assert table.columns["group"].iloc[0] == "Champions"


def test_table_of_clusters_has_size_value_and_what_is_only_a_tie(segmented, checked):
    value = segmented.tiers.frame["value"]
    rng = np.random.default_rng(2)
    once = rng.random(len(value)) < 0.5
    measures = pd.DataFrame({"orders": np.where(once, 1, 9 + rng.poisson(5, len(value)))}, index=value.index)
    measures["order_value"] = rng.normal(50, 5, len(value))
    table = figures.clusters_table(choose_clusters(measures, k=[2]), segmented, checked[1])
    assert table.frame["customers"].sum() == len(value)
    assert table.frame["value_share"].sum() == pytest.approx(1)
    assert "only a tie: orders is 1" in set(table.frame["verdict"])
    assert "No kinds were found" in table.note


def test_decisions_are_written_with_intervals_and_actions():
    groups, value = customers()
    now, before = (pd.DataFrame({"group": groups, "value": value * times}) for times in (3, 1))
    frame = now.groupby("group").agg(customers=("value", "size"), value=("value", "sum")).join(changes(now, before))
    frame["change"] = [_held(row) for row in frame.to_dict("records")]
    frame = frame.assign(action="Call.").rename_axis("segment")
    table = figures.decisions_table(Decisions(frame=frame, basis=Basis(currency="GBP"), compared=True))
    assert list(table.columns)[:3] == ["segment", "action", "customers"]
    first = table.columns.set_index("segment").loc["Champions"]
    assert first["change"] == "more value"
    assert first["value_change"].startswith("+£")
    assert first["customers_change"].startswith("0 [")
    alone = frame[["customers", "value", "action"]]
    alone = figures.decisions_table(Decisions(frame=alone, basis=Basis(currency="GBP"), compared=False))
    assert "value_change" not in alone.columns
    assert "changes are not known" in alone.note
