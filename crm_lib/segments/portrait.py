"""Who, what, why, where, when and how: what sets the customers of a segment apart from all others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from crm_lib.company import Company
from crm_lib.customers import facts
from crm_lib.customers.facts import ANSWERS
from crm_lib.errors import TooLittleData
from crm_lib.estimate import LEVEL, Estimate
from crm_lib.language import say
from crm_lib.segments.profit import SMALLEST_GROUP
from crm_lib.statistics.proportions import newcombe, wilson
from crm_lib.statistics.resampling import Floats

QUESTIONS = ("who", "what", "why", "where", "when", "how")
FALSE_DISCOVERIES = 0.05
"""Of the differences called real, the share that may be chance (Benjamini and Hochberg)."""
_QUESTION_OF = {"region": "where", "main_interest": "why", "contact_allowed": "how", "member": "how"}
"""Attributes that do not answer "who"."""
_FAMILIES = (
    ("what", "spend", "share of spend", "spend"),
    ("why", "complaints about", "complaints per order", "orders"),
    ("where", "orders via", "share of orders", None),
    ("when", "orders on", "share of orders", None),
    ("when", "orders at", "share of orders", None),
    ("how", "contacts", "share of contacts", None),
)
"""Question, family of columns, what a ratio of the two is called, and over what (None for all of the family)."""
_RATIOS: tuple[tuple[str, str, str, str, str | None], ...] = (
    ("what", "returned, of spend", "share", "returns", "spend"),
    ("why", "discount, of list price", "share", "discount", "list_price"),
    ("when", "days since last order", "number", "recency", None),
    ("when", "days since first order", "number", "tenure", None),
    ("how", "spend per order", "money", "spend", "orders"),
    ("how", "pieces per order", "number", "pieces", "orders"),
    ("how", "orders per customer", "number", "orders", None),
    ("how", "contacts per order", "number", "contacts", "orders"),
    *(("why", name, "number", name, None) for name in ANSWERS),
)


@dataclass(frozen=True, kw_only=True)
class Portrait:
    """Segments beside all other customers, one row of `frame` a comparison, by ``group`` and ``question``.

    ``value`` is empty where the ``aspect`` is one number; ``inside`` and ``elsewhere`` are shares or means of the group
    and of all others, ``difference`` is an Estimate, ``holds`` whether it is called real. `others` are customers
    elsewhere.
    """

    frame: pd.DataFrame
    customers: pd.Series[int]
    others: pd.Series[int]
    currency: str
    days: int


@dataclass(frozen=True)
class _Aspect:
    """One aspect as a ratio of sums over customers: y over x; x is 1 for shares of customers and plain means."""

    question: str
    name: str
    value: str
    unit: str
    y: Floats
    x: Floats
    heads: bool = False


def portrait(company: Company, groups: pd.Series[Any], *names: Any, days: int = 365) -> Portrait:
    """Compare the customers of segments with all others on who, what, why, where, when and how.

    What the company does not know is left out. A portrait describes: a difference says nothing of what made it.

    Parameters
    ----------
    company : Company
    groups : Series
        The segment, cluster … of each customer, indexed by ``customer_id``; others, and who never bought, do not count.
    *names
        The groups to describe; by default all of them.
    days : int
        Length of the window that ends at ``as_of``, for purchases, contacts, complaints and answers.

    Notes
    -----
    Every comparison is of a ratio of sums over customers, :math:`r = \\sum y_i / \\sum x_i`: of customers by head, of
    spend, or of orders. Its variance is :math:`n / (n - 1) \\sum (y_i - r x_i)^2 / (\\sum x_i)^2`, customers being
    independent of one another and not their orders; differences have Welch's interval, shares of customers Newcombe's.
    Over all comparisons the false discovery rate is controlled (Benjamini & Hochberg 1995).
    """
    known = facts(company, days=days)
    table = known.loc[known.index.intersection(groups.dropna().index)]
    own = groups.reindex(table.index)
    unknown = [name for name in names if not (own == name).any()]
    if unknown:
        raise TooLittleData(say("no customer is in {group:words}", group=unknown))
    aspects = list(_aspects(table, known.attrs["undated"]))
    rows, sizes = [], {}
    for name in names or sorted(own.unique()):
        inside = (own == name).to_numpy()
        if min(inside.sum(), (~inside).sum()) >= SMALLEST_GROUP:
            sizes[name] = int(inside.sum())
            rows += [(name, *row) for each in aspects if (row := _row(each, inside))]
    if not rows:
        raise TooLittleData(say("needs a group of at least {n} customers, and as many beside it", n=SMALLEST_GROUP))
    columns = ["group", "question", "aspect", "value", "unit", "inside", "elsewhere", "difference", "p_value"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["question"] = pd.Categorical(frame["question"], QUESTIONS, ordered=True)
    frame = frame.sort_values(["group", "question"], kind="stable", ignore_index=True)
    corrected = scipy.stats.false_discovery_control(frame["p_value"].to_numpy(dtype=float))
    clear = np.array([each.low > 0 or each.high < 0 for each in frame["difference"]])
    frame["holds"] = (corrected <= FALSE_DISCOVERIES) & clear
    customers = pd.Series(sizes, name="customers").rename_axis("group")
    return Portrait(
        frame=frame, customers=customers, others=len(table) - customers, currency=company.currency, days=days
    )  # fmt: skip


def _aspects(table: pd.DataFrame, undated: tuple[str, ...]) -> Iterator[_Aspect]:
    if "discount" in table:
        table = table.assign(list_price=table["discount"] + table["spend"])
    for name in ("acquisition_channel", "age", "referred", "member", *undated):
        if name in table:
            yield from _attribute(table[name], _QUESTION_OF.get(name, "who"))
    for question, prefix, words, whole in _FAMILIES:
        family = table.filter(regex=f"^{prefix}: ")
        over = family.sum(axis=1) if whole is None else table[whole]
        for column in map(str, family):
            name, value = f"{prefix}: {words}", column.removeprefix(f"{prefix}: ")
            yield _Aspect(question, name, value, "share", _floats(family[column]), _floats(over))
    for question, name, unit, part, of in _RATIOS:
        if part in table and (of is None or of in table):
            x = table[part].notna() if of is None else table[of]
            yield _Aspect(question, name, "", unit, _floats(table[part]), _floats(x))


def _attribute(column: pd.Series[Any], question: str) -> Iterator[_Aspect]:
    known, name = _floats(column.notna()), str(column.name)
    if pd.api.types.is_bool_dtype(column):
        yield _Aspect(question, name, "", "share", _floats(column), known, heads=True)
    elif pd.api.types.is_numeric_dtype(column):
        yield _Aspect(question, name, "", "number", _floats(column), known)
    else:
        for value in sorted(column.dropna().unique(), key=str):
            yield _Aspect(question, name, str(value), "share", _floats(column == value), known, heads=True)


def _floats(column: pd.Series[Any]) -> Floats:
    return np.asarray(column.astype("float64").fillna(0.0), dtype=np.float64)


def _row(aspect: _Aspect, inside: NDArray[np.bool_]) -> tuple[Any, ...] | None:
    """Return the comparison; nothing for what few customers share, or where it cannot differ."""
    counts = aspect.x > 0
    sides = inside & counts, ~inside & counts
    n = np.array([side.sum() for side in sides], dtype=float)
    if n.min() < SMALLEST_GROUP or (aspect.y[counts] != 0).sum() < SMALLEST_GROUP:
        return None
    parts = [(aspect.y[side], aspect.x[side]) for side in sides]
    compared = _heads(parts, n) if aspect.heads else _ratios(parts, n)
    if compared is None:
        return None
    ratio, low, high, p_value, method = compared
    estimate = Estimate(
        value=float(ratio[0] - ratio[1]), low=float(low), high=float(high), n=int(n.sum()), method=method,
        unit="share" if aspect.unit == "share" else "",
    )  # fmt: skip
    return aspect.question, aspect.name, aspect.value, aspect.unit, ratio[0], ratio[1], estimate, float(p_value)


def _ratios(parts: list[tuple[Floats, Floats]], n: Floats) -> tuple[Floats, float, float, float, str] | None:
    """Compare two ratios of sums by Welch's interval."""
    ratio = np.array([y.sum() / x.sum() for y, x in parts])
    squares = np.array([((y - r * x) ** 2).sum() / x.sum() ** 2 for r, (y, x) in zip(ratio, parts, strict=True)])
    variance = n / (n - 1) * squares
    error = float(np.sqrt(variance.sum()))
    if error <= 1e-12 * max(float(np.abs(ratio).max()), 1e-300):
        return None
    freedom = variance.sum() ** 2 / (variance**2 / (n - 1)).sum()
    difference, reach = ratio[0] - ratio[1], scipy.stats.t.ppf((1 + LEVEL) / 2, freedom) * error
    p_value = 2 * scipy.stats.t.sf(abs(difference) / error, freedom)
    return ratio, difference - reach, difference + reach, p_value, "Welch, ratio of sums"


def _heads(parts: list[tuple[Floats, Floats]], n: Floats) -> tuple[Floats, float, float, float, str] | None:
    """Compare two shares of customers by Newcombe's interval."""
    k = np.array([y.sum() for y, _ in parts])
    pooled = k.sum() / n.sum()
    error = float(np.sqrt(pooled * (1 - pooled) * (1 / n).sum()))
    if error == 0:
        return None
    found = newcombe(*(wilson(int(count), int(total)) for count, total in zip(k, n, strict=True)))
    return k / n, found.low, found.high, 2 * scipy.stats.norm.sf(abs(found.value) / error), "Newcombe"
