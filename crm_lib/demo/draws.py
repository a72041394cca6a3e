"""Random draws, one independent stream a topic so that no table reshuffles the others, and the columns they fill."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from crm_lib.demo.clock import Bools, Floats, Ints, Names


@dataclass(frozen=True)
class Streams:
    """The streams of one seed."""

    seed: int

    def __call__(self, topic: str) -> np.random.Generator:
        """Return the stream of `topic`, from its beginning."""
        return np.random.default_rng([self.seed, zlib.crc32(topic.encode())])


def pick(rng: np.random.Generator, weights: ArrayLike) -> Ints:
    """Draw one column a row with probability in proportion to `weights` of shape (n, choices)."""
    cumulated = np.cumsum(np.asarray(weights, dtype=float), axis=1)
    level = rng.random(len(cumulated))[:, None] * cumulated[:, -1:]
    return np.asarray(np.minimum((cumulated <= level).sum(axis=1), cumulated.shape[1] - 1))


def draw(rng: np.random.Generator, shares: Mapping[str, float], n: int) -> Names:
    """Draw `n` names with probability in proportion to `shares`."""
    weights = np.array(list(shares.values()))
    return names(list(shares))[rng.choice(len(weights), n, p=weights / weights.sum())]


def hours(rng: np.random.Generator, n: int) -> Floats:
    """Draw times of day, as a share of the day: between eight and ten in the evening, most in the afternoon."""
    return np.asarray(rng.triangular(8.0, 16.5, 22.0, n) / 24.0)


def look_up(values: Mapping[str, float], keys: ArrayLike) -> Floats:
    """Return the value of each name."""
    return np.asarray(pd.Series(np.asarray(keys, dtype=object)).map(dict(values)), dtype=np.float64)


def logistic(x: ArrayLike) -> Floats:
    """Return 1 / (1 + exp(-x))."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.asarray(x, dtype=float))), dtype=np.float64)


def frame(**columns: Any) -> pd.DataFrame:
    """Return a table of the columns; a single value stands for all rows."""
    return pd.DataFrame(columns)


def names(values: Sequence[str] | NDArray[Any]) -> Names:
    """Return texts as an array of objects."""
    return np.array(values, dtype=object)


def numbered(letter: str, n: int, digits: int = 6) -> Names:
    """Return `n` identifiers, from ``X000001`` on."""
    return names([f"{letter}{number:0{digits}d}" for number in range(1, n + 1)])


def text_where(mask: Bools, values: ArrayLike) -> Names:
    """Return the values where `mask` is true, and nothing elsewhere."""
    return np.asarray(np.where(mask, np.asarray(values, dtype=object), np.array(None)), dtype=object)


def true_where(mask: Bools, values: Bools) -> pd.Series[bool]:
    """Return true or false where `mask` is true, and nothing elsewhere."""
    return pd.Series(np.asarray(values)).astype("boolean").where(np.asarray(mask))


def whole(values: ArrayLike) -> pd.Series[int]:
    """Return whole numbers, with nothing where a value is not a number."""
    return pd.Series(np.asarray(values, dtype=float)).astype("Int64")
