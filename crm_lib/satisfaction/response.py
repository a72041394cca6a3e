"""Who answers: what customers who do not answer buy, and what the index would be if all groups answered alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from crm_lib.company import Company
from crm_lib.customers import facts, value_of
from crm_lib.errors import MissingData
from crm_lib.estimate import Estimate
from crm_lib.satisfaction.answers import FEWEST, Survey, enough
from crm_lib.satisfaction.measures import score
from crm_lib.satisfaction.weighting import estimated, rake
from crm_lib.statistics.proportions import wilson
from crm_lib.statistics.rate_ratios import mean_difference

DAYS: Final = 365
_GROUPINGS = ("customer_group", "region", "local_competition")
_PURCHASES = (0, 1, 3, 7, np.inf)
"""Purchase days of the year, at which the last grouping is cut."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Response:
    """What :func:`response` found, of customers who bought in the last year.

    `rate` is the share that answered. `habits` by habit: means of those who ``answered`` and of the ``missing``, and
    their ``difference`` (Estimate). `raked` by kind of weights: the satisfaction index (Estimate) of the last answers
    as they came, by the survey's weights, and raked to the shares of all customers; none where satisfaction was not
    asked.
    """

    rate: Estimate
    habits: pd.DataFrame
    raked: Mapping[str, Estimate]


def response(company: Company, survey: Survey) -> Response:
    """Compare customers who answered in the last year with those who did not, and correct the index for it.

    Parameters
    ----------
    company : Company
        The company; needs ``transactions``.
    survey : Survey
        Its answers; they must name customers.
    """
    known = facts(company)
    active = known[known["purchase_days"] > 0]
    last = survey.latest(days=DAYS).dropna(subset=["customer_id"]).set_index("customer_id")
    if last.empty:
        raise MissingData("surveys", ("customer_id",))
    answered = pd.Series(active.index.isin(last.index), index=active.index)
    message = "needs {least} active customers who answered and {least} who did not; they are {yes} and {no}"
    enough(message, yes=int(answered.sum()), no=int((~answered).sum()))
    kind, habits = value_of(company), {}
    for name in ("purchase_days", kind, "recency", "tenure"):
        each = active[name].astype(float)
        gap = mean_difference(each, np.ones(len(each)), answered, unit=company.currency if name == kind else "")
        habits[name] = {"answered": each[answered].mean(), "missing": each[~answered].mean(), "difference": gap}
    return Response(
        rate=wilson(int(answered.sum()), len(active)), raked=_raked(active, last.loc[last.index.isin(active.index)]),
        habits=pd.DataFrame.from_dict(habits, orient="index").rename_axis("habit"),
    )  # fmt: skip


def _raked(active: pd.DataFrame, last: pd.DataFrame) -> dict[str, Estimate]:
    rated = last.dropna(subset=["satisfaction"]) if "satisfaction" in last else last.iloc[:0]
    if len(rated) < FEWEST:
        return {}
    groups = {name: active[name].astype(object).fillna("not known") for name in _GROUPINGS if name in active}
    groups["purchases"] = pd.cut(active["purchase_days"], _PURCHASES).astype(str)
    margins = {}
    for name, group in groups.items():
        # A group of whom nearly nobody answered cannot be spoken for: its share goes to the largest group.
        few = group.map(group[rated.index].value_counts()).fillna(0) < FEWEST
        groups[name] = group.mask(few, group[rated.index].mode()[0])
        margins[name] = groups[name].value_counts()
    of_answers = pd.DataFrame({name: group[rated.index] for name, group in groups.items()})
    weights: dict[str, Any] = {
        "as they came": 1.0, "by survey weights": rated["weight"],
        "raked to all customers": rake(of_answers, margins, rated["weight"]),
    }  # fmt: skip
    y = score("satisfaction index", rated)
    return {name: estimated(rated.assign(weight=w), y) for name, w in weights.items()}
