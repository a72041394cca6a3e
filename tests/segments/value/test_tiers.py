from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats

from crm_lib.segments import tier_shares, value_tiers

amounts = st.lists(st.integers(-20, 60), min_size=1, max_size=40)
ways = st.sampled_from(["value", "count"])


def _series(values, names=None):
    return pd.Series(values, index=names, dtype=float)


def test_tiers_by_value_end_where_the_shares_do():
    # Together 100: 30 + 20 are the first half, 30 more reach 80, 15 more reach 95.
    values = _series([30, 20, 16, 14, 10, 5, 3, 2], list("abcdefgh"))
    tiers = value_tiers(values)
    assert tiers.frame["tier"].tolist() == ["key"] * 2 + ["major"] * 2 + ["ordinary"] * 2 + ["small"] * 2
    assert tiers.cut_points == (20, 14, 5)
    assert tiers.table()["value_share"].tolist() == pytest.approx([0.5, 0.3, 0.15, 0.05])


def test_customers_who_bring_nothing_are_small_and_losses_are_marked():
    tiers = value_tiers(_series([10, 0, -5], ["a", "b", "c"]))
    assert tiers.frame["tier"].tolist() == ["key", "small", "small"]
    assert tiers.frame["losing"].tolist() == [False, False, True]
    assert tiers.table().loc["small", "losing"] == 1
    nobody = value_tiers(_series([0, -5]))
    assert nobody.frame["tier"].tolist() == ["small", "small"]
    assert nobody.table()["value_share"].isna().all()


@settings(deadline=None, max_examples=30)
@given(amounts, ways)
def test_equal_customers_share_a_tier_and_more_is_never_a_lower_one(values, by):
    frame = value_tiers(_series(values), by=by).frame
    assert not frame[["value", "tier"]].drop_duplicates().duplicated("value").any()
    assert frame.sort_values("value", ascending=False)["tier"].is_monotonic_increasing


@settings(deadline=None, max_examples=30)
@given(amounts, ways)
def test_stored_cut_points_put_every_customer_where_she_was(values, by):
    first = value_tiers(_series(values), by=by)
    again = value_tiers(_series(values), cut_points=first.cut_points)
    assert again.frame["tier"].tolist() == first.frame["tier"].tolist()
    assert again.shares is None


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 500), min_size=1, max_size=40))
def test_each_share_is_met_as_nearly_as_whole_groups_allow(values):
    series = _series(values)
    brought = series.groupby(value_tiers(series).frame["tier"], observed=False).sum()
    reached = brought.cumsum().to_numpy()[:3] / series.sum()
    largest = series.groupby(series).sum().max() / series.sum()
    assert (np.abs(reached - [0.5, 0.8, 0.95]) <= largest / 2 + 1e-9).all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"values": _series([1, np.nan], ["a", "b"])}, r"missing or infinite for \['b'\]"),
        ({"values": _series([])}, "at least one customer"),
        ({"values": _series([1, 2], ["a", "a"])}, r"several of \['a'\]"),
        ({"values": _series([1]), "by": "size"}, "by must be 'value' or 'count', not 'size'"),
        ({"values": _series([1]), "shares": (0.5, 0.4, 0.9)}, "3 ascending shares"),
        ({"values": _series([1]), "shares": (0.5, 0.9)}, "3 ascending shares"),
        ({"values": _series([1]), "cut_points": (1, 2, 3)}, "3 positive cut points in descending order"),
        ({"values": _series([1]), "cut_points": (2, 1, 0)}, "3 positive cut points"),
        ({"values": _series([1]), "cut_points": (3, 2, 1), "shares": (0.1, 0.2, 0.3)}, "not both"),
    ],
)
def test_arguments_that_cannot_be_meant_are_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        value_tiers(**arguments)


def test_what_defines_the_tiers_is_exact_and_the_rest_has_an_interval():
    values = _series(np.random.default_rng(1).lognormal(0, 1, 1000))
    by_value, by_count = (tier_shares(value_tiers(values, by=by), resamples=99) for by in ("value", "count"))
    assert all(share.is_exact for share in by_value["value_share"])
    assert not any(share.is_exact for share in by_value["customer_share"])
    assert not any(share.is_exact for share in by_count["value_share"])
    for name, shares in (("customer_share", by_value), ("value_share", by_count)):
        assert sum(share.value for share in shares[name]) == pytest.approx(1)


def test_one_customer_and_no_value_leave_the_shares_open():
    alone = tier_shares(value_tiers(_series([5.0])), resamples=50)["customer_share"]["key"]
    assert (alone.value, alone.low, alone.high) == (1.0, 0.0, 1.0)
    nothing = tier_shares(value_tiers(_series([0.0, -5.0]), by="count"), resamples=50)["value_share"]["key"]
    assert str(nothing) == "not estimable"


class Pareto:
    """Top share, customers who bring a share, and customers above a cut point, in closed form."""

    def __init__(self, alpha):
        self.alpha, self.power = alpha, 1 - 1 / alpha

    def draw(self, rng, n):
        return (1 - rng.random(n)) ** (-1 / self.alpha)

    def top(self, share):
        return share**self.power

    def part(self, value):
        return value ** (1 / self.power)

    def beyond(self, cut):
        return cut**-self.alpha


class Lognormal:
    def __init__(self, sigma):
        self.sigma = sigma

    def draw(self, rng, n):
        return rng.lognormal(0, self.sigma, n)

    def top(self, share):
        return stats.norm.cdf(self.sigma - stats.norm.isf(share))

    def part(self, value):
        return stats.norm.sf(self.sigma - stats.norm.ppf(value))

    def beyond(self, cut):
        return stats.norm.sf(np.log(cut) / self.sigma)


EDGES = {
    "value": np.array([0.5, 0.8, 0.95]),
    "count": np.array([0.05, 0.2, 0.5]),
    "cut points": np.array([4.0, 2, 1.1]),
}


def _truth(law, way):
    beyond = law.beyond(EDGES[way])
    cumulated = {
        "value": {"customer_share": law.part(EDGES[way])},
        "count": {"value_share": law.top(EDGES[way])},
        "cut points": {"customer_share": beyond, "value_share": law.top(beyond)},
    }[way]
    return {name: np.diff(shares, prepend=0, append=1) for name, shares in cumulated.items()}


def _coverage(law, way, *, n, samples, resamples):
    truth, rng, hits = _truth(law, way), np.random.default_rng(5), []
    arguments = {"cut_points": EDGES[way]} if way == "cut points" else {"by": way, "shares": EDGES[way]}
    for number in range(samples):
        shares = tier_shares(value_tiers(pd.Series(law.draw(rng, n)), **arguments), resamples=resamples, seed=number)
        hits.append(
            [
                interval.low <= right <= interval.high
                for name, rights in truth.items()
                for interval, right in zip(shares[name], rights, strict=True)
            ]
        )
    return np.mean(hits, axis=0)


@pytest.mark.parametrize("way", EDGES)
def test_intervals_of_the_shares_cover_the_truth_about_as_often_as_they_say(way):
    # 95 % nominal; 80 samples leave a standard error of 2.4 points: four of them for chance and small samples.
    assert (_coverage(Lognormal(1.0), way, n=200, samples=80, resamples=99) >= 0.95 - 4 * 0.024).all()


@pytest.mark.validate
@pytest.mark.parametrize("way", EDGES)
@pytest.mark.parametrize("law", [Lognormal(1.0), Pareto(3.0)], ids=["lognormal", "pareto"])
def test_coverage_of_the_shares_by_a_large_simulation(law, way):
    # Misses at most twice the nominal 5 %, with two standard errors of 300 samples for chance.
    assert (_coverage(law, way, n=1000, samples=300, resamples=299) >= 0.90 - 2 * 0.0173).all()
