"""What each history says of the states it passed through, in hindsight: the expected counts of the EM algorithm."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from crm_lib.segments.stages.filter import Moves, Step, by_stage, forward
from crm_lib.segments.stages.histories import Floats, Histories
from crm_lib.segments.stages.parameters import (
    BUILDING,
    DECLINING,
    EXPLORING,
    GONE,
    STABLE,
    TRIAL,
    StageParameters,
)

MOVES = (
    ("exploration", "exploration"), ("exploration", "build-up"), ("exploration", "gone"),
    ("build-up", "build-up"), ("build-up", "stable"), ("build-up", "decline"), ("build-up", "gone"),
    ("stable", "stable"), ("stable", "decline"), ("stable", "gone"),
    ("decline", "decline"), ("decline", "gone"), ("gone", "gone"), ("gone", "exploration"),
)  # fmt: skip
"""The moves, or stays, from one period to the next that are counted, in the order of :attr:`Expected.moves`."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """Expected counts of each row, given all its counts; only their sums over rows have a meaning of their own.

    Parameters
    ----------
    moves : ndarray (14, n)
        Moves between periods, in the order of `MOVES`; the part of a period after the first purchase counts as part.
    explored : ndarray (2, n)
        Stays in exploration, and moves out of it, of the customers who can get past it.
    bought : ndarray (6, n)
        Purchases in each state.
    due : ndarray (6, n)
        Purchases there would be in each state at the rate of the stable stage.
    first : ndarray (2, n)
        Probability of never getting past exploration, and of the contrary.
    rates : ndarray (2, R, n)
        Joint probabilities of these and the class of the purchase rate.
    leaving : ndarray (2, H, n)
        The same for the class of leaving.
    season : ndarray (2, T)
        Purchases in each period and those expected without season, the last period first; sums over rows.
    log_likelihood : ndarray (n,)
        Of each row.
    """

    moves: Floats
    explored: Floats
    bought: Floats
    due: Floats
    first: Floats
    rates: Floats
    leaving: Floats
    season: Floats
    log_likelihood: Floats

    @classmethod
    def joined(cls, parts: list[Expected]) -> Expected:
        """Return the counts of pieces that follow one another.

        Parameters
        ----------
        parts : list of Expected
            The pieces.
        """
        longest = max(part.season.shape[1] for part in parts)
        season = sum(np.pad(part.season, ((0, 0), (0, longest - part.season.shape[1]))) for part in parts)
        names = [item.name for item in fields(cls) if item.name != "season"]
        rows = {name: np.concatenate([getattr(part, name) for part in parts], axis=-1) for name in names}
        return cls(season=np.asarray(season), **rows)


def expected(h: Histories, p: StageParameters, *, size: int = 200) -> Expected:
    """Return the expected counts of all rows, `size` rows at a time.

    Parameters
    ----------
    h : Histories
        The histories.
    p : StageParameters
        The parameters.
    size : int
        Rows at a time.
    """
    return Expected.joined([_expected(piece, p) for piece in h.chunks(size)])


def smoothed(h: Histories, p: StageParameters) -> Floats:
    """Return the probabilities of the stages in each period in hindsight, shape (n, T, 5), the first period first.

    Parameters
    ----------
    h : Histories
        The histories.
    p : StageParameters
        The parameters.
    """
    steps = list(forward(h, p))
    found = np.full((len(h), len(steps), 5), np.nan)
    beta = np.ones((1, 1, 1, 0))
    for step in reversed(steps):
        beta, _ = _back(steps, step.number, beta, h, p)
        found[: step.rows, step.number] = by_stage(step.filtered * beta)
    return found


def _expected(h: Histories, p: StageParameters) -> Expected:
    steps, n = list(forward(h, p)), len(h)
    moves, explored = np.zeros((len(MOVES), n)), np.zeros((2, n))
    bought, due, season = np.zeros((6, n)), np.zeros((6, n)), np.zeros((2, len(steps)))
    logs = np.zeros(n)
    beta, known = np.ones((1, 1, 1, 0)), np.zeros(0)
    for step in reversed(steps):
        later = beta.shape[-1]
        beta, flows = _back(steps, step.number, beta, h, p)
        if later:
            if step.number == 0:
                # Part of a period is part of an occasion, but a move is a move: only the stays are cut.
                flows[0] = flows[:3].sum(axis=0) * h.part[:later] - flows[1] - flows[2]
                flows[-2] = flows[-2:].sum(axis=0) * h.part[:later] - flows[-1]
            moves[:, :later] += flows[: len(MOVES)]
            explored[:, :later] += flows[len(MOVES) :]
        known = step.filtered * beta
        rates = known.sum(axis=2)
        paces = np.einsum("srn,r->sn", rates, p.rates)
        rows, here = step.rows, step.seen
        bought[:, :rows] += rates.sum(axis=1) * here.counts
        due[:, :rows] += paces * here.exposure
        usual = (paces * p.state_factors[:, None]).sum(axis=0) * (h.part[:rows] if step.number == 0 else 1.0)
        back = h.periods[:rows] - 1 - step.number
        season[0] += np.bincount(back, here.counts * h.weight[:rows], len(steps))
        season[1] += np.bincount(back, usual * h.weight[:rows], len(steps))
        logs[:rows] += np.log(step.scale) + here.log_scale
    opened = known[: EXPLORING + 1]
    return Expected(
        moves=moves, explored=explored, bought=bought, due=due, first=opened.sum(axis=(1, 2)),
        rates=opened.sum(axis=2), leaving=opened.sum(axis=1), season=season, log_likelihood=logs,
    )  # fmt: skip


def _back(steps: list[Step], number: int, beta: Floats, h: Histories, p: StageParameters) -> tuple[Floats, Floats]:
    """Return the backward factors of a period from those of the next, and the expected moves between the two."""
    step, later = steps[number], beta.shape[-1]
    new = np.ones_like(step.filtered)
    if not later:
        return new, np.zeros((len(MOVES) + 2, 0))
    next_step = steps[number + 1]
    v = next_step.seen.chance * beta / next_step.scale
    m = Moves.of(p, h.part[:later] if number == 0 else None)
    stay = 1 - m.leave
    lost = m.leave * v[GONE]
    flows = {
        TRIAL: [stay * v[TRIAL], lost],
        EXPLORING: [stay * (1 - m.build) * v[EXPLORING], stay * m.build * v[BUILDING], lost],
        BUILDING: [
            stay * (1 - m.slip) * (1 - m.settle) * v[BUILDING], stay * (1 - m.slip) * m.settle * v[STABLE],
            stay * m.slip * v[DECLINING], lost,
        ],
        STABLE: [stay * (1 - m.slip) * v[STABLE], stay * m.slip * v[DECLINING], lost],
        DECLINING: [(1 - m.lose) * v[DECLINING], m.lose * v[GONE]],
        GONE: [(1 - m.back) * v[GONE], m.back * v[EXPLORING]],
    }  # fmt: skip
    a = step.filtered[..., :later]
    counted = {}
    for state, parts in flows.items():
        new[state, ..., :later] = sum(parts)
        counted[state] = [np.einsum("rhn,rhn->n", a[state], part) for part in parts]
    trial, exploring = counted[TRIAL], counted[EXPLORING]
    rows = [
        trial[0] + exploring[0], exploring[1], trial[1] + exploring[2],
        *counted[BUILDING], *counted[STABLE], *counted[DECLINING], *counted[GONE], exploring[0], exploring[1],
    ]  # fmt: skip
    return new, np.stack(rows)
