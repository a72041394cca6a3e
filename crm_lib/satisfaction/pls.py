"""The PLS path model on many correlation matrices at once: weights, loadings, paths and reliabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from crm_lib.statistics.resampling import Floats

_ROUNDS = 300
_TOLERANCE = 1e-10


@dataclass(frozen=True, kw_only=True, eq=False)
class Fit:
    """Path models of b matrices of k items in q blocks; all is missing where the weights did not settle.

    `weights` and `loadings` (b, k), `rho_a` (b, q), `blocks` and `consistent` (b, q, q: correlations of the composites,
    and of what they stand for).
    """

    weights: Floats
    loadings: Floats
    blocks: Floats
    consistent: Floats
    rho_a: Floats


def fit(correlations: Floats, blocks: Sequence[Sequence[int]], paths: Mapping[int, Sequence[int]]) -> Fit:
    """Fit a path model, mode A and path weighting, with consistent correlations (PLSc).

    Lohmöller (1989), Latent Variable Path Modeling with Partial Least Squares; Dijkstra & Henseler (2015), MIS
    Quarterly 39, 297-316. `paths` are the predecessors of each block that has any.
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
