"""Looking at an experiment before its end: false alarms of peeking, bounds that pay for looks, intervals that hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats
from scipy.optimize import brentq

from crm_lib.estimate import LEVEL, Estimate

Rule = Literal["Pocock", "O'Brien-Fleming"]
_NODES = 80


def false_alarm(bounds: Sequence[float]) -> float:
    """Return the chance that, without an effect, z leaves its bound at one of several equally spaced looks.

    By the recursion of Armitage, McPherson and Rowe (1969) over the sum of what was seen so far.

    >>> round(false_alarm([1.96]), 3), round(false_alarm([1.96] * 5), 3)
    (0.05, 0.142)
    """
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    # Beyond eight standard deviations nobody goes.
    ends = np.sqrt(np.arange(1, len(bounds) + 1)) * np.minimum(np.asarray(bounds, dtype=float), 8.0)
    place = ends[0] * nodes
    inside = stats.norm.pdf(place) * ends[0] * weights
    for end in ends[1:]:
        later = end * nodes
        inside = stats.norm.pdf(later[:, None] - place) @ inside * end * weights
        place = later
    return 1 - float(inside.sum())


@cache
def look_bounds(looks: int, rule: Rule) -> tuple[float, ...]:
    """Return the z beyond which each of equally spaced looks may call an effect, two-sided, at 5 % over all looks.

    Pocock's (1977) bounds are alike; those of O'Brien and Fleming (1979) fall, so that early looks need strong evidence
    and the last hardly more than a single one.

    >>> [round(float(look_bounds(3, rule)[-1]), 3) for rule in ("Pocock", "O'Brien-Fleming")]
    [2.289, 2.004]
    """
    if looks < 1:
        raise ValueError(f"looks must be at least 1, not {looks}")
    shape = np.ones(looks) if rule == "Pocock" else np.sqrt(looks / np.arange(1, looks + 1))
    return tuple(shape * float(brentq(lambda c: false_alarm(c * shape) - (1 - LEVEL), 1.9, 3.2, xtol=1e-5)))


def look_table(most: Sequence[int] = (1, 2, 3, 5, 10, 50)) -> pd.DataFrame:
    """Return, by number of looks, the chance of a false alarm with 1.96 at each, and the first and last bounds."""
    plain = float(stats.norm.ppf((1 + LEVEL) / 2))
    rows = [
        {"looks": k, "false_alarm": false_alarm([plain] * k), "pocock": look_bounds(k, "Pocock")[0],
         "first_look": look_bounds(k, "O'Brien-Fleming")[0], "last_look": look_bounds(k, "O'Brien-Fleming")[-1]}
        for k in most
    ]  # fmt: skip
    return pd.DataFrame(rows).set_index("looks")


def always_valid(estimate: Estimate, *, planned: int) -> Estimate:
    """Return an estimate of `n` units with an interval that holds however often one looks while units come in.

    Asymptotic confidence sequence (Waudby-Smith et al. 2024, Annals of Statistics 52, equation 7), tightest at the
    planned number of units.
    """
    alpha = 1 - LEVEL
    rho = (-2 * np.log(alpha) + np.log(-2 * np.log(alpha)) + 1) / planned
    error = (estimate.high - estimate.low) / 2 / stats.norm.ppf((1 + LEVEL) / 2)
    n = estimate.n * rho
    reach = float(error * np.sqrt(2 * (n + 1) / n * np.log(np.sqrt(n + 1) / alpha)))
    return replace(
        estimate, low=estimate.value - reach, high=estimate.value + reach, method="asymptotic confidence sequence"
    )
