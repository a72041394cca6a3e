"""Who stays: satisfaction, what leaving would cost, personal traits and the stage of the relationship, side by side."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from crm_lib.company import Company
from crm_lib.customers import customer_attribute, customer_window, facts
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.language import say
from crm_lib.statistics.proportions import holm
from crm_lib.statistics.resampling import Floats

FOLLOWED: Final = 182
_FEWEST = 50


@dataclass(frozen=True, kw_only=True, eq=False)
class Staying:
    """By how many points customers in a state bought again more often in the half-year after `day`, all else alike.

    `frame` by ``influence`` and ``state``: ``base``, the state it is held against, ``customers``, ``points`` (Estimate)
    and ``q_value`` (Holm). `stayed` is the share who bought again, of `customers` active in the year before.
    """

    frame: pd.DataFrame
    stayed: float
    customers: int
    day: dt.date


def staying(company: Company) -> Staying:
    """Tell what goes with staying, by one regression on all influences that the company's tables know.

    Parameters
    ----------
    company : Company
        The company.

    Returns
    -------
    Staying
        Differences of the share who stayed (linear probability, robust errors). They are associations: who is satisfied
        may differ in other ways too.

    Raises
    ------
    TooLittleData
        If fewer than 50 active customers stayed, or left, or no influence has two states of 50 customers.
    """
    from statsmodels.regression.linear_model import OLS

    day = company.as_of - dt.timedelta(days=FOLLOWED)
    known = facts(company, day, parts=("memberships", "answers"))
    known = known[known["purchase_days"] > 0]
    again = customer_window(company, days=FOLLOWED)
    stayed = known.index.isin(again.index[again["orders"] > 0])
    if min(stayed.sum(), (~stayed).sum()) < _FEWEST:
        raise TooLittleData(say("needs {n} customers of a year who bought in the half-year after it, and as many who "
                                "did not", n=_FEWEST))  # fmt: skip
    columns: dict[tuple[str, str], Floats] = {}
    bases: list[str] = []
    for influence, kind in _states(company, known).items():
        base, *others = [state for state in kind.cat.categories if (kind == state).sum() >= _FEWEST] or [""]
        columns |= {(influence, state): (kind == state).to_numpy(float) for state in others}
        bases += [base] * len(others)
    if not columns:
        raise TooLittleData(say("needs {n} customers in two states of an influence", n=_FEWEST), table="customers")
    design = pd.DataFrame(columns, index=known.index)
    found = OLS(stayed.astype(float), np.column_stack([design, np.ones(len(design))])).fit(cov_type="HC1")
    ends = 100 * found.conf_int()[:-1]
    rows = [
        Estimate(value=100 * value, low=low, high=high, n=len(known), unit="points", method="linear, robust errors")
        for value, (low, high) in zip(found.params[:-1], ends, strict=True)
    ]
    frame = pd.DataFrame({"base": bases, "customers": design.sum().astype(int), "points": rows})
    frame["q_value"] = holm(found.pvalues[:-1])
    return Staying(
        frame=frame.rename_axis(["influence", "state"]), stayed=float(stayed.mean()), customers=len(known), day=day
    )


def _states(company: Company, known: pd.DataFrame) -> dict[str, pd.Series[str]]:
    """Return the state of each customer by influence, as a category whose first one is the base."""
    found = {
        "tenure": pd.cut(known["tenure"], [-1, 182, 730, np.inf], labels=[
            "up to half a year", "half a year to two years", "more than two years",
        ]),
        "recency": pd.cut(known["recency"], [-1, 60, 182, np.inf], labels=[
            "within 60 days", "60 days to half a year ago", "longer ago",
        ]),
    }  # fmt: skip
    if "satisfaction" in known:
        rated = pd.cut(known["satisfaction"], [-1, 5.5, 8.5, 11], labels=["below 6", "6 to 8", "9 or 10"])
        rated = rated.cat.add_categories("not asked").fillna("not asked")
        found["satisfaction"] = rated.cat.reorder_categories(["6 to 8", "below 6", "9 or 10", "not asked"])
    if "member" in known:
        found["contract"] = pd.Series(np.where(known["member"] > 0, "yes", "no"), known.index).astype("category")
    for name in ("customer_group", "local_competition"):
        if company.has("customers", name):
            kind = customer_attribute(company, name).reindex(known.index)
            found[name] = kind.astype(pd.CategoricalDtype(kind.value_counts().index.astype(str)))
    return found
