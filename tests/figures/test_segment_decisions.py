"""Charts and tables of clusters, profit, relationship levels and decisions: whole, readable, with their numbers."""

from __future__ import annotations

import datetime as dt
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from crm_lib import figures
from crm_lib.company import Company
from crm_lib.customers.window import Basis
from crm_lib.errors import TooLittleData
from crm_lib.segments import (
    Decisions,
    SegmentDefinitions,
    check_structure,
    choose_clusters,
    profit_table,
    segment_customers,
    structure,
)
from crm_lib.segments.decisions import _held, changes
from crm_lib.segments.predictive import compare_groupings
from crm_lib.segments.relationship_levels import place_groups
from tests.companies import write_company
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


def compared():
    rng = np.random.default_rng(5)
    after = pd.Series(rng.gamma(1, 20, 300))
    groups = {"clusters": after.gt(20).map({True: "a", False: "b"}), "RFM segments": pd.Series(rng.integers(0, 5, 300))}
    return compare_groupings(groups, after, scored_on=dt.date(2026, 4, 1), basis=Basis(currency="GBP", days=90))


def checked(*, apart):
    values = np.random.default_rng(3).normal(size=(400, 2))
    values[:200] += apart
    return check_structure(pd.DataFrame(values, columns=["recency", "order_value"]))


DRAWN = {
    "kinds": lambda _: figures.structure_chart(checked(apart=[0, 8])),
    "no kinds": lambda _: figures.structure_chart(checked(apart=[0, 0])),
    "predictive": lambda _: figures.predictive_value_chart(compared()),
    "profit": lambda shop: figures.profit_chart(profit_table(shop, "category")),
    "returns": lambda shop: figures.returns_chart(profit_table(shop, "category")),
    "grid": lambda _: figures.relationship_grid(levels()),
    "all in one cell": lambda _: figures.relationship_grid(levels(alike=True)),
    "long names": lambda _: figures.relationship_grid(levels(names=[f"Kunden $x$ <b> {{x}} 李雷 {n}" for n in NINE])),
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "shop"
    return Company.open(write_company(folder, shop_tables(), how="parquet", as_of="2026-06-30"))


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(structure, "_SPLITS", 3)
    monkeypatch.setattr(structure, "_SAMPLES", 99)


@pytest.mark.parametrize("name", DRAWN)
def test_chart_travels_with_drawing_words_and_table(name, shop):
    data, metadata = DRAWN[name](shop)._repr_mimebundle_()
    fields = data[figures.CHART_MIME]
    assert fields["title"]
    assert fields["table"]["rows"]
    assert metadata["image/svg+xml"]["alt"] == fields["alt"]
    assert ET.fromstring(data["image/svg+xml"]).tag.endswith("svg")  # noqa: S314 (our own text)
    assert len(data["image/svg+xml"]) < 110_000
    assert "<b>" not in fields["table_html"]


def headline(chart):
    return chart.axes.get_figure(root=True).get_suptitle().strip()


def test_headlines_state_the_finding(shop):
    assert headline(DRAWN["kinds"](shop)) == "Customers fall into kinds: a gap divides them"
    assert headline(DRAWN["no kinds"](shop)) == "No gap found: customers form one continuum"
    assert "recency" in DRAWN["no kinds"](shop).table.note
    assert headline(DRAWN["grid"](shop)).startswith("The closest level called for is")


def test_the_grid_leaves_out_what_is_too_small_to_place():
    groups, value = pd.Series(list("abc")), pd.Series([1.0, 2.0, 3.0])
    few = place_groups(groups, value, Basis(kind="revenue", currency="GBP"))
    with pytest.raises(TooLittleData, match="at least 10 customers"):
        figures.relationship_grid(few)
    table = figures.relationship_table(levels())
    assert "£0.30 each" in table.note
    assert table.columns["group"].iloc[0] == "Champions"


def test_table_of_clusters_has_size_value_and_what_is_only_a_tie(shop):
    segmented = segment_customers(shop, SegmentDefinitions())
    value = segmented.tiers.frame["value"]
    rng = np.random.default_rng(2)
    once = rng.random(len(value)) < 0.5
    measures = pd.DataFrame({"orders": np.where(once, 1, 9 + rng.poisson(5, len(value)))}, index=value.index)
    measures["order_value"] = rng.normal(50, 5, len(value))
    table = figures.clusters_table(choose_clusters(measures, k=[2]), segmented, checked(apart=[0, 0]))
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
