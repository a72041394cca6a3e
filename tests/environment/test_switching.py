"""Switching: a steady state that is one, intervals that hold, the planted matrix found, customers who are no panel."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from crm_lib import environment, figures
from crm_lib.demo.market import ALL_BRANDS, MEASURES, OWN, SWITCHING
from crm_lib.environment import switching
from crm_lib.environment.brand_equity import discounted
from crm_lib.environment.switching import OTHERS, steady_state
from crm_lib.errors import CompanyError, MissingData, TooLittleData
from crm_lib.finding import Verdict

P = np.array([[0.8, 0.15, 0.05], [0.1, 0.85, 0.05], [0.2, 0.2, 0.6]])
NAMES = np.array(["we", "big", "small"])


def panel(rng, n=600, start=(0.3, 0.5, 0.2), matrix=P, names=NAMES):
    before = rng.choice(len(names), n, p=start)
    after = (rng.random(n)[:, None] > matrix[before].cumsum(axis=1)).sum(axis=1)
    return pd.DataFrame({
        "customer_id": None, "observed_at": "2026-03-01", "from_brand": names[before], "to_brand": names[after],
        "weight": rng.gamma(8, 1 / 8, n).round(3),
    })  # fmt: skip


def benchmarks(names=NAMES, values=(100.0, 50.0, 80.0)):
    return pd.DataFrame({"brand": names, "own": np.arange(len(names)) == 0, "measure": "Revenue",
                         "measured_at": "2026-03-01", "value": values, "better": "higher"})  # fmt: skip


@pytest.fixture
def shop(opened):
    return lambda rows, competitors: opened("2026-06-30", switching=rows, competitors=competitors)


@given(st.lists(st.lists(st.floats(0.01, 1), min_size=4, max_size=4), min_size=4, max_size=4))
def test_a_steady_state_is_a_fixed_point_whose_shares_sum_to_one(rows):
    matrix = np.array(rows) / np.sum(rows, axis=1, keepdims=True)
    shares = steady_state(matrix)
    assert shares @ matrix == pytest.approx(shares, abs=1e-9)
    assert shares.sum() == pytest.approx(1)
    assert (shares > 0).all()


class InMemory:
    """A company of one table, not written to a file."""

    as_of = dt.date(2026, 6, 30)

    def __init__(self, rows):
        self.rows = rows

    def has(self, *_):
        return True

    def frame(self, _, *names):
        return self.rows[list(names)].copy()


@pytest.fixture
def switched(monkeypatch):
    """Return a function that estimates switching from rows."""
    monkeypatch.setattr(switching, "own_brands", lambda _: ["we"])
    return lambda rows, seed=0: environment.brand_switching(InMemory(rows), seed=seed)


def held(runs, seed, switched):
    rng, truth, inside, cells = np.random.default_rng(seed), steady_state(P), np.zeros(3), 0.0
    start = np.array([0.3, 0.5, 0.2])
    for run in range(runs):
        found = switched(panel(rng), run)
        order = [NAMES.tolist().index(name) for name in found.shares.index]
        for place, brand in zip(order, found.shares.index, strict=True):
            inside[0] += found.shares.loc[brand, "steady"].low <= truth[place] <= found.shares.loc[brand, "steady"].high
            one, now = found.shares.loc[brand, "change"], (start @ P)[place]
            inside[1] += one.low <= 100 * (truth[place] - now) <= one.high
            row = found.matrix.loc[brand, NAMES]
            cells += sum(one.low <= p <= one.high for one, p in zip(row, P[place], strict=True))
        net = (start[1:] @ P[1:, 0]) - start[0] * P[0, 1:].sum()
        inside[2] += 3 * (found.balance.low <= net <= found.balance.high)
    return inside / (3 * runs), cells / (9 * runs)


def test_intervals_of_switching_hold(switched):
    inside, cells = held(20, 3, switched)
    assert (inside >= 0.85).all()
    assert cells >= 0.88


@pytest.mark.validate
def test_intervals_of_switching_hold_in_many_panels(switched):
    inside, cells = held(1200, 4, switched)
    assert inside == pytest.approx(np.full(3, 0.95), abs=0.02)
    assert cells == pytest.approx(0.95, abs=0.01)


def test_the_demos_matrix_is_found_and_its_customers_alone_would_tell_another(demo):
    found = environment.brand_switching(demo, seed=1)
    truth = pd.DataFrame(SWITCHING, ALL_BRANDS, ALL_BRANDS)
    inside = [found.matrix.loc[a, b].low <= truth.loc[a, b] <= found.matrix.loc[a, b].high
              for a in ALL_BRANDS for b in ALL_BRANDS]  # fmt: skip
    assert np.mean(inside) >= 0.85
    steady = dict(zip(ALL_BRANDS, steady_state(SWITCHING), strict=True))
    assert all(found.shares.loc[b, "steady"].low <= x <= found.shares.loc[b, "steady"].high for b, x in steady.items())
    before = np.array(MEASURES["Market share"][3])
    assert found.changed.low <= 1 - before @ np.diag(SWITCHING) <= found.changed.high
    assert found.concentration.low <= ((before @ SWITCHING) ** 2).sum() <= found.concentration.high
    # The rival: all rows pooled. Leavers who told where they went make the company lose far too many.
    rows = demo.frame("switching", "from_brand", "to_brand")
    pooled = (rows["from_brand"] == OWN) & (rows["to_brand"] == OWN)
    assert pooled.sum() / (rows["from_brand"] == OWN).sum() < found.matrix.loc[OWN, OWN].low
    assert found.left_out > 0
    # Planted: the company wins from every rival, most from the largest, and its share grows.
    assert found.net["net"].map(lambda one: one.value).idxmax() == "Colossus Online"
    said = environment.finding_net_gain(found), environment.finding_steady_share(found)
    assert [each.verdict for each in said] == [Verdict.SUPPORTED, Verdict.SUPPORTED]
    assert all(len(each.text.split()) <= 30 for each in said)
    assert "came to Lantern Books" in figures.switching_flows_chart(found).alt
    assert len(figures.switching_table(found).frame) == 4


def test_small_brands_are_put_together_and_tiny_rests_left_out(switched):
    rows = panel(np.random.default_rng(5))
    small = rows.head(24).assign(from_brand=["x"] * 8 + ["y"] * 8 + ["we"] * 8, to_brand=["we"] * 16 + ["x"] * 8)
    assert OTHERS in switched(pd.concat([rows, small])).matrix.index
    assert OTHERS not in switched(pd.concat([rows, small.head(8)])).matrix.index


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows.assign(customer_id="c1"), "a panel"),
        (lambda rows: rows.assign(weight=0.0), "a panel"),
        (lambda rows: rows.head(0), "a panel"),
        (lambda rows: rows[rows["from_brand"] != "we"], "buyers of 'we'"),
        (lambda rows: rows[rows["from_brand"] == "we"], "and of a rival"),
        (lambda rows: rows.assign(observed_at="2024-01-01"), "in the last year"),
        (lambda rows: rows.assign(to_brand=rows["from_brand"]), "nobody moves both ways"),
    ],
)
def test_what_is_no_panel_of_switching_buyers_is_told(switched, change, words):
    with pytest.raises(TooLittleData, match=words):
        switched(change(panel(np.random.default_rng(1))))


def test_without_an_own_brand_nothing_can_be_won_or_lost(shop):
    with pytest.raises(MissingData, match="column own of table 'competitors'"):
        environment.brand_switching(shop(panel(np.random.default_rng(1)), benchmarks().assign(own=False)))


TERMS = {"annual_rate": 0.1, "purchases_a_year": 2.0, "years": 5.0}


def test_two_brands_by_algebra():
    p, start, step = np.array([[0.7, 0.3], [0.5, 0.5]]), np.array([1.0, 0.0]), 0.9
    # With chances a and b to change, shares settle at b / (a + b) and a / (a + b).
    assert steady_state(p) == pytest.approx([0.5 / 0.8, 0.3 / 0.8])
    # Customer equity (Rust, Lemon & Zeithaml 2004): over all time the sum is start (I - step P)^-1.
    forever = discounted(start, p, step=step, steps=400)
    assert forever == pytest.approx(start @ np.linalg.inv(np.eye(2) - step * p))
    # By hand: 1 + 0.9 * 0.7 + 0.81 * (0.7 * 0.7 + 0.3 * 0.5) purchases of the first brand in three.
    assert discounted(start, p, step=step, steps=2) == pytest.approx([1 + 0.63 + 0.81 * 0.64, 0.27 + 0.81 * 0.36])
    assert discounted(start, p, step=1.0, steps=4).sum() == pytest.approx(5)


def test_equity_shares_sum_to_one_and_do_not_hang_on_units(shop):
    rows = panel(np.random.default_rng(2), n=400)
    one = shop(rows, benchmarks())
    found = environment.brand_switching(one)
    equity = environment.brand_equity(one, found, **TERMS, value_measure="Revenue")
    assert sum(each.value for each in equity.frame["share"]) == pytest.approx(1)
    dear = shop(rows, benchmarks(values=(10_000.0, 5_000.0, 8_000.0)))
    again = environment.brand_equity(dear, environment.brand_switching(dear), **TERMS, value_measure="Revenue")
    for brand in equity.frame.index:
        assert again.frame.loc[brand, "share"].value == pytest.approx(equity.frame.loc[brand, "share"].value)
        assert again.levers.loc[brand, "worth"].value == pytest.approx(100 * equity.levers.loc[brand, "worth"].value)
    # More buyers of the largest rival than of the smallest can be won by one point.
    worth = equity.levers["worth"]
    assert worth["big"].value > worth["small"].value > 0
    plain = environment.brand_equity(one, found, **TERMS)
    assert plain.frame["equity"].iloc[0].unit == "purchases"
    assert "of what buyers will bring" in figures.brand_equity_chart(equity).alt
    with pytest.raises(CompanyError, match="no measure 'Sales'; it has Revenue"):
        environment.brand_equity(one, found, **TERMS, value_measure="Sales")
    with pytest.raises(MissingData, match="'Revenue' of small"):
        environment.brand_equity(shop(rows, benchmarks().head(2)), found, **TERMS, value_measure="Revenue")
    with pytest.raises(ValueError, match="positive"):
        environment.brand_equity(one, found, annual_rate=0.1, purchases_a_year=0.0, years=5.0)
