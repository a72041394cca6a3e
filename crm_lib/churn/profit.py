"""What a list of customers to keep earns: its size by profit, and the expected maximum profit of a risk."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import betainc
from sklearn.isotonic import isotonic_regression

from crm_lib.churn.amounts import mean_of
from crm_lib.churn.risk import ChurnRisk
from crm_lib.customers import Value
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.language import say

CERTAINTY = 20.0
"""How sure the share is that a contact keeps: as after so many customers (Verbraken et al. take Beta(6, 14))."""


def expected_maximum_profit(
    left: ArrayLike,
    score: ArrayLike,
    *,
    value: float,
    contact_cost: float,
    offer_cost: float = 0.0,
    saved_share: float = 0.3,
) -> float:
    """Return the expected maximum profit of a list by a score, EMPC (Verbraken, Verbeke & Baesens 2013, TKDE 25(5)).

    `value` is what a customer who stays is worth; the offer is taken by all who stay, and by those whom it keeps. The
    share kept of those about to leave is Beta-distributed about `saved_share`, as after 20 customers. The corners of
    the ROC curve's hull come from an isotonic regression of the outcome on the order of the scores.

    >>> found = expected_maximum_profit([1, 1, 0, 0], [0.9, 0.8, 0.2, 0.1], value=200, contact_cost=1, offer_cost=10)
    >>> round(found, 3)
    28.0
    """
    y, s = np.asarray(left, dtype=np.float64), np.asarray(score, dtype=np.float64)
    if not (value > offer_cost >= 0 and contact_cost >= 0):
        raise ValueError("the value must be above the cost of the offer, and no cost negative")
    if not 0 < saved_share < 1:
        raise ValueError(f"saved_share must lie between 0 and 1, not {saved_share}")
    if not 0 < y.mean() < 1:
        raise ValueError("nobody or everybody left: there is nothing to tell apart")
    order = np.argsort(-s, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(s[order])), y.size - 1)
    n, ones = (np.diff(np.append(0.0, total)) for total in (ends + 1.0, np.cumsum(y[order])[ends]))
    pooled = isotonic_regression(ones / n, sample_weight=n, increasing=False)
    corner = np.append(np.flatnonzero(np.diff(pooled)), pooled.size - 1)
    # Leavers and stayers contacted, as shares of all customers, at each corner; nobody at the first.
    leavers, everybody = (np.append(0.0, np.cumsum(each)[corner]) / y.size for each in (ones, n))
    stayers = everybody - leavers
    spent = (value - offer_cost) * np.diff(leavers)
    with np.errstate(divide="ignore"):
        border = (contact_cost * np.diff(leavers) + (offer_cost + contact_cost) * np.diff(stayers)) / spent
    a, b = CERTAINTY * saved_share, CERTAINTY * (1 - saved_share)
    limits = np.concatenate([[0.0], np.maximum.accumulate(border.clip(0, 1)), [1.0]])
    first, chance = np.diff(betainc(a + 1, b, limits)) * saved_share, np.diff(betainc(a, b, limits))
    cost = contact_cost * leavers + (offer_cost + contact_cost) * stayers
    profit = (value - offer_cost) * leavers * first - cost * chance
    return float(profit.sum())


@dataclass(frozen=True, kw_only=True, eq=False)
class RetentionList:
    """Whom to contact so that they stay: everybody of whom it is expected to pay.

    `frame` by ``customer_id``, the largest gain first: ``risk``, ``value`` and ``gain`` (money), of those with a
    positive gain. `curve` by ``customers`` contacted on the day of the test, in that order: profit ``expected`` and
    ``realised`` (money; what the assumed share kept of those who did leave was worth, less costs). `rules`, as many
    customers by each on that day: ``realised``, ``precision`` (share who left) and ``empc``. `size` was the list's,
    `gain` is what it realised more than the most valuable customers.
    """

    frame: pd.DataFrame
    curve: pd.DataFrame
    rules: pd.DataFrame
    size: int
    gain: Estimate
    tested_on: dt.date
    value_kind: Value
    currency: str

    def realised(self, rule: str) -> float:
        """What the list by a rule realised on the day of the test (money)."""
        return float(self.rules["realised"].to_dict()[rule])


def retention_list(
    risk: ChurnRisk, *, contact_cost: float, offer_cost: float = 0.0, saved_share: float = 0.1
) -> RetentionList:
    """Choose whom to contact by expected profit, and test the choice on an earlier day.

    A contact costs `contact_cost`; it keeps `saved_share` of those about to leave, who take the offer and bring another
    year like the last; those who stay anyway take the offer too.

    Parameters
    ----------
    risk : ChurnRisk
        Risk of leaving.
    contact_cost, offer_cost : float
        Cost of a contact, and of the offer (money).
    saved_share : float
        Part of those about to leave whom a contact keeps: an assumption until a test with a control group measures it.

    Returns
    -------
    RetentionList
        Today's list and the test.

    Raises
    ------
    ValueError
        If a cost is negative or the share does not lie between 0 and 1.
    TooLittleData
        If a contact would have paid for nobody on the day of the test.
    """
    if min(contact_cost, offer_cost) < 0:
        raise ValueError("contact_cost and offer_cost must not be negative")
    if not 0 < saved_share < 1:
        raise ValueError(f"saved_share must lie between 0 and 1, not {saved_share}")

    def profit(chance: pd.Series[float], value: pd.Series[float]) -> pd.Series[float]:
        kept = chance * saved_share * (value.clip(lower=0.0) - offer_cost)
        return kept - (1 - chance) * offer_cost - contact_cost

    now, before = risk.frame[["risk", "value"]], risk.test
    frame = now.assign(gain=profit(now["risk"], now["value"]))
    frame = frame[frame["gain"] > 0].sort_values("gain", ascending=False, kind="stable")
    expected = profit(before["risk"], before["value"])
    realised = profit(before["silent"].astype(float), before["value"])
    size = int((expected > 0).sum())
    if not size:
        raise TooLittleData(say("a contact at {cost} would pay for nobody: lower its cost", cost=contact_cost))
    order = expected.sort_values(ascending=False, kind="stable").index
    curve = pd.DataFrame(
        {"expected": expected[order].cumsum().to_numpy(), "realised": realised[order].cumsum().to_numpy()},
        index=pd.RangeIndex(1, len(order) + 1, name="customers"),
    )
    by = {"risk times value": expected, "value alone": before["value"], "risk alone": before["risk"]}
    lists = {name: score.sort_values(ascending=False, kind="stable").index[:size] for name, score in by.items()}
    worth = float(before["value"].clip(lower=0).mean())
    terms = {"value": worth, "contact_cost": contact_cost, "offer_cost": offer_cost, "saved_share": saved_share}
    silent = before["silent"].to_numpy()
    rules = pd.DataFrame({
        "realised": {name: realised[chosen].sum() for name, chosen in lists.items()} | {"everybody": realised.sum()},
        "precision": {name: before.loc[chosen, "silent"].mean() for name, chosen in lists.items()}
        | {"everybody": before["silent"].mean()},
    }).rename_axis("rule")  # fmt: skip
    if worth > offer_cost:
        scores = {"risk alone": before["risk"], "days of silence": before["silence"]}
        for name, score in scores.items():
            rules.loc[name, "empc"] = expected_maximum_profit(silent, score, **terms)
    ours, rival = (realised.index.isin(lists[name]).astype(float) for name in ("risk times value", "value alone"))
    return RetentionList(
        frame=frame, curve=curve, rules=rules, size=size,
        gain=mean_of(np.asarray(realised * (ours - rival), dtype=np.float64), times=len(realised), unit=risk.currency),
        tested_on=risk.tested_on, value_kind=risk.value_kind, currency=risk.currency,
    )  # fmt: skip


def finding_list(found: RetentionList) -> Finding:
    """Return whether a list by risk times value earns more than one of the most valuable customers."""
    total = float(found.frame["gain"].sum())
    return Finding(
        key="churn.list",
        claim="A list by risk times value earns more than one of as many of the most valuable customers.",
        source="Textbook 4.2: spend on valuable customers who look around",
        estimate=found.gain,
        criterion=Criterion(low=0.0),
        sentence=(
            "On {day:date} the list of {n:count} by risk times value would have earned {realised:short}, {estimate} "
            "more than the {n:count} most valuable customers."
        ),
        if_supported="Contact the {now:count} customers of today's list, and leave out a random tenth as control.",
        if_not_supported="Contact the most valuable customers: the risk adds nothing to that.",
        if_undecided="Contact today's list of {now:count}, with a random tenth left out, and compare next quarter.",
        values={
            "day": found.tested_on, "n": found.size, "now": len(found.frame),
            "realised": found.realised("risk times value"), "kind": found.value_kind,
        },
        currency=found.currency,
        money_at_stake=Estimate.exact(total, n=len(found.frame), unit=found.currency, method="sum"),
        money_note="expected {kind:words} kept by contacting today's list, less costs, if the assumed share is kept",
    )  # fmt: skip
