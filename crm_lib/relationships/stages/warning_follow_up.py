"""Were the warnings right? Customers warned of on an earlier day, and what they bought afterwards."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib import language
from crm_lib.company import Company
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Finding, Verdict
from crm_lib.relationships.stages.decline_warning import QUARTER, DeclineWarning, decline_warning
from crm_lib.relationships.stages.histories import stage_purchases
from crm_lib.relationships.stages.life_cycle import life_cycle
from crm_lib.segments.predictive import in_points
from crm_lib.segments.profit import SMALLEST_GROUP
from crm_lib.statistics.proportions import newcombe, wilson
from crm_lib.statistics.resampling import Floats, studentised

_MOST = 0.5
"""Share of the warned who stay silent from which on most of them may have been gone already."""


@dataclass(frozen=True, kw_only=True)
class WarningFollowUp:
    """What customers did after a look at which some of them were newly warned of.

    Parameters
    ----------
    frame : DataFrame
        Indexed by ``customer_id``, watched customers who were not under warning before: ``warned``, ``bought`` (days
        of purchase afterwards), ``pace`` (what their own mean until then would give), ``silent`` (nothing bought
        afterwards), ``silent_days`` (since the last purchase, at the look), and ``by_silence`` (among as many as were
        warned of, those who had not bought for longest).
    warned_on : date
        The day of the look.
    days : int
        Days followed up.
    false_alarm : float
        Rate of false alarms a quarter that the warning was made for.
    difference : Estimate
        Share of the warned who stayed silent, less that of the others.
    silent, silent_others : Estimate
        The two shares.
    silent_by_silence : Estimate
        Share of those ``by_silence`` who stayed silent: what the rule of thumb finds without any model.
    kept, kept_others : Estimate
        Purchases of each group, against the sum of their paces.
    """

    frame: pd.DataFrame
    warned_on: dt.date
    days: int
    false_alarm: float
    difference: Estimate
    silent: Estimate
    silent_others: Estimate
    silent_by_silence: Estimate
    kept: Estimate
    kept_others: Estimate


def follow_up_warnings(
    purchases: Company | pd.DataFrame, *, as_of: dt.date | None = None, false_alarm: float = 0.05,
    watched_from: int = 3, period_days: int = 28, sample: int = 2000, resamples: int = 999, seed: int = 0,
) -> WarningFollowUp:  # fmt: skip
    """Warn as of a quarter ago, knowing only what was known then, and see what the customers bought since.

    Parameters
    ----------
    purchases : Company or DataFrame
        The company, or what :func:`stage_purchases` returns.
    as_of : date, optional
        Last day that counts; by default the company's, or the last day of the data frame.
    false_alarm : float
        Rate of false alarms a quarter.
    watched_from : int
        Days of purchase from which on a customer is watched.
    period_days : int
        Length of a period of the model.
    sample : int
        Number of customers that the model is fitted to.
    resamples : int
        Number of bootstrap resamples.
    seed : int
        Seed of the random numbers.

    Returns
    -------
    WarningFollowUp
        Customers newly warned of in the quarter before the look, and those under no warning.

    Raises
    ------
    TooLittleData
        If the histories are too short, or fewer than the smallest group to be named were warned of, or were not.
    """
    if isinstance(purchases, Company):
        as_of = purchases.as_of if as_of is None else as_of
        purchases = stage_purchases(purchases, as_of=as_of)
    last = purchases["day"].max().date() if as_of is None else as_of
    days = QUARTER * period_days
    look = last - dt.timedelta(days=days)
    cycle = life_cycle(purchases, as_of=look, period_days=period_days, sample=sample)
    warning = decline_warning(cycle, false_alarm=false_alarm, purchases=watched_from, seed=seed)
    told = warning.frame[warning.frame["new"] | ~warning.frame["warned"]]
    known = purchases["recorded"] if "recorded" in purchases else purchases["day"]
    later = purchases[(purchases["day"] > pd.Timestamp(look)) & (known <= pd.Timestamp(last))]
    bought = later.groupby("customer_id")["day"].nunique().reindex(told.index).fillna(0.0)
    own = cycle.frame.loc[told.index]
    pace = (own["purchases"] - 1) / own["tenure_days"].clip(lower=1) * days
    quietest = own["silent_days"].sort_index().sort_values(ascending=False, kind="stable")
    by_silence = own.index.isin(quietest.index[: int(told["warned"].sum())])
    frame = pd.DataFrame(
        {
            "warned": told["warned"], "bought": bought, "pace": pace, "silent": bought == 0,
            "silent_days": own["silent_days"], "by_silence": by_silence,
        }
    )  # fmt: skip
    groups = [frame[frame["warned"]], frame[~frame["warned"]]]
    if min(len(group) for group in groups) < SMALLEST_GROUP:
        message = language.text("only {warned} customers were newly warned of and {others} were not, on {day}")
        raise TooLittleData(message.format(day=language.date(look), warned=len(groups[0]), others=len(groups[1])))
    silent, others, rule = (
        wilson(int(group["silent"].sum()), len(group)) for group in (*groups, frame[frame["by_silence"]])
    )
    kept, kept_others = (_ratio(group[["bought", "pace"]].to_numpy(), resamples, seed) for group in groups)
    return WarningFollowUp(
        frame=frame, warned_on=look, days=days, false_alarm=false_alarm, difference=newcombe(silent, others),
        silent=silent, silent_others=others, silent_by_silence=rule, kept=kept, kept_others=kept_others,
    )  # fmt: skip


def _ratio(pairs: Floats, resamples: int, seed: int) -> Estimate:
    """Return the ratio of the sums of two columns with a studentised bootstrap interval."""
    n = len(pairs)

    def statistic(weights: Floats) -> tuple[Floats, Floats]:
        top, bottom = (weights @ pairs).T / n
        ratio = top / bottom
        spread = (weights * (pairs[:, 0] - ratio[:, None] * pairs[:, 1]) ** 2).sum(axis=1)
        return ratio[:, None], (np.sqrt(spread) / bottom / n)[:, None]

    value, low, high = studentised(statistic, n, resamples=resamples, seed=seed)
    return Estimate(
        value=float(value[0]), low=max(float(low[0]), 0.0), high=float(high[0]), n=n,
        method="studentised bootstrap over customers", unit="share",
    )  # fmt: skip


def finding_decline(
    followed: WarningFollowUp,
    *,
    warning: DeclineWarning | None = None,
    value: pd.Series | None = None,
    currency: str = "",
    value_days: int | None = None,
    at_least: float = 0.2,
) -> Finding:
    """Return the finding on whether those warned of stay silent more often than the others.

    Parameters
    ----------
    followed : WarningFollowUp
        Warnings of a quarter ago and what came after.
    warning : DeclineWarning, optional
        The warnings of today, for what is at stake.
    value : Series, optional
        Value of each customer, such as the margin of the window, indexed by ``customer_id``; its name says what it is.
    currency : str
        ISO code; needed with a value.
    value_days : int, optional
        Days over which the value was counted, for the note on what is at stake.
    at_least : float
        The claim holds when the warned stay silent more often than the others by at least this share.

    Returns
    -------
    Finding
        Supported when all of the difference's interval lies above `at_least`. At stake is the value of the customers
        newly warned of now. Warned are those whose relation has probably begun to decline *or ended*: that they stay
        silent does not show that decline is seen in time.

    Raises
    ------
    ValueError
        If only one of `value` and `currency` is given.
    """
    if (value is None) != (not currency):
        raise ValueError("value and currency belong together: give both or neither")
    frame = followed.frame
    places = {
        "points": language.number(100 * at_least, 0),
        "warned": language.number(followed.silent.n, 0),
        "day": language.date(followed.warned_on),
        "days": language.number(followed.days, 0),
        "rate": language.share(followed.false_alarm),
        "longest": language.number(float(frame.loc[frame["by_silence"], "silent_days"].median()), 0),
        "shorter": language.number(float(frame.loc[frame["warned"], "silent_days"].median()), 0),
    }
    stake, note = None, ""
    if warning is not None and value is not None:
        new = warning.frame.index[warning.frame["new"]]
        stake = Estimate.exact(float(value.reindex(new).fillna(0.0).sum()), n=len(new), unit=currency, method="sum")
        note = _stake_note(value, value_days)
    sentence = language.text(
        "Of {warned} customers newly warned of on {day}, {{silent}} bought nothing in the {days} days after, of the "
        "others {{silent_others}}: a difference of {{estimate}}. Of as many chosen among all these only because they "
        "had not bought for longest ({longest} days at the median, the warned {shorter}), {{silent_by_silence}} bought "
        "nothing. The warned bought {{kept}} of what their "
        "own pace would have given, the others {{kept_others}}. The warning is set to {rate} false alarms a quarter."
    ).format(**places)
    decisions = {verdict: language.text(words) for verdict, words in _DECISIONS.items()}
    if followed.silent.low <= followed.silent_by_silence.high:
        decisions[Verdict.SUPPORTED] += " " + language.text(
            "That it tells silence better than a long silence itself is not shown: its use lies where it comes sooner."
        )
    if followed.silent.low > _MOST:
        sentence += " " + language.text("Most of the warned may be gone already.")
    return Finding(
        key="segments.decline",
        claim=language.text(
            "Customers warned of stay silent more often than the others, by at least {points} percentage points."
        ).format(**places),
        source="Textbook 4.3.2, the life cycle of a relationship",
        estimate=in_points(followed.difference),
        criterion=Criterion(low=100 * at_least),
        sentence=sentence,
        decisions=decisions,
        more={
            "silent": followed.silent, "silent_others": followed.silent_others,
            "silent_by_silence": followed.silent_by_silence, "kept": followed.kept,
            "kept_others": followed.kept_others,
        },
        money_at_stake=stake,
        money_note=note,
    )  # fmt: skip


def _stake_note(value: pd.Series, days: int | None) -> str:
    places = {"value": language.text("value" if value.name is None else str(value.name))}
    if days is None:
        return language.text("{value} until now of the customers newly warned of now").format(**places)
    words = language.text("{value} of the last {days} days of the customers newly warned of now")
    return words.format(days=language.number(days, 0), **places)


_DECISIONS = {
    Verdict.SUPPORTED: (
        "Ask the customers newly warned of what has changed, the most valuable first and within the month; hold back a "
        "random part of them, so that it can be seen whether asking keeps anyone."
    ),
    Verdict.NOT_SUPPORTED: (
        "Do not steer by the warning: it tells too little of who falls silent here. Look for signs outside purchases: "
        "complaints, visits, answers to surveys."
    ),
    Verdict.UNDECIDED: (
        "Use the warning to choose whom to write to, not for costly offers; judge it again when more customers have "
        "been warned of."
    ),
}
