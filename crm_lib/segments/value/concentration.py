"""How unevenly value is spread over customers: the concentration curve, the Gini coefficient and the top share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from crm_lib.customers.window import ANY, Basis
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.statistics.resampling import Floats, grouped, studentised

METHOD = "studentised bootstrap over customers"


@dataclass(frozen=True, kw_only=True)
class Concentration:
    """What :func:`concentration` found.

    `curve` has 101 points: ``customers`` and ``value``, cumulative shares from the best customer down. `top_share` is
    the share of the value that the best `share` of the customers bring, `top_value` the amount; `losing` customers have
    a negative value.
    """

    curve: pd.DataFrame
    share: float
    top_share: Estimate
    gini: Estimate
    total: float
    top_value: float
    customers: int
    losing: int
    basis: Basis


def concentration_curve(values: ArrayLike, shares: ArrayLike | None = None) -> pd.DataFrame:
    """Return the cumulative share of value brought by the best customers.

    The Lorenz curve read from the top: 0.2 of customers against the share of value that the best fifth brings. A
    customer who straddles a share counts with the fitting fraction, so the curve is a line of straight pieces.
    Customers with negative value (returns of goods bought earlier, losses) stay in: they pull the curve above 1 before
    it comes back down to 1 at the right end, and the hump is what they cost.

    Examples
    --------
    >>> concentration_curve([6, 2, 1, 1], [0, 0.125, 0.25, 1]).value.tolist()
    [0.0, 0.3, 0.6, 1.0]
    """
    ordered = _descending(values)
    at = np.linspace(0, 1, 101) if shares is None else np.asarray(shares, dtype=float)
    if not ((at >= 0) & (at <= 1)).all():
        raise ValueError(f"shares of customers must lie between 0 and 1; got {at.min():g} to {at.max():g}")
    total = ordered.sum()
    cumulated = np.concatenate([[0.0], ordered.cumsum()])
    value = np.interp(at * ordered.size, np.arange(ordered.size + 1), cumulated)
    return pd.DataFrame({"customers": at, "value": value / total if total > 0 else np.full(at.size, np.nan)})


def top_share(values: ArrayLike, share: float = 0.2) -> float:
    """Return the share of value that the best `share` of customers brings.

    Examples
    --------
    >>> top_share([6, 2, 1, 1], share=0.25)
    0.6
    """
    return float(concentration_curve(values, [share]).value.iloc[0])


def gini(values: ArrayLike) -> float:
    """Return the Gini coefficient: 0 where all customers bring the same, near 1 where one brings all.

    Notes
    -----
    :math:`G = \\frac{2}{n}\\sum_{i=1}^n \\frac{C_{i-1} + C_i}{2} - 1`, with :math:`C_i` the share of the best *i*.

    Examples
    --------
    >>> gini([1, 1, 1, 1]), gini([1, 0, 0, 0])
    (0.0, 0.75)
    """
    ordered = _descending(values)
    if ordered.sum() <= 0:
        return float("nan")
    return float(_shares(ordered, np.ones((1, ordered.size)), 0.5)[0][0, 1])


def concentration(
    values: ArrayLike, *, share: float = 0.2, resamples: int = 999, seed: int = 0, basis: Basis = ANY
) -> Concentration:
    """Return the concentration of value, with intervals.

    Parameters
    ----------
    values : array_like
        Value of each customer (money).
    share : float
        The share of customers to look at, above 0 and below 1.
    resamples : int
        Number of bootstrap resamples.
    seed : int
        Seed of the random numbers.
    basis : Basis
        What the value is: carried on to the result.

    Returns
    -------
    Concentration
        Curve, top share and Gini coefficient.

    Notes
    -----
    A studentised bootstrap with standard errors from influence functions: in simulations it covered the top share
    better than percentile, bias-corrected and normal intervals. A nominal 95 % covers in 92 to 94 % of samples of 1,000
    from lognormal and Pareto (exponent 3) laws, in 91 % where the variance is just infinite (Pareto 2), and in some 60
    to 70 % at 80/20 proper (Pareto 1.16), whatever the number of customers. From 10,000 customers on, neighbours of
    nearly equal value are drawn as one group, which leaves the interval as it is.
    """
    if not 0 < share < 1:
        raise ValueError(f"share must lie between 0 and 1, not {share:g}")
    ordered = _descending(values)
    n, total = ordered.size, float(ordered.sum())
    floor, ceiling = (share, 1.0) if ordered[-1] >= 0 else (share, np.inf)
    if total > 0:
        means, sizes = grouped(ordered)
        near, low, high = studentised(
            lambda weights: _shares(means, weights, share), n, sizes=sizes, resamples=resamples, seed=seed
        )
        # What grouping neighbours takes from the estimate itself, a millionth or so, is put back.
        value = _shares(ordered, np.ones((1, n)), share)[0][0]
        low, high = low + (value - near), high + (value - near)
        low, high = np.maximum(low, [floor, 0.0]), np.minimum(high, [ceiling, ceiling])
    else:
        value, low, high = np.full(2, np.nan), np.full(2, -np.inf), np.full(2, np.inf)
    best, coefficient = (
        Estimate(value=float(v), low=float(a), high=float(b), n=n, method=METHOD, unit="share" if top else "")
        for v, a, b, top in zip(value, np.minimum(low, value), np.maximum(high, value), (True, False), strict=True)
    )
    return Concentration(
        curve=concentration_curve(ordered),
        share=share,
        top_share=best,
        gini=coefficient,
        total=total,
        top_value=float(np.interp(share * n, np.arange(n + 1), np.concatenate([[0.0], ordered.cumsum()]))),
        customers=n,
        losing=int((ordered < 0).sum()),
        basis=basis,
    )


_EVEN = 0.75
"""Below this part of what the law says, value counts as spread evenly."""
_LESS = "Value is spread widely: build service and offers for all good customers, not for a small circle alone."
_A_LITTLE_LESS = "Know the best {share:share} by name, and do not neglect the customers behind them."
_MORE = "Guard each of the largest customers personally, and win more like them to spread the risk."


def finding_80_20(measured: Concentration, *, low: float = 0.75, high: float = 0.85) -> Finding:
    """Return the finding on the 80/20 law: supported when the interval of the top share lies within `low` and `high`.

    At stake is what the top customers bring in a year.
    """
    estimate, basis = measured.top_share, measured.basis
    even = estimate.value < _EVEN * (low + high) / 2
    return Finding(
        key="segments.concentration",
        claim="{law:share} of the {kind:words} comes from {share:share} of the customers.",
        source="Textbook 4.1, the 80/20 law",
        estimate=estimate,
        criterion=Criterion(low=low, high=high),
        sentence="The top {share:share} of {customers:count} customers generate {estimate} of the {kind:words} "
        "(Gini {gini}).",
        if_supported="Know the top {share:share} by name: give each an owner, a contact plan and a warning before "
        "spending on the rest.",
        if_not_supported=_MORE if estimate.value > high else _LESS if even else _A_LITTLE_LESS,
        if_undecided="Treat the top {share:share} as key customers, but do not plan on the exact share: it may be "
        "{lowest:share} or {highest:share}.",
        values={
            "law": (low + high) / 2, "share": measured.share, "customers": measured.customers, "kind": basis.kind,
            "gini": measured.gini, "lowest": max(estimate.low, 0.0), "highest": estimate.high,
        },
        money_at_stake=basis.a_year(measured.top_value, n=measured.customers),
        money_note="{kind:words} that the top {share:share} bring in a year",
    )  # fmt: skip


def _descending(values: ArrayLike) -> Floats:
    array = np.asarray(values, dtype=np.float64).ravel()
    if array.size == 0:
        raise ValueError("concentration needs at least one customer, got none")
    if not np.isfinite(array).all():
        bad = np.flatnonzero(~np.isfinite(array))[:3].tolist()
        raise ValueError(f"values must be finite numbers; missing or infinite at positions {bad}: leave them out first")
    return np.sort(array)[::-1]


def _shares(ordered: Floats, weights: Floats, share: float) -> tuple[Floats, Floats]:
    """Return top share and Gini coefficient, and their standard errors, for each row of weights.

    The standard errors come from the influence functions. With q the value at the share's edge, S the top share, F(x)
    the share of customers above x and T(x) their part of the mean m:
    top share (x - q)+ + share·q - S·x, Gini x(1 - 2F) + 2T - G·x, each over m and up to a constant.
    """
    n = float(weights[0].sum())
    ranks, brought = weights.cumsum(axis=1), weights * ordered
    cumulated = brought.cumsum(axis=1)
    total = cumulated[:, -1:]
    mean = total / n
    with np.errstate(divide="ignore", invalid="ignore"):
        top, influence = best_share(ordered, ranks, cumulated, share)
        coefficient = (weights * (2 * cumulated - brought)).sum(axis=1, keepdims=True) / (total * n) - 1
        above, part = (ranks - weights / 2) / n, (cumulated - brought / 2) / n
        influence_gini = (ordered * (1 - 2 * above) + 2 * part - coefficient * ordered) / mean
    errors = [influence_error(influence, weights), influence_error(influence_gini, weights)]
    unusable = total[:, 0] <= 0
    estimates = np.column_stack([top[:, 0], coefficient[:, 0]])
    estimates[unusable] = np.nan
    return estimates, np.column_stack(errors)


def best_share(ordered: Floats, ranks: Floats, cumulated: Floats, share: float) -> tuple[Floats, Floats]:
    """Return the share of value that the best `share` of customers brings, and its influence function."""
    n, total, rows = ranks[0, -1], cumulated[:, -1:], np.arange(len(ranks))
    edge = np.minimum((ranks < share * n).sum(axis=1), ordered.size - 1)
    q = ordered[edge][:, None]
    top = (cumulated[rows, edge][:, None] - (ranks[rows, edge][:, None] - share * n) * q) / total
    return top, (np.maximum(ordered - q, 0) + share * q - top * ordered) / (total / n)


def influence_error(influence: Floats, weights: Floats) -> Floats:
    """Return the standard errors of a statistic from its influence function, for each row of weights."""
    n = float(weights[0].sum())
    centred = influence - (weights * influence).sum(axis=1, keepdims=True) / n
    error: Floats = np.sqrt((weights * centred**2).sum(axis=1)) / n
    # Rounding leaves a trace of spread where all customers are alike.
    return np.where(error > 1e-12, error, 0.0)
