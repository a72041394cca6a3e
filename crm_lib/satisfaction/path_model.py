"""From image to loyalty: the ECSI and ACSI model as a template for a survey, fitted by partial least squares."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import pandas as pd

from crm_lib.language import say
from crm_lib.satisfaction.answers import BURDENS, SCALE, Survey, too_little, usable
from crm_lib.satisfaction.weighting import percentile, resampled_moments
from crm_lib.statistics.resampling import Floats

RESAMPLES: Final = 2000
GOAL: Final = "satisfaction"
BLOCKS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "image": ("IMAG", ("image",)),
    "expectation": ("CUEX", ("expectation",)),
    "quality": ("PERQ", ("product_quality", "service_quality", "personnel_quality")),
    "value": ("PERV", ("value_for_money", "price_burden")),
    "satisfaction": ("CUSA", ("satisfaction",)),
    "complaints": ("CUSCO", ()),
    "loyalty": ("CUSL", ("loyalty", "recommendation")),
}
"""Each block's ECSI name, by which a company's own items are found (PERQ1, PERQ2 …), else the items of the schema."""
PATHS: Final[Mapping[str, tuple[str, ...]]] = {
    "expectation": ("image",),
    "quality": ("expectation",),
    "value": ("expectation", "quality"),
    "satisfaction": ("image", "expectation", "quality", "value"),
    "complaints": ("satisfaction",),
    "loyalty": ("image", "satisfaction", "complaints"),
}
"""What leads to each block: Tenenhaus et al. (2005), Computational Statistics & Data Analysis 48, 159-205."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PathModel:
    """What :func:`path_model` found.

    `paths` by ``(source, target)``: ``path`` and ``consistent`` (Estimates; the second corrected for the unreliability
    of few items). `blocks` by block: number of ``items``, reliabilities ``alpha``, ``rho_a`` and ``rho_c``, ``ave``
    (variance of the items explained), ``r2`` (Estimate), ``performance`` (0 to 100) and ``effect`` (Estimate: points of
    satisfaction that go with a point more, all ways together). `left_out` says why an item is not in.
    """

    paths: pd.DataFrame
    blocks: pd.DataFrame
    htmt: Mapping[tuple[str, str], float]
    left_out: Mapping[str, str]
    n: int


def path_model(survey: Survey, *, seed: int = 0) -> PathModel:
    """Fit the model of the European customer satisfaction index to a survey.

    Partial least squares weigh the items of each block; respondents are drawn again 2,000 times for the intervals. The
    order of cause and effect is the model's assumption: the data cannot tell it.

    Parameters
    ----------
    survey : Survey
        The answers. Items called as in the ECSI survey (``IMAG1``, ``PERQ1`` …) are used where there are any, else
        those of the schema. An item that runs against its block is left out.
    seed : int
        Of the resamples of respondents.
    """
    frame, blocks, left_out = _blocks(survey)
    paths = {to: tuple(b for b in before if b in blocks) for to, before in PATHS.items() if to in blocks}
    paths = {to: before for to, before in paths.items() if before}
    if GOAL not in paths or len(blocks) < 3:
        raise too_little(
            "the survey asks for too few parts of the model: {parts:words}", parts=list(blocks) or ["none"]
        )
    columns = [item for items in blocks.values() for item in items]
    rows = survey.complete(*columns, frame=frame)
    people, k = rows["respondent"].nunique(), len(columns)
    if people < 10 * k:
        raise too_little("needs {least} respondents for {k} items; there are {n}", least=10 * k, k=k, n=people)
    means, spreads, stack = resampled_moments(rows, columns, seed=seed, resamples=RESAMPLES)
    names, ends = list(blocks), np.cumsum([len(items) for items in blocks.values()])
    places = [list(range(end - len(items), end)) for end, items in zip(ends, blocks.values(), strict=True)]
    numbered = {names.index(to): [names.index(one) for one in before] for to, before in paths.items()}
    fit = fit_blocks(stack, places, numbered)
    found = path_coefficients(fit.blocks, numbered)
    consistent = path_coefficients(fit.consistent, numbered)
    n = len(rows)
    table = {
        (names[one], names[to]): {
            "path": percentile(found[:, to, one], n=n), "consistent": percentile(consistent[:, to, one], n=n),
        }
        for to, before in numbered.items()
        for one in before
    }  # fmt: skip
    per_point = fit.weights / np.where(spreads > 0, spreads, np.inf)
    sums = np.stack([per_point[:, items].sum(axis=1) for items in places], axis=1)
    share = per_point / np.repeat(sums, [len(items) for items in places], axis=1)
    levels = np.stack([(share * means)[:, items].sum(axis=1) for items in places], axis=1)
    # A composite of variance 1 is spread 1 / sum over the points of the scale.
    total, goal = total_effects(found), names.index(GOAL)
    described = {}
    for place, (name, items) in enumerate(zip(names, places, strict=True)):
        several, loading = len(items) > 1, fit.loadings[0, items]
        r2 = (found[:, place] * fit.blocks[:, place]).sum(axis=1)
        leads = bool(total[0, goal, place])
        described[name] = {
            "items": len(items),
            "alpha": float(alpha(stack[0][items][:, items])) if several else np.nan,
            "rho_a": float(fit.rho_a[0, place]) if several else np.nan,
            "rho_c": float(loading.sum() ** 2 / (loading.sum() ** 2 + (1 - loading**2).sum())) if several else np.nan,
            "ave": float((loading**2).mean()) if several else np.nan,
            "r2": percentile(r2, n=n, unit="share") if place in numbered else None,
            "performance": 100 * (float(levels[0, place]) - SCALE[0]) / (SCALE[1] - SCALE[0]),
            "effect": percentile(total[:, goal, place] * sums[:, place] / sums[:, goal], n=n) if leads else None,
        }
    ratios = {
        (names[one], names[other]): float(htmt(stack[0], places[one], places[other]))
        for one, other in combinations(range(len(names)), 2)
    }
    return PathModel(
        paths=pd.DataFrame.from_dict(table, orient="index").rename_axis(["source", "target"]),
        blocks=pd.DataFrame.from_dict(described, orient="index").rename_axis("block"),
        htmt=ratios, left_out=left_out, n=n,
    )  # fmt: skip


def _blocks(survey: Survey) -> tuple[pd.DataFrame, dict[str, list[str]], dict[str, str]]:
    """Return the answers with all items pointing up, the items of each block, and why others are left out."""
    frame, left_out = survey.frame, dict[str, str]()
    blocks: dict[str, list[str]] = {}
    if "recommendation" in frame:
        # From 0 to 10 to the scale of the others; a straight line changes no correlation.
        frame = frame.assign(recommendation=frame["recommendation"] * 0.9 + 1)
    frame = frame.assign(**{item: sum(SCALE) - frame[item] for item in BURDENS if item in frame})
    for name, (prefix, usual) in BLOCKS.items():
        own = [str(column) for column in frame if re.fullmatch(rf"{prefix}\d*", str(column), re.IGNORECASE)]
        kept, why = usable(frame, own or usual)
        left_out |= why
        for item in list(kept):
            others = [one for one in kept if one != item]
            if others and frame[item].corr(frame[others].mean(axis=1)) < 0:
                kept.remove(item)
                left_out[item] = say("runs against the other items of its block: reverse it first")
        if kept:
            blocks[name] = kept
        elif not why:
            left_out[name] = say("not asked")
    return frame, blocks, left_out


_ROUNDS = 300
_TOLERANCE = 1e-10


@dataclass(frozen=True, kw_only=True, eq=False)
class Fit:
    """Path models of many matrices; `blocks` and `consistent` are correlations of composites, and of what they mean."""

    weights: Floats
    loadings: Floats
    blocks: Floats
    consistent: Floats
    rho_a: Floats


def fit_blocks(correlations: Floats, blocks: Sequence[Sequence[int]], paths: Mapping[int, Sequence[int]]) -> Fit:
    """Fit a path model, mode A and path weighting; missing where weights do not settle.

    Lohmöller (1989), Latent Variable Path Modeling with Partial Least Squares; with consistent correlations of Dijkstra
    & Henseler (2015), MIS Quarterly 39, 297-316.
    """
    b, k, q = len(correlations), correlations.shape[-1], len(blocks)
    member = np.zeros((k, q))
    for block, items in enumerate(blocks):
        member[list(items), block] = 1.0
    weights = _scaled(correlations, np.tile(member, (b, 1, 1)))
    settled = np.zeros(b, dtype=bool)
    for _ in range(_ROUNDS):
        among = weights.swapaxes(1, 2) @ correlations @ weights
        inner = np.zeros((b, q, q))
        for block, before in paths.items():
            inner[:, block, list(before)] = _regressed(among, before, block)
            inner[:, list(before), block] = among[:, list(before), block]
        new = _scaled(correlations, (correlations @ weights @ inner.swapaxes(1, 2)) * member)
        settled = np.abs(np.abs(new) - np.abs(weights)).max(axis=(1, 2)) < _TOLERANCE
        weights = new
        if settled.all():
            break
    crossed = correlations @ weights
    loadings = (crossed * member).sum(axis=2)
    # The direction of a composite is free: it is that of most of its items.
    turn = np.where((crossed * member).sum(axis=1) < 0, -1.0, 1.0)
    weights = weights * turn[:, None, :]
    loadings = loadings * (turn @ member.T)
    weights[~settled], loadings[~settled] = np.nan, np.nan
    among = weights.swapaxes(1, 2) @ correlations @ weights
    rho = np.ones((b, q))
    for block, items in enumerate(blocks):
        if len(items) > 1:
            rho[:, block] = _rho_a(correlations[:, list(items)][:, :, list(items)], weights[:, list(items), block])
    consistent = among / np.sqrt(rho[:, :, None] * rho[:, None, :])
    consistent[:, range(q), range(q)] = 1.0
    return Fit(weights=weights.sum(axis=2), loadings=loadings, blocks=among, consistent=consistent, rho_a=rho)


def _scaled(correlations: Floats, weights: Floats) -> Floats:
    """Return weights by which every composite has variance 1."""
    variance = np.einsum("bkq,bkl,blq->bq", weights, correlations, weights, optimize=True)
    return np.asarray(weights / np.sqrt(np.maximum(variance, 1e-12))[:, None, :])


def _regressed(among: Floats, before: Sequence[int], block: int) -> Floats:
    """Return the coefficients of a block on those before it; missing where the regression has no answer."""
    chosen = list(before)
    inside, outcome = among[:, chosen][:, :, chosen], among[:, chosen, block]
    usable = np.isfinite(inside).all(axis=(1, 2)) & (np.abs(np.linalg.det(np.nan_to_num(inside))) > 1e-12)
    found = np.full(outcome.shape, np.nan)
    found[usable] = np.linalg.solve(inside[usable], outcome[usable][..., None])[..., 0]
    return found


def path_coefficients(blocks: Floats, paths: Mapping[int, Sequence[int]]) -> Floats:
    """Return the coefficient of each path, [:, to, from], from correlations of blocks."""
    found = np.zeros(blocks.shape)
    for block, before in paths.items():
        found[:, block, list(before)] = _regressed(blocks, before, block)
    return found


def total_effects(coefficients: Floats) -> Floats:
    """Return direct and indirect effects together, [:, to, from]."""
    one = np.eye(coefficients.shape[-1])
    return np.asarray(np.linalg.inv(one - np.nan_to_num(coefficients)) - one)


def _rho_a(within: Floats, weights: Floats) -> Floats:
    """Return Dijkstra & Henseler's reliability of composites, from the items of a block and their weights."""
    outer = weights[:, :, None] * weights[:, None, :]
    off = 1 - np.eye(within.shape[-1])
    above, below = (np.einsum("bi,bij,bj->b", weights, part * off, weights) for part in (within, outer))
    with np.errstate(divide="ignore", invalid="ignore"):
        rho = (weights**2).sum(axis=1) ** 2 * above / below
    return np.asarray(np.where(rho > 0, rho, np.nan))


def alpha(within: Floats) -> Floats:
    """Return the standardised Cronbach's alpha of the items of one block."""
    k = within.shape[-1]
    mean = (within.sum(axis=(-1, -2)) - k) / (k * (k - 1))
    return np.asarray(k * mean / (1 + (k - 1) * mean))


def htmt(correlations: Floats, one: Sequence[int], other: Sequence[int]) -> Floats:
    """Return the heterotrait-monotrait ratio of two blocks (Henseler, Ringle & Sarstedt 2015, JAMS 43, 115-135)."""
    between = correlations[..., list(one), :][..., list(other)].mean(axis=(-1, -2))
    within = np.ones(correlations.shape[:-2])
    for items in (list(one), list(other)):
        k = len(items)
        if k > 1:
            within = within * (correlations[..., items, :][..., items].sum(axis=(-1, -2)) - k) / (k * (k - 1))
    with np.errstate(invalid="ignore"):
        return np.asarray(between / np.sqrt(within))
