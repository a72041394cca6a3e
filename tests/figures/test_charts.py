from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from crm_lib import figures
from crm_lib.company import Company
from crm_lib.exhibit import TABLE_MIME, Table
from crm_lib.figures.style import new_axes, to_svg
from crm_lib.language import short_money
from crm_lib.segments import customer_window, profit_table
from tests.companies import transactions, write_company


def _lines(n=4000, customers=300):
    rng = np.random.default_rng(2)
    back = rng.random(n) < 0.05
    revenue = rng.gamma(2, 20, n).round(2)
    return pd.DataFrame(
        {
            "order_id": np.arange(n).astype(str),
            "customer_id": (rng.random(n) ** 2 * customers).astype(int).astype(str),
            "ordered_at": pd.Timestamp("2024-11-20") + pd.to_timedelta(rng.integers(0, 580, n), unit="D"),
            "category": rng.choice(["A < B & C", "Preis $1 $2", "図書", None], n),
            "revenue": np.where(back, -revenue, revenue),
        }
    )


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "charts"
    return Company.open(write_company(folder, {"transactions": _lines()}, how="parquet", as_of="2026-06-18"))


@pytest.fixture(scope="module")
def window(shop):
    return customer_window(shop, days=365)


DRAWN = {
    "months": lambda shop, _: figures.monthly_chart(shop),
    "profit_category": lambda shop, _: figures.profit_chart(profit_table(shop, "category")),
    "returns_category": lambda shop, _: figures.returns_chart(profit_table(shop, "category")),
}


@pytest.mark.parametrize("name", DRAWN)
def test_chart_travels_with_drawing_words_and_table(name, shop, window):
    chart = DRAWN[name](shop, window)
    data, metadata = chart._repr_mimebundle_()
    fields = data[figures.CHART_MIME]
    assert fields["name"] == chart.name == name
    assert fields["title"]
    assert metadata["image/svg+xml"]["alt"] == fields["alt"] == data["text/plain"]
    assert fields["table"]["rows"]
    assert "<table>" in fields["table_html"]
    assert TABLE_MIME not in data  # the table behind a chart is the chart's, and not shown a second time
    root = ET.fromstring(data["image/svg+xml"])  # noqa: S314 (our own text)
    assert root.tag.endswith("svg")


@pytest.mark.parametrize("name", DRAWN)
def test_same_data_give_the_same_bytes(name, shop, window):
    assert DRAWN[name](shop, window).to_svg() == DRAWN[name](shop, window).to_svg()


@pytest.mark.parametrize("name", DRAWN)
def test_nothing_is_drawn_outside_the_page(name, shop, window):
    figure = DRAWN[name](shop, window).axes.get_figure(root=True)
    figure.draw_without_rendering()
    page = figure.bbox
    for axes in figure.axes:
        for words in [*axes.texts, axes.title, axes.xaxis.label, axes.yaxis.label, *axes.get_yticklabels()]:
            if not words.get_text():
                continue
            box = words.get_window_extent()
            assert page.x0 - 1 <= box.x0, words.get_text()
            assert box.x1 <= page.x1 + 1, words.get_text()


@pytest.mark.parametrize("name", DRAWN)
def test_drawing_is_light_and_refers_to_nothing_outside(name, shop, window):
    svg = DRAWN[name](shop, window).to_svg()
    assert len(svg) < 80_000
    assert "href" not in svg.replace('href="#', "")
    assert "<script" not in svg


def test_drawing_leaves_no_figure_open_and_no_setting_changed(shop, window):
    before = dict(plt.rcParams)
    DRAWN["months"](shop, window).to_svg()
    assert not plt.get_fignums()
    assert dict(plt.rcParams) == before


def test_smaller_svg_draws_the_same_picture():
    axes = new_axes()
    axes.plot([0, 1], [0, 1])
    root = ET.fromstring(to_svg(axes.get_figure(root=True)))  # noqa: S314
    lines = [path.get("d") for path in root.iter("{http://www.w3.org/2000/svg}path") if "clip-path" in path.attrib]
    numbers = [float(part) for part in lines[-1].replace("M", "").replace("L", "").split()]
    corners = axes.transData.transform([(0, 0), (1, 1)]) * 72 / axes.get_figure(root=True).dpi
    height = axes.get_figure(root=True).get_figheight() * 72
    expected = [corners[0, 0], height - corners[0, 1], corners[1, 0], height - corners[1, 1]]
    assert numbers == pytest.approx(expected, abs=0.02)


def test_chart_without_words_for_the_blind_is_refused():
    table = Table(name="t", title="T", frame=pd.DataFrame({"a": [1]}))
    with pytest.raises(ValueError, match="needs an alternative text"):
        figures.Chart(name="c", title="C", axes=new_axes(), alt=" ", table=table)


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (999_499, "£999k"),
        (999_500, "£1.0m"),
        (9_949, "£9,949"),
        (9_960, "£10k"),
        (-2_500_000, "−£2.5m"),
        (0.5, "£0.50"),
    ],
)
def test_short_amounts_round_to_the_right_unit(amount, written):
    assert short_money(amount, "GBP") == written


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
