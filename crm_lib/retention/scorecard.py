"""What a manager reads every month: measures of the relationship with interval, change, target and light."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import ibis
import numpy as np
import pandas as pd
from scipy import stats

from crm_lib.company import Company
from crm_lib.company.names import quoted_list, suggestion
from crm_lib.customers import customer_window, known_contracts, known_rows, own_brand_answers, value_of
from crm_lib.errors import CompanyError, TooLittleData
from crm_lib.estimate import LEVEL, Estimate
from crm_lib.language import say
from crm_lib.retention.bridge import ratio
from crm_lib.statistics.proportions import holm, newcombe, wilson

MEASURES: Final = {
    "kept": "Customers who bought again", "new_kept": "New customers who bought again",
    "net_value": "Net value retention", "customers": "Customers who bought", "new_customers": "Customers won",
    "value_per_customer": "Value a customer", "orders_per_customer": "Orders a customer",
    "contracts_kept": "Contracts still running", "satisfaction": "Satisfaction",
    "recommendation": "Net promoter score", "complaints": "Complaints per 100 customers",
    "complaints_settled": "Complaints closed to satisfaction", "first_contact": "Contacts resolved",
}  # fmt: skip
"""What ``[targets]`` of a ``company.toml`` may name: bought again, of the customers of the period before."""
_YEAR, _FEWEST = 365, 30


@dataclass(frozen=True, kw_only=True, eq=False)
class Scorecard:
    """Measures of the `days` days up to `as_of`, beside the same days up to `before`.

    `frame` by ``measure``: ``now``, ``then`` and ``change`` (Estimates; None where too few), ``q_value`` of the change
    (Holm), ``target`` (missing where none is set) and ``light``: "met" or "missed" where the interval decides, else
    "open". Measures that the company's tables do not tell, or of fewer than 30, are left out.
    """

    frame: pd.DataFrame
    days: int
    before: dt.date
    as_of: dt.date
    currency: str


def scorecard(company: Company, *, days: int = 91) -> Scorecard:
    """Measure the relationship with customers in the last days, against a year before and the company's targets.

    Parameters
    ----------
    company : Company
        The company; ``[targets]`` of its ``company.toml`` names a number for some of the measures.
    days : int
        Length of the period; the one to compare with ends a year earlier, so that the season is the same, or directly
        before where the data are shorter.

    Returns
    -------
    Scorecard
        The measures that the company's tables tell.

    Raises
    ------
    CompanyError
        If a target is no number, or names no measure.
    TooLittleData
        If the data reach no three periods back, or hold fewer than 30 customers.

    Notes
    -----
    Both periods are taken as independent: what the same customers do has changed more surely than is told.
    """
    targets = _targets(company)
    first = company.table("transactions").ordered_at.date().min().execute()
    reach = 0 if pd.isna(first) else (company.as_of - pd.Timestamp(first).date()).days
    back = next((back for back in (_YEAR, days) if reach >= back + 2 * days), None)
    if back is None:
        raise TooLittleData(say("needs purchases of {days:count} days", days=3 * days))
    before = company.as_of - dt.timedelta(days=back)
    present = _measured(company, days, company.as_of)
    try:
        past = _measured(company, days, before)
    except TooLittleData:
        past = {}
    if not present:
        raise TooLittleData(say("needs {n} customers in the last {days:count} days", n=_FEWEST, days=days))
    frame = pd.DataFrame.from_dict({
        name: {"now": now, "then": past.get(name), "change": _change(now, past[name]) if name in past else None,
               "target": targets.get(name, math.nan), "light": _light(now, targets.get(name), low=name == "complaints")}
        for name, now in present.items()
    }, orient="index").rename_axis("measure")  # fmt: skip
    changed = frame["change"].dropna()
    error = np.array([(each.high - each.low) / 2 / stats.norm.ppf((1 + LEVEL) / 2) for each in changed])
    gaps = np.array([each.value for each in changed], dtype=float)
    p = 2 * stats.norm.sf(np.abs(np.divide(gaps, error, out=np.zeros_like(gaps), where=error > 0)))
    frame["q_value"] = pd.Series(holm(p), index=changed.index).reindex(frame.index)
    return Scorecard(frame=frame, days=days, before=before, as_of=company.as_of, currency=company.currency)


def _measured(company: Company, days: int, last: dt.date) -> dict[str, Estimate]:
    """Return the measures of the days up to a day, as known on it."""
    begin, kind, money = last - dt.timedelta(days=days), value_of(company), company.currency
    now, earlier = (customer_window(company, days=days, ending=day).query("orders > 0") for day in (last, begin))
    again, value = earlier.index.isin(now.index), earlier[kind].to_numpy(float)
    found = {
        "kept": wilson(int(again.sum()), len(again)),
        "new_kept": wilson(int(again[earlier["new"]].sum()), int(earlier["new"].sum())),
        "customers": _count(len(now), n=len(now)),
        "new_customers": _count(int(now["new"].sum()), n=len(now)),
        "value_per_customer": _mean(now[kind], unit=money),
        "orders_per_customer": _mean(now["orders"]),
    }
    if value.sum() > 0:
        found["net_value"] = ratio(now[kind].reindex(earlier.index, fill_value=0.0).to_numpy(float), value)
    if company.has("memberships", "customer_id", "started_at", "ended_at"):
        rows = [known_contracts(company, ending=day) for day in (begin, last)]
        then, still = (set(each.filter(each.running).customer_id.execute()) for each in rows)
        found["contracts_kept"] = wilson(len(then & still), len(then))
    for column in ("satisfaction", "recommendation"):
        if company.has("surveys", "customer_id", "responded_at", column):
            told = own_brand_answers(company, days=days, ending=last)[column].execute().dropna().astype(float)
            promoters = 100.0 * ((told >= 9).astype(float) - (told <= 6))
            found[column] = _mean(told if column == "satisfaction" else promoters)
    if company.has("complaints"):
        number = int(known_rows(company, "complaints", ending=last, days=days).count().execute())
        found["complaints"] = _count(number, 100 / max(len(now), 1), n=len(now))
    for name, table, column, day in (
        ("complaints_settled", "complaints", "satisfied", "closed_at"),
        ("first_contact", "interactions", "resolved", "occurred_at"),
    ):
        if company.has(table, column, day):
            lines = known_rows(company, table, ending=last)
            answers = (
                lines.filter(lines[day].cast("date") > ibis.literal(begin))[column].execute().dropna().astype(bool)
            )
            found[name] = wilson(int(answers.sum()), len(answers))
    return {name: found[name] for name in MEASURES if name in found and found[name].n >= _FEWEST}


def _mean(told: pd.Series[float], unit: str = "") -> Estimate:
    return ratio(told.to_numpy(float), np.ones(len(told)), unit=unit) if len(told) else _count(0, n=0)


def _count(number: int, times: float = 1.0, *, n: int) -> Estimate:
    """Return a count, or a multiple of it, with the exact interval of a Poisson number."""
    from statsmodels.stats.rates import confint_poisson

    low, high = confint_poisson(number, 1 / times, method="exact-c", alpha=1 - LEVEL)
    return Estimate(value=number * times, low=float(low), high=float(high), n=n, method="Poisson")


def _targets(company: Company) -> Mapping[str, float]:
    file = company.folder / "company.toml"
    for name, target in company.targets.items():
        if name not in MEASURES:
            hint = f"{suggestion(name, MEASURES)}; the measures are {quoted_list(MEASURES)}"
            raise CompanyError(f"{file}: [targets] names no measure by '{name}'{hint}")
        if isinstance(target, bool) or not isinstance(target, (int, float)) or not math.isfinite(target):
            raise CompanyError(f"{file}: [targets]: {name} must be a number such as 0.6, not {target!r}")
    return company.targets


def _change(now: Estimate, then: Estimate) -> Estimate:
    """Return the difference of two independent estimates (Newcombe's way for any intervals), shares in points."""
    gap, times = newcombe(now, then), 100.0 if now.unit == "share" else 1.0
    ends = {name: times * getattr(gap, name) for name in ("value", "low", "high")}
    return replace(gap, **ends, unit="points" if now.unit == "share" else now.unit)


def _light(now: Estimate, target: float | None, *, low: bool) -> str:
    if target is None or now.low <= target <= now.high:
        return "" if target is None else "open"
    return "met" if (now.low > target) != low else "missed"
