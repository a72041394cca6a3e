"""The eight forms of chart, on frames that companies really have."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crm_lib.exhibit import TABLE_MIME
from crm_lib.figures import forms
from crm_lib.figures.columns import table
from tests.figures.conftest import drawn

NAMES = ["A < B & C", "Preis $1 $2", "図書", "A very long name of a segment that nobody would print whole"]
WORDS = {"name": "x", "headline": "Champions bring half", "title": "Margin in GBP", "currency": "GBP"}
WORDS["about"] = "So it is."


def _rows(n=4, **more):
    values = np.linspace(120_000.0, -8_000.0, n)
    frame = {"value": values, "low": values - 5000, "high": values + 5000, "cost": np.abs(values), "held": True, **more}
    return pd.DataFrame(frame, index=pd.Index((NAMES * n)[:n], name="segment"))


def _over_time(n=12):
    index = pd.DatetimeIndex(pd.date_range("2025-01-01", periods=n, freq="MS"), name="month")
    revenue = np.arange(1.0, n + 1)
    return pd.DataFrame(
        {"revenue": revenue, "margin": revenue / 2, "low": revenue - 1, "high": revenue + 1}, index=index
    )


def _matrix(n=3):
    return pd.DataFrame(np.arange(1.0, n * n + 1).reshape(n, n), index=NAMES[:n], columns=NAMES[:n])


def _told(n=5):
    told = np.linspace(0.1, 0.9, n)
    return pd.DataFrame({"told": told, "was": told, "low": told - 0.1, "high": told + 0.1, "customers": 10})


DRAWN = {
    "bars": lambda n: forms.bars(_rows(n), "value", low="low", high="high", **WORDS),
    "bars stacked": lambda n: forms.bars(_rows(n), "value", stacked=["cost", "high"], **WORDS),
    "bridge": lambda n: forms.bars(_rows(n).assign(start=10.0), "value", start="start", reference=5, **WORDS),
    "dots": lambda n: forms.dots(_rows(n), "value", mark="cost", hollow="held", reference=0, **WORDS),
    "heat": lambda n: forms.heat(_matrix(n), kind="count", rows="Before", columns="After", **WORDS),
    "heat two-sided": lambda n: forms.heat(_matrix(n), kind="number", middle=4, **WORDS),
    "curve": lambda n: forms.curve(_over_time(n), ["revenue", "margin"], low="low", high="high", **WORDS),
    "calibration": lambda n: forms.calibration(_told(n), **WORDS),
    "areas": lambda n: forms.areas(_over_time(n), ["revenue", "margin"], **WORDS),
    "flows": lambda n: forms.flows(_matrix(n), sides=("before", "after"), ends=("New", "Gone"), **WORDS),
    "grid": lambda n: forms.grid(_rows(n), "cost", "value", size="cost", x_cuts=(9.0,), log="x", **WORDS),
}


@pytest.mark.parametrize("form", DRAWN)
def test_a_form_draws_the_same_picture_twice_says_what_it_shows_and_carries_its_numbers(form):
    chart = DRAWN[form](3)
    svg, fields = drawn(chart, letters=60_000)
    assert svg == DRAWN[form](3).to_svg()
    assert chart.alt.startswith("Champions bring half. ")
    assert chart.alt.endswith("So it is.")
    assert any(sign.isdigit() for sign in chart.alt)
    assert len(fields["table"]["rows"]) >= 3
    assert "A < B" not in fields["table_html"]


@pytest.mark.parametrize("form", DRAWN)
def test_a_single_row_is_drawn_too(form):
    assert DRAWN[form](1).to_svg()


@pytest.mark.parametrize("form", ["bars", "dots"])
def test_a_missing_number_leaves_its_row_empty(form):
    frame = _rows()
    frame.loc[NAMES[1], ["value", "low", "high"]] = np.nan
    assert "–" in getattr(forms, form)(frame, "value", low="low", high="high", **WORDS).alt


def test_interval_ends_are_written_as_what_they_surround():
    frame = pd.DataFrame({"share": [0.5], "low": [0.4], "high": [0.6], "margin": [10.0], "margin_low": [9.0]})
    made = table("t", "T", frame, currency="GBP")
    assert made.kinds == {"share": "share", "low": "share", "high": "share", "margin": "money", "margin_low": "money"}
    assert [made.label(name) for name in frame] == ["Share", "From", "To", "Margin", "From"]


def test_words_in_a_column_of_numbers_stay_words():
    made = table("t", "T", pd.DataFrame({"value": ["unknown"], "customers": [3]}))
    assert made.to_dict()["kinds"] == ["text", "count"]
    assert made._repr_mimebundle_()[TABLE_MIME]["rows"] == [["unknown", 3]]
