"""Where each relationship stands in its life: exploration, build-up, stable, decline or gone, by plain rules."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from sklearn.metrics import balanced_accuracy_score, cohen_kappa_score, f1_score

from crm_lib.company import Company
from crm_lib.customers import Value, facts, value_of
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.language import say
from crm_lib.relationships.signs import QUARTER, p_alive
from crm_lib.relationships.truth import simulated_truth
from crm_lib.relationships.warning import DeclineWarning, decline_warning
from crm_lib.statistics.proportions import wilson

STAGE_ACTIONS: Final = {
    "exploration": "Make the first purchases go well: answer fast, ask how it was, suggest one thing that fits.",
    "build-up": "Show more of the range and keep every promise; offer membership once a rhythm has formed.",
    "stable": "Keep the service level and say thank you; no discounts on what they buy anyway.",
    "decline": "Ask what has changed, most valuable customers first; fix it before offering anything.",
    "gone": "One well-timed invitation to return, chosen by value and cause; otherwise no cost.",
}
"""The stages in order, and what to do for customers in each."""
STAGES: Final = tuple(STAGE_ACTIONS)
GONE_BELOW: Final = 0.5
"""P(alive) below which a relationship counts as over."""
HALF_PACE: Final = 0.5
"""Purchases of the last year over those of an average year before, below which a relationship is in decline."""
NEW_DAYS: Final = 270
"""Tenure up to which a relationship is being built up."""
PRICE_LED: Final = 1.25
"""Discounted lines, over the usual share, from which a customer comes for the price and keeps exploring."""
_JUDGED_PACE = 3
"""Earlier purchase days below which a customer has no pace to fall behind."""
_YEAR = 365
_FEWEST = 30
_DAY_LIMITS = {"gone": 180, "decline": 90, "exploration": 90}
"""The usual rule of thumb: days of silence, and of tenure."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Stages:
    """Stage of each relationship on `as_of`, and a quarter `earlier` of customers known then.

    `frame` by ``customer_id``: ``stage``, ``p_alive``, ``purchases`` (days of purchase), ``tenure_days``,
    ``silent_days``, ``pace`` (last year's purchases over those of an average year before; missing for the new),
    ``discount_share`` (of lines, where known), ``value`` (money of the last year), ``warned`` and ``newly_warned``
    (within the last quarter). `outcome` is the warning, or why there is none.
    """

    frame: pd.DataFrame
    earlier: pd.Series
    as_of: dt.date
    value_kind: Value
    currency: str
    outcome: DeclineWarning | TooLittleData

    @property
    def warning(self) -> DeclineWarning:
        """The warning of decline; raises TooLittleData where none could be set."""
        if isinstance(self.outcome, TooLittleData):
            raise self.outcome
        return self.outcome

    def table(self) -> pd.DataFrame:
        """Return size, value and action by stage."""
        grouped = self.frame.groupby("stage", observed=False)["value"]
        table = pd.DataFrame({"customers": grouped.size(), "value": grouped.sum()})
        table.insert(1, "customer_share", table["customers"] / len(self.frame))
        total = self.frame["value"].sum()
        table["value_share"] = table["value"] / total if total > 0 else np.nan
        table["action"] = list(STAGE_ACTIONS.values())
        return table

    def moves(self) -> pd.DataFrame:
        """Return how many customers of each stage a quarter ago (rows) are in each stage now (columns)."""
        if self.earlier.empty:
            raise TooLittleData(say("nobody had bought a quarter before {day:date}", day=self.as_of))
        now = self.frame["stage"].reindex(self.earlier.index)
        counts = pd.crosstab(self.earlier, now, dropna=False)
        best_first = ["stable", "build-up", "exploration", "decline", "gone"]
        return counts.reindex(index=best_first, columns=best_first, fill_value=0)


def stages(company: Company) -> Stages:
    """Judge the stage of each relationship by rules that anybody can check.

    In this order: *gone* where P(alive) is below 50 %; *decline* where the last year's purchases are below half of an
    average year before; *exploration* with a single purchase day, or with a quarter more lines on discount than is
    usual here (who comes for the price does not settle); *build-up* in the first 270 days; else *stable*.

    Parameters
    ----------
    company : Company
        The company.

    Returns
    -------
    Stages
        Today's stages, those of a quarter ago from what was known then, and who is warned of.

    Raises
    ------
    TooLittleData
        If nobody has bought.

    Notes
    -----
    P(alive) comes from the MBG/NBD model. On the simulated company these rules are as often right as a hidden Markov
    model of the same stages.
    """
    day = company.as_of - dt.timedelta(days=QUARTER)
    now = facts(company)
    frame = _signs(now)
    kind = value_of(company)
    frame["value"] = now[kind].astype(float)
    outcome: DeclineWarning | TooLittleData
    try:
        outcome = decline_warning(company)
        told = outcome.frame.reindex(frame.index)
        for name in ("warned", "newly_warned"):
            frame[name] = told[name].eq(True)
    except TooLittleData as error:
        outcome = error
        frame[["warned", "newly_warned"]] = False
    try:
        earlier = _signs(facts(company, day))["stage"]
    except TooLittleData:
        earlier = frame["stage"].iloc[:0]
    return Stages(
        frame=frame, earlier=earlier, as_of=company.as_of, value_kind=kind, currency=company.currency, outcome=outcome
    )


def _signs(known: pd.DataFrame) -> pd.DataFrame:
    """Return what the stage of each customer is judged by, and the stage."""
    frame = pd.DataFrame(
        {
            "p_alive": p_alive(known),
            "purchases": known["purchase_days_ever"],
            "tenure_days": known["tenure"],
            "silent_days": known["recency"],
        }
    )
    before = known["purchase_days_ever"] - known["purchase_days"]
    usual = before / (known["tenure"] - _YEAR).clip(lower=_YEAR / 2) * _YEAR
    judged = (known["tenure"] >= 1.5 * _YEAR) & (before >= _JUDGED_PACE)
    frame["pace"] = (known["purchase_days"] / usual).where(judged)
    price_led = pd.Series(data=False, index=frame.index)
    if "discounted_lines_ever" in known:
        # Of a single line the share would be 0 or 1.
        frame["discount_share"] = (known["discounted_lines_ever"] + 1) / (known["lines_ever"] + 2)
        usual_share = known["discounted_lines_ever"].sum() / known["lines_ever"].sum()
        price_led = frame["discount_share"] >= PRICE_LED * usual_share
    rules = {
        "gone": frame["p_alive"] < GONE_BELOW,
        "decline": frame["pace"] < HALF_PACE,
        "exploration": (frame["purchases"] < 2) | price_led,
        "build-up": frame["tenure_days"] <= NEW_DAYS,
    }
    stage = pd.Categorical(np.select(list(rules.values()), list(rules), "stable"), list(STAGES), ordered=True)
    frame.insert(0, "stage", pd.Series(stage, index=frame.index))
    return frame


def stages_beside_truth(judged: Stages, company: Company) -> pd.DataFrame:
    """Return how often the stages of a simulated company were judged rightly, beside simpler rules.

    Parameters
    ----------
    judged : Stages
        The stages.
    company : Company
        The company.

    Returns
    -------
    DataFrame
        Indexed by ``rule``: ``accuracy`` (Estimate), ``balanced_accuracy`` (mean of the shares of each true stage
        judged rightly), ``macro_f1`` and ``kappa``.

    Raises
    ------
    TooLittleData
        If the company was not simulated, or very few customers have a true stage.
    """
    truth = simulated_truth(company, "stages")
    moment = pd.Timestamp(judged.as_of)
    now = truth[(truth["begins_at"] <= moment) & ~(truth["ends_at"] <= moment)]
    true = now.drop_duplicates("customer_id", keep="last").set_index("customer_id")["stage"].astype(str)
    true = true.str.replace("_", "-").reindex(judged.frame.index).dropna()
    if len(true) < _FEWEST:
        raise TooLittleData(say("only {n:count} customers have a true stage", n=len(true)), table="truth")
    frame = judged.frame.loc[true.index]
    thumb = np.select(
        [
            frame["silent_days"] > _DAY_LIMITS["gone"],
            frame["silent_days"] > _DAY_LIMITS["decline"],
            (frame["tenure_days"] <= _DAY_LIMITS["exploration"]) | (frame["purchases"] < 2),
            frame["tenure_days"] <= NEW_DAYS,
        ],
        ["gone", "decline", "exploration", "build-up"],
        "stable",
    )
    told = {
        "the rules used here": frame["stage"].astype(str).to_numpy(),
        "days of silence and tenure only": thumb,
        "everybody in the commonest stage": np.full(len(frame), true.mode()[0]),
    }
    return pd.DataFrame.from_dict({rule: _agreement(true, said) for rule, said in told.items()}, orient="index")


def _agreement(true: pd.Series, said: np.ndarray) -> dict[str, float | Estimate]:
    return {
        "accuracy": wilson(int((true == said).sum()), len(true)),
        "balanced_accuracy": float(balanced_accuracy_score(true, said)),
        "macro_f1": float(f1_score(true, said, labels=list(STAGES), average="macro", zero_division=0)),
        "kappa": float(cohen_kappa_score(true, said)),
    }
