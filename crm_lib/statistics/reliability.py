"""Are probabilities what they say, and do they tell customers apart? Told against what was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray
from scipy.special import expit, logit

from crm_lib.estimate import LEVEL, Estimate
from crm_lib.statistics.proportions import wilson


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """Probabilities against what was, as :func:`reliability` computed it."""

    frame: pd.DataFrame
    told: float
    was: float

    @property
    def inside(self) -> int:
        """Number of groups in whose interval the probability lies."""
        return int(((self.frame["low"] <= self.frame["told"]) & (self.frame["told"] <= self.frame["high"])).sum())


def reliability(probability: pd.Series[float], outcome: pd.Series[float]) -> Reliability:
    """Compare probabilities with what was, in tenths of the customers who have both; equal ones stay together."""
    both = pd.DataFrame({"told": probability, "was": outcome.astype(float)}).dropna()
    if both.empty:
        raise ValueError("no customer has both a probability and an outcome")
    varied = bool(both["told"].min() < both["told"].max())
    place = pd.qcut(both["told"], 10, labels=False, duplicates="drop") if varied else both["told"] * 0
    grouped = both.groupby(place)
    frame = grouped.agg(customers=("was", "size"), told=("told", "mean"), was=("was", "mean")).reset_index(drop=True)
    ends = [wilson(round(share * n), int(n)) for share, n in zip(frame["was"], frame["customers"], strict=True)]
    frame["low"], frame["high"] = [end.low for end in ends], [end.high for end in ends]
    frame.index = pd.RangeIndex(1, len(frame) + 1, name="tenth")
    was = float(both["was"].mean())
    return Reliability(
        frame=frame,
        told=float(both["told"].mean()),
        was=was,
    )


def compared_auc(
    outcome: NDArray[Any], first: NDArray[Any], second: NDArray[Any]
) -> tuple[Estimate, Estimate, Estimate]:
    """Return the areas under the ROC curve of two scores of the same customers, and their difference.

    Intervals are normal, the areas' on the logit scale, with the variance of DeLong et al. (1988), Biometrics 44.

    >>> y, score = np.array([0.0, 0, 1, 1, 0, 1]), np.array([0.1, 0.4, 0.4, 0.8, 0.2, 0.3])
    >>> round(compared_auc(y, score, score)[0].value, 4)
    0.8333
    """
    happened = outcome == 1
    ones, zeros = int(happened.sum()), int((~happened).sum())
    if min(ones, zeros) < 2:
        raise ValueError("the outcome must have happened to two customers at least, and not to two others")
    with_it, without = np.empty((2, ones)), np.empty((2, zeros))
    for row, score in enumerate((first, second)):
        everywhere = scipy.stats.rankdata(score)
        # How many of the other side lie below each customer, ties half.
        with_it[row] = (everywhere[happened] - scipy.stats.rankdata(score[happened])) / zeros
        without[row] = 1 - (everywhere[~happened] - scipy.stats.rankdata(score[~happened])) / ones
    area = with_it.mean(axis=1)
    covariance = np.cov(with_it) / ones + np.cov(without) / zeros
    z = float(scipy.stats.norm.ppf((1 + LEVEL) / 2))
    inside = area.clip(1e-9, 1 - 1e-9)
    reach = z * np.sqrt(np.diag(covariance).clip(min=0)) / (inside * (1 - inside))
    low, high = np.minimum(expit(logit(inside) - reach), area), np.maximum(expit(logit(inside) + reach), area)
    gain = area[0] - area[1]
    half = z * np.sqrt(max(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1], 0.0))
    told = zip([*area, gain], [*low, gain - half], [*high, gain + half], strict=True)
    first_area, second_area, difference = (
        Estimate(value=float(a), low=float(b), high=float(c), n=outcome.size, method="DeLong") for a, b, c in told
    )
    return first_area, second_area, difference
