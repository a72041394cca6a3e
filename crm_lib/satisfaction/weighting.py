"""Means of answers with weights and repeated respondents: effective numbers, intervals, differences, raking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from crm_lib.estimate import LEVEL, Estimate
from crm_lib.satisfaction.answers import FEWEST
from crm_lib.statistics.resampling import Floats

Kind = Literal["mean", "share", "balance"]
"""What a score is: any number, 0 or 1, or one of -1, 0, 1 (as of the net promoter score)."""
_ROUNDS = 200
_METHODS = {"mean": "Student", "share": "Wilson", "balance": "adjusted Wald"}


def estimated(rows: pd.DataFrame, scores: Any, *, kind: Kind = "mean", unit: str | None = None) -> Estimate:
    """Return the weighted mean of the scores of answers with its interval; not estimable below ten answers.

    The number of answers is first divided by the design effect, which the spread of the weights and respondents who
    answer again cause (linearised, Kish 1965). Then a mean has Student's interval, a share Wilson's, and a balance the
    adjusted Wald interval of Agresti & Min with pseudo-answers of 3/4, 3/2 and 3/4, which holds in small groups.
    `rows` have ``weight`` and ``respondent``; the unit of a mean is none, else it is a share.

    >>> answers = pd.DataFrame({"weight": 1.0, "respondent": range(100)})
    >>> nps = estimated(answers, [1] * 50 + [0] * 30 + [-1] * 20, kind="balance")
    >>> round(100 * nps.low, 2), round(100 * nps.high, 2)
    (14.05, 44.2)
    """
    y, w, codes = _checked(rows, scores)
    unit = unit if unit is not None else "" if kind == "mean" else "share"
    if y.size < FEWEST:
        return _not_estimable(y.size, unit)
    mean, n = float(w @ y / w.sum()), effective_size(y, w, codes)
    t = float(stats.t.ppf((1 + LEVEL) / 2, max(int(codes.max()), 1)))
    z = float(stats.norm.ppf((1 + LEVEL) / 2))
    if kind == "share":
        size = n * (z / t) ** 2
        low, high = proportion_confint(mean * size, size, alpha=1 - LEVEL, method="wilson")
    elif kind == "balance":
        up, down = ((float(w[y == sign].sum() / w.sum()) * n + 0.75) / (n + 3) for sign in (1, -1))
        reach = z * np.sqrt((up + down - (up - down) ** 2) / (n + 3))
        low, high = max(up - down - reach, -1.0), min(up - down + reach, 1.0)
    else:
        reach = t * np.sqrt(float(w @ (y - mean) ** 2 / w.sum()) / max(n - 1, 1e-9))
        low, high = mean - reach, mean + reach
    low, high = min(float(low), mean), max(float(high), mean)
    return Estimate(value=mean, low=low, high=high, n=y.size, method=f"{_METHODS[kind]}, design effect", unit=unit)


def effective_size(y: Floats, w: Floats, codes: NDArray[np.intp]) -> float:
    """Return how many equally weighted answers of different respondents would tell as much."""
    away = y - w @ y / w.sum()
    spread = float(w @ away**2 / w.sum())
    sums = np.bincount(codes, weights=w * away if spread > 0 else w)
    variance = float((sums**2).sum()) / w.sum() ** 2
    # More than there are answers can only be chance.
    return float(min(y.size, (spread or 1.0) / variance))


def difference(rows: pd.DataFrame, scores: Any, inside: Any, *, unit: str = "") -> tuple[Estimate, float]:
    """Return by how much the weighted mean inside exceeds that outside, and the p-value of no difference.

    Who answered on both sides counts once: the variance adds up each respondent's part in the difference.
    """
    y, w, codes = _checked(rows, scores)
    side = np.asarray(inside, dtype=bool)
    if min(side.sum(), (~side).sum()) < FEWEST:
        return _not_estimable(y.size, unit), 1.0
    parts, value = np.zeros(y.size), 0.0
    for sign, part in ((1, side), (-1, ~side)):
        total = w[part].sum()
        mean = float(w[part] @ y[part] / total)
        value += sign * mean
        parts[part] = sign * w[part] * (y[part] - mean) / total
    sums = np.bincount(codes, weights=parts)
    sizes = [np.unique(codes[part]).size for part in (side, ~side)]
    variances = [float((np.bincount(codes[part], weights=parts[part]) ** 2).sum()) for part in (side, ~side)]
    fractions = sum(v**2 / max(n - 1, 1) for v, n in zip(variances, sizes, strict=True))
    freedom = sum(variances) ** 2 / fractions if fractions > 0 else float(min(sizes))
    error = float(np.sqrt((sums**2).sum() * min(sizes) / max(min(sizes) - 1, 1)))
    reach = float(stats.t.ppf((1 + LEVEL) / 2, freedom)) * error
    p_value = float(2 * stats.t.sf(abs(value) / error, freedom)) if error > 0 else float(value == 0)
    method = "difference of means, linearised"
    return Estimate(value=value, low=value - reach, high=value + reach, n=y.size, method=method, unit=unit), p_value


def rake(groups: pd.DataFrame, margins: Mapping[str, Any], start: ArrayLike) -> Floats:
    """Return weights by which every grouping of the answers has its known shares (Deming & Stephan 1940).

    A group that nobody is in, or that has no margin, is a ValueError.
    """
    weights = np.array(start, dtype=np.float64)
    coded = {name: pd.Categorical(groups[name], categories=list(margin.index)) for name, margin in margins.items()}
    for name, margin in margins.items():
        if (coded[name].codes < 0).any() or set(coded[name].codes) != set(range(len(margin))):
            raise ValueError(f"the groups of '{name}' and their margin differ: each needs answers and a known share")
    for _ in range(_ROUNDS):
        before = weights.copy()
        for name, margin in margins.items():
            codes = coded[name].codes
            now = np.bincount(codes, weights=weights, minlength=len(margin))
            weights *= (margin.to_numpy(dtype=np.float64) / margin.sum() * weights.sum() / now)[codes]
        if np.allclose(weights, before, rtol=1e-10):
            break
    return np.asarray(weights * weights.size / weights.sum())


def _checked(rows: pd.DataFrame, scores: Any) -> tuple[Floats, Floats, NDArray[np.intp]]:
    y, w = np.asarray(scores, dtype=np.float64), rows["weight"].to_numpy(dtype=np.float64)
    if not np.isfinite(y).all():
        raise ValueError("a score is missing or infinite: leave such answers out first")
    if not (np.isfinite(w).all() and (w > 0).all()):
        raise ValueError("weights must be positive numbers: leave answers that stand for nobody out first")
    return y, w, pd.factorize(rows["respondent"])[0]


def _not_estimable(n: int, unit: str) -> Estimate:
    return Estimate(value=np.nan, low=-np.inf, high=np.inf, n=n, method="fewer than ten answers", unit=unit)
