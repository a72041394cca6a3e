"""The comparison of models: what it sees, how it judges, what it recommends, and odd companies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crm_lib.clv import (
    BGNBD,
    NBD,
    Comparison,
    ParetoNBD,
    compare_models,
    finding_dropout,
    measures,
    recommended_model,
)
from crm_lib.clv.forecasters import (
    Boosting,
    Forecast,
    OwnMeanRate,
    SameAsLastPeriod,
    Task,
    customer_features,
    hold_contest,
)
from crm_lib.company import Company
from crm_lib.customers import PurchaseRecord, as_day, customer_summary, purchase_days
from crm_lib.errors import MissingData, NumericalError, TooLittleData
from crm_lib.finding import Verdict
from crm_lib.notebook import LeftOut
from tests.clv.cdnow import cdnow_purchases
from tests.companies import transactions, write_company

BEGIN = np.datetime64("2024-01-01")
RULES = (SameAsLastPeriod(), OwnMeanRate())


def buyers(customers, days, *, seed, lifetime=np.inf, rate=0.03):
    """Return purchase days of customers who come within the first third and leave after exponential lifetimes."""
    rng = np.random.default_rng(seed)
    begin = rng.integers(0, days // 3, customers)
    stay = np.minimum(rng.exponential(lifetime, customers) if np.isfinite(lifetime) else np.inf, days - begin)
    number = rng.poisson(rng.gamma(1.5, rate / 1.5, customers) * stay)
    after = np.ceil(rng.random(number.sum()) * np.repeat(stay, number)).astype(int)
    day = np.concatenate([begin, np.repeat(begin, number) + after])
    who = np.concatenate([np.arange(customers), np.repeat(np.arange(customers), number)])
    return pd.DataFrame({"customer_id": who, "day": BEGIN + day, "spend": rng.gamma(4, 5, len(day))})


def record_of(*rows, as_of=None):
    return PurchaseRecord.read(pd.DataFrame(rows, columns=["customer_id", "day"]), as_of)


@pytest.fixture(scope="module")
def cdnow():
    return compare_models(
        cdnow_purchases(), as_of="1998-06-30", horizon_days=273, cut_offs=1, models=[NBD(), ParetoNBD()]
    )


# The record of purchases


@pytest.mark.parametrize("cut_off", ["2025-02-10", "2025-05-31"])
def test_the_record_of_a_day_tells_what_the_company_knew_on_it(tmp_path, cut_off):
    rng = np.random.default_rng(1)
    days = pd.Timestamp("2025-01-01") + pd.to_timedelta(rng.integers(0, 150, 300), unit="D")
    rows = [
        (f"o{n}", f"c{rng.integers(0, 40)}", str(day.date()), float(rng.integers(1, 9))) for n, day in enumerate(days)
    ]
    folder = write_company(tmp_path / "shop", {"transactions": transactions(rows)}, as_of="2025-05-31")
    ours = PurchaseRecord.read(purchase_days(Company.open(folder)), cut_off).summary("W")
    expected = customer_summary(Company.open(folder, as_of=cut_off), "W")
    pd.testing.assert_frame_equal(
        ours, expected[list(ours.columns)], check_index_type=False, check_dtype=False, rtol=1e-9
    )


def test_purchases_of_a_period_exclude_its_eve_and_include_its_last_day():
    days = [("ann", f"2025-01-{day:02d} 23:30") for day in (1, 5, 5, 9)]
    record = record_of(*days, ("bob", "2025-01-09 00:10"))
    counts = record.purchases(as_day("2025-01-01"), as_day("2025-01-05"), of=pd.Index(["nobody", "bob", "ann"]))
    assert counts.tolist() == [0, 0, 1]
    assert record.purchases(as_day("2024-12-31"), as_day("2025-01-09")).tolist() == [3, 1]


@pytest.mark.parametrize(
    ("frame", "error", "words"),
    [
        (pd.DataFrame({"customer_id": ["a"]}), MissingData, "day"),
        (pd.DataFrame({"customer_id": [], "day": []}), TooLittleData, "needs purchases"),
        (pd.DataFrame({"customer_id": [None], "day": "2025-01-01"}), ValueError, "customer_id is missing in 1 rows"),
        (pd.DataFrame({"customer_id": ["a", "b"], "day": [None, "2025-01-01"]}), ValueError, "day is missing in 1"),
        (pd.DataFrame({"customer_id": ["a"], "day": ["soon"]}), ValueError, "must hold days"),
        (pd.DataFrame({"customer_id": ["a"], "day": "2025-01-01", "spend": np.inf}), ValueError, "spend is missing"),
    ],
)
def test_rows_that_are_no_purchases_are_refused(frame, error, words):
    with pytest.raises(error, match=words):
        PurchaseRecord.read(frame)


# Rivals


def _task(days, customers, draws=200):
    return Task(horizon_days=days, sample=np.arange(customers), draws=draws, seed=1)


def test_rules_of_thumb_by_hand():
    january = record_of(
        ("ann", "2025-01-01"), ("ann", "2025-01-05"), ("ann", "2025-01-20"), ("ann", "2025-01-30"),
        ("bob", "2025-01-25"), ("bob", "2025-01-28"), ("eve", "2025-01-31"), as_of="2025-01-31",
    )  # fmt: skip
    last = SameAsLastPeriod()
    assert last.forecast(january, _task(14, 3)).expected.tolist() == [2, 1, 0]
    np.testing.assert_allclose(last.forecast(january, _task(60, 3)).expected, [6, 2, 0])
    own = OwnMeanRate().forecast(january, _task(10, 3, draws=20_000))
    np.testing.assert_allclose(own.expected, [10 * 3 / 30, 10 * 1 / 6, 10 * 4 / 36])
    np.testing.assert_allclose(own.draws.mean(axis=0), own.expected, atol=0.06)
    np.testing.assert_allclose(own.draws.var(axis=0), own.expected, atol=0.15)


@pytest.fixture(scope="module")
def steady():
    """Customers who have been there from the first day and buy at rates of their own for ever."""
    rng = np.random.default_rng(3)
    number = rng.poisson(rng.gamma(0.8, 15, 1500))
    day = np.concatenate([np.zeros(1500, dtype=int), rng.integers(1, 601, number.sum())])
    who = np.concatenate([np.arange(1500), np.repeat(np.arange(1500), number)])
    return PurchaseRecord.read(pd.DataFrame({"customer_id": who, "day": BEGIN + day}))


@pytest.mark.parametrize(("known", "horizon"), [(400, 200), (200, 300)])
def test_boosting_orders_steady_customers_without_bias_and_its_draws_cover_what_happens(steady, known, horizon):
    begin = as_day(str(BEGIN))
    before = steady.until(begin + known)
    forecast = Boosting().forecast(before, _task(horizon, 1500, draws=300))
    actual = steady.purchases(begin + known, begin + known + horizon)
    scores, losses = measures.scores(forecast, actual, _task(horizon, 1500))
    assert abs(scores["bias"]) < 0.12
    assert scores["gini"] > 0.7
    assert forecast.draws.mean() == pytest.approx(forecast.expected.mean(), rel=0.03)
    rule = OwnMeanRate().forecast(before, _task(horizon, 1500, draws=300))
    assert losses.mean() < 1.1 * measures.scores(rule, actual, _task(horizon, 1500))[1].mean()
    np.testing.assert_array_equal(customer_features(before, 90), customer_features(steady.until(begin + known), 90))


def test_features_of_a_customer_are_what_they_say():
    frame = pd.DataFrame(
        {"customer_id": ["ann"] * 3 + ["bob"], "day": ["2025-01-01", "2025-01-21", "2025-01-31", "2025-02-10"]}
    ).assign(spend=[10.0, 20.0, 60.0, 7.0])
    ann, bob = customer_features(PurchaseRecord.read(frame, "2025-02-10"), 36)
    # age, silence, rate, share of age, silence over mean gap, last 9, 18, 36 days, mean and latest spend
    np.testing.assert_allclose(ann, [36, 10, 2 / 40, 3 / 4, 2 / 3, 0, 1, 2, 30, 60])
    np.testing.assert_allclose(bob[[0, 1, 5, 6, 7, 8, 9]], [0, 0, 0, 0, 0, 7, 7])
    assert np.isnan(bob[2:5]).all()


# Measures


@pytest.mark.parametrize("outcome", [0, 1, 7, 30])
def test_the_ranked_probability_score_is_the_sum_over_the_distribution_function(outcome):
    draws = stats.poisson.rvs(6.0, size=(200_000, 1), random_state=3).astype(float)
    k = np.arange(400)
    exact = float(np.sum((stats.poisson.cdf(k, 6.0) - (outcome <= k)) ** 2))
    assert measures.ranked_probability_scores(draws, np.array([float(outcome)]))[0] == pytest.approx(exact, abs=0.02)
    certain = measures.ranked_probability_scores(np.full((50, 2), 3.0), np.array([3.0, 5.0]))
    np.testing.assert_allclose(certain, [0, 2])


def test_few_draws_are_neither_better_nor_worse_than_many():
    rng = np.random.default_rng(4)
    actual = rng.poisson(3, 40_000).astype(float)
    few, many = (
        measures.ranked_probability_scores(rng.poisson(3, (count, 40_000)).astype(float), actual).mean()
        for count in (5, 60)
    )
    assert few == pytest.approx(many, abs=0.02)


def test_measures_by_hand():
    expected, actual = np.array([2.0, 1.0, 0.0]), np.array([4.0, 0.0, 0.0])
    scores, _ = measures.scores(Forecast(expected=expected, draws=np.tile(expected, (9, 1))), actual, _task(9, 3))
    assert [scores[name] for name in ("bias", "mae", "rmse", "gini")] == pytest.approx([-0.25, 1, np.sqrt(5 / 3), 1])
    assert scores["total"] == 3
    nobody, _ = measures.scores(Forecast(expected=expected, draws=np.tile(expected, (9, 1))), 0 * actual, _task(9, 3))
    assert np.isnan([nobody[name] for name in ("bias", "correlation", "gini")]).all()


def test_tenths_keep_equal_forecasts_together_and_their_intervals_hold_right_means():
    rng = np.random.default_rng(5)
    mean = rng.gamma(0.5, 2.0, 20_000).round(1)
    table = measures.calibration_by_tenth(mean, rng.poisson(mean).astype(float))
    assert table["customers"].sum() == 20_000
    assert table["expected"].is_monotonic_increasing
    assert table["expected"].between(table["low"], table["high"]).mean() > 0.8
    groups = measures.calibration_by_frequency(np.array([0, 7, 9]), np.ones(3), np.array([0.0, 1.0, 3.0]))
    assert groups["customers"].to_dict() == {0: 1, 7: 2}


def test_weeks_end_on_the_weekday_of_the_cut_off_and_count_repeat_purchases_of_the_known():
    record = record_of(
        ("ann", "2025-01-01"), ("ann", "2025-01-07"), ("ann", "2025-01-08"), ("bob", "2025-01-10"),
        ("ann", "2025-01-15"), ("bob", "2025-01-21"), ("new", "2025-01-15"), ("new", "2025-01-16"),
        ("ann", "2025-01-29"),
    )  # fmt: skip
    known = record.until(as_day("2025-01-14"))
    tracking = measures.weekly_tracking(known, record, lambda days: np.sqrt(days), 17)
    assert tracking.index.astype(str).tolist() == ["2025-01-07", "2025-01-14", "2025-01-21", "2025-01-28"]
    assert tracking["actual"].tolist() == [1, 1, 2, 0]
    assert tracking["is_holdout"].tolist() == [False, False, True, True]
    # Days with us at the end of each week: ann 7, 14, 21, 28; bob 0, 5, 12, 19.
    expected = np.sqrt([7, 14, 21, 28]) + np.sqrt([0, 5, 12, 19])
    np.testing.assert_allclose(tracking["cumulative_expected"], expected, rtol=1e-3)


# The contest


@dataclass(frozen=True)
class Someone:
    name: str
    parameters: int
    kind: str = "dropout"


def contest_of(losses, parameters, errors=None, **kinds):
    who = [Someone(name, parameters[name], kinds.get(name, "dropout")) for name in losses]
    columns = [np.asarray(loss) for loss in losses.values()]
    return hold_contest(who, [(np.arange(len(columns[0])), columns)], errors or [0.0] * len(who), 1)


def _chosen(contest):
    return contest.forecasters[contest.choose(range(len(contest.forecasters)))].name


def test_the_simplest_that_is_not_demonstrably_worse_is_chosen():
    rng = np.random.default_rng(2)
    noise = rng.gamma(1, 1, 500)
    near, far = noise + rng.normal(0.001, 0.1, 500), noise + 0.5
    parameters = {"complex": 4, "simple": 2, "worse": 1}
    contest = contest_of({"complex": noise, "simple": near, "worse": far}, parameters)
    assert _chosen(contest) == "simple"
    assert "not demonstrably worse than Complex" in contest.reason(contest.forecasters[1])
    assert _chosen(contest_of({"complex": noise, "simple": far, "worse": far}, parameters)) == "complex"
    alike = {"one": noise, "two": near}
    assert _chosen(contest_of(alike, dict.fromkeys(alike, 4), [2.0, 1.0])) == "two"


def test_the_advantage_is_that_of_the_best_of_either_kind():
    noise = np.random.default_rng(4).gamma(1, 1, 2000)
    losses = {"rule": noise * 1.5, "worse rule": noise * 2, "model": noise * 1.2, "learner": noise * 0.1}
    kinds = {"rule": "baseline", "worse rule": "baseline", "learner": "learner"}
    advantage = contest_of(losses, dict.fromkeys(losses, 1), **kinds).advantage()
    assert advantage.value == pytest.approx(1 - 1.2 / 1.5)
    assert advantage.high - advantage.low < 1e-9
    assert contest_of({"model": noise}, {"model": 4}).advantage() is None


def test_a_customer_is_drawn_with_all_cut_offs():
    """Two cut-offs with the same customers and losses are as uncertain as one."""
    loss = np.random.default_rng(5).gamma(1, 1, 400)
    once, twice = (hold_contest([Someone("one", 1)], [(np.arange(400), [loss])] * n, [0.0], 1) for n in (1, 2))
    assert twice.resampled.std() == pytest.approx(once.resampled.std(), rel=1e-9)
    assert once.resampled.std() == pytest.approx(loss.std() / 20, rel=0.1)


# The comparison


def test_nothing_after_a_cut_off_is_seen_and_who_had_not_bought_does_not_exist():
    purchases = buyers(150, 360, seed=1, lifetime=200)
    purchases["recorded"] = purchases["day"] + pd.to_timedelta(np.arange(len(purchases)) % 9, unit="D")
    cut = pd.Timestamp(BEGIN + 300)
    rng = np.random.default_rng(2)
    past = purchases[purchases["recorded"] <= cut]
    future = pd.DataFrame({"customer_id": rng.integers(0, 400, 3000), "day": BEGIN + rng.integers(100, 361, 3000)})
    future = future.assign(spend=rng.gamma(4, 500, 3000), recorded=BEGIN + rng.integers(301, 361, 3000))
    options = {"as_of": str(BEGIN + 360), "horizon_days": 60, "cut_offs": 1, "models": [NBD(), ParetoNBD()]}
    told, changed = (compare_models(table, **options) for table in (purchases, pd.concat([past, future])))
    assert len(told.scores) == 5
    same = ["total", "customers"]
    pd.testing.assert_frame_equal(told.scores[same], changed.scores[same])
    pd.testing.assert_series_equal(told.tracking["NBD"]["expected"], changed.tracking["NBD"]["expected"])
    assert (told.scores["actual"] != changed.scores["actual"]).all()
    assert (told.scores["customers"] == past["customer_id"].nunique()).all()


def test_where_customers_leave_a_model_that_knows_it_wins(cdnow: Comparison):
    assert cdnow.recommended == "ParetoNBD"
    assert isinstance(recommended_model(cdnow), ParetoNBD)
    assert set(cdnow.average.index) == {"NBD", "ParetoNBD", *(each.name for each in (*RULES, Boosting()))}
    assert cdnow.average["ranked_probability_score"].is_monotonic_increasing
    assert set(cdnow.tracking) == {"NBD", "ParetoNBD"}
    tenths = cdnow.calibration["ParetoNBD"]
    total = cdnow.scores["total"].xs("ParetoNBD", level="model").iloc[0]
    assert (tenths["customers"] * tenths["expected"]).sum() == pytest.approx(total)
    finding = finding_dropout(cdnow)
    assert finding.verdict is Verdict.SUPPORTED
    assert "Plan with Pareto/NBD" in finding.decision


def test_conditional_expectations_are_near_those_of_the_paper(cdnow: Comparison):
    """Fader, Hardie & Lee (2005), figure 4: customers without a repeat purchase made 0.24 in the holdout."""
    table = cdnow.by_frequency["ParetoNBD"]
    assert table["customers"].sum() == 2357
    assert table["customers"][0] == 1411
    assert table["actual"][0] == pytest.approx(0.24, abs=0.01)
    assert table["expected"][0] == pytest.approx(0.138, abs=0.01)


def test_where_nobody_leaves_the_baseline_wins_and_values_use_another_model():
    compared = compare_models(
        buyers(500, 450, seed=4), as_of="2025-03-25", horizon_days=90, cut_offs=1, models=[NBD(), BGNBD()], rivals=RULES
    )
    assert compared.recommended == "NBD"
    assert "A baseline wins" in compared.reason
    assert isinstance(recommended_model(compared), BGNBD)
    assert finding_dropout(compared).verdict is not Verdict.SUPPORTED


def test_a_silence_at_the_end_is_data_and_a_long_one_is_told():
    purchases = buyers(100, 200, seed=10)
    last = purchases["day"].max()
    options = {"horizon_days": 30, "cut_offs": 1, "models": [NBD()], "rivals": RULES}
    compared = compare_models(purchases, as_of=str((last + pd.Timedelta(days=3)).date()), **options)
    assert compared.cut_offs == [(last - pd.Timedelta(days=27)).date()]
    with pytest.warns(UserWarning, match="data seem to end long before"):
        silent = compare_models(purchases, as_of=str((last + pd.Timedelta(days=40)).date()), **options)
    assert (silent.scores["actual"] == 0).all()
    assert silent.scores[["bias", "gini", "weekly_error"]].isna().all(axis=None)
    assert silent.scores[["mae", "ranked_probability_score"]].notna().all(axis=None)


@dataclass(frozen=True)
class Moody:
    """Forecasts perfectly, if at all."""

    name: str = "moody"
    parameters: int = 0
    kind: str = "baseline"
    error: type[Exception] = TooLittleData

    def forecast(self, known, task):
        if len(known) < 100:
            raise self.error("not today")
        return OwnMeanRate().forecast(known, task)


def test_who_fails_at_a_cut_off_is_out_of_the_race_and_the_reasons_are_kept():
    compared = compare_models(
        buyers(120, 300, seed=9), as_of="2024-10-26", horizon_days=60, cut_offs=5, models=[NBD()], rivals=[Moody()]
    )
    assert compared.recommended == "NBD"
    assert any(remark.endswith("Moody: not today") for remark in compared.remarks)
    assert any("of history before" in remark for remark in compared.remarks)


def test_what_cannot_be_compared_is_refused_and_a_notebook_goes_on_with_pareto_nbd():
    purchases = buyers(60, 300, seed=12)
    usual = {"as_of": "2024-10-26", "horizon_days": 60, "cut_offs": 1, "models": [NBD()], "rivals": RULES}
    for options, words in (
        ({"as_of": "2023-01-01"}, "needs customers who bought by 1 Jan 2023"),
        ({"horizon_days": 250}, "125 days of history"),
        ({"rivals": [Moody()], "models": []}, "not today"),
    ):
        with pytest.raises(TooLittleData, match=words):
            compare_models(purchases, **(usual | options))
    with pytest.raises(NumericalError, match="not today"):
        compare_models(purchases, **(usual | {"rivals": [Moody(error=NumericalError)], "models": []}))
    with pytest.raises(TooLittleData, match="at least 10 customers"):
        compare_models(purchases[purchases["customer_id"] < 5], **usual)
    with pytest.raises(TooLittleData, match="needs a baseline and a model"):
        finding_dropout(compare_models(purchases, **(usual | {"models": []})))
    assert isinstance(recommended_model(LeftOut(TooLittleData("too short"))), ParetoNBD)
