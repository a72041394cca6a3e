"""What a chart is made of, and the data in a page."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pandas as pd
import pytest

from crm_lib import figures
from crm_lib.company import Company
from crm_lib.exhibit import Table
from crm_lib.figures.style import new_axes, to_svg
from crm_lib.language import short_money
from tests.companies import transactions, write_company


def test_smaller_svg_draws_the_same_picture():
    axes = new_axes()
    axes.plot([0, 1], [0, 1], marker="o")
    axes.set_title("exactly 1.2345")
    root = ET.fromstring(to_svg(axes.get_figure(root=True)))  # noqa: S314
    lines = [path.get("d") for path in root.iter("{http://www.w3.org/2000/svg}path") if "clip-path" in path.attrib]
    numbers = [float(part) for part in lines[-1].replace("M", "").replace("L", "").split()]
    corners = axes.transData.transform([(0, 0), (1, 1)]) * 72 / axes.get_figure(root=True).dpi
    height = axes.get_figure(root=True).get_figheight() * 72
    expected = [corners[0, 0], height - corners[0, 1], corners[1, 0], height - corners[1, 1]]
    assert numbers == pytest.approx(expected, abs=0.02)
    marks = ET.tostring(root, encoding="unicode")
    assert "exactly 1.2345" in marks
    assert not re.search(r"\d\.\d{3}", marks.replace("1.2345", ""))


def test_chart_without_words_for_the_blind_is_refused():
    table = Table(name="t", title="T", frame=pd.DataFrame({"a": [1]}))
    with pytest.raises(ValueError, match="needs an alternative text"):
        figures.Chart(name="c", title="C", axes=new_axes(), alt=" ", table=table)


SHORT = {
    999_499: "£999k", 999_500: "£1.0m", 9_949: "£9,949", 9_960: "£10k", -2_500_000: "−£2.5m", 0.5: "£0.50",
}  # fmt: skip


def test_short_amounts_round_to_the_right_unit():
    assert {amount: short_money(amount, "GBP") for amount in SHORT} == SHORT


def test_months_are_counted_by_hand(tmp_path):
    shop = Company.open(write_company(tmp_path / "hand", {"transactions": transactions()}, as_of="2025-03-31"))
    frame = figures.monthly(shop)
    assert frame["revenue"].tolist() == pytest.approx([37.5, 129.9, 47.5])
    assert frame["customers"].tolist() == [2, 2, 2]
    assert frame["new"].tolist() == [2, 1, 0]
    assert frame["returning"].tolist() == [0, 1, 2]
    assert frame["complete"].tolist() == [False, True, True]  # the first line is of 10 January


def test_month_without_a_line_is_shown_as_nothing(tmp_path):
    rows = [("o1", "a", "2025-01-02", 5.0), ("o2", "a", "2025-03-31", 7.0)]
    shop = Company.open(write_company(tmp_path / "gap", {"transactions": transactions(rows)}))
    assert figures.monthly(shop)["revenue"].tolist() == [5, 0, 7]


def test_facts_and_faults_tell_what_the_check_found(tmp_path):
    rows = [("o1", "a", "2025-01-02", 5.0), ("o2", "b", "not a day", 7.0), ("o3", "b", "2025-06-01", 7.0)]
    shop = Company.open(write_company(tmp_path / "faults", {"transactions": transactions(rows)}, as_of="2025-03-31"))
    facts = figures.facts(shop).frame.loc["Transactions"]
    assert facts[["rows", "rejected", "cut", "kept"]].tolist() == [3, 1, 1, 1]
    faults = figures.faults(shop).frame.set_index("column")
    assert faults.loc["ordered_at", "count"] == 1
