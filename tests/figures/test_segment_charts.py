"""Charts and tables of concentration, tiers, core customers, RFM and movement: whole, readable, the same again."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from crm_lib import figures, language, segments
from crm_lib.company import Company
from tests.companies import write_company
from tests.segments.conftest import shop_tables


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    tables = shop_tables()
    rng = np.random.default_rng(2)
    lines = tables["transactions"]
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
def charts(segmented, moved, core):
    measured = segments.concentration(segmented.value, resamples=99, basis=segmented.basis)
    return {
        "concentration": lambda: figures.concentration_chart(measured),
        "tiers": lambda: figures.tiers_chart(segmented, resamples=99),
        "core_customers": lambda: figures.core_chart(core),
        "rfm_map": lambda: figures.rfm_map(segmented),
        "movement": lambda: figures.movement_chart(moved),
    }


@pytest.mark.parametrize("name", ["concentration", "tiers", "core_customers", "rfm_map", "movement"])
def test_chart_travels_with_drawing_words_and_table_and_is_the_same_again(name, charts):
    chart = charts[name]()
    data, metadata = chart._repr_mimebundle_()
    fields = data[figures.CHART_MIME]
    assert fields["name"] == chart.name == name
    assert metadata["image/svg+xml"]["alt"] == fields["alt"] == data["text/plain"]
    assert fields["table"]["rows"]
    assert "{" not in fields["alt"] + fields["title"]
    assert ET.fromstring(data["image/svg+xml"]).tag.endswith("svg")  # noqa: S314 (our own text)
    assert len(data["image/svg+xml"]) < 120_000
    assert charts[name]().to_svg() == data["image/svg+xml"]


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
