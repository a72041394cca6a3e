from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from crm_lib.relationships import ProspectModel
from tests.relationships.prospects.prospect_samples import CHANNELS, GROUPS, RATE, VALUE, simulate_training


@pytest.fixture(scope="module")
def sample():
    return simulate_training(1, customers=6000, prospects=6000)


@pytest.fixture(scope="module")
def fitted(sample):
    return ProspectModel().fit(sample[0])


def _true_gross(truth, days=90):
    # The rate is constant, so that it does not matter how long a prospect has been known.
    return -np.expm1(-truth["rate"] * days) * truth["value"]


def test_chances_and_values_are_recovered(sample, fitted):
    training, truth = sample
    found = fitted.predict(training.open)
    true = truth.loc[found.index]
    assert (fitted.value_.rule, fitted.conversion_.rule) == (
        "all",
        "channel",
    )  # groups tell of value, not of the chance
    chance = -np.expm1(-true["rate"] * 90)
    assert found["chance"].corr(chance) > 0.9
    assert found["value"].corr(true["value"]) > 0.95
    assert found["gross"].sum() == pytest.approx(_true_gross(true).sum(), rel=0.1)


def test_expected_value_is_chance_times_value_less_cost(sample, fitted):
    rows = sample[0].open
    found = fitted.predict(rows)
    assert found["expected"].to_numpy() == pytest.approx(
        (found["chance"] * found["value"] - rows["cost"]).to_numpy(), rel=1e-9
    )
    assert (found["low"] <= found["expected"]).all()
    assert (found["expected"] <= found["high"]).all()
    assert found.index.equals(rows.index)


def test_total_adds_up_and_its_error_is_not_that_of_independent_parts(sample, fitted):
    rows = sample[0].open
    found = fitted.predict(rows)
    total = fitted.total(rows)
    assert total.value == pytest.approx(found["gross"].sum())
    # Prospects of a category err together: the error of the sum is larger than if each erred alone.
    alone = np.sqrt((((found["gross_high"] - found["gross_low"]) / 2) ** 2).sum())
    assert (total.high - total.low) / 2 > 2 * alone
    one = fitted.total(rows.head(1))
    assert (one.low, one.high) == pytest.approx(tuple(found[["gross_low", "gross_high"]].iloc[0]))


def test_a_category_never_seen_counts_as_the_mean_and_is_said(sample, fitted):
    rows = sample[0].open.head(1)
    strange = rows.assign(customer_group="museum", acquisition_channel="=cmd|' /C")
    found = fitted.predict(strange)
    assert found["outside"].item()
    assert found["alike"].item() == 0
    assert not fitted.predict(rows)["outside"].item()
    usual = fitted.predict(rows.assign(customer_group="family"))
    # It is less sure than any category that was seen.
    assert found["gross_high"].item() / found["gross"].item() > usual["gross_high"].item() / usual["gross"].item()


def test_nobody_differs_where_nothing_tells_them_apart():
    wrong = 0
    for seed in range(8):
        training, _ = simulate_training(seed, customers=600, prospects=600, alike=True)
        model = ProspectModel().fit(training)
        wrong += (model.value_.rule != "alike") + (model.conversion_.rule != "alike")
    # 16 choices, each wrong with a chance of at most 5 %: more than 3 have a chance below 1 %.
    assert wrong <= 3


def test_open_prospects_are_neither_won_nor_lost():
    training, _ = simulate_training(4, customers=400, prospects=8000)
    found = ProspectModel(rule="channel", conversion_days=30).fit(training).predict(training.open)
    for channel, (effect, _) in CHANNELS.items():
        true = -np.expm1(-RATE * np.exp(effect) * 30)
        own = found["chance"][training.open["acquisition_channel"] == channel]
        assert own.mean() == pytest.approx(true, rel=0.25)
        # The share won so far would be far off: prospects have been known for 125 days on average.
        so_far = training.prospects["converted"][training.prospects["acquisition_channel"] == channel].mean()
        assert so_far > 1.5 * true


def test_order_of_rows_and_names_do_not_matter():
    training, _ = simulate_training(2, customers=500, prospects=500)
    renamed = dataclasses.replace(
        training,
        customers=training.customers.sample(frac=1, random_state=3).reset_index(drop=True),
        prospects=training.prospects.sample(frac=1, random_state=4),
    )
    one = ProspectModel().fit(training).predict(training.open)
    other = ProspectModel().fit(renamed).predict(renamed.open).loc[one.index]
    pd.testing.assert_frame_equal(one, other, rtol=1e-5)


def test_settings_are_kept_and_checked():
    training, _ = simulate_training(2, customers=200, prospects=200)
    with pytest.raises(ValueError, match="'auto', 'alike', 'channel', 'all'"):
        ProspectModel(rule="best").fit(training)
    with pytest.raises(ValueError, match="conversion_days"):
        ProspectModel(conversion_days=0).fit(training)
    with pytest.raises(ValueError, match="late_share"):
        ProspectModel(late_share=1.0).fit(training)
    only = dataclasses.replace(training, attributes=("size",))
    with pytest.raises(ValueError, match="'alike', 'all'"):
        ProspectModel(rule="channel").fit(only)


@pytest.mark.parametrize("case", ["all zero", "all alike", "negative"])
def test_odd_values_give_a_result(case):
    training, _ = simulate_training(3, customers=150, prospects=300)
    value = {"all zero": 0.0, "all alike": 7.0, "negative": training.customers["value"].where(lambda v: v > 20, -5.0)}
    odd = dataclasses.replace(training, customers=training.customers.assign(value=value[case]))
    found = ProspectModel().fit(odd).predict(odd.open)
    assert np.isfinite(found.drop(columns=["alike", "outside"])).all().all()
    if case == "all alike":
        assert found["value"].to_numpy() == pytest.approx(np.full(len(found), 7.0), rel=1e-3)


def _coverage(runs, n):
    """Return how often the intervals of single prospects and of the total held what was true."""
    single, totals = [], []
    for seed in range(runs):
        training, truth = simulate_training(1000 + seed, customers=n, prospects=n)
        model = ProspectModel(rule="all").fit(training)
        found = model.predict(training.open)
        true = _true_gross(truth.loc[found.index])
        single.append(((found["gross_low"] <= true) & (true <= found["gross_high"])).mean())
        total = model.total(training.open)
        totals.append(total.low <= true.sum() <= total.high)
    return float(np.mean(single)), float(np.mean(totals))


def test_intervals_cover_in_a_short_simulation():
    single, total = _coverage(8, 800)
    assert single > 0.85
    assert total > 0.7


@pytest.mark.validate
def test_intervals_cover():
    single, total = _coverage(300, 1200)
    assert 0.92 <= single <= 0.99
    assert 0.92 <= total <= 0.995


def test_true_values_of_the_simulation_are_what_it_says():
    _, truth = simulate_training(1, customers=10, prospects=4000)
    assert truth["value"].max() == pytest.approx(VALUE * np.exp(GROUPS["firm"] + CHANNELS["fair"][1]))
