"""Read-outs: the published effects of Hillstrom's challenge, skewed money, no effect, planted effects, bad arms."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.finding import Verdict
from crm_lib.retention import finding_campaigns, read_out
from crm_lib.retention.arms import difference, equal_split
from tests.companies import transactions, write_company

HILLSTROM = Path(os.environ.get("CRM_PUBLISHED_DATA", "")) / "hillstrom.csv"


@pytest.fixture(scope="module")
def found(simulated_shop):
    return read_out(simulated_shop)


# Hillstrom's MineThatData challenge (2008), 64,000 customers: effect and standard error.
@pytest.mark.skipif(not HILLSTROM.is_file(), reason="CRM_PUBLISHED_DATA names no folder with hillstrom.csv")
@pytest.mark.parametrize(
    ("arm", "measure", "effect", "error"),
    [
        ("Womens E-Mail", "visit", 0.04523, 0.00323), ("Mens E-Mail", "visit", 0.07659, 0.00339),
        ("Womens E-Mail", "spend", 0.4244, 0.1303), ("Mens E-Mail", "spend", 0.7698, 0.1452),
        ("Womens E-Mail", "conversion", 0.003111, None), ("Mens E-Mail", "conversion", 0.006805, None),
    ],
)  # fmt: skip
def test_the_published_effects_of_an_e_mail_are_reproduced(arm, measure, effect, error):
    data = pd.read_csv(HILLSTROM)
    some = data[data["segment"].isin([arm, "No E-Mail"])]
    adjusted, plain, _ = difference(some[measure], some["segment"] == arm, before=some["history"])
    assert plain.value == pytest.approx(effect, rel=2e-4)
    standard = (plain.high - plain.low) / 2 / 1.959964
    if error:
        assert standard == pytest.approx(error, rel=2e-3)
    # What was bought before tells next to nothing here: an honest null.
    assert 0.9955 <= ((adjusted.high - adjusted.low) / (plain.high - plain.low)) ** 2 <= 1.0
    assert equal_split(data["segment"].value_counts()) > 0.05


def test_without_an_effect_none_is_found_beyond_the_stated_rate():
    rng, told = np.random.default_rng(4), 0
    for _ in range(300):
        before = rng.lognormal(2, 1, 600)
        money = before * rng.lognormal(0, 0.5, 600)
        told += difference(money, rng.random(600) < 0.5, before=before)[2] < 0.05
    assert told / 300 <= 0.085


def test_what_was_before_narrows_the_interval_where_it_tells_something():
    rng = np.random.default_rng(5)
    before, arm = rng.normal(10, 3, 3000), rng.random(3000) < 0.5
    money = before + rng.normal(0, 1, 3000) + 0.5 * arm
    adjusted, plain, _ = difference(money, arm, before=before)
    assert adjusted.low < 0.5 < adjusted.high
    # Variance left: 1 of 10.
    assert ((adjusted.high - adjusted.low) / (plain.high - plain.low)) ** 2 == pytest.approx(0.1, rel=0.2)


def test_planted_effects_lie_in_the_intervals(found, simulation):
    truth = simulation.truth["uplift"].groupby(["campaign_id", "arm"])["profit"].mean()
    inside = [row.value.low <= truth[key] <= row.value.high for key, row in found.frame.iterrows()]
    # Of nine or so intervals at 95 %, three or more miss with a chance of 1 %.
    assert len(inside) - sum(inside) <= 2
    assert finding_campaigns(found).verdict is not Verdict.NOT_SUPPORTED
    assert not found.suspect
    assert (found.frame["q_value"] >= found.frame["p_value"]).all()
    assert "K5" not in found.frame.index.get_level_values("campaign")  # its customers were chosen, not drawn


def test_an_unequal_split_is_noticed():
    assert equal_split([5000, 4500]) < 0.001
    assert equal_split([5000, 4950]) > 0.05


def test_an_empty_arm_or_no_control_is_told(tmp_path):
    with pytest.raises(TooLittleData, match="both arms"):
        difference([1.0, 2.0], [True, True])
    bare = Company.open(write_company(tmp_path / "bare", {"transactions": transactions()}))
    with pytest.raises(MissingData, match="assignments"):
        read_out(bare)


def _trial(folder, **more):
    """Return a shop that tried a letter on 120 customers, with 120 in the control group."""
    people = [f"c{n:03}" for n in range(240)]
    drawn = pd.DataFrame({
        "campaign_id": "k", "customer_id": people, "assigned_at": "2025-02-01", "randomised": True,
        "arm": ["letter", "control"] * 120, "outcome_from": "2025-02-01", "outcome_to": "2025-02-28",
    }).assign(**more)  # fmt: skip
    days = {"2024-11-05": 7, "2025-02-10": 5}
    bought = [(f"o{n}{day}", c, day, 10.0 + n % k) for n, c in enumerate(people) for day, k in days.items()]
    tables = {"transactions": transactions(bought), "assignments": drawn}
    return Company.open(write_company(folder, tables, as_of="2025-03-31"))


@pytest.mark.parametrize(
    "more",
    [
        {"arm": "letter"}, {"arm": ["letter"] * 239 + ["control"]}, {"randomised": False},
        {"assigned_at": "2025-03-05"},  # after the end of the outcome: such rows are rejected
        {"outcome_to": "2025-06-30"},  # not over yet
    ],
    ids=["no control", "an arm of one", "not drawn", "assigned after the outcome", "not over"],
)  # fmt: skip
def test_a_campaign_that_cannot_be_read_out_is_left_out_with_the_reason(tmp_path, more):
    with pytest.raises(MissingData, match=r"assignments|drew by chance"):
        read_out(_trial(tmp_path / "shop", **more))


def test_customers_in_two_campaigns_at_once_are_read_out_in_each(tmp_path):
    company = _trial(tmp_path / "one")
    rows = company.frame("assignments")
    rows["customer_id"] = rows["customer_id"].to_numpy()[::-1]
    both = pd.concat([company.frame("assignments"), rows.assign(campaign_id="l")])
    lines = company.frame("transactions")[["order_id", "customer_id", "ordered_at", "revenue"]]
    tables = {"transactions": lines, "assignments": both.drop(columns=["responded_at"], errors="ignore")}
    found = read_out(Company.open(write_company(tmp_path / "two", tables, as_of="2025-03-31")))
    assert found.frame.index.tolist() == [("k", "letter"), ("l", "letter")]
    assert found.frame["value"]["k", "letter"].value == pytest.approx(-found.frame["value"]["l", "letter"].value)
