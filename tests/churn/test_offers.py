"""Offers by uplift: Qini and AUUC against their definitions, published effects, and nothing where there is nothing."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import StratifiedKFold

from crm_lib.churn import finding_uplift, uplift
from crm_lib.churn.amounts import welch
from crm_lib.churn.experiments import experiment
from crm_lib.churn.uplift import _areas, _cross_fitted, _policies, _tenths, qini
from crm_lib.company import Company
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.finding import Verdict
from tests.companies import transactions, write_company

HILLSTROM = Path(os.environ.get("CRM_PUBLISHED_DATA", "")) / "hillstrom.csv"


def _trial(seed: int, n: int = 4000, effect: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return signs, outcome and arms; the offer adds `effect` times the first sign, which is centred on 0."""
    rng = np.random.default_rng(seed)
    x, treated = rng.normal(size=(n, 3)), rng.random(n) < 0.5
    return x, x[:, 1] + treated * effect * x[:, 0] + rng.normal(size=n), treated


def _by_definition(score: np.ndarray, y: np.ndarray, treated: np.ndarray) -> tuple[float, float]:
    """Return Qini (Radcliffe 2007) and AUUC a customer, step by step."""
    order = np.argsort(-score, kind="stable")
    extra, gap = [0.0], [0.0]
    for k in range(1, y.size + 1):
        first = order[:k]
        one, other = first[treated[first]], first[~treated[first]]
        scaled = y[other].sum() * one.size / other.size if other.size else 0.0
        extra.append(y[one].sum() - scaled)
        means = [y[each].mean() if each.size else 0.0 for each in (one, other)]
        gap.append((means[0] - means[1]) * k)
    line = np.linspace(0, extra[-1], y.size + 1)
    return float(np.trapezoid(extra - line)) / y.size**2, float(np.trapezoid(gap)) / y.size**2


def test_qini_and_auuc_are_those_of_their_definitions():
    x, y, treated = _trial(1, n=150, effect=1.0)
    found = [float(each[0]) for each in qini(x[:, 0], y, treated)]
    assert found == pytest.approx(_by_definition(x[:, 0], y, treated))
    order = np.random.default_rng(0).permutation(150)
    mixed = qini(x[order, 0], y[order], treated[order])
    assert [float(each[0]) for each in mixed] == pytest.approx(found)
    # Customers with the same score are one group: all alike has no area.
    assert float(qini(np.zeros(150), y, treated)[0][0]) == pytest.approx(0.0)


def test_qini_of_a_score_by_chance_holds_zero_as_often_as_it_says():
    inside = []
    for seed in range(80):
        x, y, treated = _trial(seed, n=800, effect=1.0)
        found = _areas(x[:, 2], y, treated, seed)["qini"]
        inside.append(found.low <= 0 <= found.high)
    assert np.mean(inside) >= 0.88


def test_a_true_difference_between_customers_is_found_and_pays():
    x, y, treated = _trial(3, effect=1.0)
    share = np.full(y.size, treated.mean())
    with_offer, without = _cross_fitted(x, y, treated, share, 0)
    score = with_offer - without
    assert np.corrcoef(score, x[:, 0])[0, 1] > 0.9
    assert _areas(score, y, treated, 0)["qini"].low > 0
    tenths = _tenths(score, y, treated)
    assert tenths["uplift"].iloc[0] > 1 > -1 > tenths["uplift"].iloc[-1]
    assert tenths["p_value"].iloc[-1] < 0.05
    effect = score + treated / share * (y - with_offer) - ~treated / (1 - share) * (y - without)
    policies, gain, rival = _policies(effect, {"uplift": score, "silence": x[:, 2], "value": x[:, 1]}, "GBP")
    assert rival == "no one"
    # Half of all gain E(z | z > 0) = sqrt(2 / pi) each.
    told = policies.loc["by uplift", "value"]
    assert told.low < 1000 * np.sqrt(2 / np.pi) / 2 < told.high
    assert gain.low > 0
    assert policies.loc["everyone", "value"].low < 0 < policies.loc["everyone", "value"].high


def test_customers_of_whom_nobody_bought_do_not_show_that_an_offer_does_harm():
    found, p_value = welch(np.full(90, -0.05), np.zeros(90))
    assert (found.low, found.high, p_value) == (-np.inf, np.inf, 1.0)
    spread = np.tile([-1.0, 1.0], 45)
    assert welch(spread - 2.0, np.zeros(90))[0].high < 0


def test_where_customers_do_not_differ_choosing_is_found_to_pay_no_more_often_than_stated():
    said = []
    for seed in range(80):
        x, y, treated = _trial(seed, n=600)
        share = np.full(y.size, treated.mean())
        with_offer, without = _cross_fitted(x, y, treated, share, seed)
        score = with_offer - without
        effect = score + treated / share * (y - with_offer) - ~treated / (1 - share) * (y - without)
        orders = {"uplift": score, "silence": x[:, 2], "value": x[:, 1]}
        said.append(_policies(effect, orders, "GBP")[1].low > 0)
    assert np.mean(said) <= 0.06


def _one_model_an_arm(x: np.ndarray, y: np.ndarray, treated: np.ndarray) -> np.ndarray:
    """Return uplift by the rival: the difference of two regressions, of customers that neither has seen."""
    told = np.empty(y.size)
    for learn, rest in StratifiedKFold(5, shuffle=True, random_state=0).split(x, treated):
        arms = (treated[learn], ~treated[learn])
        models = [RidgeCV(np.logspace(0, 5, 11)).fit(x[learn][arm], y[learn][arm]) for arm in arms]
        told[rest] = models[0].predict(x[rest]) - models[1].predict(x[rest])
    return told


def test_where_customers_hardly_differ_choosing_loses_less_than_by_its_rival():
    ours, rivals = [], []
    for seed in range(30):
        x, y, treated = _trial(seed, n=1500, effect=0.05)
        y, true = y + 0.1 * treated, 0.1 + 0.05 * x[:, 0]
        told = np.subtract(*_cross_fitted(x, y, treated, np.full(y.size, 0.5), seed))
        ours.append((true * (told > 0)).mean())
        rivals.append((true * (_one_model_an_arm(x, y, treated) > 0)).mean())
    assert stats.ttest_rel(ours, rivals, alternative="greater").pvalue < 0.01


def test_the_simulated_campaigns_are_read_and_nothing_is_claimed_that_they_do_not_show(simulated_shop):
    found = uplift(simulated_shop, seed=1)
    assert found.campaigns == ("K6", "K7")
    assert found.offer in ("email", "email_voucher")
    assert found.tenths["customers"].sum() > 1000
    assert finding_uplift(found).verdict is not Verdict.NOT_SUPPORTED
    assert found.left_alone == 0


def _assignments(arms: dict[str, int], **more: object) -> dict[str, pd.DataFrame]:
    who = [(f"c{n:03}", arm) for n, arm in enumerate(arm for arm, size in arms.items() for _ in range(size))]
    frame = pd.DataFrame(who, columns=["customer_id", "arm"]).assign(
        campaign_id="K1", assigned_at="2025-02-01", outcome_from="2025-02-01", outcome_to="2025-02-28",
        randomised=True, cost=1.0,
    )  # fmt: skip
    campaigns = pd.DataFrame({"campaign_id": ["K1"], "started_at": "2025-02-01", "goal": "grow"})
    return {"transactions": transactions(), "assignments": frame.assign(**more), "campaigns": campaigns}


@pytest.mark.parametrize(
    ("arms", "more"),
    [
        ({"control": 3, "letter": 400}, {}),
        ({"letter": 400}, {}),
        ({"control": 300, "letter": 300}, {"randomised": False}),
        ({"control": 300, "letter": 300}, {"outcome_to": "2025-12-31"}),
    ],
    ids=["control of three", "no control", "not by chance", "not over"],
)
def test_campaigns_that_say_nothing_are_left_out_with_the_reason(tmp_path, arms, more):
    shop = Company.open(write_company(tmp_path / "shop", _assignments(arms, **more), as_of="2025-04-01"))
    with pytest.raises(TooLittleData, match="drew by chance at least 50 customers for an offer and 50 for a control"):
        experiment(shop, win_back=False)


def test_costs_may_be_unknown_and_tables_missing(tmp_path):
    tables = _assignments({"Control": 60, "letter": 60})
    tables["assignments"] = tables["assignments"].drop(columns="cost")
    rows = experiment(Company.open(write_company(tmp_path / "shop", tables, as_of="2025-04-01")), win_back=False)
    assert (rows["cost"] == 0).all()
    assert sorted(set(rows["arm"])) == ["control", "letter"]
    bare = Company.open(write_company(tmp_path / "bare", {"transactions": transactions()}, as_of="2025-04-01"))
    with pytest.raises(MissingData, match="assignments"):
        experiment(bare, win_back=False)


@pytest.mark.skipif(not HILLSTROM.is_file(), reason="CRM_PUBLISHED_DATA names no folder with hillstrom.csv")
def test_published_effects_of_hillstroms_challenge():
    data = pd.read_csv(HILLSTROM)
    groups = {name: rows for name, rows in data.groupby("segment")}  # noqa: C416
    none = groups["No E-Mail"]
    published = {
        ("Womens E-Mail", "visit"): (0.04523, 0.00323), ("Mens E-Mail", "visit"): (0.07659, 0.00339),
        ("Womens E-Mail", "spend"): (0.4244, 0.1303), ("Mens E-Mail", "spend"): (0.7698, 0.1452),
    }  # fmt: skip
    for (segment, outcome), (effect, error) in published.items():
        found, _ = welch(groups[segment][outcome].to_numpy(float), none[outcome].to_numpy(float))
        assert found.value == pytest.approx(effect, rel=2e-4)
        assert (found.high - found.low) / 2 / 1.96 == pytest.approx(error, rel=5e-3)
    pair = pd.concat([groups["Womens E-Mail"], none])
    x = np.column_stack([np.log1p(pair["recency"]), np.log1p(pair["history"]), pair["womens"], pair["newbie"]])
    treated = (pair["segment"] == "Womens E-Mail").to_numpy()
    share, visits = np.full(len(pair), treated.mean()), pair["visit"].to_numpy(float)
    score = np.subtract(*_cross_fitted(x.astype(float), visits - 0.045 * treated, treated, share, 0))
    # The women's mail moves those who bought women's goods: uplift is told apart, as well as by that split alone.
    ours, split = (_areas(each, visits, treated, 0)["qini"] for each in (score, pair["womens"].to_numpy(float)))
    assert ours.low > 0
    assert ours.value >= split.value - 0.1 * abs(split.value)
    # At the cost of a twentieth of a visit, offers to everyone earn nothing: choosing does.
    each = treated / share * (visits - 0.045) - ~treated / (1 - share) * visits
    _, gain, _ = _policies(each, {"uplift": score, "silence": pair["recency"], "value": pair["history"]}, "visits")
    assert gain.low > 0
