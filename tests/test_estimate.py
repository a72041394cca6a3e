import json
import math

import pytest
from hypothesis import given, strategies as st

from crm_lib.estimate import Estimate


@pytest.mark.parametrize(
    ("value", "low", "high", "unit", "printed"),
    [
        (31.2, 26.9, 35.4, "", "31 [27, 35]"),
        (31.2, 29.5, 32.9, "", "31.2 [29.5, 32.9]"),
        (12_345, 11_900, 12_790, "", "12,300 [11,900, 12,800]"),
        (0.04523, 0.0389, 0.0516, "", "0.045 [0.039, 0.052]"),
        (0.7312, 0.66, 0.80, "share", "73% [66%, 80%]"),
        (1234.56, 900.1, 1600.2, "GBP", "£1,200 [£900, £1,600]"),
        (1.5, 1.497, 1.503, "GBP", "£1.50 [£1.50, £1.50]"),
        (-4.0, -8.2, 0.3, "", "−4 [−8, 0]"),
        (3.31, 2.0, math.inf, "years", "3.31 [2, ∞] years"),
        (8.4, 5.2, 11.9, "weeks", "8.4 [5.2, 11.9] weeks"),
    ],
)
def test_an_estimate_prints_as_people_write(value, low, high, unit, printed):
    assert str(Estimate(value=value, low=low, high=high, n=10, method="Wald", unit=unit)) == printed


def test_a_counted_number_prints_without_an_interval():
    assert str(Estimate.exact(2357, n=2357)) == "2,357"
    assert str(Estimate.exact(0.2, n=5, unit="share")) == "20%"


def test_an_exact_amount_of_money_keeps_three_digits():
    assert str(Estimate.exact(315_949.2, n=9, unit="GBP")) == "£316,000"
    assert str(Estimate.exact(999.5, n=9, unit="GBP")) == "£1,000"
    assert str(Estimate.exact(12.3, n=9, unit="GBP")) == "£12.30"


def test_what_cannot_be_estimated_says_so():
    assert str(Estimate(value=math.nan, low=-math.inf, high=math.inf, n=0, method="none")) == "not estimable"


@pytest.mark.parametrize(
    "bad",
    [{"low": 3.0, "high": 1.0}, {"low": 5.0, "high": 6.0}, {"low": 1.0, "high": 3.0, "level": 95}],
)
def test_an_impossible_estimate_is_refused(bad):
    with pytest.raises(ValueError, match=r"interval|level"):
        Estimate(**{"value": 2.0, "n": 1, "method": "x", **bad})


@given(
    st.floats(-1e9, 1e9),
    st.floats(0, 1e6),
    st.one_of(st.floats(0, 1e6), st.just(math.inf)),
    st.sampled_from(["", "share", "EUR", "weeks"]),
)
def test_json_has_every_number_and_null_for_an_open_end(value, below, above, unit):
    estimate = Estimate(value=value, low=value - below, high=value + above, n=3, method="x", unit=unit)
    fields = json.loads(json.dumps(estimate.to_dict(), allow_nan=False))
    high = fields["high"] if fields["high"] is not None else math.inf
    assert (fields["value"], fields["low"], high, fields["unit"]) == (value, value - below, value + above, unit)


@given(st.floats(-1e12, 1e12), st.floats(1e-6, 1e9), st.sampled_from(["", "share", "EUR"]))
def test_every_estimate_can_be_printed_without_exponents(value, half, unit):
    estimate = Estimate(value=value, low=value - half, high=value + half, n=3, method="x", unit=unit)
    assert "e" not in str(estimate).lower()
    assert str(estimate).count("[") == (0 if estimate.is_exact else 1)
