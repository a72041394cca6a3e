"""Cumulative incidence of leaving by cause, with bands that hold at all times and for all causes at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from crm_lib.errors import TooLittleData
from crm_lib.estimate import LEVEL
from crm_lib.language import say
from crm_lib.statistics.resampling import Floats

_RESAMPLES = 400
_FEWEST_EVENTS, _FEWEST_AT_RISK = 10, 30
"""Departures of a cause, and customers still there, from which on a band is drawn."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Incidence:
    """Share of the customers who have left by each time, by cause.

    `frame` by ``time``: a column a cause, and ``stayed``; in every row they sum to 1. `low` and `high` are the ends of
    the simultaneous band by cause, missing where too few have left or are left. `customers` and `left` are counts.
    """

    frame: pd.DataFrame
    low: pd.DataFrame
    high: pd.DataFrame


def cumulative_incidence(
    time: ArrayLike, cause: ArrayLike, *, causes: Sequence[str], seed: int = 0
) -> Incidence:  # fmt: skip
    """Estimate the cumulative incidence of each cause of leaving (Aalen & Johansen 1978).

    `time` is that until each customer left, or until which the customer is known to have stayed; `cause` numbers the
    cause from 1, and is 0 for who has not left. The band is a multinomial bootstrap of the counts at each time, on the
    scale log(-log(1 - F)): the largest deviation over times and causes, in standard errors, sets its width.

    >>> found = cumulative_incidence([1, 2, 2, 3], [1, 2, 0, 0], causes=["price", "service"])
    >>> found.frame.round(3).to_dict("list")
    {'price': [0.25, 0.25], 'service': [0.0, 0.25], 'stayed': [0.75, 0.5]}
    """
    when, why = np.asarray(time, dtype=np.float64), np.asarray(cause, dtype=np.int64)
    if not (np.isfinite(when).all() and (when >= 0).all()):
        first = int(np.flatnonzero(~(when >= 0) | ~np.isfinite(when))[0])
        raise ValueError(f"times must be at least 0; that of customer {first} is {when[first]:g}")
    if why.size and not 0 <= why.min() <= why.max() <= len(causes):
        raise ValueError(
            f"causes are numbered from 1 to {len(causes)}, 0 for who stays; got {why.min()} to {why.max()}"
        )
    if not (why > 0).any():
        raise TooLittleData(say("nobody is known to have left"), table="departures")
    grid, place = np.unique(when, return_inverse=True)
    kinds = len(causes) + 1
    counts = np.bincount(place * kinds + why, minlength=grid.size * kinds).reshape(1, grid.size, kinds)
    value = _incidences(counts.astype(float))[0]
    shown = counts[0, :, 1:].sum(axis=1) > 0
    low, high = _band(counts, value, shown, seed)
    index, names = pd.Index(grid[shown], name="time"), list(causes)
    frame = pd.DataFrame(value[shown], index=index, columns=names)
    return Incidence(
        frame=frame.assign(stayed=1 - frame.sum(axis=1)),
        low=pd.DataFrame(low, index=index, columns=names), high=pd.DataFrame(high, index=index, columns=names),
    )  # fmt: skip


def _incidences(counts: Floats) -> Floats:
    """Return incidences (samples × times × causes) from counts (samples × times × stay and causes)."""
    leaving = counts.sum(axis=2)
    at_risk = leaving[:, ::-1].cumsum(axis=1)[:, ::-1]
    hazard = counts[:, :, 1:] / np.maximum(at_risk, 1)[:, :, None]
    survival = np.cumprod(1 - hazard.sum(axis=2), axis=1)
    before = np.concatenate([np.ones((len(counts), 1)), survival[:, :-1]], axis=1)
    found: Floats = np.cumsum(before[:, :, None] * hazard, axis=1)
    return found


def _band(counts: NDArray[Any], value: Floats, shown: NDArray[np.bool_], seed: int) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    cells, total = counts.reshape(-1), int(counts.sum())
    held = np.flatnonzero(cells)
    at_risk = counts[0].sum(axis=1)[::-1].cumsum()[::-1]
    events = counts[0, :, 1:].cumsum(axis=0)
    drawn = shown[:, None] & (events >= _FEWEST_EVENTS) & (at_risk >= _FEWEST_AT_RISK)[:, None] & (value < 1)
    low, high = np.full_like(value, np.nan), np.full_like(value, np.nan)
    if not drawn.any():
        return low[shown], high[shown]
    scores = []
    for _ in range(_RESAMPLES // 50):
        again = np.zeros((50, cells.size))
        again[:, held] = rng.multinomial(total, cells[held] / total, size=50)
        scores.append(_scale(_incidences(again.reshape(50, *counts.shape[1:]))[:, drawn]))
    resampled, middle = np.concatenate(scores), _scale(value[drawn])
    error = resampled.std(axis=0)
    width = np.quantile((np.abs(resampled - middle) / np.maximum(error, 1e-12)).max(axis=1), LEVEL)
    low[drawn], high[drawn] = _unscale(middle - width * error), _unscale(middle + width * error)
    return low[shown], high[shown]


def _scale(share: Floats) -> Floats:
    scaled: Floats = np.log(-np.log1p(-share.clip(1e-12, 1 - 1e-12)))
    return scaled


def _unscale(scaled: Floats) -> Floats:
    share: Floats = -np.expm1(-np.exp(scaled))
    return share
