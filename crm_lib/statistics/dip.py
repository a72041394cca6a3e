"""Hartigan's dip: how far a distribution is from having a single peak."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy
from numpy.typing import NDArray

from crm_lib.statistics.resampling import Floats

_LARGEST = 2000
"""From this number of values on, the square root of n times the dip has all but its limiting distribution."""


def dip(values: Floats) -> float:
    """Return the dip of a sample: how far it is from the nearest distribution with one peak, from 1 / (2n) to 1/4.

    Hartigan & Hartigan (1985), Annals of Statistics 13. Where the greatest convex minorant and the least concave
    majorant between the present ends are farthest apart, the ends move to the nearest points in which they touch the
    sample; what lies outside is held against the minorant on the left and the majorant on the right. The package
    ``diptest`` is GPL.

    >>> dip(np.array([0.0, 0.0, 1.0, 1.0])), dip(np.arange(10.0))
    (0.25, 0.05)
    """
    values = np.asarray(values, dtype=np.float64)
    if not values.size or not np.isfinite(values).all():
        raise ValueError("the dip needs at least one value, and finite ones only")
    places, counts = np.unique(values, return_counts=True)
    above = counts.cumsum().astype(np.float64)
    below = above - counts
    low, high, found = 0, len(places) - 1, 1.0
    while high > low:
        part = slice(low, high + 1)
        minorant, touches = _minorant(places[part], below[part])
        # Seen from the other end, the majorant of a curve is the minorant of its negative.
        mirrored, mirrored_touches = _minorant(-places[part][::-1], -above[part][::-1])
        majorant, majorant_touches = -mirrored[::-1], (high - low) - mirrored_touches[::-1]
        apart = majorant - minorant
        farthest = int(np.argmax(apart))
        if apart[farthest] <= found:
            break
        left = int(touches[touches <= farthest].max())
        right = int(majorant_touches[majorant_touches >= farthest].min())
        outside_left = (above[part] - minorant)[:left]
        outside_right = (majorant - below[part])[right + 1 :]
        found = max(found, *(float(side.max()) for side in (outside_left, outside_right) if side.size), 0.0)
        if left == 0 and right == high - low:
            break
        low, high = low + left, low + right
    return found / (2 * values.size)


def uniform_dips(n: int, *, samples: int = 999, seed: int = 0) -> Floats:
    """Return dips of uniform samples of n, ascending, beyond 2000 scaled: of unimodal laws, theirs are the largest."""
    drawn = min(n, _LARGEST)
    return np.asarray(_drawn(drawn, samples, seed) * np.sqrt(drawn / n), dtype=np.float64)


@lru_cache(maxsize=32)
def _drawn(n: int, samples: int, seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    return np.asarray(sorted(dip(rng.random(n)) for _ in range(samples)), dtype=np.float64)


def _minorant(x: Floats, y: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Return the greatest convex minorant at each point, and the points where its slope changes."""
    gaps = np.diff(x)
    fitted = scipy.optimize.isotonic_regression(np.diff(y) / gaps, weights=gaps)
    rise = np.concatenate([[0.0], np.cumsum(fitted.x * gaps)])
    return np.asarray(y[0] + rise, dtype=np.float64), np.asarray(fitted.blocks, dtype=np.intp)
