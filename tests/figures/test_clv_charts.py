"""What all charts of customer value have in common: words, table, drawing, and nothing outside the page."""

from __future__ import annotations

import datetime as dt
import re
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from crm_lib import figures, language
from crm_lib.clv import NBD, ParetoNBD, ShiftedBetaGeometric, customer_value, membership_value
from crm_lib.exhibit import TABLE_MIME
from tests.clv.cdnow import cdnow_purchases, cdnow_summary
from tests.figures.clv_samples import acquisition, cdnow_comparison, high_end, pareto, shop


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    return shop(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def value(company):
    return customer_value(company, model=NBD(), draws=200)


@pytest.fixture(scope="module")
def members(company):
    return membership_value(company, draws=200)


def _history(_):
    days = cdnow_purchases().query("customer_id == 11")["day"]
    return figures.customer_history_chart(pareto(), days, as_of=dt.date(1997, 9, 30), customer="<b>C</b> $1 $2")


def _truth(_):
    rng = np.random.default_rng(1)
    chance = rng.beta(0.5, 0.5, 500)
    frame = pd.DataFrame({"estimate": chance, "truth": rng.random(500) < chance})
    return figures.truth_chart(frame, what="probability of being still a customer", kind="share")


def _conditional(_):
    return figures.conditional_expectation_chart(
        [ParetoNBD(), NBD()], cdnow_purchases(), cut_off="1997-09-30", horizon_days=273
    )


DRAWN = {
    "tracking": lambda _: figures.tracking_chart(cdnow_comparison()),
    "calibration": lambda _: figures.calibration_chart(cdnow_comparison()),
    "conditional_expectation": _conditional,
    "frequency_recency_map": lambda _: figures.frequency_recency_map(pareto(), cdnow_summary(), horizon=39),
    "customer_history": _history,
    "value_distribution": lambda fixture: figures.value_distribution_chart(fixture("value")),
    "equity": lambda fixture: figures.equity_waterfall(fixture("value")),
    "channel_value": lambda _: figures.channel_value_chart(acquisition()),
    "truth": _truth,
    "retention": lambda _: figures.retention_chart(ShiftedBetaGeometric().fit(high_end(7)), high_end(), seen=7),
    "retention_monthly": lambda fixture: figures.plan_retention_chart(fixture("members"), fixture("company")),
}


@pytest.fixture(scope="module", params=DRAWN)
def chart(request, company, value, members):
    given = {"company": company, "value": value, "members": members}
    chart = DRAWN[request.param](given.__getitem__)
    assert chart.name == chart.table.name == request.param
    return chart


@pytest.fixture(scope="module")
def bundle(chart):
    return chart._repr_mimebundle_()


def test_chart_travels_with_drawing_words_and_table(chart, bundle):
    data, metadata = bundle
    fields = data[figures.CHART_MIME]
    assert fields["title"] == chart.title
    assert metadata["image/svg+xml"]["alt"] == fields["alt"] == data["text/plain"]
    assert fields["table"]["rows"]
    assert "<b>" not in fields["table_html"]
    assert TABLE_MIME not in data
    assert ET.fromstring(data["image/svg+xml"]).tag.endswith("svg")  # noqa: S314 (our own text)


def test_words_are_filled_with_numbers(chart):
    title = chart.axes.get_figure(root=True).get_suptitle()
    for words in (title, chart.title, chart.alt, chart.table.note):
        assert "{" not in words
        assert "nan" not in words.lower().split()
    assert re.search(r"\d", title), "the title is the finding, with its number"
    assert re.search(r"\d", chart.alt)


def test_drawing_is_light_and_refers_to_nothing_outside(bundle):
    svg = bundle[0]["image/svg+xml"]
    assert len(svg) < 80_000
    assert "href" not in svg.replace('href="#', "")
    assert "<script" not in svg


@pytest.mark.filterwarnings("ignore:Glyph .* missing from font")
def test_words_lie_on_the_page_and_not_on_one_another(chart):
    figure = chart.axes.get_figure(root=True)
    figure.draw_without_rendering()
    page = figure.bbox
    every = [figure._suptitle]
    for axes in figure.axes:
        low, high = sorted(axes.get_ylim())
        ticks = [tick.label1 for tick in axes.yaxis.get_major_ticks() if low <= tick.get_loc() <= high]
        every += [*axes.texts, axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label, *ticks]
        notes = [words.get_window_extent() for words in axes.texts if words.get_text()]
        for place, box in enumerate(notes):
            assert not any(box.overlaps(other) for other in notes[:place])
    for words in every:
        box = words.get_window_extent()
        if words.get_text():
            assert page.x0 - 1 <= box.x0, words.get_text()
            assert box.x1 <= page.x1 + 1, words.get_text()
            assert page.y0 - 1 <= box.y0, words.get_text()
            assert box.y1 <= page.y1 + 1, words.get_text()


@pytest.mark.parametrize("name", ["frequency_recency_map", "channel_value", "truth"])
def test_same_data_give_the_same_bytes(name):
    assert DRAWN[name]({}.__getitem__).to_svg() == DRAWN[name]({}.__getitem__).to_svg()


def test_numbers_are_written_in_the_language_of_the_reader():
    language.set_language("de_DE")
    try:
        chart = figures.channel_value_chart(acquisition())
        html, svg = chart.table.to_html(), chart.to_svg()
    finally:
        language.set_language(language.DEFAULT)
    assert "£50,00" in html
    assert svg
