"""Why customers leave: how many by each cause, after how long, and what they took with them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from crm_lib.churn.amounts import YEAR, value_before
from crm_lib.churn.definition import Churned
from crm_lib.churn.incidence import Incidence, cumulative_incidence
from crm_lib.churn.reasons import CAUSES, known_departures
from crm_lib.company import Company
from crm_lib.customers import Value, facts, value_of
from crm_lib.errors import TooLittleData
from crm_lib.estimate import LEVEL, Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.language import say
from crm_lib.statistics.proportions import wilson
from crm_lib.statistics.skewed_means import skewed_interval

UNKNOWN = "cause not known"
"""Those who left silently, and those whose departure is known without a cause."""
_FEWEST = 30


@dataclass(frozen=True, kw_only=True, eq=False)
class Causes:
    """Why customers left, as :func:`causes_of_leaving` found it.

    `incidence` tells the share who have left by days since the first purchase, by cause; silence is one not
    known. `table` by cause: ``departures``, ``share`` (of those with a cause), ``value`` lost (money of the year before
    departures of the last year) with ``value_low`` and ``value_high``, and ``remedy``. `known` has a row a departure:
    ``customer_id``, ``departed_at``, ``cause``; `left_out` counts departures before the first purchase.
    """

    incidence: Incidence
    table: pd.DataFrame
    known: pd.DataFrame
    left_out: int
    value_kind: Value
    as_of: dt.date
    currency: str


def causes_of_leaving(company: Company, churned: Churned, *, seed: int = 0) -> Causes:
    """Return why customers left, when in their relationship, and the value lost with them.

    Parameters
    ----------
    company : Company
        The company.
    churned : Churned
        Who has left; those gone without a known departure leave silently, on the day of their last purchase.
    seed : int
        Seed of the bands.

    Returns
    -------
    Causes
        Incidence, counts, value and remedy by cause.

    Raises
    ------
    MissingData
        If neither departures nor reasons for the end of contracts are known.
    TooLittleData
        If fewer than 30 departures have a cause.
    """
    rows, known = known_departures(company), facts(company, parts=())
    first = known["first_purchase"]
    rows = rows[rows["customer_id"].isin(known.index)]
    early = rows["departed_at"] < rows["customer_id"].map(first)
    rows, left_out = rows[~early].reset_index(drop=True), int(early.sum())
    told = rows.dropna(subset=["cause"])
    if len(told) < _FEWEST:
        message = "needs {least} departures with a cause; there are {n}"
        raise TooLittleData(say(message, least=_FEWEST, n=len(told)), table="departures")
    names = [*CAUSES, UNKNOWN]
    departed = rows.drop_duplicates("customer_id").set_index("customer_id")
    day = departed["departed_at"].reindex(known.index)
    silent = churned.frame["gone"] & day.isna()
    number = departed["cause"].fillna(UNKNOWN).map({name: place for place, name in enumerate(names, start=1)})
    why = number.reindex(known.index).fillna(0).astype(int).mask(silent, len(names))
    end = day.fillna(known["last_purchase"].where(silent, pd.Timestamp(company.as_of)))
    incidence = cumulative_incidence((end - first).dt.days, why, causes=names, seed=seed)
    return Causes(
        incidence=incidence, table=_table(company, told), known=rows, left_out=left_out, value_kind=value_of(company),
        as_of=company.as_of, currency=company.currency,
    )  # fmt: skip


def _table(company: Company, told: pd.DataFrame) -> pd.DataFrame:
    table = pd.DataFrame(index=pd.Index(list(CAUSES), name="cause"))
    table["departures"] = told["cause"].value_counts().reindex(table.index, fill_value=0).astype("int64")
    shares = [wilson(int(count), len(told)) for count in table["departures"]]
    table["share"] = pd.Series(shares, index=table.index, dtype=object)
    recent = told[told["departed_at"] > pd.Timestamp(company.as_of) - pd.Timedelta(days=YEAR)]
    value = value_before(company, recent, recent["departed_at"])
    lost = recent.assign(value=value, squares=value**2, cubes=value**3).groupby("cause")
    sums = [lost[name].sum().reindex(table.index).fillna(0.0) for name in ("value", "squares", "cubes")]
    with np.errstate(divide="ignore", invalid="ignore"):
        skewness = np.nan_to_num(sums[2] / sums[1] ** 1.5)
    table["value"] = sums[0]
    # Who leaves is a matter of chance too: a compound Poisson sum, so that squares add up and not deviations.
    table["value_low"], table["value_high"] = skewed_interval(sums[0], np.sqrt(sums[1]), skewness)
    table["remedy"] = list(CAUSES.values())
    return table


def finding_own_fault(causes: Causes) -> Finding:
    """Return whether the company's own fault is the largest cause of leaving: its share less that of the largest other.

    The interval is that of a difference of multinomial shares, corrected for the choice of the largest of four.
    """
    counts = causes.table["departures"]
    n, own = int(counts.sum()), counts["own_fault"] / counts.sum()
    others = counts.drop("own_fault") / n
    largest = str(others.idxmax())
    gap = float(own - others[largest])
    z = float(norm.ppf(1 - (1 - LEVEL) / 2 / len(others)))
    reach = z * float(np.sqrt((own + others[largest] - gap**2) / n))
    lost: dict[Any, Any] = causes.table.loc["own_fault"].to_dict()
    return Finding(
        key="churn.own_fault",
        claim="The company's own fault is the most frequent cause of leaving.",
        source="Textbook 4.3.4: five causes of churn",
        estimate=Estimate(
            value=100 * gap, low=100 * (gap - reach), high=100 * (gap + reach), n=n, unit="percentage points",
            method="difference of multinomial shares",
        ),
        criterion=Criterion(low=0.0),
        sentence=(
            "Of {n:count} departures with a known cause, {own} were the company's own fault, {estimate} against the "
            "largest other cause, {largest:words}."
        ),
        if_supported="Mend what the company does wrong first: complaint handling and quality before prices.",
        if_not_supported=(
            "Answer the largest cause, {largest:words}, first; own faults still count, as only they can be mended from "
            "within."
        ),
        if_undecided="Work on both, own faults and {largest:words}, and record causes of more departures.",
        values={"n": n, "own": lost["share"], "largest": largest.replace("_", " "),
                "kind": causes.value_kind},
        currency=causes.currency,
        money_at_stake=Estimate(
            value=lost["value"], low=lost["value_low"], high=lost["value_high"], n=int(counts["own_fault"]),
            unit=causes.currency, method="compound Poisson sum",
        ),
        money_note="{kind:words} of the year before, of customers who left through own fault within the last year",
    )  # fmt: skip
