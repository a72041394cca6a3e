"""From posterior draws to intervals, a block at a time so that memory stays small; and what users may ask for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from crm_lib.clv.histories import Array
from crm_lib.estimate import LEVEL

_BLOCK = 2**20
"""Numbers (draws by histories) held at once."""


def draw_blocks(theta: Array, histories: int) -> Iterator[Array]:
    """Split draws (D, P) so that results for all histories fit in memory."""
    size = max(1, _BLOCK // max(1, histories))
    for begin in range(0, len(theta), size):
        yield theta[begin : begin + size]


def equal_tails(sample: Array, level: float = LEVEL, *, whole: bool = False) -> tuple[Array, Array]:
    """Return the quantiles of draws (D, ...) that leave equal tails; of counts (whole) they are counts too."""
    tail = (1 - level) / 2
    low, high = np.quantile(sample, [tail, 1 - tail], axis=0, method="inverted_cdf" if whole else "linear")
    return low, high


def check_horizon(horizon: float) -> float:
    """Return the length of the time to come as a float; it is finite and not negative."""
    if not np.isfinite(horizon) or horizon < 0:
        raise ValueError(f"the horizon must be a finite time that is not negative, not {horizon}")
    return float(horizon)
