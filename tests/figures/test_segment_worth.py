"""Figures of core customers, relationship levels, decisions and target lists: whole, readable, within the page."""

from __future__ import annotations

import datetime as dt
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from crm_lib import figures
from crm_lib.company import Company
from crm_lib.errors import TooLittleData
from crm_lib.segments import CoreComparison, TargetLists, compare_core, decisions, relationship_levels, target_list
from tests.companies import write_company

NINE = ["Champions", "Loyal", "Slipping away", "Growing", "Steady", "Fading", "Light, recent", "Occasional", "Dormant"]


def _customers(n=1800, *, alike=False):
    rng = np.random.default_rng(1)
    index = pd.Index([f"c{number:04d}" for number in range(n)], name="customer_id")
    groups = pd.Series(rng.choice(NINE, n), index=index)
    mean = groups.map({name: 1.0 if alike else 400.0 / (place + 1) ** 1.5 for place, name in enumerate(NINE)})
    margin = rng.gamma(1.0, mean.to_numpy())
    return groups, pd.DataFrame({"margin": margin, "revenue": 2 * margin, "orders": 1 + rng.poisson(3, n)}, index=index)


@pytest.fixture(scope="module")
def core(tmp_path_factory):
    groups, window = _customers()
    rng = np.random.default_rng(2)
    who = rng.choice(window.index, 400)
    opened = pd.Timestamp("2026-06-29") - pd.to_timedelta(rng.uniform(0, 300, 400), unit="D")
    tables = {
        "transactions": pd.DataFrame(
            {"order_id": window.index, "customer_id": window.index, "ordered_at": "2026-05-01", "revenue": 1.0}
        ),
        "complaints": pd.DataFrame(
            {
                "complaint_id": np.arange(400).astype(str),
                "customer_id": who,
                "opened_at": opened,
                "closed_at": (opened + pd.Timedelta(days=3)).where(rng.random(400) < 0.8),
            }
        ),
        "surveys": pd.DataFrame(
            {"customer_id": who, "responded_at": "2026-03-01", "satisfaction": rng.integers(1, 11, 400)}
        ),
    }
    shop = Company.open(
        write_company(tmp_path_factory.mktemp("data") / "core", tables, how="parquet", as_of="2026-06-30")
    )
    tier = pd.Series(np.where(groups.isin(NINE[:2]), "key", "small"), index=groups.index)
    return compare_core(shop, tier=tier, value=window["margin"], orders=window["orders"])


def _grid(*, alike=False, names=None):
    groups, window = _customers(alike=alike)
    if names:
        groups = groups.map(dict(zip(NINE, names, strict=True)))
    return figures.relationship_grid(relationship_levels(groups, window["margin"], contact_cost=3.0), currency="GBP")


DRAWN = {
    "core_customers": lambda core: figures.core_chart(core),
    "relationship_grid": lambda _: _grid(),
    "all in one cell": lambda _: _grid(alike=True),
    "long names": lambda _: _grid(names=[f"Kunden $x$ <b> 李雷 sehr langer Name {place}" for place in range(9)]),
}


@pytest.mark.parametrize("name", DRAWN)
def test_chart_travels_with_drawing_words_and_table(name, core):
    chart = DRAWN[name](core)
    data, metadata = chart._repr_mimebundle_()
    fields = data[figures.CHART_MIME]
    assert fields["title"]
    assert fields["table"]["rows"]
    assert metadata["image/svg+xml"]["alt"] == fields["alt"]
    assert ET.fromstring(data["image/svg+xml"]).tag.endswith("svg")  # noqa: S314 (our own text)
    assert len(data["image/svg+xml"]) < 110_000
    assert "<b>" not in fields["table_html"]
    assert DRAWN[name](core).to_svg() == data["image/svg+xml"]


@pytest.mark.parametrize("name", DRAWN)
def test_words_stay_on_the_page_and_off_one_another(name, core):
    figure = DRAWN[name](core).axes.get_figure(root=True)
    figure.draw_without_rendering()
    axes = figure.axes[0]
    words = [
        each for each in [*axes.texts, *axes.get_yticklabels(), *axes.get_xticklabels()] if each.get_text().strip()
    ]
    boxes = [each.get_window_extent() for each in words]
    for each, box in zip(words, boxes, strict=True):
        assert figure.bbox.x0 - 1 <= box.x0, each.get_text()
        assert box.x1 <= figure.bbox.x1 + 1, each.get_text()
    for place, one in enumerate(boxes):
        for other, text in zip(boxes[place + 1 :], words[place + 1 :], strict=True):
            width = min(one.x1, other.x1) - max(one.x0, other.x0)
            height = min(one.y1, other.y1) - max(one.y0, other.y0)
            assert not (width > 1 and height > 2), (words[place].get_text(), text.get_text())


def test_the_grid_draws_every_segment_in_its_own_place():
    chart = _grid(alike=True)
    written = [text.get_text() for text in chart.axes.texts]
    assert all(name in written for name in NINE)
    places = {tuple(np.round(each.get_offsets()[0], 3)) for each in chart.axes.collections if each.get_offsets().any()}
    assert len(places) >= len(NINE)


def test_the_title_of_the_grid_is_a_sentence_for_one_and_for_many():
    index = [f"c{number}" for number in range(500)]
    value = pd.Series([900.0, 1100.0] * 10 + [4.0, 6.0] * 240, index=index)
    one = relationship_levels(pd.Series(["best"] * 20 + ["rest"] * 480, index=index), value)
    two = relationship_levels(pd.Series(["best"] * 10 + ["good"] * 10 + ["rest"] * 480, index=index), value)
    titles = [
        figures.relationship_grid(found, currency="GBP").axes.get_figure(root=True).get_suptitle().strip()
        for found in (one, two)
    ]
    assert titles[0] == "The group best calls for the closest level: partnership"
    assert titles[1] == "best and good call for the closest level: partnership"


def test_core_chart_says_what_was_counted(core: CoreComparison):
    chart = figures.core_chart(core)
    share = core.core / core.customers
    assert f"({share:.0%})" in chart.axes.get_figure(root=True).get_suptitle()
    assert len(chart.table.frame) == len(core.frame)
    assert "handled" in figures.handling_table(core).title


def test_handling_needs_to_know_when_complaints_were_closed(core: CoreComparison):
    from dataclasses import replace

    with pytest.raises(TooLittleData):
        figures.handling_table(replace(core, handling=None))


def test_decisions_are_written_with_intervals_and_actions():
    groups, window = _customers()
    grown = window.assign(margin=window["margin"] * 3)
    made = decisions(groups, grown, groups_before=groups, window_before=window)
    table = figures.decisions_table(made, currency="GBP")
    assert list(table.columns)[:3] == ["segment", "action", "customers"]
    assert not {"customer_share", "margin_rate"} & set(table.columns)
    assert "today's cut points" in table.note
    first = table.columns.iloc[0]
    assert first["segment"] == "Champions"
    assert first["change"] == "more value"
    assert first["value_change"].startswith("+£")
    assert "18 changes were looked at" in table.note
    alone = figures.decisions_table(decisions(groups, window), currency="GBP")
    assert "value_change" not in alone.columns
    assert "cannot be told" in alone.note


def test_target_tables_hold_ids_and_count_who_is_withheld():
    index = pd.Index([f"c{number}" for number in range(30)])
    candidates = pd.DataFrame({"value": np.arange(30.0), "reason": "<i>late</i>"}, index=index)
    groups = pd.Series("Growing", index=index)
    allowed = pd.Series(np.arange(30) >= 5, index=index)
    made = target_list("growing", candidates, segment=groups, tier=groups, allowed=allowed)
    lists = TargetLists(
        lists=(made,), left_out={"dissatisfied": "no surveys"}, permission_known=True, as_of=dt.date(2026, 6, 30)
    )
    summary = figures.target_summary_table(lists, currency="GBP")
    assert summary.frame.loc[0, ["customers", "withheld", "first", "several"]].tolist() == [30, 5, 25, 0]
    assert summary.frame.loc[0, "value"] == sum(range(5, 30))
    assert summary.frame.iloc[-1][["list", "customers"]].tolist() == ["All customers, each once", 30]
    assert "no surveys" in summary.note
    whole = figures.target_list_table(lists, currency="GBP", rows_shown=3)
    assert len(whole.to_dict()["rows"]) == 25
    assert whole.to_html().count("<tr>") == 4
    assert "<i>" not in whole.to_html()
    empty = figures.target_list_table(
        TargetLists(lists=(), left_out={}, permission_known=False, as_of=lists.as_of), currency="GBP"
    )
    assert empty.frame.empty
    assert "make sure" in empty.note


def test_the_tables_say_who_is_on_several_lists_and_print_each_customer_once():
    groups = pd.Series("Growing", index=[f"c{number:02d}" for number in range(12)])
    made = tuple(
        target_list(
            name, pd.DataFrame({"value": value, "reason": "r"}, index=groups.index[rows]), segment=groups, tier=groups,
            allowed=None,
        )
        for name, value, rows in (("looking_around", 1.0, slice(0, 8)), ("growing", 5.0, slice(6, 12)))
    )  # fmt: skip
    lists = TargetLists(lists=made, left_out={}, permission_known=True, as_of=dt.date(2026, 6, 30))
    summary = figures.target_summary_table(lists, currency="GBP")
    assert summary.frame[["customers", "first", "several"]].to_numpy().tolist() == [[8, 8, 2], [6, 4, 2], [12, 12, 2]]
    # Each counts once, with the value of the first list: eight of 1 and four of 5.
    assert summary.frame["value"].iloc[-1] == 28.0
    assert summary.note.startswith("2 customers are on more than one list")
    assert "for those looking around, it is times the risk" in summary.note
    whole = figures.target_list_table(lists, currency="GBP").columns
    assert whole["customer_id"].iloc[:12].is_unique
    assert whole["first_list"].tolist() == ["yes"] * 12 + ["no"] * 2
    assert whole.loc[whole["also_on"] != "–", "also_on"].tolist() == ["growing"] * 2 + ["looking around"] * 2


def test_tier_of_lapsed_customers_is_said_to_be_the_earlier_one():
    index = pd.Index([f"c{number}" for number in range(12)])
    blank = pd.Series(dtype=object)
    candidates = pd.DataFrame({"value": np.arange(12.0), "reason": "r"}, index=index)
    gone, other = (
        target_list(name, candidates, segment=blank, tier=blank, allowed=None) for name in ("former_core", "growing")
    )
    for made, said in ((gone, True), (other, False)):
        lists = TargetLists(lists=(made,), left_out={}, permission_known=True, as_of=dt.date(2026, 6, 30))
        for table in (figures.target_summary_table, figures.target_list_table):
            assert ("of the window before are those of that window" in table(lists, currency="GBP").note) is said
