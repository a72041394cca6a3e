"""Probabilities of states from purchase histories: the forward and backward recursions of the hidden Markov model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from crm_lib.relationships.stages.histories import Floats, Histories
from crm_lib.relationships.stages.parameters import (
    BUILDING,
    DECLINING,
    EXPLORING,
    GONE,
    STABLE,
    TRIAL,
    StageParameters,
)

_MOST = 30.0
"""Log of the largest ratio by which discounts may speak: beyond, numbers run out and nothing changes."""


@dataclass(frozen=True, kw_only=True)
class Moves:
    """Probabilities of moving from one period to the next; numbers, or arrays that broadcast over classes and rows."""

    leave: Floats
    build: Floats | float
    settle: float
    slip: float
    lose: Floats | float
    back: float

    @classmethod
    def of(cls, p: StageParameters, part: Floats | None = None) -> Moves:
        """Return the moves after a whole period, or after part of one.

        Parameters
        ----------
        p : StageParameters
            The parameters.
        part : ndarray (n,), optional
            Part of a period that each row has had.
        """
        share = 1.0 if part is None else part
        return cls(
            leave=1 - (1 - p.leaving[:, None]) ** share,
            build=1 - (1 - p.to_build_up) ** share,
            settle=p.to_stable,
            slip=p.to_decline,
            lose=1 - (1 - p.out_of_decline) ** share,
            back=p.returning,
        )

    def forward(self, a: Floats) -> Floats:
        """Return the probabilities of the next states; the first axis holds the states.

        Parameters
        ----------
        a : ndarray (6, R, H, n)
            Probabilities of states and classes.
        """
        stays = a[:DECLINING] * (1 - self.leave)
        new = np.empty_like(a)
        new[TRIAL] = stays[TRIAL]
        new[EXPLORING] = stays[EXPLORING] * (1 - self.build) + self.back * a[GONE]
        new[BUILDING] = stays[EXPLORING] * self.build + stays[BUILDING] * (1 - self.slip) * (1 - self.settle)
        new[STABLE] = (stays[BUILDING] * self.settle + stays[STABLE]) * (1 - self.slip)
        new[DECLINING] = (stays[BUILDING] + stays[STABLE]) * self.slip + a[DECLINING] * (1 - self.lose)
        new[GONE] = a[GONE] * (1 - self.back) + a[:DECLINING].sum(axis=0) * self.leave + a[DECLINING] * self.lose
        return new


@dataclass(frozen=True, kw_only=True)
class Seen:
    """How likely the counts of a period are in each state.

    Parameters
    ----------
    chance : ndarray (6, R, 1, n)
        Likelihoods, each row's divided by the exponential of `log_scale`.
    log_scale : ndarray (n,)
        Logarithm of what the row was divided by.
    exposure : ndarray (n,)
        Length of the period times its season.
    counts : ndarray (n,)
        What was seen.
    """

    chance: Floats
    log_scale: Floats
    exposure: Floats
    counts: Floats


def seen(h: Histories, p: StageParameters, step: int, rows: int) -> Seen:
    """Return the likelihoods of the first `rows` rows in their period number `step`.

    Parameters
    ----------
    h : Histories
        The histories.
    p : StageParameters
        The parameters.
    step : int
        Number of the period, the first being 0.
    rows : int
        How many rows have that period.
    """
    counts = h.counts[:rows, step].astype(np.float64)
    exposure = p.season_of(h.periods[:rows] - 1 - step) * (h.part[:rows] if step == 0 else 1.0)
    rate, factors = p.rates[:, None], p.state_factors
    log_chance = np.log(rate) * counts - rate * exposure
    scale = log_chance.max(axis=0)
    chance = np.empty((6, len(p.rates), 1, rows))
    for state in range(GONE):
        moved = counts * np.log(factors[state]) - rate * exposure * (factors[state] - 1)
        chance[state, :, 0] = np.exp(log_chance - scale + moved)
    chance[GONE] = np.where(counts == 0, np.exp(-scale), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        constant = np.where(counts > 0, counts * np.log(exposure), 0.0) - gammaln(counts + 1)
    return Seen(chance=chance, log_scale=scale + constant, exposure=exposure, counts=counts)


def opening(h: Histories, p: StageParameters) -> Floats:
    """Return the joint probabilities of first state, class, and discounts against those of a lasting relation.

    Parameters
    ----------
    h : Histories
        The histories.
    p : StageParameters
        The parameters.
    """
    a = np.zeros((6, len(p.rates), len(p.leaving), len(h)))
    a[TRIAL], a[EXPLORING] = p.classes[..., None]
    if h.lines.any():
        bought, other = (
            p.discounted_trial / p.discounted_relation,
            (1 - p.discounted_trial) / (1 - p.discounted_relation),
        )
        ratio = h.discounted * np.log(bought) + (h.lines - h.discounted) * np.log(other)
        a[TRIAL] *= np.exp(np.clip(ratio, -_MOST, _MOST))
    return a


@dataclass(frozen=True, kw_only=True)
class Step:
    """One period of the forward recursion: probabilities of states and classes given all counts up to it."""

    number: int
    rows: int
    filtered: Floats
    scale: Floats
    seen: Seen


def forward(h: Histories, p: StageParameters) -> Iterator[Step]:
    """Return the steps of the forward recursion, each with the rows that still have a period.

    Parameters
    ----------
    h : Histories
        The histories.
    p : StageParameters
        The parameters.
    """
    a = opening(h, p)
    for number, rows in enumerate(h.active):
        if number:
            part = h.part[:rows] if number == 1 else None
            a = Moves.of(p, part).forward(a[..., :rows])
        here = seen(h, p, number, int(rows))
        a *= here.chance
        scale = a.sum(axis=(0, 1, 2))
        a /= scale
        yield Step(number=number, rows=int(rows), filtered=a, scale=scale, seen=here)


def log_likelihood(h: Histories, p: StageParameters) -> Floats:
    """Return the log-likelihood of each row; counts are Poisson, discounts relative to those of a lasting relation.

    Parameters
    ----------
    h : Histories
        The histories.
    p : StageParameters
        The parameters.
    """
    total = np.zeros(len(h))
    for step in forward(h, p):
        total[: step.rows] += np.log(step.scale) + step.seen.log_scale
    return total


def by_stage(a: Floats) -> Floats:
    """Return probabilities of the five stages, shape (n, 5), from those of states and classes.

    Parameters
    ----------
    a : ndarray (6, R, H, n)
        Probabilities of states and classes.
    """
    states = a.sum(axis=(1, 2))
    return np.vstack([states[TRIAL] + states[EXPLORING], states[BUILDING:]]).T


def filtered(h: Histories, p: StageParameters, *, last: int = 1, size: int = 1000) -> Floats:
    """Return the probabilities of the stages at the end of the last periods, from what was known then.

    Parameters
    ----------
    h : Histories
        The histories.
    p : StageParameters
        The parameters.
    last : int
        How many of the last periods.
    size : int
        Rows at a time.

    Returns
    -------
    ndarray (n, last, 5)
        The last period comes last; not-a-number before the first purchase.
    """
    found = np.full((len(h), last, 5), np.nan)
    begin = 0
    for piece in h.chunks(size):
        for step in forward(piece, p):
            place = last - piece.periods[: step.rows] + step.number
            inside = np.flatnonzero(place >= 0)
            if inside.size:
                found[begin + inside, place[inside]] = by_stage(step.filtered[..., inside])
        begin += len(piece)
    return found
