"""How long customers stay: first silences by hand, the log-rank ratio, and companies without any change."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.duration.survfunc import survdiff

from crm_lib.company import Company
from crm_lib.errors import TooLittleData
from crm_lib.finding import Verdict
from crm_lib.retention import finding_loyalty_change, lives, loyalty_change
from crm_lib.retention.lives import hazard_ratio
from tests.companies import transactions, write_company


def test_the_first_silence_counts_whoever_came_back(tmp_path):
    rows = [
        ("o1", "anna", "2025-01-01", 1.0), ("o2", "anna", "2025-01-20", 1.0), ("o3", "anna", "2025-05-01", 1.0),
        ("o4", "ben", "2025-02-01", 1.0), ("o5", "ben", "2025-03-02", 1.0), ("o6", "ben", "2025-03-30", 1.0),
        ("o7", "ben", "2025-04-28", 1.0), ("o8", "ben", "2025-05-20", 1.0),
        ("o9", "cleo", "2025-04-30", 1.0), ("oA", "dan", "2025-05-15", 1.0),
    ]  # fmt: skip
    shop = Company.open(write_company(tmp_path / "shop", {"transactions": transactions(rows)}, as_of="2025-06-01"))
    frame = lives(shop, 30).frame
    # Seen until 2 May: anna was silent from 20 January though she came back, cleo for 32 days; dan came too late.
    assert frame["time"].to_dict() == {"anna": 19, "ben": 90, "cleo": 0}
    assert frame["left"].to_dict() == {"anna": True, "ben": False, "cleo": True}
    assert frame["seen"].to_dict() == {"anna": 121, "ben": 90, "cleo": 2}
    with pytest.raises(ValueError, match="at least one day"):
        lives(shop, 0)
    with pytest.raises(TooLittleData, match="at least 365 days ago"):
        lives(shop, 365)


def test_a_period_counts_only_where_all_of_it_could_be_seen(lives):
    periods = lives.periods(91)
    seen = lives.frame["seen"] // 91
    assert (periods["duration"] <= seen).all()
    early = (lives.frame["time"] < 91) & (lives.frame["seen"] < 91)
    assert early.any()
    assert not periods.loc[early.to_numpy(), "ended"].any()


def _sample(seed: int, factor: float = 1.0, n: int = 600):
    rng = np.random.default_rng(seed)
    new = rng.random(n) < 0.5
    # Customers differ, so that the rate of leaving falls with age though nobody changes.
    rate = rng.gamma(0.5, 0.04, n) * np.where(new, factor, 1.0)
    time, cut = np.ceil(rng.exponential(1 / rate)), np.where(new, 60.0, 200.0)
    return np.minimum(time, cut), time <= cut, new


def test_the_ratio_is_the_log_rank_test_and_near_cox():
    time, left, new = _sample(1, 1.4)
    time, left = np.minimum(time, 60), left & (time <= 60)
    found = hazard_ratio(time, left, new)
    chi2, _ = survdiff(time, left.astype(int), new.astype(int))
    z = np.log(found.value) / ((np.log(found.high) - np.log(found.low)) / (2 * 1.959964))
    assert z**2 == pytest.approx(chi2, rel=1e-6)
    cox = PHReg(time, new.astype(float)[:, None], status=left.astype(int)).fit()
    assert np.log(found.value) == pytest.approx(cox.params[0], abs=0.03)


def test_a_company_that_only_sorts_is_not_told_as_changing():
    told = []
    for seed in range(300):
        time, left, new = _sample(seed)
        found = hazard_ratio(np.minimum(time, 60), left & (time <= 60), new)
        told.append(not found.low <= 1 <= found.high)
    # Of 300 at 5 %, 8.5 % or more have a chance of 0.6 %.
    assert np.mean(told) < 0.085


def test_the_simulated_company_is_told_as_unchanged(simulated_shop, lives):
    found = loyalty_change(simulated_shop, lives)
    assert finding_loyalty_change(found).verdict is not Verdict.NOT_SUPPORTED
    assert found.ratio.low < 1 < found.ratio.high
    assert (found.curves.diff().iloc[1:] <= 1e-12).all(axis=None)
    # Planted: leaving depends on local competition.
    competition = found.groups.loc["local_competition"]
    assert (competition["best"], competition["worst"]) == ("low", "high")
    assert competition["q_value"] < 0.05
    assert (found.groups["q_value"] >= found.groups["p_value"]).all()


def test_too_few_customers_are_told_so(tmp_path, lives):
    rows = [(f"o{n}", f"c{n}", f"2025-01-{n % 28 + 1:02}", 1.0) for n in range(60)]
    shop = Company.open(write_company(tmp_path / "shop", {"transactions": transactions(rows)}, as_of="2025-12-31"))
    with pytest.raises(TooLittleData, match="50 customers won earlier"):
        loyalty_change(shop, type(lives)(frame=lives.frame.head(60), days=120, as_of=shop.as_of))


def test_faster_leaving_is_found(lives, simulated_shop):
    rng = np.random.default_rng(3)
    frame = lives.frame.copy()
    new = frame["won_at"] > frame["won_at"].median()
    frame.loc[new, "time"] = (frame.loc[new, "time"] * rng.random(new.sum()) * 0.5).astype(int)
    found = loyalty_change(simulated_shop, type(lives)(frame=frame, days=120, as_of=lives.as_of))
    assert found.ratio.low > 1
    assert isinstance(found.groups, pd.DataFrame)


def test_where_most_were_there_when_the_data_begin_nobody_is_called_newer(lives, simulated_shop):
    frame = lives.frame.copy()
    frame.loc[frame.index[: int(0.7 * len(frame))], "won_at"] = frame["won_at"].min()
    with pytest.raises(TooLittleData, match="when the data begin"):
        loyalty_change(simulated_shop, type(lives)(frame=frame, days=120, as_of=lives.as_of))
