"""Are probabilities what they say, and do they tell customers apart? Told against what was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

from crm_lib.estimate import LEVEL, Estimate
from crm_lib.statistics.proportions import wilson


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """Probabilities against what was, as :func:`reliability` computed it."""

    frame: pd.DataFrame
    told: float
    was: float
    brier: float
    brier_constant: float

    @property
    def inside(self) -> int:
        """Number of groups in whose interval the probability lies."""
        return int(((self.frame["low"] <= self.frame["told"]) & (self.frame["told"] <= self.frame["high"])).sum())


def reliability(probability: pd.Series[float], outcome: pd.Series[float], *, groups: int = 10) -> Reliability:
    """Compare probabilities with what was.

    Matched by index; customers without an outcome are left out. Equal probabilities stay together, so that there may be
    fewer groups than asked for.
    """
    both = pd.DataFrame({"told": probability, "was": outcome.astype(float)}).dropna()
    if both.empty:
        raise ValueError("no customer has both a probability and an outcome")
    varied = bool(both["told"].min() < both["told"].max())
    place = pd.qcut(both["told"], groups, labels=False, duplicates="drop") if varied else both["told"] * 0
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
        brier=float(((both["told"] - both["was"]) ** 2).mean()),
        brier_constant=was * (1 - was),
    )


def compared_auc(
    outcome: NDArray[Any], first: NDArray[Any], second: NDArray[Any]
) -> tuple[Estimate, Estimate, Estimate]:
    """Return the areas under the ROC curve of two scores of the same customers, and their difference.

    Notes
    -----
    The area is the share of pairs of a customer with and one without the outcome that the score puts in the right
    order, ties counting half. Intervals are normal, the areas' on the logit scale, with the variance of DeLong et al.

    References
    ----------
    DeLong, E. R., DeLong, D. M. & Clarke-Pearson, D. L. (1988). Comparing the areas under two or more correlated
    receiver operating characteristic curves: a nonparametric approach. Biometrics 44, 837-845.

    Examples
    --------
    >>> y, score = np.array([0.0, 0, 1, 1, 0, 1]), np.array([0.1, 0.4, 0.4, 0.8, 0.2, 0.3])
    >>> round(compared_auc(y, score, score)[0].value, 4)
    0.8333
    """
    happened = outcome == 1
    ones, zeros = int(happened.sum()), int((~happened).sum())
    if not ones or not zeros:
        raise ValueError("the outcome must have happened to some and not to others")
    with_it, without = np.empty((2, ones)), np.empty((2, zeros))
    for row, score in enumerate((first, second)):
        everywhere = rankdata(score)
        # How many of the other side lie below each customer, ties half.
        with_it[row] = (everywhere[happened] - rankdata(score[happened])) / zeros
        without[row] = 1 - (everywhere[~happened] - rankdata(score[~happened])) / ones
    area = with_it.mean(axis=1)
    covariance = np.cov(with_it) / ones + np.cov(without) / zeros
    z = float(norm.ppf((1 + LEVEL) / 2))

    def _told(value: float, low: float, high: float) -> Estimate:
        return Estimate(value=value, low=low, high=high, n=outcome.size, method="DeLong")

    areas = []
    for value, variance in zip(area.tolist(), np.diag(covariance).tolist(), strict=True):
        inside = min(max(value, 1e-9), 1 - 1e-9)
        logit, reach = np.log(inside / (1 - inside)), z * np.sqrt(max(variance, 0.0)) / (inside * (1 - inside))
        low, high = (1 / (1 + np.exp(-(logit + sign * reach))) for sign in (-1, 1))
        areas.append(_told(value, min(float(low), value), max(float(high), value)))
    difference = float(area[0] - area[1])
    reach = z * float(np.sqrt(max(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1], 0.0)))
    return areas[0], areas[1], _told(difference, difference - reach, difference + reach)
