"""What each history says of the states it passed through, in hindsight: the expected counts of the EM algorithm."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from crm_lib.relationships.stages.filter import Moves, Step, by_stage, forward
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
        Stays in exploration, and moves on, of the customers who can get past it and do not leave.
    bought : ndarray (6, n)
        Purchases in each state.
    due : ndarray (6, n)
        Purchases there would be in each state at the rate of the stable stage.
    paced : ndarray (2, R, n)
        Purchases in each class of the purchase rate, and those its rate lets expect.
    first : ndarray (2, n)
        Probability of never getting past exploration, and of the contrary.
    rates : ndarray (2, R, n)
        Joint probabilities of these and the class of the purchase rate.
    leaving : ndarray (2, H, n)
        The same for the class of leaving.
    left : ndarray (2, H, n)
        Periods in exploration, build-up and stability without leaving, and departures, in each class of leaving.
    seasonal : ndarray (T, n)
        Purchases in each period, the last period first, less those that the season lets expect.
    spent : ndarray (2, 6, R, T)
        Purchases, and periods spent, in each state, class of rate and period, the last period first; sums over
        customers.
    log_likelihood : ndarray (n,)
        Of each row.
    """

    moves: Floats
    explored: Floats
    bought: Floats
    due: Floats
    paced: Floats
    first: Floats
    rates: Floats
    leaving: Floats
    left: Floats
    seasonal: Floats
    spent: Floats
    log_likelihood: Floats

    @classmethod
    def joined(cls, parts: list[Expected]) -> Expected:
        """Return the counts of pieces that follow one another.

        Parameters
        ----------
        parts : list of Expected
            The pieces.
        """
        longest = max(len(part.seasonal) for part in parts)
        spent = np.zeros((*parts[0].spent.shape[:-1], longest))
        for part in parts:
            spent[..., : part.spent.shape[-1]] += part.spent
        seasonal = [np.pad(part.seasonal, ((0, longest - len(part.seasonal)), (0, 0))) for part in parts]
        names = [item.name for item in fields(cls) if item.name not in ("spent", "seasonal")]
        rows = {name: np.concatenate([getattr(part, name) for part in parts], axis=-1) for name in names}
        return cls(spent=spent, seasonal=np.concatenate(seasonal, axis=1), **rows)


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
        beta, _, _ = _back(steps, step.number, beta, h, p)
        found[: step.rows, step.number] = by_stage(step.filtered * beta)
    return found


def _expected(h: Histories, p: StageParameters) -> Expected:
    steps, n = list(forward(h, p)), len(h)
    moves, explored = np.zeros((len(MOVES), n)), np.zeros((2, n))
    bought, due = np.zeros((6, n)), np.zeros((6, n))
    spent, seasonal = np.zeros((2, 6, len(p.rates), len(steps))), np.zeros((len(steps), n))
    paced, left, logs = np.zeros((2, len(p.rates), n)), np.zeros((2, len(p.leaving), n)), np.zeros(n)
    beta, known = np.ones((1, 1, 1, 0)), np.zeros(0)
    for step in reversed(steps):
        later = beta.shape[-1]
        beta, flows, lost = _back(steps, step.number, beta, h, p)
        if later:
            if step.number == 0:
                part = h.part[:later]
                # Part of a period is part of an occasion, but a move is a move: only the stays are cut.
                flows[0] = flows[:3].sum(axis=0) * part - flows[1] - flows[2]
                flows[-2:] = _as_occasions(flows[-2], flows[-1], p.to_build_up, part)
                lost = np.stack(_as_occasions(lost[0], lost[1], p.leaving[:, None], part))
            left[:, :, :later] += lost
            moves[:, :later] += flows[: len(MOVES)]
            explored[:, :later] += flows[len(MOVES) :]
        known = step.filtered * beta
        rates = known.sum(axis=2)
        paces = np.einsum("srn,r->sn", rates, p.rates)
        rows, here = step.rows, step.seen
        bought[:, :rows] += rates.sum(axis=1) * here.counts
        due[:, :rows] += paces * here.exposure
        at_pace = np.einsum("srn,s->rn", rates, p.state_factors) * p.rates[:, None]
        paced[0, :, :rows] += rates.sum(axis=0) * here.counts
        paced[1, :, :rows] += at_pace * here.exposure
        who, back, when = np.arange(rows), h.periods[:rows] - 1 - step.number, np.zeros((rows, len(steps)))
        when[who, back] = h.weight[:rows]
        seasonal[back, who] = here.counts - at_pace.sum(axis=0) * here.exposure
        spent[0] += (rates * here.counts) @ when
        spent[1] += (rates * (h.part[:rows] if step.number == 0 else 1.0)) @ when
        logs[:rows] += np.log(step.scale) + here.log_scale
    opened = known[: EXPLORING + 1]
    return Expected(
        moves=moves, explored=explored, bought=bought, due=due, paced=paced, first=opened.sum(axis=(1, 2)),
        rates=opened.sum(axis=2), leaving=opened.sum(axis=1), left=left, seasonal=seasonal, spent=spent,
        log_likelihood=logs,
    )  # fmt: skip


def _as_occasions(stays: Floats, moves: Floats, chance: Floats | float, part: Floats) -> tuple[Floats, Floats]:
    """Return stays and moves of whole periods that say as much of the chance of moving as those of part of a period.

    With :math:`c` the chance in a period and :math:`s` the part, :math:`1 - (1 - c)^s` is that in the part. It has the
    score of :math:`s` times the stays, and of moves weighted so that each tells of a chance :math:`c`.
    """
    ends, chance = np.maximum(part, 1e-9), np.clip(chance, 1e-12, 1 - 1e-12)
    worth = ends * chance * (1 - chance) ** (ends - 1) / -np.expm1(ends * np.log1p(-chance))
    return stays * part, moves * worth


def _back(
    steps: list[Step], number: int, beta: Floats, h: Histories, p: StageParameters
) -> tuple[Floats, Floats, Floats]:
    """Return the backward factors of a period from those of the next, expected moves, stays and departures by class."""
    step, later = steps[number], beta.shape[-1]
    new = np.ones_like(step.filtered)
    if not later:
        return new, np.zeros((len(MOVES) + 2, 0)), np.zeros((2, len(p.leaving), 0))
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
    active = a[:DECLINING]
    left = np.einsum("srhn,rhn->hn", active, np.broadcast_to(lost, a.shape[1:]))
    there = np.einsum("srhn,srhn->hn", active, new[:DECLINING, ..., :later])
    return new, np.stack(rows), np.stack([there - left, left])
