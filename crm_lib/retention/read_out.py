"""What randomised campaigns changed: who bought, and what was earned, against a control group drawn by chance."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from crm_lib.churn.amounts import lines_between, value_before
from crm_lib.churn.experiments import FEWEST, experiment
from crm_lib.company import Company
from crm_lib.customers import Value, customer_attribute, exact_sum, is_purchase, value_of
from crm_lib.errors import TooLittleData
from crm_lib.estimate import LEVEL, Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.language import say
from crm_lib.retention.arms import difference, equal_split, ratio_difference
from crm_lib.statistics.proportions import holm, newcombe, wilson

_UNLIKELY = 0.001
"""A split of the arms as unequal as this, or more, is no chance: something dropped customers from an arm."""


_ATTRIBUTES = ("customer_group", "region", "acquisition_channel")


@dataclass(frozen=True, kw_only=True, eq=False)
class ReadOut:
    """Effects of the company's randomised campaigns, against their control group, in the outcome window.

    `frame` by ``campaign`` and ``arm``: ``customers``, ``buyers`` (difference of the share who bought, in points),
    ``value`` (difference of value a customer, less the cost of the offer), ``plain`` (the same without the year before
    taken into account), ``purchase`` (difference of value a purchase, a ratio metric), ``p_value`` of the value,
    ``q_value`` (Holm over all arms), ``split`` (p-value of arms of equal size). `rows` are the customers:
    ``campaign_id``, ``customer_id``, ``arm``, the days, and ``cost``, ``outcome`` (value less cost) and ``before``
    (money), ``bought`` and ``purchases``.
    """

    frame: pd.DataFrame
    rows: pd.DataFrame
    costs_known: bool
    value_kind: Value
    currency: str
    as_of: dt.date

    @property
    def largest(self) -> tuple[str, str]:
        """Campaign and arm of the offer that was tried on the most customers."""
        campaign, arm = self.frame.index[int(self.frame["customers"].argmax())]
        return str(campaign), str(arm)

    @property
    def suspect(self) -> list[str]:
        """Campaigns whose arms differ in size by more than chance, if equal ones were meant."""
        found = self.frame.groupby("campaign")["split"].first()
        return [str(name) for name in found.index[found < _UNLIKELY]]


def read_out(company: Company) -> ReadOut:
    """Read out the company's randomised campaigns to its customers.

    Parameters
    ----------
    company : Company
        The company.

    Returns
    -------
    ReadOut
        Effects by campaign and arm.

    Raises
    ------
    MissingData
        If the company records no assignments at random.
    TooLittleData
        If no campaign has arms of 50 customers, or control customers.

    Notes
    -----
    Value is compared with the value of the year before taken into account (CUPED; Deng et al. 2013).
    """
    rows = experiment(company, win_back=False)
    lines = lines_between(company, rows, rows["outcome_from"], rows["outcome_to"])
    sums = lines.group_by("row").agg(
        value=exact_sum(lines[value_of(company)]), orders=lines.order_id.nunique(where=is_purchase(lines))
    )
    told = sums.execute().set_index("row").reindex(range(len(rows)), fill_value=0).astype(float)
    rows = rows.assign(
        bought=told["orders"] > 0, purchases=told["orders"], outcome=told["value"] - rows["cost"],
        before=value_before(company, rows, rows["assigned_at"] - pd.Timedelta(days=1)).to_numpy(),
    )  # fmt: skip
    parts = []
    # Where nobody bought there is nothing to compare.
    told = rows[rows.groupby("campaign_id")["bought"].transform("any")]
    if told.empty:
        raise TooLittleData(say("nobody bought in the outcome window of a campaign"), table="assignments")
    for campaign, some in told.groupby("campaign_id", sort=True):
        control = some[some["arm"] == "control"]
        split = equal_split(some["arm"].value_counts().to_numpy())
        for arm, offered in some[some["arm"] != "control"].groupby("arm", sort=True):
            shares = [wilson(int(each["bought"].sum()), len(each)) for each in (offered, control)]
            both = pd.concat([offered, control])
            inside = np.repeat([True, False], [len(offered), len(control)])
            value, plain, p = difference(both["outcome"], inside, before=both["before"], unit=company.currency)
            parts.append({
                "campaign": campaign, "arm": arm, "customers": len(both), "buyers": _points(newcombe(*shares)),
                "value": value, "plain": plain, "purchase": ratio_difference(
                    both["outcome"] + both["cost"], both["purchases"], inside, unit=company.currency
                ), "p_value": p, "split": split,
            })  # fmt: skip
    frame = pd.DataFrame(parts).set_index(["campaign", "arm"])
    frame["q_value"] = holm(frame["p_value"].to_numpy(float))
    return ReadOut(
        frame=frame, rows=rows, costs_known=company.has("assignments", "cost"), value_kind=value_of(company),
        currency=company.currency, as_of=company.as_of,
    )  # fmt: skip


def group_effects(company: Company, found: ReadOut) -> pd.DataFrame:
    """Compare what the offer with the most customers changed in each group with what it changed in the others.

    Parameters
    ----------
    company : Company
        The company.
    found : ReadOut
        Its campaigns, read out.

    Returns
    -------
    DataFrame
        By ``campaign``, ``arm``, ``attribute`` and ``group`` (of 50 customers in both arms): ``customers``, ``inside``
        and ``others`` (Estimates, value a customer), ``q_value`` of their difference (false discovery rate, Benjamini
        and Hochberg 1995).

    Raises
    ------
    TooLittleData
        If no attribute has two groups of 50 customers in both arms.
    """
    campaign, arm = found.largest
    rows = found.rows[(found.rows["campaign_id"] == campaign) & found.rows["arm"].isin([arm, "control"])]
    offered = (rows["arm"] == arm).to_numpy()
    parts = []
    for attribute in (name for name in _ATTRIBUTES if company.has("customers", name)):
        group = customer_attribute(company, attribute).reindex(rows["customer_id"]).to_numpy()
        for name in sorted(pd.unique(group[pd.notna(group)])):
            inside, other = group == name, pd.notna(group) & (group != name)
            if min((side & treated).sum() for side in (inside, other) for treated in (offered, ~offered)) < FEWEST:
                continue
            told = [
                difference(rows["outcome"][side], offered[side], before=rows["before"][side], unit=found.currency)[0]
                for side in (inside, other)
            ]
            half = [(each.high - each.low) / 2 for each in told]
            error = np.hypot(half[0], half[1]) / stats.norm.ppf((1 + LEVEL) / 2)
            parts.append({
                "campaign": campaign, "arm": arm, "attribute": attribute, "group": name,
                "customers": int(inside.sum()), "inside": told[0], "others": told[1],
                "p_value": 2 * stats.norm.sf(abs(told[0].value - told[1].value) / error),
            })  # fmt: skip
    if not parts:
        raise TooLittleData(say("needs two groups of {n} customers in offer and control", n=FEWEST), table="customers")
    frame = pd.DataFrame(parts).set_index(["campaign", "arm", "attribute", "group"])
    frame["q_value"] = stats.false_discovery_control(frame.pop("p_value").to_numpy(float))
    return frame


def finding_campaigns(found: ReadOut) -> Finding:
    """Return the finding on whether the best arm, all others looked at too, earned more than it cost."""
    rows = found.frame
    best = max(rows.index, key=lambda key: rows["value"][key].value)
    row = rows.loc[best]
    estimate: Estimate = row["value"]
    # An interval for the best of several: as wide as that of all of them together (Bonferroni).
    wide = stats.norm.ppf(1 - (1 - LEVEL) / 2 / len(rows)) / stats.norm.ppf((1 + LEVEL) / 2)
    low, high = (estimate.value + wide * (end - estimate.value) for end in (estimate.low, estimate.high))
    return Finding(
        key="retention.campaigns",
        claim="The best campaign earned more than it cost.",
        source="Textbook, evaluation of market activities",
        estimate=Estimate(value=estimate.value, low=low, high=high, n=estimate.n, unit=found.currency,
                          method=f"{estimate.method}, Bonferroni over {len(rows)} arms"),
        criterion=Criterion(low=0.0),
        sentence="The best of {n:count} offers ('{arm}' of {campaign}) changed the {kind:words} of a customer by "
        "{estimate}, its cost taken off.",
        if_supported="Repeat it, and keep a control group: what worked once need not work again.",
        if_not_supported="Stop sending such offers to everybody; none of them earned its cost.",
        if_undecided="No change can be told from chance: try fewer offers on more customers.",
        values={"n": len(rows), "arm": best[1], "campaign": best[0], "kind": found.value_kind},
        currency=found.currency,
    )  # fmt: skip


def _points(share: Estimate) -> Estimate:
    ends = {name: 100 * getattr(share, name) for name in ("value", "low", "high")}
    return replace(share, **ends, unit="points")
