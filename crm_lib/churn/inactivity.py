"""After how many days of silence a customer counts as gone: who comes back later, and how late the truth is learnt."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.stats import norm

from crm_lib.company import Company, kept
from crm_lib.customers import facts, purchase_days
from crm_lib.errors import TooLittleData
from crm_lib.estimate import LEVEL, Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.language import say
from crm_lib.relationships.signs import bought_nothing, p_alive
from crm_lib.statistics.proportions import wilson

SHORTEST, STEP = 14, 7
"""The windows looked at: from two weeks on, week by week."""
_YEAR = 364
"""Whole weeks, so that the rivals are compared on a day that the risk looks at as well."""
_FEWEST = 30
_Z = float(norm.ppf((1 + LEVEL) / 2))
RULES: Final = {
    "silence": "One window for all",
    "p_alive": "Personal window: P(alive)",
    "against_rhythm": "Personal window: silence over own rhythm",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class InactivityWindow:
    """How windows of inactivity do, and the one recommended: the shortest that keeps to `at_most`.

    `frame` by ``window`` (days of silence after which a customer is called gone): ``came_back``, the share of those who
    bought again within `follow_up` days more, with ``low`` and ``high``, and ``spells`` of silence it rests on. `kept`
    says whether any window keeps to `at_most`; else the longest is taken. `rivals`, on `tested_on`: by rule,
    ``customers`` called gone (as many by each), ``came_back`` among them and ``found``, the share of those who did not
    buy again that it calls gone; `gains`: what each rule with a window of one's own takes off ``came_back``.
    """

    frame: pd.DataFrame
    days: int
    kept: bool
    at_most: float
    follow_up: int
    rivals: pd.DataFrame
    gains: dict[str, Estimate]
    tested_on: dt.date

    @property
    def came_back(self) -> Estimate:
        """Share of the customers called gone by the recommended window who came back."""
        return self.share(self.days)

    def share(self, window: int) -> Estimate:
        """Share of the customers called gone by a window who came back."""
        row: dict[Any, float] = self.frame.loc[window].to_dict()
        return Estimate(
            value=row["came_back"], low=row["low"], high=row["high"], n=int(row["spells"]), method="Kaplan-Meier",
            unit="share",
        )  # fmt: skip


@kept
def inactivity_window(company: Company, *, at_most: float = 0.2) -> InactivityWindow:
    """Find the days of silence after which a customer without a contract counts as gone.

    A window is judged by the customers it called gone who came back nevertheless, and by its length, which is how late
    a loss is noticed. The shortest is recommended of whose customers demonstrably no more than `at_most` come back
    within 52 weeks (a third of the data where they span less than three years).

    Parameters
    ----------
    company : Company
        The company.
    at_most : float
        Share that may come back.

    Returns
    -------
    InactivityWindow
        Every window, the one recommended, and windows of one's own as its rivals.

    Raises
    ------
    TooLittleData
        If fewer than 30 spells of silence can be followed up.
    ValueError
        If `at_most` does not lie between 0 and 1.

    Notes
    -----
    Kaplan & Meier's estimate, with customers as clusters of their spells (Williams 1995, Biometrics 51).
    """
    if not 0 < at_most < 1:
        raise ValueError(f"at_most must lie between 0 and 1, not {at_most}")
    bought = purchase_days(company)
    span = (pd.Timestamp(company.as_of) - bought["day"].min()).days if len(bought) else 0
    follow_up = min(_YEAR, span // 3)
    frame = windows(bought, company.as_of, follow_up)
    days, kept = _recommended(frame, at_most)
    tested_on = company.as_of - dt.timedelta(days=follow_up)
    rivals, gains = _rivals(company, bought, tested_on, follow_up, at_most)
    return InactivityWindow(
        frame=frame, days=days, kept=kept, at_most=at_most, follow_up=follow_up, rivals=rivals, gains=gains,
        tested_on=tested_on,
    )  # fmt: skip


def windows(bought: pd.DataFrame, last: dt.date, follow_up: int) -> pd.DataFrame:
    """Return the share of spells longer than each window that end within the days of follow-up; see the class."""
    days = bought.loc[bought["day"] <= pd.Timestamp(last), ["customer_id", "day"]].drop_duplicates()
    after = days.groupby("customer_id", sort=False)["day"].shift(-1)
    length = (after.fillna(pd.Timestamp(last)) - days["day"]).dt.days.to_numpy()
    ended, customer = after.notna().to_numpy(), pd.factorize(days["customer_id"])[0]
    longest = int(length.max(initial=0))
    grid = np.arange(SHORTEST, longest - follow_up + 1, STEP)
    returns = np.bincount(length[ended], minlength=longest + 1).astype(float)
    leaving = np.bincount(length, minlength=longest + 1)
    # Who is cut after so many days is still silent on the last of them.
    at_risk = leaving[::-1].cumsum()[::-1].astype(float)
    hazard = np.divide(returns, at_risk, out=np.zeros_like(returns), where=at_risk > 0)
    with np.errstate(divide="ignore"):
        log_survival = np.cumsum(np.log1p(-hazard))
    spread = np.cumsum(np.divide(hazard, at_risk, out=np.zeros_like(hazard), where=at_risk > 0))
    rows = {}
    for window in grid:
        end = window + follow_up
        if at_risk[end] < _FEWEST or not np.isfinite(log_survival[end]):
            continue
        long = length > window
        stop, cut = length[long], np.minimum(length[long], end)
        told = np.where(ended[long] & (stop <= end), 1 / at_risk[stop], 0.0) - (spread[cut] - spread[window])
        error = float(np.sqrt((np.bincount(customer[long], weights=told) ** 2).sum()))
        rows[int(window)] = {**_came_back(log_survival[end] - log_survival[window], error), "spells": int(long.sum())}
    if not rows:
        message = "needs {n} spells of silence that can be followed up for {days} days after two weeks"
        raise TooLittleData(say(message, n=_FEWEST, days=follow_up))
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("window").astype({"spells": "int64"})


def _came_back(log_silent: float, error: float) -> dict[str, float]:
    """Return the share that came back, with its interval on the scale of log(-log)."""
    if log_silent == 0:
        return {"came_back": 0.0, "low": 0.0, "high": float(1 - np.exp(-(error or 1.0)))}
    reach = np.exp(_Z * error / -log_silent)
    return {
        "came_back": float(-np.expm1(log_silent)),
        "low": float(-np.expm1(log_silent / reach)),
        "high": float(-np.expm1(log_silent * reach)),
    }


def _recommended(frame: pd.DataFrame, at_most: float) -> tuple[int, bool]:
    keeps = frame.index[frame["high"] <= at_most]
    return (int(keeps[0]), True) if len(keeps) else (int(frame.index[-1]), False)


def _rivals(
    company: Company, bought: pd.DataFrame, day: dt.date, follow_up: int, at_most: float
) -> tuple[pd.DataFrame, dict[str, Estimate]]:
    """Call as many customers gone by each rule on an earlier day, from what was known then, and look who came back."""
    try:
        window = _recommended(windows(bought, day, follow_up), at_most)[0]
    except TooLittleData:
        return pd.DataFrame(), {}
    known = facts(company, day, parts=())
    signs = pd.DataFrame(
        {
            "silence": known["recency"].astype(float),
            "p_alive": 1 - p_alive(known),
            "against_rhythm": (known["recency"] + 1) / (known["rhythm"] + 1),
        }
    )
    called = int((known["recency"] >= window).sum())
    came = ~bought_nothing(bought, known.index, day, follow_up)
    if called < _FEWEST:
        return pd.DataFrame(), {}
    gone = {name: signs[name].rank(ascending=False, method="first") <= called for name in RULES}
    gone["silence"] = known["recency"] >= window
    rows = {
        name: {"customers": called, "came_back": wilson(int(came[by].sum()), called),
               "found": wilson(int((~came & by).sum()), int((~came).sum()))}
        for name, by in gone.items()
    }  # fmt: skip
    gains = {name: _paired(came, gone["silence"], gone[name]) for name in RULES if name != "silence"}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("rule"), gains


def _paired(came: pd.Series[bool], one: pd.Series[bool], other: pd.Series[bool]) -> Estimate:
    """Return how much smaller the share that came back is by the other rule; customers called by both cancel out."""
    n, first, second = int(one.sum()), int((came & one & ~other).sum()), int((came & other & ~one).sum())
    value = (first - second) / n
    reach = _Z * np.sqrt(max(first + second - (first - second) ** 2 / n, 1.0)) / n
    return Estimate(value=value, low=value - reach, high=value + reach, n=n, method="paired shares", unit="share")


def finding_window(found: InactivityWindow) -> Finding:
    """Return whether the usual half-year of silence is a safe sign of a lost customer."""
    half_year = min(map(int, found.frame.index), key=lambda window: abs(window - 182))
    return Finding(
        key="churn.window",
        claim="After {window} days of silence a customer is gone: at most {most:share} come back.",
        source="Textbook 4.3.4: customers without a contract leave silently",
        estimate=found.share(half_year),
        criterion=Criterion(high=found.at_most),
        sentence=(
            "Of customers silent for {window} days, {estimate} bought again within {days} days more; the shortest "
            "window that keeps to {most:share} is {best} days."
            if found.kept
            else "Of customers silent for {window} days, {estimate} bought again within {days} days more; no window "
            "keeps to {most:share}."
        ),
        if_supported="Call customers gone after {best} days of silence, and start winning back then, not later.",
        if_not_supported="Do not write off customers after {window} days of silence: too many come back.",
        if_undecided="Use {best} days of silence for now and look again when more silent customers have been followed.",
        values={"window": half_year, "days": found.follow_up, "most": found.at_most, "best": found.days},
    )
