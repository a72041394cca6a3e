"""How long customers stay, told alike for old and new ones: until the first silence that calls them gone."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from crm_lib.company import Company
from crm_lib.customers import by_customer, customer_attribute, is_purchase
from crm_lib.errors import TooLittleData
from crm_lib.estimate import LEVEL, Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.language import say
from crm_lib.statistics.proportions import holm

_FEWEST = 50
"""Customers, and of them the left, that a group must have."""
_FEWEST_LEFT = 20
_SAME = 1.25
"""Ratio of the rates of leaving up to which cohorts are told to stay alike."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Lives:
    """How long each customer stayed, with silence of `days` days as leaving.

    `frame` by ``customer_id``: ``won_at`` (first purchase), ``time`` (days until the last purchase before the first
    such silence, or until `as_of` less `days`), ``left``, and ``seen`` (days for which leaving could have been seen).
    """

    frame: pd.DataFrame
    days: int
    as_of: dt.date

    def periods(self, length: int) -> pd.DataFrame:
        """Return ``duration`` and ``ended`` in whole periods, as models of contracts read them.

        A period counts only for customers of whom all of it could be seen: else those who left early in it would be
        counted, and those who stayed would not.
        """
        whole = (self.frame["seen"] // length).astype(int)
        place = (self.frame["time"] // length).astype(int)
        ended = self.frame["left"] & (place < whole)
        return pd.DataFrame({"duration": np.where(ended, place + 1, whole), "ended": ended})


@dataclass(frozen=True, kw_only=True, eq=False)
class LoyaltyChange:
    """Do newer customers stay as long as older ones?

    `ratio` is the rate of leaving of the newer half over that of the older, at the same ages. `curves`, by ``age`` in
    days: share who ``older`` and ``newer`` customers have stayed. `groups`, by attribute: ``groups``, ``p_value``
    (log-rank) and ``q_value`` (Holm), ``best`` and ``worst`` group by the share who stayed half a year.
    """

    ratio: Estimate
    curves: pd.DataFrame
    groups: pd.DataFrame
    split_on: dt.date
    lives: Lives


def lives(company: Company, days: int) -> Lives:
    """Tell how long customers stayed, by the first silence of so many days.

    Nobody is called gone by a silence that old customers had longer to end than new ones: whoever was silent for `days`
    days has left on the last day before it, even if they came back.

    Parameters
    ----------
    company : Company
        The company.
    days : int
        Days of silence that count as leaving.

    Returns
    -------
    Lives
        Time of every customer won at least `days` days ago.

    Raises
    ------
    ValueError
        If the window is shorter than a day.
    TooLittleData
        If nobody was won so long ago.
    """
    if days < 1:
        raise ValueError(f"a window of inactivity needs at least one day, not {days}")
    lines = company.table("transactions")
    bought = lines.filter(is_purchase(lines))
    each = bought.select("customer_id", day=bought.ordered_at.date()).distinct()
    own = ibis.window(group_by="customer_id", order_by="day")
    each = each.mutate(until=each.day.lead().over(own).fill_null(ibis.literal(company.as_of)))
    silent = each.until.delta(each.day, unit="day") >= days
    rows = each.group_by("customer_id").agg(won_at=each.day.min(), last=each.day.min(where=silent))
    frame = by_customer(rows).apply(pd.to_datetime)
    end = pd.Timestamp(company.as_of) - pd.Timedelta(days=days)
    frame = frame[frame["won_at"] <= end]
    if frame.empty:
        raise TooLittleData(say("needs customers won at least {days:count} days ago", days=days))
    left = frame["last"].notna()
    frame["time"] = (frame["last"].fillna(end) - frame["won_at"]).dt.days
    frame["seen"] = (end - frame["won_at"]).dt.days
    return Lives(frame=frame.assign(left=left)[["won_at", "time", "left", "seen"]], days=days, as_of=company.as_of)


def loyalty_change(company: Company, found: Lives) -> LoyaltyChange:
    """Compare how long newer and older customers stay, at the same ages, and groups of customers.

    The newer half are those won after the middle one. Customers won in the first tenth of the time are left out: many
    of them were customers before the data begin.

    Parameters
    ----------
    company : Company
        The company, for attributes of its customers.
    found : Lives
        How long they stayed.

    Returns
    -------
    LoyaltyChange
        Ratio of the rates of leaving, curves, and tests of groups.

    Raises
    ------
    TooLittleData
        If a half has fewer than 50 customers, or fewer than 20 who left; or if most customers are seen first in the
        first tenth of the time.
    """
    frame, first = found.frame, found.frame["won_at"].min()
    later = frame["won_at"] > first + (frame["won_at"].max() - first) / 10
    if later.mean() < 0.5:
        # First seen is not won: who is seen later just buys less often.
        raise TooLittleData(say("most customers were there when the data begin, so that nobody knows who is newer"))
    frame = frame[later]
    middle = frame["won_at"].median()
    new = (frame["won_at"] > middle).to_numpy()
    for side in (new, ~new):
        if side.sum() < _FEWEST or frame["left"][side].sum() < _FEWEST_LEFT:
            raise TooLittleData(
                say("needs {n} customers won earlier and {n} won later, of whom {left} left", n=_FEWEST,
                    left=_FEWEST_LEFT)
            )  # fmt: skip
    # Beyond the age up to which newer customers could be seen there is nothing to compare.
    most = float(frame["seen"][new].max())
    time, left = frame["time"].to_numpy(float), frame["left"].to_numpy(bool)
    within = time <= most
    ratio = hazard_ratio(np.minimum(time, most), left & within, new)
    curves = pd.concat(
        {name: _stayed(time[side], left[side]) for name, side in (("older", ~new), ("newer", new))}, axis=1
    )
    curves = curves.sort_index().ffill().loc[:most].rename_axis("age")
    return LoyaltyChange(
        ratio=ratio, curves=curves, groups=_groups(company, found.frame), split_on=middle.date(), lives=found
    )


def hazard_ratio(time: np.ndarray, left: np.ndarray, inside: np.ndarray) -> Estimate:
    """Return how many times as often those inside leave as the others, from the log-rank test (Peto's one-step).

    The ratio is exp((O - E) / V), its interval normal on the logarithm with variance 1 / V.
    """
    events, place = np.unique(time[left], return_inverse=True)
    lost = np.bincount(place, minlength=events.size)
    ours = np.bincount(place, weights=inside[left], minlength=events.size)
    risk = time.size - np.searchsorted(np.sort(time), events)
    mine = np.sort(time[inside])
    own = mine.size - np.searchsorted(mine, events)
    share = own / risk
    variance = lost * share * (1 - share) * (risk - lost) / np.maximum(risk - 1, 1)
    surplus, total = float((ours - lost * share).sum()), float(variance.sum())
    if not total > 0:
        return Estimate(value=np.nan, low=-np.inf, high=np.inf, n=time.size, method="log-rank")
    middle, reach = surplus / total, stats.norm.ppf((1 + LEVEL) / 2) / np.sqrt(total)
    low, value, high = (float(x) for x in np.exp([middle - reach, middle, middle + reach]))
    return Estimate(value=value, low=low, high=high, n=time.size, method="log-rank, Peto's one-step estimate")


def finding_loyalty_change(found: LoyaltyChange) -> Finding:
    """Return the finding on whether newer customers stay as long as older ones."""
    worse = found.ratio.value > 1
    return Finding(
        key="retention.loyalty_change",
        claim="Newer customers stay as long as older ones did at the same age.",
        source="Textbook, the customer cycle",
        estimate=found.ratio,
        criterion=Criterion(low=1 / _SAME, high=_SAME),
        sentence="Customers won after {day:date} leave {estimate} times as often as those won before, at the same age.",
        if_supported="Loyalty has not changed: do not praise or blame programmes for a rising or falling average.",
        if_not_supported="Look at what changed in how customers are won: newer ones leave faster."
        if worse
        else "Find out what newer customers get that older ones did not, and keep it.",
        if_undecided="Wait for another period before judging newer customers.",
        values={"day": found.split_on},
    )


def _stayed(time: np.ndarray, left: np.ndarray) -> pd.Series[float]:
    fit = SurvfuncRight(time + 1, left.astype(int))
    stayed = pd.Series(fit.surv_prob, index=fit.surv_times - 1)
    curve: pd.Series[float] = pd.concat([pd.Series({0.0: 1.0}), stayed]).groupby(level=0).last()
    return curve


def _groups(company: Company, frame: pd.DataFrame) -> pd.DataFrame:
    """Return log-rank tests of the customers' attributes; groups that are small are left out."""
    rows = {}
    names = ("acquisition_channel", "region", "customer_group", "local_competition")
    for name in (name for name in names if company.has("customers", name)):
        group = customer_attribute(company, name).reindex(frame.index)
        counts = frame.groupby(group)["left"].agg(["size", "sum"])
        big = counts.index[(counts["size"] >= _FEWEST) & (counts["sum"] >= _FEWEST_LEFT)]
        some = frame[group.isin(big)]
        if len(big) < 2:
            continue
        _, p = survdiff(some["time"] + 1, some["left"].astype(int), group[some.index])
        stayed = {one: _half_year(some[group[some.index] == one]) for one in big}
        best, worst = max(stayed, key=stayed.__getitem__), min(stayed, key=stayed.__getitem__)
        rows[name] = {
            "groups": len(big), "best": best, "best_share": stayed[best], "worst": worst, "worst_share": stayed[worst],
            "p_value": float(p),
        }  # fmt: skip
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("grouping")
    if len(table):
        table["q_value"] = holm(table["p_value"].to_numpy(float))
    return table


def _half_year(rows: pd.DataFrame) -> float:
    stayed = _stayed(rows["time"].to_numpy(float), rows["left"].to_numpy(bool))
    return float(stayed[stayed.index <= 182].iloc[-1])
