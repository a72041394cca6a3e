"""Looking at an experiment before its end: false alarms of peeking, bounds that pay for looks, a band of all days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import pandas as pd
from scipy import sparse, stats
from scipy.optimize import brentq

from crm_lib.churn.amounts import lines_between
from crm_lib.company import Company
from crm_lib.customers import Value, exact_sum, value_of
from crm_lib.estimate import LEVEL
from crm_lib.retention.read_out import ReadOut
from crm_lib.statistics.resampling import Floats

Rule = Literal["Pocock", "O'Brien-Fleming"]
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(80)
_DRAWS = 20_000


@dataclass(frozen=True, kw_only=True, eq=False)
class DailyReading:
    """What a campaign's offer had changed by each day of its outcome window, `cost` not taken off (money a customer).

    `frame` by ``day`` of the window: ``value``, ``low`` and ``high`` of the band that holds the truth on all days
    together, ``alone_low`` and ``alone_high`` of the day's own interval. `bound` is the z of the band; `false_alarm`
    the chance that, without an effect, some day's own interval leaves 0 out.
    """

    frame: pd.DataFrame
    campaign: str
    arm: str
    cost: float
    bound: float
    false_alarm: float
    value_kind: Value
    currency: str


def false_alarm(bounds: Sequence[float]) -> float:
    """Return the chance that, without an effect, z leaves its bound at one of several equally spaced looks.

    By the recursion of Armitage, McPherson and Rowe (1969) over the sum of what was seen so far.

    >>> round(false_alarm([1.96]), 3), round(false_alarm([1.96] * 5), 3)
    (0.05, 0.142)
    """
    # Beyond eight standard deviations nobody goes.
    ends = np.sqrt(np.arange(1, len(bounds) + 1)) * np.minimum(np.asarray(bounds, dtype=float), 8.0)
    place = ends[0] * _NODES
    inside = stats.norm.pdf(place) * ends[0] * _WEIGHTS
    for end in ends[1:]:
        later = end * _NODES
        inside = stats.norm.pdf(later[:, None] - place) @ inside * end * _WEIGHTS
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


def day_by_day(company: Company, found: ReadOut, *, seed: int = 0) -> DailyReading:
    """Read the offer with the most customers on each day of its outcome window, and tell when it could be called.

    Parameters
    ----------
    company : Company
        The company.
    found : ReadOut
        Its campaigns, read out.
    seed : int
        Seed of the normal draws that tell how far the largest of so many looks strays.

    Returns
    -------
    DailyReading
        The band of all days, and what looking each day alone would tell.

    Notes
    -----
    The days' differences are normal with the covariance seen in both arms; the band is as many standard errors wide as
    the largest of them exceeds with 5 % (a sup-t band; Montiel Olea & Plagborg-Møller 2019, Journal of Applied
    Econometrics 34). Customers who buy much on one day buy much on others: looks are more alike than bounds of equal
    steps take them to be. The year before is not taken into account.
    """
    campaign, arm = found.largest
    rows = found.rows[(found.rows["campaign_id"] == campaign) & found.rows["arm"].isin([arm, "control"])]
    lines = lines_between(company, rows, rows["outcome_from"], rows["outcome_to"])
    lines = lines.mutate(day=lines.ordered_at.date().delta(lines["first"], unit="day"))
    sums = lines.group_by(["row", "day"]).agg(value=exact_sum(lines[value_of(company)])).execute()
    days = int((rows["outcome_to"] - rows["outcome_from"]).dt.days.min()) + 1
    sums = sums[sums["day"] < days]
    each = sparse.csr_array(
        (sums["value"].to_numpy(float), (sums["row"].to_numpy(int), sums["day"].to_numpy(int))), (len(rows), days)
    )
    own = (rows["arm"] == arm).to_numpy()
    value, error, bound, alarm = day_band(each[own], each[~own], seed=seed)
    frame = pd.DataFrame({"value": value}, index=pd.RangeIndex(1, days + 1, name="day"))
    for name, z in (("", bound), ("alone_", stats.norm.ppf((1 + LEVEL) / 2))):
        frame[f"{name}low"], frame[f"{name}high"] = value - z * error, value + z * error
    return DailyReading(
        frame=frame[error > 0], campaign=campaign, arm=arm, cost=float(rows.loc[own, "cost"].mean()), bound=bound,
        false_alarm=alarm, value_kind=found.value_kind, currency=found.currency,
    )  # fmt: skip


def day_band(one: sparse.sparray, other: sparse.sparray, *, seed: int = 0) -> tuple[Floats, Floats, float, float]:
    """Return the difference of two arms' means until each day and its standard error, from money by customer and day.

    Then the z that none of them exceeds with 95 %, and the chance that one exceeds that of a single look.
    """
    days = one.shape[1]
    until = np.triu(np.ones((days, days)))
    value, spread = np.zeros(days), np.zeros((days, days))
    for part, side in ((one, 1), (other, -1)):
        n = part.shape[0]
        mean = np.asarray(part.sum(axis=0)).ravel() / n
        square = (part.T @ part).toarray() / n - np.outer(mean, mean)
        value += side * (mean @ until)
        spread += until.T @ square @ until / (n - 1)
    error = np.sqrt(np.diag(spread))
    told = error > 0  # days before anybody bought tell nothing
    law = spread[np.ix_(told, told)] / np.outer(error[told], error[told])
    drawn = np.random.default_rng(seed).multivariate_normal(np.zeros(len(law)), law, _DRAWS, method="eigh")
    largest = np.abs(drawn).max(axis=1)
    alone = stats.norm.ppf((1 + LEVEL) / 2)
    return value, error, float(np.quantile(largest, LEVEL)), float((largest > alone).mean())
