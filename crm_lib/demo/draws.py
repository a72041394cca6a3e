"""Random draws: one independent stream a topic, so that a change in one table does not reshuffle the others."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from crm_lib.demo.clock import Floats, Ints


@dataclass(frozen=True)
class Streams:
    """The streams of one seed.

    Examples
    --------
    >>> one, other = Streams(7)("people").random(), Streams(7)("complaints").random()
    >>> bool(one == Streams(7)("people").random()), bool(one == other)
    (True, False)
    """

    seed: int

    def __call__(self, topic: str) -> np.random.Generator:
        """Return the stream of `topic`, from its beginning."""
        return np.random.default_rng([self.seed, zlib.crc32(topic.encode())])


def pick(rng: np.random.Generator, weights: ArrayLike) -> Ints:
    """Draw one column a row with probability in proportion to `weights` of shape (n, choices)."""
    cumulated = np.cumsum(np.asarray(weights, dtype=float), axis=1)
    level = rng.random(len(cumulated))[:, None] * cumulated[:, -1:]
    return np.asarray(np.minimum((cumulated <= level).sum(axis=1), cumulated.shape[1] - 1))


def draw(rng: np.random.Generator, shares: Mapping[str, float], n: int) -> NDArray[np.object_]:
    """Draw `n` names with probability in proportion to `shares`."""
    weights = np.array(list(shares.values()))
    return np.array(list(shares), dtype=object)[rng.choice(len(weights), n, p=weights / weights.sum())]


def look_up(values: Mapping[str, float], names: ArrayLike) -> Floats:
    """Return the value of each name."""
    return np.asarray(pd.Series(np.asarray(names, dtype=object)).map(dict(values)), dtype=np.float64)


def rank(values: Floats) -> Floats:
    """Return the rank of each value between 0 and 1."""
    return np.asarray((np.argsort(np.argsort(values, kind="stable")) + 0.5) / len(values), dtype=np.float64)


def logistic(x: ArrayLike) -> Floats:
    """Return 1 / (1 + exp(-x))."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.asarray(x, dtype=float))), dtype=np.float64)
