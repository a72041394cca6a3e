"""Answers with weights and repeated respondents: means, differences, raking; correlations, and what they explain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import comb
from typing import Any, Final, Literal

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

    The number of answers is divided by the design effect of weights and repeated respondents (linearised, Kish 1965).
    Then a mean has Student's interval, a share Wilson's, and a balance the adjusted Wald interval of Agresti & Min with
    pseudo-answers of 3/4, 3/2 and 3/4, which holds in small groups. By default all but a mean is a share.
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
    """Return by how much the weighted mean inside exceeds that outside, and the p-value of no difference."""
    # Who answered on both sides counts once: the variance adds up each respondent's part in the difference.
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
    """Return weights by which every grouping of the answers has its known shares (Deming & Stephan 1940)."""
    weights = np.array(start, dtype=np.float64)
    for _ in range(_ROUNDS):
        before = weights.copy()
        for name, margin in margins.items():
            codes = margin.index.get_indexer(groups[name])
            now = np.bincount(codes, weights=weights, minlength=len(margin))
            weights *= (margin.to_numpy(dtype=np.float64) / margin.sum() * weights.sum() / now)[codes]
        if np.allclose(weights, before, rtol=1e-10):
            break
    return np.asarray(weights * weights.size / weights.sum())


def _checked(rows: pd.DataFrame, scores: Any) -> tuple[Floats, Floats, NDArray[np.intp]]:
    y = np.asarray(scores, dtype=np.float64)
    # Customers known by their records, not by a survey, count alike.
    w = rows["weight"].to_numpy(dtype=np.float64) if "weight" in rows else np.ones(y.size)
    if not np.isfinite(y).all():
        raise ValueError("a score is missing or infinite: leave such answers out first")
    if not (np.isfinite(w).all() and (w > 0).all()):
        raise ValueError("weights must be positive numbers: leave answers that stand for nobody out first")
    return y, w, pd.factorize(rows["respondent" if "respondent" in rows else "customer_id"])[0]


def _not_estimable(n: int, unit: str) -> Estimate:
    return Estimate(value=np.nan, low=-np.inf, high=np.inf, n=n, method="fewer than ten answers", unit=unit)


_BATCH = 2_000_000
"""Numbers drawn at a time: 16 MB."""
RESAMPLES: Final = 999


def resampled_moments(
    rows: pd.DataFrame, columns: Sequence[str], *, seed: int, resamples: int = RESAMPLES
) -> tuple[Floats, Floats, Floats]:
    """Return weighted means, standard deviations and correlations of the answers, then of resamples of respondents."""
    x, w = rows[list(columns)].to_numpy(dtype=np.float64), rows["weight"].to_numpy(dtype=np.float64)
    codes, _ = pd.factorize(rows["respondent"])
    people, k = int(codes.max()) + 1, x.shape[1]
    centred = x - w @ x / w.sum()
    upper = np.triu_indices(k)
    products = np.column_stack([np.ones(len(x)), centred, centred[:, upper[0]] * centred[:, upper[1]]]) * w[:, None]
    order = np.argsort(codes, kind="stable")
    sums = np.add.reduceat(products[order], np.searchsorted(codes[order], np.arange(people)), axis=0)
    totals = [sums.sum(axis=0)[None]]
    rng, batch = np.random.default_rng(seed), max(1, _BATCH // people)
    for start in range(0, resamples, batch):
        size = min(batch, resamples - start)
        drawn = rng.integers(people, size=(size, people)) + people * np.arange(size)[:, None]
        totals.append(np.bincount(drawn.ravel(), minlength=size * people).reshape(size, people) @ sums)
    all_totals = np.concatenate(totals)
    all_totals = all_totals[:, 1:] / all_totals[:, :1]
    means, squares = all_totals[:, :k], np.empty((len(all_totals), k, k))
    squares[:, upper[0], upper[1]] = squares[:, upper[1], upper[0]] = all_totals[:, k:]
    covariances = squares - means[:, :, None] * means[:, None, :]
    spreads = np.sqrt(np.maximum(np.einsum("bii->bi", covariances), 0.0))
    safe = np.where(spreads > 1e-9, spreads, np.inf)
    found = covariances / safe[:, :, None] / safe[:, None, :]
    found[:, np.arange(k), np.arange(k)] = 1.0
    return means + w @ x / w.sum(), spreads, found


def percentile(stack: Floats, *, n: int, unit: str = "", level: float = LEVEL) -> Estimate:
    """Return the first of a stack of estimates with the interval that the others, its resamples, leave."""
    value, resampled = float(stack[0]), stack[1:][np.isfinite(stack[1:])]
    if not resampled.size or not np.isfinite(value):
        return Estimate(value=np.nan, low=-np.inf, high=np.inf, n=n, method="bootstrap", unit=unit, level=level)
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    # The point stays inside: an interval without it could not be read.
    return Estimate(
        value=value, low=min(float(low), value), high=max(float(high), value), n=n, unit=unit, level=level,
        method="bootstrap of respondents",
    )  # fmt: skip


def explained(correlations: Floats, predictors: Sequence[int]) -> Floats:
    """Return the R² of the last variable on some of the others; matrices of shape (..., k + 1, k + 1)."""
    chosen = list(predictors)
    among, with_outcome = correlations[..., chosen, :][..., chosen], correlations[..., chosen, -1]
    # A resample may repeat a predictor: the pseudo-inverse then shares what both explain.
    try:
        beta = np.linalg.solve(among, with_outcome[..., None])[..., 0]
    except np.linalg.LinAlgError:
        beta = (np.linalg.pinv(among, hermitian=True) @ with_outcome[..., None])[..., 0]
    return np.asarray((beta * with_outcome).sum(axis=-1))


def lmg(correlations: Floats, groups: Sequence[Sequence[int]]) -> Floats:
    """Return the R² that each group adds, averaged over all orders (Grömping 2006, J. Statistical Software 17(1))."""
    g = len(groups)
    r2 = {
        members: explained(correlations, [i for group in members for i in groups[group]])
        for size in range(g + 1)
        for members in combinations(range(g), size)
    }
    shares = np.zeros((*correlations.shape[:-2], g))
    for members, before in r2.items():
        for group in set(range(g)) - set(members):
            after = r2[tuple(sorted((*members, group)))]
            shares[..., group] += (after - before) / (g * comb(g - 1, len(members)))
    return shares


def johnson(correlations: Floats) -> Floats:
    """Return Johnson's relative weights, nearly the same (2000, Multivariate Behavioral Research 35, 1-19)."""
    among, with_outcome = correlations[..., :-1, :-1], correlations[..., :-1, -1]
    values, vectors = np.linalg.eigh(among)
    roots = np.sqrt(np.maximum(values, 0.0))
    square_root = (vectors * roots[..., None, :]) @ vectors.swapaxes(-1, -2)
    inverse = (vectors / np.maximum(roots, 1e-9)[..., None, :]) @ vectors.swapaxes(-1, -2)
    beta = inverse @ with_outcome[..., None]
    return np.asarray((square_root**2 @ beta**2)[..., 0])
