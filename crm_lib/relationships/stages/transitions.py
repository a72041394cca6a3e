"""How customers move from stage to stage, and how long they stay in each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from crm_lib import language
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.relationships.stages.filter import Moves, by_stage, forward, seen
from crm_lib.relationships.stages.histories import Floats, Histories, Ints
from crm_lib.relationships.stages.life_cycle import LifeCycle
from crm_lib.relationships.stages.parameter_doubt import ROWS, parameter_doubt
from crm_lib.relationships.stages.parameters import STAGE_OF, STAGES, StageParameters
from crm_lib.relationships.stages.posterior import MOVES, expected

_JEFFREYS = 0.5
_FEWEST = 10
"""Expected customers in a stage below which the shares that moved on are not estimated."""


@dataclass(frozen=True, kw_only=True)
class StageTransitions:
    """Moves between stages over some days up to the last.

    Parameters
    ----------
    frame : DataFrame
        One row a pair of stages, indexed by ``stage`` (at the beginning) and ``to``: ``customers`` (expected number),
        ``share`` of those who were in the first stage, and ``low`` and ``high``, its interval; the shares are missing
        for stages in which fewer than 10 customers are expected.
    days : int
        Days between the two looks.
    customers : int
        Number of customers who were there at the first.
    newcomers : int
        Number of customers won since.
    level : float
        Of the intervals.
    """

    frame: pd.DataFrame
    days: int
    customers: int
    newcomers: int
    level: float

    @property
    def matrix(self) -> pd.DataFrame:
        """The shares, a row a stage at the beginning, a column a stage at the end."""
        return self.frame.pivot_table("share", "stage", "to", dropna=False).reindex(
            index=list(STAGES), columns=list(STAGES)
        )


def stage_transitions(
    cycle: LifeCycle, *, periods: int = 3, level: float = 0.95, draws: int = 2000, seed: int = 0
) -> StageTransitions:
    """Return the shares of customers who moved between stages over the last periods, with intervals.

    Parameters
    ----------
    cycle : LifeCycle
        Stages of the customers.
    periods : int
        Number of periods between the two looks.
    level : float
        Of the intervals.
    draws : int
        Number of draws behind them.
    seed : int
        Seed of the random numbers.

    Returns
    -------
    StageTransitions
        Expected numbers from the joint probabilities of both stages of each customer, in hindsight.

    Raises
    ------
    TooLittleData
        If nobody had bought before.
    ValueError
        If `periods` is not positive.

    Notes
    -----
    Nobody's stage is known, so no one is counted as having moved: each customer adds the probability of each move.
    The intervals hold both uncertainties: numbers of moves are drawn from their distribution given the purchases
    (normal, with the mean and covariance of sums of independent choices, to which the covariance is added that comes
    from estimated parameters; the classes of customers and the season count as known), and for each draw the shares
    from a Dirichlet distribution with these numbers and Jeffreys' prior.
    """
    if periods < 1:
        raise ValueError(f"periods must be at least 1, not {periods}")
    h = cycle.histories
    there = h.periods > periods
    if not there.any():
        message = language.text("no customer had bought {days} days before {day}")
        raise TooLittleData(message.format(days=periods * h.period_days, day=language.date(h.as_of)))
    joint, weight = _joint(h, cycle.parameters, periods)
    flat = joint.reshape(len(joint), -1)
    mean = weight @ flat
    few = h.take(np.flatnonzero(there)).sample(ROWS)
    doubt = parameter_doubt(lambda p: _shares(*_joint(few, p, periods)), cycle.parameters)
    spread = np.diag(mean) - (flat * weight[:, None]).T @ flat + weight.sum() ** 2 * doubt
    rng = np.random.default_rng(seed)
    counts = np.maximum(rng.multivariate_normal(mean, spread, size=draws, method="eigh"), 0.0).reshape(draws, 5, 5)
    shares = rng.standard_gamma(counts + _JEFFREYS)
    shares /= shares.sum(axis=2, keepdims=True)
    low, high = np.quantile(shares, [(1 - level) / 2, (1 + level) / 2], axis=0)
    numbers = mean.reshape(5, 5)
    totals = numbers.sum(axis=1, keepdims=True)
    share = np.where(totals >= _FEWEST, numbers / np.maximum(totals, 1e-300), np.nan)
    low, high = (
        np.where(np.isnan(share), np.nan, end(share, limit)) for end, limit in ((np.fmin, low), (np.fmax, high))
    )
    index = pd.MultiIndex.from_product([STAGES, STAGES], names=["stage", "to"])
    columns = {"customers": numbers, "share": share, "low": low, "high": high}
    return StageTransitions(
        frame=pd.DataFrame({name: values.ravel() for name, values in columns.items()}, index=index),
        days=periods * h.period_days, customers=int(h.weight[there].sum()), newcomers=int(h.weight[~there].sum()),
        level=level,
    )  # fmt: skip


def _shares(joint: Floats, weight: Floats) -> Floats:
    """Return the share of the customers at each pair of stages."""
    return np.asarray(weight @ joint.reshape(len(joint), -1) / weight.sum())


def time_in_stage(cycle: LifeCycle, *, sample: int = 4000, level: float = 0.95) -> pd.DataFrame:
    """Return how long relations stay in each stage, and where they go from it.

    Parameters
    ----------
    cycle : LifeCycle
        Stages of the customers.
    sample : int
        Number of customers from which on a sample of so many is taken.
    level : float
        Of the intervals.

    Returns
    -------
    DataFrame
        Indexed by ``stage``, all but "gone": ``days`` (Estimate), ``moves`` (expected moves out of the stage) and
        ``to_<stage>``, the share of them that led there.

    Notes
    -----
    Days in the stage over moves out of it: the occurrence-exposure estimate, which counts stays that are not over for
    the days seen of them. It is the mean stay if the chance of moving on does not change during the stay; where it
    falls, as in exploration, stays of those who are there now are longer. The interval is that of a ratio of sums
    over customers; the moves' own uncertainty, as nobody's stage is known, is added as if they were independent, and
    so is that of the parameters.
    """
    part = cycle.histories.sample(sample)
    few = part.sample(ROWS)
    doubt = np.diag(parameter_doubt(lambda p: np.log(_stays(few, p)), cycle.parameters))
    moves = expected(part, cycle.parameters).moves
    z = float(norm.ppf((1 + level) / 2))
    rows = {}
    for place_of, stage in enumerate(STAGES[:-1]):
        at = {to: moves[place] for place, (origin, to) in enumerate(MOVES) if origin == stage}
        inside, out = sum(at.values()), sum(flow for to, flow in at.items() if to != stage)
        inside, out = np.asarray(inside), np.asarray(out)
        held, left = float(inside @ part.weight), float(out @ part.weight)
        leading = {f"to_{to}": float(at[to] @ part.weight) / left if to in at and left > 0 else 0.0 for to in STAGES}
        leading.pop(f"to_{stage}")
        if left < 1:
            days = Estimate(
                value=np.nan, low=0.0, high=np.inf, n=int(part.weight.sum()), method="no moves", unit="days"
            )
        else:
            variance = float(part.weight @ (out / left - inside / held) ** 2)
            variance += float(part.weight @ np.maximum(out * (1 - np.minimum(out, 1.0)), 0.0)) / left**2
            reach = np.exp(z * np.sqrt(variance + doubt[place_of]))
            mean = cycle.period_days * held / left
            days = Estimate(
                value=mean, low=mean / reach, high=mean * reach, n=int(part.weight.sum()), level=level,
                method="occurrence-exposure", unit="days",
            )  # fmt: skip
        rows[stage] = {"days": days, "moves": left * cycle.histories.weight.sum() / part.weight.sum(), **leading}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("stage").fillna({f"to_{to}": 0.0 for to in STAGES})


def _stays(h: Histories, p: StageParameters) -> Floats:
    """Return the mean stay in each stage but the last, in periods."""
    moves = dict(zip(MOVES, expected(h, p).moves @ h.weight, strict=True))
    inside = [sum(flow for (origin, _), flow in moves.items() if origin == stage) for stage in STAGES[:-1]]
    out = [sum(flow for (origin, to), flow in moves.items() if origin == stage != to) for stage in STAGES[:-1]]
    return np.maximum(inside, 1e-9) / np.maximum(out, 1e-9)


def _joint(h: Histories, p: StageParameters, periods: int) -> tuple[Floats, Floats]:
    """Return the joint probabilities (n, 5, 5) of the stages at both looks, and the number of customers of each."""
    found, weights = [], []
    for piece in h.take(np.flatnonzero(h.periods > periods)).chunks(1000):
        starts: list[tuple[Ints, Floats]] = []
        for step in forward(piece, p):
            rows = np.flatnonzero(piece.periods[: step.rows] == step.number + 1 + periods)
            if rows.size:
                starts.append((rows.astype(np.int64), step.filtered[..., rows]))
        for who, start in starts:
            own = piece.take(who)
            joint = np.zeros((len(own), 5, 5))
            for stage in range(5):
                a = start * np.equal(STAGE_OF, stage)[:, None, None, None]
                for number in range(int(own.periods[0]) - periods, int(own.periods[0])):
                    part = own.part if number == 1 else None
                    a = Moves.of(p, part).forward(a) * seen(own, p, number, len(own)).chance
                joint[:, stage] = by_stage(a)
            found.append(joint / joint.sum(axis=(1, 2), keepdims=True))
            weights.append(own.weight)
    return np.concatenate(found), np.concatenate(weights)
