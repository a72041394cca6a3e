"""Warning of decline: the simplest sign that tells best who stops buying, with a set share of false alarms."""

from __future__ import annotations

import dataclasses
import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from crm_lib.company import Company
from crm_lib.customers import Value, facts, purchase_days, value_of
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.language import say
from crm_lib.relationships.signs import QUARTER, bought_nothing, p_alive
from crm_lib.relationships.truth import simulated_truth
from crm_lib.statistics.proportions import newcombe, wilson
from crm_lib.statistics.reliability import compared_auc

RULES: Final = {
    "p_alive": "P(alive) below",
    "silence": "days of silence above",
    "against_rhythm": "silence over own rhythm above",
}
"""The rival signs, and what is said of their threshold."""
FALSE_ALARM: Final = 0.05
"""Share of the customers who buy again within a quarter that may be warned of."""
WATCHED_FROM: Final = 3
"""Days of purchase from which a customer is watched: with fewer there is no rhythm to break."""
AT_LEAST: Final = 0.2
_FEWEST = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class DeclineWarning:
    """Who is warned of today, and how well such a warning did on `tested_on`.

    `frame` by ``customer_id`` of watched customers: ``warned``, ``newly_warned`` (not yet a quarter ago), ``p_alive``,
    ``silence`` (days), ``against_rhythm`` (silence over the own mean gap) and ``value`` (money of the last year).
    `rule` is the sign that told best on days before the test, with today's `threshold`. `rules`, of the test: ``auc``
    (how often one who stopped buying showed a worse sign than one who bought), ``false_alarms`` and ``found`` (shares
    of those who bought, and of those who did not, that were under warning), with the thresholds of those days.
    `followed`: customers under no warning a quarter before the test, ``newly_warned`` on it and ``silent`` since.
    """

    frame: pd.DataFrame
    rule: str
    threshold: float
    rules: pd.DataFrame
    followed: pd.DataFrame
    tested_on: dt.date
    value_kind: Value
    currency: str

    @property
    def silent(self) -> tuple[Estimate, Estimate]:
        """Share of the newly warned who bought nothing in the quarter after the test, and of those not warned of."""
        warned, silent = self.followed["newly_warned"], self.followed["silent"]
        first, second = (wilson(int(silent[who].sum()), int(who.sum())) for who in (warned, ~warned))
        return first, second

    @property
    def threshold_words(self) -> str:
        """The rule and its threshold, as a reader says it."""
        limit = 1 - self.threshold if self.rule == "p_alive" else self.threshold
        form = {"p_alive": "{limit:share}", "silence": "{limit:count}", "against_rhythm": "{limit:number1}"}[self.rule]
        return say("{rule:words} " + form, rule=RULES[self.rule], limit=limit)


def decline_warning(company: Company) -> DeclineWarning:
    """Warn of customers whose relationship is probably ending, by the simplest sign that tells it best.

    Two and three quarters ago three signs - P(alive), days of silence, silence over the customer's own rhythm - are
    compared by what followed; the best sets the rule, and a threshold that lets at most 5 % of those who bought again
    be warned of. A quarter ago rule and threshold are put to the test. Today's threshold comes from the last two looks.
    """
    tested_on = company.as_of - dt.timedelta(days=QUARTER)
    bought = purchase_days(company)
    at_test, came = _look(company, bought, 1)
    before, was = _look(company, bought, 2)
    signs, silent = [before], [was]
    try:
        # Two seasons tell more of a threshold than one.
        further = _look(company, bought, 3)
        signs, silent = [before, further[0]], [was, further[1]]
    except TooLittleData:
        pass
    learnt, stopped = pd.concat(signs), pd.concat(silent)
    aucs = {name: roc_auc_score(stopped, learnt[name]) for name in RULES}
    rule = max(aucs, key=lambda name: aucs[name])
    thresholds = {name: _threshold(learnt[name], stopped) for name in RULES}
    today = _signs(company, company.as_of)
    rows = {}
    for name in RULES:
        warned = at_test[name] > thresholds[name]
        sign = at_test[name].to_numpy()
        auc = compared_auc(came.to_numpy(float), sign, sign)[0]
        rows[name] = {"auc": auc, "false_alarms": warned[~came].mean(), "found": warned[came].mean()}
    under = before.index[before[rule] > thresholds[rule]]
    followed = pd.DataFrame({"newly_warned": at_test[rule] > thresholds[rule], "silent": came})
    followed = followed[~followed.index.isin(under)]
    fewest = int(followed["newly_warned"].value_counts().reindex([True, False], fill_value=0).min())
    if fewest < _FEWEST:
        message = say("needs {n} customers newly warned of and not on {day:date}", n=_FEWEST, day=tested_on)
        raise TooLittleData(message)
    threshold = _threshold(pd.concat([at_test[rule], before[rule]]), pd.concat([came, was]))
    kind = value_of(company)
    earlier = at_test.index[at_test[rule] > threshold]
    frame = today.assign(p_alive=1 - today["p_alive"], warned=today[rule] > threshold)
    frame["newly_warned"] = frame["warned"] & ~frame.index.isin(earlier)
    frame["value"] = facts(company)[kind].reindex(frame.index).astype(float)
    return DeclineWarning(
        frame=frame, rule=rule, threshold=threshold,
        rules=pd.DataFrame.from_dict(rows, orient="index").rename_axis("rule"), followed=followed,
        tested_on=tested_on, value_kind=kind, currency=company.currency,
    )  # fmt: skip


def _signs(company: Company, day: dt.date) -> pd.DataFrame:
    """Return the signs of the watched customers on a day, each the larger the worse (P(alive) as its complement)."""
    known = facts(company, day)
    signs = pd.DataFrame(
        {
            "p_alive": 1 - p_alive(known),
            "silence": known["recency"].astype(float),
            "against_rhythm": (known["recency"] + 1) / (known["rhythm"] + 1),
        }
    )
    return signs[known["purchase_days_ever"] >= WATCHED_FROM]


def _look(company: Company, bought: pd.DataFrame, quarters: int) -> tuple[pd.DataFrame, pd.Series[bool]]:
    """Return the signs of so many quarters ago, and who bought nothing in the quarter after."""
    day = company.as_of - dt.timedelta(days=quarters * QUARTER)
    signs = _signs(company, day)
    silent = bought_nothing(bought, signs.index, day, QUARTER)
    if min(silent.sum(), (~silent).sum()) < _FEWEST:
        message = "needs {n} regular customers who bought in the quarter after {day:date}, and {n} who did not"
        raise TooLittleData(say(message, n=_FEWEST, day=day))
    return signs, silent


def _threshold(sign: pd.Series[float], silent: pd.Series[bool]) -> float:
    """Return the sign above which at most the set share of those who bought again lie."""
    return float(np.quantile(sign[~silent], 1 - FALSE_ALARM, method="higher"))


def warning_beside_truth(warning: DeclineWarning, company: Company) -> pd.DataFrame:
    """Return what each sign finds of the true declines of a simulated company, at equal shares of false alarms.

    Parameters
    ----------
    warning : DeclineWarning
        The warning.
    company : Company
        The company.

    Returns
    -------
    DataFrame
        Indexed by rule: ``found`` (share of the customers in true decline or gone since the last quarter that a
        threshold finds which warns of 5 % of the others), and ``found_all`` (of all who are gone).

    Raises
    ------
    TooLittleData
        If the company was not simulated.
    """
    truth = simulated_truth(company, "stages")
    late = truth[truth["stage"].isin(["decline", "gone"]) & (truth["begins_at"] <= pd.Timestamp(company.as_of))]
    began = late.groupby("customer_id")["begins_at"].min().reindex(warning.frame.index)
    lately = began > pd.Timestamp(company.as_of) - pd.Timedelta(days=QUARTER)
    rows = {}
    for name in RULES:
        sign = 1 - warning.frame[name] if name == "p_alive" else warning.frame[name]
        warned = sign > _threshold(sign, began.notna())
        rows[name] = {
            "found": wilson(int(warned[lately].sum()), int(lately.sum())),
            "found_all": warned[began.notna()].mean(),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("rule")


def finding_decline(warning: DeclineWarning) -> Finding:
    """Return whether those warned of stop buying more often than others: at stake is today's newly warned value."""
    silent, others = warning.silent
    gap = newcombe(silent, others)
    points = dataclasses.replace(
        gap, value=100 * gap.value, low=100 * gap.low, high=100 * gap.high, unit="percentage points"
    )
    new = warning.frame.loc[warning.frame["newly_warned"], "value"]
    return Finding(
        key="segments.decline",
        claim="Customers warned of stop buying more often than others, by at least {least:number0} percentage points.",
        source="Textbook 4.3.2, the life cycle of a relationship",
        estimate=points,
        criterion=Criterion(low=100 * AT_LEAST),
        sentence=(
            "Of {n:count} customers newly warned on {day:date}, {silent} bought nothing in the next quarter, of the "
            "others {others}: {estimate} more."
        ),
        if_supported=(
            "Ask the newly warned customers what has changed, most valuable first, within the month. Leave out a "
            "random tenth to see whether asking keeps anyone."
        ),
        if_not_supported=(
            "Do not steer by this warning: it says too little about who stops buying. Look at complaints, visits and "
            "surveys instead."
        ),
        if_undecided="Use the warning to decide whom to write to, not for costly offers; judge it again next quarter.",
        values={"silent": silent, "others": others, "day": warning.tested_on, "n": silent.n, "least": 100 * AT_LEAST,
                "kind": warning.value_kind},
        currency=warning.currency,
        money_at_stake=Estimate.exact(float(new.sum()), n=len(new), unit=warning.currency, method="sum"),
        money_note="{kind:words} of the last year of today's newly warned customers",
    )  # fmt: skip
