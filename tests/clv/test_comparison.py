"""The comparison of models: what it sees, what it recommends, and what it does with odd companies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from crm_lib.clv import comparison
from crm_lib.clv.baselines import OwnMeanRate, SameAsLastPeriod
from crm_lib.clv.boosting import TwoPartBoosting
from crm_lib.clv.comparison import Comparison, compare_models, default_models
from crm_lib.clv.dropout_finding import finding_dropout
from crm_lib.clv.forecasts import Forecast, Task
from crm_lib.clv.nbd import NBD
from crm_lib.clv.pareto_nbd import ParetoNBD
from crm_lib.clv.purchase_record import PurchaseRecord
from crm_lib.errors import TooLittleData
from crm_lib.finding import Verdict
from tests.clv.cdnow import cdnow_purchases

BEGIN = np.datetime64("2024-01-01")
RULES = (SameAsLastPeriod(), OwnMeanRate())
PREDICTIONS = ["total", "total_low", "total_high", "customers"]


def buyers(customers: int, days: int, *, seed: int, lifetime: float = np.inf, rate: float = 0.03) -> pd.DataFrame:
    """Return purchase days of customers who come within the first third and leave after exponential lifetimes."""
    rng = np.random.default_rng(seed)
    begin = rng.integers(0, days // 3, customers)
    stay = np.minimum(rng.exponential(lifetime, customers) if np.isfinite(lifetime) else np.inf, days - begin)
    number = rng.poisson(rng.gamma(1.5, rate / 1.5, customers) * stay)
    after = np.ceil(rng.random(number.sum()) * np.repeat(stay, number)).astype(int)
    day = np.concatenate([begin, np.repeat(begin, number) + after])
    who = np.concatenate([np.arange(customers), np.repeat(np.arange(customers), number)])
    return pd.DataFrame({"customer_id": who, "day": BEGIN + day, "spend": rng.gamma(4, 5, len(day))})


@pytest.fixture(scope="module")
def cdnow() -> Comparison:
    return compare_models(
        cdnow_purchases(), as_of="1998-06-30", horizon_days=273, cut_offs=1, models=[NBD(), ParetoNBD()]
    )


def test_nothing_after_a_cut_off_is_seen() -> None:
    purchases = buyers(150, 360, seed=1, lifetime=200)
    purchases["recorded"] = purchases["day"] + pd.to_timedelta(np.arange(len(purchases)) % 9, unit="D")
    cut = pd.Timestamp(BEGIN + 240)
    rng = np.random.default_rng(2)
    past = purchases[purchases["recorded"] <= cut]
    future = pd.DataFrame(
        {
            "customer_id": rng.integers(0, 400, 3000),
            "day": BEGIN + rng.integers(100, 361, 3000),
            "spend": rng.gamma(4, 500, 3000),
        }
    ).assign(recorded=BEGIN + rng.integers(241, 361, 3000))
    options = {"as_of": "2024-12-26", "horizon_days": 60, "cut_offs": [cut], "draws": 100}
    told, changed = (compare_models(table, **options) for table in (purchases, pd.concat([past, future])))
    assert told.remarks["model"].isin(["", "NBD", *told.scores.index.get_level_values("model")]).all()
    assert len(told.scores) == len(default_models()) + 3
    pd.testing.assert_frame_equal(told.scores[PREDICTIONS], changed.scores[PREDICTIONS])
    pd.testing.assert_frame_equal(
        told.calibration[["customers", "predicted"]], changed.calibration[["customers", "predicted"]]
    )
    pd.testing.assert_series_equal(told.tracking["expected"], changed.tracking["expected"])
    assert (told.scores["actual"] != changed.scores["actual"]).all()


def test_customers_who_have_not_yet_bought_do_not_exist() -> None:
    purchases = buyers(100, 360, seed=3)
    cut = BEGIN + 50
    known = purchases.groupby("customer_id")["day"].min() <= cut
    compared = compare_models(
        purchases, as_of=str(BEGIN + 110), horizon_days=60, cut_offs=[str(cut)], models=[NBD()], others=RULES
    )
    later = purchases[purchases["customer_id"].isin(known.index[known])].drop_duplicates(["customer_id", "day"])
    later = later[(later["day"] > cut) & (later["day"] <= BEGIN + 110)]
    assert (compared.scores["customers"] == known.sum()).all()
    assert (compared.scores["actual"] == len(later)).all()
    assert 0 < known.sum() < 100


def test_where_customers_leave_a_model_that_knows_it_wins(cdnow: Comparison) -> None:
    assert cdnow.recommended == "ParetoNBD"
    assert not cdnow.baseline_wins
    assert isinstance(cdnow.model, ParetoNBD)
    finding = finding_dropout(cdnow)
    assert finding.verdict is Verdict.SUPPORTED
    assert "Pareto/NBD" in finding.decision
    assert "do not carry past purchases on" in finding.decision


def test_where_nobody_leaves_the_baseline_wins_and_it_is_said() -> None:
    compared = compare_models(
        buyers(800, 450, seed=4), as_of="2025-03-25", horizon_days=90, models=[NBD(), ParetoNBD()], others=RULES
    )
    assert compared.recommended == "NBD"
    assert compared.baseline_wins
    assert "A baseline wins" in compared.reason
    # Value to infinity needs somebody to leave one day, so that another model is handed on, and it is said.
    assert isinstance(compared.model, ParetoNBD)
    assert "values to infinity" in compared.reason
    assert finding_dropout(compared).verdict is not Verdict.SUPPORTED


def test_the_right_model_is_calibrated_where_rules_of_thumb_are_too_sure() -> None:
    compared = compare_models(
        buyers(1500, 450, seed=5), as_of="2025-03-25", horizon_days=90, models=[NBD()], others=RULES
    )
    coverage = compared.average["coverage"]
    assert 0.87 < coverage["NBD"] < 0.93
    assert (coverage[[rule.name for rule in RULES]] < 0.85).all()
    nbd = compared.calibration.xs("NBD", level="model")
    inside = (nbd["low"] <= nbd["predicted"]) & (nbd["predicted"] <= nbd["high"])
    assert inside.mean() > 0.75
    assert compared.scores.xs("NBD", level="model")["total_covered"].mean() > 0.5


def test_tables_are_indexed_as_promised(cdnow: Comparison) -> None:
    models = {"NBD", "ParetoNBD", "same as last period", "own mean rate", "gradient boosting"}
    assert set(cdnow.average.index) == models
    assert cdnow.average["ranked_probability_score"].is_monotonic_increasing
    assert cdnow.scores.index.names == ["cut_off", "model"]
    assert cdnow.tracking.index.names == ["cut_off", "model", "week"]
    assert set(cdnow.tracking.index.get_level_values("model")) == {"NBD", "ParetoNBD"}
    assert cdnow.calibration.index.names == ["cut_off", "model", "decile"]
    assert set(cdnow.calibration.index.get_level_values("model")) == models
    assert cdnow.scores.loc[(slice(None), "own mean rate"), "weekly_error"].isna().all()
    deciles = cdnow.calibration
    total = (deciles["customers"] * deciles["predicted"]).groupby(level="model").sum()
    pd.testing.assert_series_equal(total, cdnow.scores.droplevel("cut_off")["total"].sort_index(), check_names=False)


def test_neither_the_order_of_rows_nor_the_unit_of_time_matters() -> None:
    purchases = buyers(120, 300, seed=6)
    options = {"as_of": "2024-10-26", "horizon_days": 60, "cut_offs": 2, "others": RULES}
    first = compare_models(purchases, models=[NBD()], **options)
    shuffled = compare_models(purchases.sample(frac=1, random_state=1), models=[NBD()], **options)
    pd.testing.assert_frame_equal(first.scores, shuffled.scores)
    days = compare_models(purchases, models=[NBD(unit="D")], **options)
    measured = ["total", "bias", "mae", "weekly_error", "cumulative_error", "gini"]
    pd.testing.assert_frame_equal(first.scores[measured], days.scores[measured], rtol=1e-6)


def test_of_many_customers_the_same_are_drawn_at_every_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "_MOST_DRAWN", 60)
    record = PurchaseRecord.read(buyers(300, 300, seed=7))
    end = record.as_of
    earlier, later = (record.until(end - back) for back in (230, 100))
    chosen = [set(known.customers[comparison._sample(known, 1)]) for known in (earlier, later)]
    assert [len(some) for some in chosen] == [60, 60]
    # Of those drawn later, whoever was known before was drawn before.
    assert chosen[1] & set(earlier.customers) <= chosen[0]
    assert chosen[0] != set(earlier.customers[comparison._sample(earlier, 2)])


def test_scores_of_a_sample_are_near_those_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    purchases = buyers(1200, 300, seed=8)
    options = {"as_of": "2024-10-26", "horizon_days": 60, "cut_offs": 1, "models": [NBD()], "others": RULES}
    everybody = compare_models(purchases, **options)
    monkeypatch.setattr(comparison, "_MOST_DRAWN", 600)
    some = compare_models(purchases, **options)
    assert some.scores["mae"].equals(everybody.scores["mae"])
    drawn = ["ranked_probability_score", "log_score", "coverage"]
    np.testing.assert_allclose(some.scores[drawn], everybody.scores[drawn], rtol=0.15)


@dataclass(frozen=True)
class Moody:
    """Forecasts perfectly, if at all."""

    name: str = "moody"
    parameters: int = 0
    kind: str = "baseline"

    def forecast(self, known: PurchaseRecord, task: Task) -> Forecast:
        if len(known) < 100:
            raise TooLittleData("not today")
        return OwnMeanRate().forecast(known, task)


def test_who_fails_at_a_cut_off_is_out_of_the_race_and_the_reason_is_kept() -> None:
    purchases = buyers(120, 300, seed=9)
    compared = compare_models(
        purchases, as_of="2024-10-26", horizon_days=60, cut_offs=4, models=[NBD()], others=[Moody()]
    )
    assert compared.recommended == "NBD"
    failed = compared.remarks[compared.remarks["model"] == "moody"]
    assert set(failed["remark"]) == {"not today"}
    assert ("moody" in compared.average.index) == (len(failed) < 4)


def test_left_out_cut_offs_are_remarked() -> None:
    compared = compare_models(
        buyers(120, 300, seed=9), as_of="2024-10-26", horizon_days=90, cut_offs=5, models=[NBD()], others=[]
    )
    assert len(compared.remarks) == 5 - compared.scores.index.get_level_values("cut_off").nunique()
    assert (compared.remarks["model"] == "").all()


def test_a_company_that_falls_silent_has_errors_but_no_bias() -> None:
    purchases = buyers(100, 200, seed=10)
    compared = compare_models(
        purchases, as_of=str(BEGIN + 290), horizon_days=90, cut_offs=1, models=[NBD()], others=RULES
    )
    assert (compared.scores["actual"] == 0).all()
    assert compared.scores[["bias", "spearman", "gini", "weekly_error"]].isna().all(axis=None)
    assert compared.scores[["mae", "rmse", "ranked_probability_score", "log_score"]].notna().all(axis=None)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_customers_who_never_came_back_are_forecast_not_to() -> None:
    rng = np.random.default_rng(11)
    purchases = pd.DataFrame({"customer_id": np.arange(80), "day": BEGIN + rng.integers(0, 200, 80)})
    compared = compare_models(purchases, as_of=str(BEGIN + 260), horizon_days=60, cut_offs=1, models=[NBD()])
    assert (compared.scores["total"] < 3).all()
    assert "did not converge" in set(compared.remarks["remark"])


def test_customers_who_are_all_alike_can_be_compared() -> None:
    days = BEGIN + 7 * np.arange(40)
    purchases = pd.DataFrame({"customer_id": np.repeat(np.arange(30), 40), "day": np.tile(days, 30)})
    compared = compare_models(purchases, as_of=str(days[-1]), horizon_days=70, cut_offs=1, models=[NBD()])
    assert (compared.scores["actual"] == 300).all()
    assert (compared.scores["bias"].abs() < 0.1).all()
    assert compared.scores["gini"].isna().all()


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"models": [NBD(), NBD(unit="D")]}, ValueError, "given once; twice: NBD"),
        ({"models": [], "others": []}, ValueError, "no model was given"),
        ({"models": [ParetoNBD(purchase_covariates=("age_band",))]}, ValueError, "has covariates"),
        ({"level": 1.0}, ValueError, "level must lie"),
        ({"draws": 10}, ValueError, "at least 100 draws"),
        ({"as_of": "2023-01-01"}, TooLittleData, "nobody had bought"),
        ({"horizon_days": 250}, TooLittleData, "history of at least 125 days"),
        ({"others": [Moody()], "models": []}, TooLittleData, "not today"),
    ],
)
def test_what_cannot_be_compared_is_refused(options: dict, error: type[Exception], words: str) -> None:
    usual = {"as_of": "2024-10-26", "horizon_days": 60, "cut_offs": 1, "models": [NBD()], "others": RULES}
    with pytest.raises(error, match=words):
        compare_models(buyers(60, 300, seed=12), **(usual | options))


def test_one_customer_is_too_few_to_compare() -> None:
    purchases = pd.DataFrame({"customer_id": 1, "day": BEGIN + 7 * np.arange(40)})
    with pytest.raises(TooLittleData, match="needs at least 10"):
        compare_models(purchases, as_of=str(BEGIN + 273), horizon_days=60)


def test_the_boosting_learns_before_the_cut_off_and_its_settings_are_its_own() -> None:
    purchases = buyers(300, 400, seed=13, lifetime=300)
    options = {"as_of": "2025-02-03", "horizon_days": 60, "cut_offs": 1, "models": []}
    few, many = (compare_models(purchases, others=[TwoPartBoosting(trees=trees)], **options) for trees in (1, 100))
    assert few.scores["gini"].iloc[0] != many.scores["gini"].iloc[0]
    assert few.model is None
    with pytest.raises(TooLittleData, match="needs a baseline and a model"):
        finding_dropout(few)
