"""Figures of core customers, relationship levels, decisions and target lists: whole, readable, within the page."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from crm_lib import figures
from crm_lib.company import Company
from crm_lib.errors import TooLittleData
from crm_lib.segments import CoreComparison, compare_core
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


DRAWN = {
    "core_customers": lambda core: figures.core_chart(core),
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
