"""How sure the size and the value of each tier are."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crm_lib.estimate import Estimate
from crm_lib.segments.value.concentration import METHOD, best_share, influence_error
from crm_lib.segments.value.tiers import TIERS, Tiers
from crm_lib.statistics.resampling import Floats, Statistic, grouped, studentised

_Parts = tuple[Floats, Floats]
"""Estimates (resamples × statistics) and their standard errors."""


def tier_shares(tiers: Tiers, *, resamples: int = 999, seed: int = 0) -> pd.DataFrame:
    """Return ``customer_share`` and ``value_share`` of each tier as estimates, best first.

    Tiers by count have their share of customers by definition, those by value their share of value; with given cut
    points both are estimated, by a studentised bootstrap, the tiers made anew in every resample. Standard errors come
    from influence functions. With :math:`q` the value at the edge of a share and :math:`m` the mean, they are
    :math:`\\{(x - q)^+ + p\\,q - S\\,x\\}/m` for the share :math:`S` of the value that the best :math:`p` bring, and
    :math:`\\{s\\,x^+ - (x - q)^+\\}/q - F` for the share :math:`F` of customers who bring :math:`s` of it. A nominal 95
    % covered in 90 to 95 % of simulated samples of 1,000 customers.
    """
    values = tiers.frame["value"].to_numpy()
    order = np.argsort(-values, kind="stable")
    ordered, codes = values[order], tiers.codes[order]
    n, total = ordered.size, float(ordered.sum())
    breaks = np.searchsorted(codes, np.arange(1, len(TIERS)))
    means, sizes = grouped(ordered, breaks)
    of_group = codes[np.concatenate([[0], sizes.cumsum()[:-1]]).astype(np.intp)]

    near, low, high = studentised(_statistic(tiers, means, of_group), n, sizes=sizes, resamples=resamples, seed=seed)
    customers = np.bincount(codes, minlength=len(TIERS)) / n
    brought = np.bincount(codes, weights=ordered, minlength=len(TIERS))
    value = brought / total if total > 0 else np.full(len(TIERS), np.nan)
    both = {"customer_share": customers, "value_share": value}
    estimated = list(both) if tiers.shares is None else ["value_share" if tiers.by == "count" else "customer_share"]
    table = {}
    for name, found in both.items():
        if name not in estimated:
            table[name] = [Estimate.exact(float(x), n=n, unit="share", method="by definition") for x in found]
            continue
        at = slice(estimated.index(name) * len(TIERS), (estimated.index(name) + 1) * len(TIERS))
        # The tiers keep equal customers together; their shares are those, with the width of the interval as it is.
        bottom, top = low[at] + (found - near[at]), high[at] + (found - near[at])
        if name == "customer_share" or ordered[-1] >= 0:
            bottom, top = np.clip(bottom, 0, None), np.clip(top, None, 1)
        table[name] = [_estimate(*numbers, n=n) for numbers in zip(found, bottom, top, strict=True)]
    return pd.DataFrame(table, index=pd.Index(TIERS, name="tier"), dtype=object)


def _estimate(value: float, low: float, high: float, *, n: int) -> Estimate:
    if np.isnan([value, low, high]).any():
        return Estimate(value=np.nan, low=-np.inf, high=np.inf, n=n, method=METHOD, unit="share")
    low, high = min(low, value), max(high, value)
    return Estimate(value=value, low=low, high=high, n=n, method=METHOD, unit="share")


def _statistic(tiers: Tiers, means: Floats, codes: NDArray[np.intp]) -> Statistic:
    shares = tiers.shares
    if shares is None:
        return lambda weights: _by_cut_points(means, codes, weights)
    by = _by_count if tiers.by == "count" else _by_value
    return lambda weights: by(means, weights, shares)


def _by_count(ordered: Floats, weights: Floats, shares: Sequence[float]) -> _Parts:
    """Share of the value that each tier brings, its share of customers given."""
    ranks, cumulated = weights.cumsum(axis=1), (weights * ordered).cumsum(axis=1)
    total = cumulated[:, -1:]
    tops, influences = [np.zeros_like(total)], [np.zeros_like(weights)]
    with np.errstate(divide="ignore", invalid="ignore"):
        for share in shares:
            top, influence = best_share(ordered, ranks, cumulated, share)
            tops.append(np.where(total > 0, top, np.nan))
            influences.append(influence)
    tops.append(np.ones_like(total))
    influences.append(np.zeros_like(weights))
    return _differences(tops, influences, weights)


def _by_value(ordered: Floats, weights: Floats, shares: Sequence[float]) -> _Parts:
    """Share of customers in each tier, its share of the value given."""
    n = float(weights[0].sum())
    gains = np.maximum(ordered, 0)
    ranks, cumulated = weights.cumsum(axis=1), (weights * gains).cumsum(axis=1)
    total, rows = cumulated[:, -1:], np.arange(len(weights))
    parts, influences = [np.zeros_like(total)], [np.zeros_like(weights)]
    with np.errstate(divide="ignore", invalid="ignore"):
        for share in shares:
            edge = np.minimum((cumulated < share * total).sum(axis=1), ordered.size - 1)
            q = ordered[edge][:, None]
            beyond = (cumulated[rows, edge][:, None] - share * total) / q
            part = (ranks[rows, edge][:, None] - beyond) / n
            parts.append(np.where(total > 0, part, np.nan))
            influences.append((share * gains - np.maximum(ordered - q, 0)) / q - part)
    parts.append(np.ones_like(total))
    influences.append(np.zeros_like(weights))
    return _differences(parts, influences, weights)


def _by_cut_points(ordered: Floats, codes: NDArray[np.intp], weights: Floats) -> _Parts:
    """Share of customers, and then of value, of each tier, its edges in money given."""
    n = float(weights[0].sum())
    inside = (codes[:, None] == np.arange(len(TIERS))).astype(np.float64)
    customers = weights @ inside / n
    total = weights @ ordered
    with np.errstate(divide="ignore", invalid="ignore"):
        value = weights @ (inside * ordered[:, None]) / total[:, None]
        value[total <= 0] = np.nan
        errors = [
            influence_error((inside[:, k] * ordered - value[:, [k]] * ordered) / (total[:, None] / n), weights)
            for k in range(len(TIERS))
        ]
    return (
        np.concatenate([customers, value], axis=1),
        np.concatenate([np.sqrt(customers * (1 - customers) / n), np.column_stack(errors)], axis=1),
    )


def _differences(cumulated: list[Floats], influences: list[Floats], weights: Floats) -> _Parts:
    shares = np.concatenate([after - before for before, after in itertools.pairwise(cumulated)], axis=1)
    errors = [influence_error(after - before, weights) for before, after in itertools.pairwise(influences)]
    return shares, np.column_stack(errors)
