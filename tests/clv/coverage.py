"""Whether intervals hold what they promise: over many simulated data sets, the share that cover the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from crm_lib.estimate import LEVEL


@dataclass(frozen=True, kw_only=True)
class Target:
    """One thing that an interval is for.

    ``truth(data)`` gives it (a number, or one for each row), from the known parameters or from what the simulation
    kept hidden; ``interval(model, data)`` gives the interval's ends ``(low, high)`` from the fitted model.
    """

    truth: Callable[[Any], Any]
    interval: Callable[[Any, Any], tuple[Any, Any]]


def parameter_targets(truth: Mapping[str, float]) -> dict[str, Target]:
    """The parameters of a model, with their posterior intervals."""

    def target(name: str, value: float) -> Target:
        def interval(model: Any, _: Any) -> tuple[float, float]:
            row = model.summary().loc[name]
            return row["low"], row["high"]

        return Target(truth=lambda _: value, interval=interval)

    return {name: target(name, value) for name, value in truth.items()}


def ends(answer: Any) -> tuple[Any, Any]:
    """The ends of an Estimate, or the columns ``low`` and ``high`` of a data frame."""
    return answer.low, answer.high


def coverage(
    simulate: Callable[[int], Any], fit: Callable[[Any], Any], truth: Mapping[str, Target], seeds: Iterable[int]
) -> pd.DataFrame:
    """Simulate and fit once for every seed, and count how often each interval holds its target.

    Returns one row a target: ``share`` of intervals that cover, its ``standard_error`` (from data set to data set, as
    rows of one data set share its estimates) and ``datasets``.
    """
    shares: dict[str, list[float]] = {name: [] for name in truth}
    for seed in seeds:
        data = simulate(seed)
        model = fit(data)
        for name, target in truth.items():
            low, high = (np.asarray(end, dtype=float) for end in target.interval(model, data))
            value = np.asarray(target.truth(data), dtype=float)
            shares[name].append(float(np.mean((low <= value) & (value <= high))))
    table = pd.DataFrame(shares)
    return pd.DataFrame(
        {"share": table.mean(), "standard_error": table.std() / np.sqrt(len(table)), "datasets": len(table)}
    )


def misses_too_often(found: pd.DataFrame, level: float = LEVEL, alpha: float = 1e-3) -> list[str]:
    """Targets covered so rarely, or so often, that chance does not explain it: for runs of few data sets."""
    covered = (found["share"] * found["datasets"]).round()
    tails = [
        min(stats.binom.cdf(k, n, level), stats.binom.sf(k - 1, n, level))
        for k, n in zip(covered, found["datasets"], strict=True)
    ]
    return [name for name, tail in zip(found.index, tails, strict=True) if tail < alpha]
