"""From posterior draws to intervals, a block at a time so that memory stays small."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

import numpy as np

from crm_lib.clv.histories import Array
from crm_lib.estimate import Estimate

Interval: TypeAlias = Literal["mean", "outcome"]
"""Whether an interval is for an expectation or for what happens."""

_BLOCK = 2**20
"""Numbers (draws by histories) held at once."""


def draw_blocks(theta: Array, histories: int) -> Iterator[Array]:
    """Split draws so that results for all histories fit in memory.

    Parameters
    ----------
    theta : array (D, P)
        The draws.
    histories : int
        Number of results for each draw.

    Yields
    ------
    array (d, P)
        The draws in order.
    """
    size = max(1, _BLOCK // max(1, histories))
    for begin in range(0, len(theta), size):
        yield theta[begin : begin + size]


def row_blocks(draws: int, histories: int) -> Iterator[slice]:
    """Split histories so that results for all draws fit in memory.

    Parameters
    ----------
    draws, histories : int
        Numbers of both.

    Yields
    ------
    slice
        Consecutive histories.
    """
    size = max(1, _BLOCK // max(1, draws))
    for begin in range(0, histories, size):
        yield slice(begin, min(begin + size, histories))


def equal_tails(sample: Array, level: float, *, whole: bool = False) -> tuple[Array, Array]:
    """Return the interval between two quantiles that leaves equal tails.

    Parameters
    ----------
    sample : array (D, ...)
        Draws along the first axis.
    level : float
        Probability inside.
    whole : bool
        Whether the numbers are counts, whose quantiles are counts too.

    Returns
    -------
    low, high : array (...)
        Ends of the interval.

    Raises
    ------
    ValueError
        If the level lies outside (0, 1).
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}")
    tail = (1 - level) / 2
    method: Literal["inverted_cdf", "linear"] = "inverted_cdf" if whole else "linear"
    low, high = np.quantile(sample, [tail, 1 - tail], axis=0, method=method)
    return low, high


def posterior_estimate(value: float, low: float, high: float, *, n: int, method: str, level: float) -> Estimate:
    """Return a number at the maximum of the likelihood with its posterior interval, stretched to hold the number.

    Parameters
    ----------
    value, low, high : float
        The number and the ends of its interval.
    n : int
        Number of customers.
    method : str
        How the draws were made.
    level : float
        Coverage.

    Returns
    -------
    Estimate
        The number with its interval.
    """
    return Estimate(
        value=float(value),
        low=float(min(low, value)),
        high=float(max(high, value)),
        n=n,
        method=f"posterior interval; {method}",
        level=level,
    )


def check_interval(interval: object) -> None:
    """Raise an error that names the options, unless the interval is one of them.

    Parameters
    ----------
    interval : object
        What a user asked for.

    Raises
    ------
    ValueError
        If it is neither "mean", "outcome" nor None.
    """
    if interval not in ("mean", "outcome", None):
        raise ValueError(f"interval is 'mean', 'outcome' or None, not {interval!r}")


def check_horizon(horizon: float) -> float:
    """Return the length of the time to come as a float.

    Parameters
    ----------
    horizon : float
        Length in the model's unit.

    Raises
    ------
    ValueError
        If it is negative or not finite.
    """
    if not np.isfinite(horizon) or horizon < 0:
        raise ValueError(f"the horizon must be a finite time that is not negative, not {horizon}")
    return float(horizon)
