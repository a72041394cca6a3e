"""Campaigns to chosen customers: the naive comparison is wrong, like with like covers, the placebo warns."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from statsmodels.regression.linear_model import OLS

from crm_lib import figures, retention
from crm_lib.churn.amounts import welch
from crm_lib.company import Company
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.retention import chosen, chosen_campaigns
from crm_lib.retention.chosen import doubly_robust
from tests.companies import transactions, write_company
from tests.figures.conftest import drawn


def test_like_with_like_covers_where_the_plain_comparison_does_not():
    covered = plain = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(1500, 4))
        treated = rng.random(1500) < 1 / (1 + np.exp(1 - x[:, 0] + 0.5 * x[:, 1]))
        effect = 3 * (1 + 0.5 * (x[:, 3] > 0))
        y = 10 + 5 * x[:, 0] + 2 * x[:, 2] + effect * treated + rng.lognormal(1, 1, 1500)
        found, overlap, apart = doubly_robust(x, y, treated)
        truth = effect[treated].mean()
        covered += found.low <= truth <= found.high
        plain += abs(y[treated].mean() - y[~treated].mean() - truth) < 1
        assert overlap > 0.95
        assert apart[1] < apart[0]
    assert covered >= 52  # of 60 at 95 %; fewer come once in 300 times
    assert plain == 0


def _shop(folder, *, by="what they bought", trend=0.0):
    """Return a shop that mails its best customers, to no effect; with a `trend` the best buy ever more anyway."""
    rng, n, day = np.random.default_rng(1), 1600, dt.date(2025, 12, 1)
    rate = rng.gamma(3, 0.5, n)
    past = rng.poisson(rate, (8, n))
    score = past[:6].sum(axis=0) / 6 if by == "what they bought" else rate
    best = rng.random(n) < 1 / (1 + np.exp(3 - 1.6 * score))
    rows = []
    for month in range(9):
        more = trend * max(month - 6, 0) * best
        numbers = (past[month] if month < 8 else rng.poisson(rate)) + rng.poisson(rate * more)
        for c, number in enumerate(numbers):
            rows += [
                (f"o{month}-{c}-{k}", f"c{c:04}", str(day - dt.timedelta(days=30 * (8 - month) - int(d))), round(m, 2))
                for k, (d, m) in enumerate(zip(rng.integers(1, 29, number), rng.lognormal(2, 0.4, number), strict=True))
            ]
    mailed = pd.DataFrame({
        "campaign_id": "m", "customer_id": [f"c{c:04}" for c in np.flatnonzero(best)], "assigned_at": str(day),
        "arm": "mailed", "randomised": False, "outcome_from": str(day), "outcome_to": str(day + dt.timedelta(days=29)),
    })  # fmt: skip
    tables = {"transactions": transactions(rows), "assignments": mailed}
    return Company.open(write_company(folder, tables, as_of="2025-12-31"))


def test_a_campaign_to_the_best_customers_that_changes_nothing_is_not_told_as_a_success(tmp_path):
    row = chosen_campaigns(_shop(tmp_path / "level")).frame.loc["m"]
    assert row["plain"].low > 0
    assert row["alike"].low <= 0 <= row["alike"].high
    assert row["trend"].low <= 0 <= row["trend"].high
    assert row["sound"]


def test_checks_warn_where_customers_were_chosen_by_what_the_tables_do_not_hold(tmp_path):
    row = chosen_campaigns(_shop(tmp_path / "hidden", by="what they will buy")).frame.loc["m"]
    assert row["alike"].low > 0  # wrongly
    assert not row["sound"]


def test_the_placebo_warns_where_trends_differ(tmp_path):
    row = chosen_campaigns(_shop(tmp_path / "apart", trend=0.6)).frame.loc["m"]
    assert row["trend_placebo"].low > 0
    assert row["placebo"].low > 0
    assert not row["sound"]


def test_the_demo_s_evening_for_the_best_is_no_sound_comparison_and_stands_beside_its_truth(
    simulated_shop, simulation, monkeypatch
):
    found = chosen_campaigns(simulated_shop)
    assert found.frame.index.tolist() == ["K5"]
    assert not found.frame["sound"].any()  # nobody like the best was left uninvited
    monkeypatch.setattr(chosen, "simulated_truth", lambda _, table: simulation.truth[table])
    campaigns = retention.read_out(simulated_shop)
    beside = retention.campaigns_beside_truth(simulated_shop, campaigns, found)
    plain = found.frame["plain"]["K5"]
    assert not plain.low <= beside["truth"]["K5, chosen"] <= plain.high
    assert len(beside) == len(campaigns.frame) + 1
    for chart in (figures.chosen_chart(found), figures.campaign_truth_chart(beside, "GBP")):
        assert "nan" not in drawn(chart)[1]["alt"]


def test_trends_are_the_clustered_regression_of_difference_in_differences():
    rng, n = np.random.default_rng(3), 400
    treated, own = rng.random(n) < 0.4, rng.lognormal(2, 1, n)
    before, after = own + rng.normal(0, 2, n), own + 1.5 * treated + rng.normal(0, 2, n)
    told = welch((after - before)[treated], (after - before)[~treated])[0]
    later, who = np.repeat([0.0, 1.0], n), np.tile(np.arange(n), 2)
    twice = np.tile(treated, 2).astype(float)
    x = np.column_stack([np.ones(2 * n), twice, later, twice * later])
    fit = OLS(np.concatenate([before, after]), x).fit(cov_type="cluster", cov_kwds={"groups": who})
    assert told.value == pytest.approx(fit.params[3])
    assert (told.high - told.low) / 2 / 1.967 == pytest.approx(fit.bse[3], rel=0.01)


def test_what_cannot_be_compared_is_told(tmp_path):
    bare = Company.open(write_company(tmp_path / "bare", {"transactions": transactions()}))
    with pytest.raises(MissingData, match="assignments"):
        chosen_campaigns(bare)
    few = pd.DataFrame({
        "campaign_id": "m", "customer_id": ["anna", "ben"], "assigned_at": "2025-03-01", "arm": "mailed",
        "randomised": False, "outcome_from": "2025-03-01", "outcome_to": "2025-03-10",
    })  # fmt: skip
    small = Company.open(write_company(tmp_path / "few", {"transactions": transactions(), "assignments": few}))
    with pytest.raises(TooLittleData, match="50 chosen customers"):
        chosen_campaigns(small)
