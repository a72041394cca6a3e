"""Customers simulated from a fitted model of life-cycle stages: what its rules would do where the truth is known."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crm_lib.relationships.stages.filter import Moves
from crm_lib.relationships.stages.histories import Histories, Ints
from crm_lib.relationships.stages.parameters import (
    BUILDING,
    DECLINING,
    EXPLORING,
    GONE,
    STABLE,
    TRIAL,
    StageParameters,
)


@dataclass(frozen=True, kw_only=True)
class SimulatedStages:
    """Simulated histories and the states behind them.

    Parameters
    ----------
    histories : Histories
        One row a customer.
    states : ndarray (n, T)
        The state in each period, the first period first; -1 behind the last.
    """

    histories: Histories
    states: NDArray[np.int64]


def simulate_stages(h: Histories, p: StageParameters, *, customers: int, seed: int = 0) -> SimulatedStages:
    """Return customers won when those of `h` were, who behave as the model says.

    Parameters
    ----------
    h : Histories
        Histories of which the dates of first purchase, and the numbers of order lines, are taken.
    p : StageParameters
        The parameters.
    customers : int
        Number of customers.
    seed : int
        Seed of the random numbers.

    Returns
    -------
    SimulatedStages
        Histories with their true states.
    """
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(len(h), customers, p=h.weight / h.weight.sum()))
    like = h.take(rows, np.ones(customers))
    shares = p.classes
    chosen = rng.choice(shares.size, customers, p=shares.ravel() / shares.sum())
    state, pace, leaving = np.unravel_index(chosen, shares.shape)
    state = state.astype(np.int64)
    trial = state == TRIAL
    states = np.full((customers, int(like.periods.max())), -1)
    counts = np.zeros(states.shape, dtype=np.int16)
    factors = p.state_factors
    for step, active in enumerate(like.active):
        n = int(active)
        now = state[:n]
        states[:n, step] = now
        exposure = p.season_of(like.periods[:n] - 1 - step) * (like.part[:n] if step == 0 else 1.0)
        counts[:n, step] = rng.poisson(p.rates[pace[:n]] * factors[now] * exposure)
        state[:n] = _moved(rng, now, Moves.of(p, like.part[:n] if step == 0 else None), leaving[:n])
    lines = np.round(like.lines)
    discounted = rng.binomial(lines.astype(np.int64), np.where(trial, p.discounted_trial, p.discounted_relation))
    made = replace(
        like, counts=counts, lines=lines, discounted=discounted.astype(np.float64), row=np.arange(customers),
        customer_id=pd.RangeIndex(customers, name="customer_id"),
    )  # fmt: skip
    return SimulatedStages(histories=made, states=states)


def _moved(rng: np.random.Generator, state: Ints, m: Moves, leaving: Ints) -> Ints:
    n = len(state)
    leave = np.broadcast_to(m.leave, (m.leave.shape[0], max(n, m.leave.shape[1])))[leaving, np.arange(n)]
    luck, chance = rng.random(n), rng.random(n)
    slips, settles = rng.random(n) < m.slip, chance < m.settle
    alive = state < DECLINING
    stays = alive & (luck >= leave)
    new = state.copy()
    new[alive & ~stays] = GONE
    new[stays & (state == EXPLORING) & (chance < m.build)] = BUILDING
    new[stays & (state == BUILDING) & settles] = STABLE
    new[stays & ((state == BUILDING) | (state == STABLE)) & slips] = DECLINING
    new[(state == DECLINING) & (luck < m.lose)] = GONE
    new[(state == GONE) & (luck < m.back)] = EXPLORING
    return new
