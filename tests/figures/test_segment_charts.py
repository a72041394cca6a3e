from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from crm_lib import figures, language
from crm_lib.company import Company
from crm_lib.figures.segment_movement import _spread
from crm_lib.segments import customer_window, movement, rfm_scores, rfm_sensitivity, value_tiers
from tests.companies import write_company
from tests.segments.conftest import shop_tables


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    tables = shop_tables()
    folder = tmp_path_factory.mktemp("data") / "shop"
    return Company.open(write_company(folder, tables, how="parquet", as_of="2026-06-30"))


@pytest.fixture(scope="module")
def moved(shop):
    return movement(shop)


@pytest.fixture(scope="module")
def tiers(shop):
    return value_tiers(customer_window(shop, days=365)["margin"])


@pytest.fixture(scope="module")
def charts(moved, tiers):
    return {
        "movement": lambda: figures.movement_chart(moved),
        "tiers": lambda: figures.tiers_chart(tiers, currency="GBP", value="margin", resamples=99),
    }


@pytest.mark.parametrize("name", ["movement", "tiers"])
def test_chart_travels_with_drawing_words_and_table_and_is_the_same_again(name, charts):
    chart = charts[name]()
    data, metadata = chart._repr_mimebundle_()
    fields = data[figures.CHART_MIME]
    assert fields["name"] == chart.name == name
    assert metadata["image/svg+xml"]["alt"] == fields["alt"] == data["text/plain"]
    assert fields["table"]["rows"]
    assert ET.fromstring(data["image/svg+xml"]).tag.endswith("svg")  # noqa: S314 (our own text)
    assert len(data["image/svg+xml"]) < 120_000
    assert charts[name]().to_svg() == data["image/svg+xml"]


@pytest.mark.parametrize("name", ["movement", "tiers"])
def test_words_stay_on_the_page_and_do_not_overlap(name, charts):
    figure = charts[name]().axes.get_figure(root=True)
    figure.draw_without_rendering()
    axes = figure.axes[0]
    boxes = [words.get_window_extent() for words in axes.texts if words.get_text()]
    for number, box in enumerate(boxes):
        assert figure.bbox.x0 - 1 <= box.x0
        assert box.x1 <= figure.bbox.x1 + 1
        assert not any(box.overlaps(other) for other in boxes[:number])


def test_ribbons_are_as_thick_as_their_customers(moved, charts):
    axes = charts["movement"]().axes
    matrix = moved.matrix().to_numpy()
    ribbons = [patch for patch in axes.patches if len(patch.get_path().vertices) == 9]
    thick = sorted(float(np.ptp(patch.get_path().vertices[[0, 7], 1])) for patch in ribbons)
    counts = np.sort(matrix[matrix > 0])
    assert np.array(thick) / thick[-1] == pytest.approx(counts / counts[-1])


def test_tables_have_the_numbers_that_were_found(moved, tiers, shop):
    table = figures.movement_table(moved)
    assert table.frame.to_numpy().sum() == len(moved.frame)
    assert table.label("to 0") == "Champions"
    change_table = figures.segment_change_table(moved)
    assert "By the cut points of 30 Jun 2025 on both days" in change_table.note
    change = change_table.frame
    assert change["before"].sum() == (moved.frame["way"] != "came").sum()
    grown = change["after"] - change["before"]
    assert [words.partition(" ")[0] for words in change["change"]] == [f"{n}".replace("-", "−") for n in grown]
    flows = figures.flows_table(moved, currency="GBP").frame
    assert flows["change"].sum() == pytest.approx(moved.flows()["change"].sum())
    drawn = figures.tiers_table(tiers, currency="GBP", value="margin").frame
    assert drawn["customers"].sum() == len(tiers.frame)
    tried = rfm_sensitivity(shop)
    sensitivity = figures.sensitivity_table(tried)
    assert sensitivity.frame["moved"].tolist() == tried.table()["moved"].tolist()
    share = language.share(float(1 - tried.stable.mean()))
    assert sensitivity.title == f"{share} of the customers would be in another segment under some other rule"
    assert figures.stable_segments_table(tried).frame["stable"].sum() == tried.stable.sum()


def test_tiers_of_a_handful_tell_nothing_of_a_single_customer():
    tiers = value_tiers(pd.Series([50.0, 30, 15, 5, -1]))
    table = figures.tiers_table(tiers, currency="GBP", value="revenue")
    assert table.frame[["mean_value", "top_share", "gini"]].isna().all(axis=None)
    assert "1 small customer cost more" in table.note
    nothing = value_tiers(pd.Series([0.0, -1.0]))
    assert "<svg" in figures.tiers_chart(nothing, currency="GBP", value="revenue", resamples=20).to_svg()


def test_cut_points_say_who_is_scored_over_which_days(shop):
    rfm = rfm_scores(customer_window(shop, days=365), as_of=shop.as_of, window_days=365)
    note = figures.cut_points_table(rfm, currency="GBP").note
    assert f"the {len(rfm.frame)} customers who bought in the 365 days up to 30 Jun 2026" in note


def test_labels_are_spread_and_stay_in_order():
    heights = _spread([0.9, 0.895, 0.5, 0.01, 0.005])
    assert min(-np.diff(heights)) >= 0.03 - 1e-12
    assert heights[-1] >= 0
    assert heights[2] == 0.5
