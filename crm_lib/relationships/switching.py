"""Value against the risk of leaving: little value, valuable and secure, valuable and looking around."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import scipy

from crm_lib.customers import Value
from crm_lib.errors import TooLittleData
from crm_lib.estimate import LEVEL, Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.language import say
from crm_lib.relationships.silence_risk import SilenceRisk

SWITCHING_ACTIONS: Final = {
    "little value": "Serve cheaply by rule; no contact that costs money",
    "valuable and secure": "Leave in peace: good service, thanks, no discounts to keep them",
    "valuable and looking around": "Spend here: a personal contact now, and ask what is missing",
    "valuable, probably gone": "Too late to keep: one offer to win back, then leave in peace",
}
"""The three classes of the textbook, and those of the third who have probably left; and what to do."""
LITTLE, SECURE, LOOKING, GONE = SWITCHING_ACTIONS
GONE_FROM: Final = 0.95
"""Risk from which a valuable customer counts as probably gone."""
AT_LEAST: Final = 2.0
_FEWEST = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class Switching:
    """Customers by value and risk, today and `before`, on the day of the risk's test.

    `frame` by ``customer_id``: ``class``, ``value`` (money of the last year), ``risk``, ``at_risk`` (value times risk)
    and ``gain`` (what a contact brings on average, less its cost); `before` has also ``silent`` (whether nothing was
    bought since). Below `value_from` no contact can pay; `risk_from`, the mean risk of the others, is where looking
    around begins.
    """

    frame: pd.DataFrame
    before: pd.DataFrame
    tested: SilenceRisk
    value_from: float
    risk_from: float
    value_kind: Value
    currency: str

    def table(self) -> pd.DataFrame:
        """Return the classes with size, value, risk, gain of one contact to each, and action."""
        grouped = self.frame.groupby("class")
        table = grouped.agg(
            customers=("value", "size"), value=("value", "sum"), mean_risk=("risk", "mean"), at_risk=("at_risk", "sum"),
            gain=("gain", "sum"),
        ).reindex(list(SWITCHING_ACTIONS))  # fmt: skip
        table["customers"] = table["customers"].fillna(0).astype("int64")
        table.insert(1, "customer_share", table["customers"] / len(self.frame))
        total = self.frame["value"].sum()
        table.insert(3, "value_share", table["value"] / total if total > 0 else np.nan)
        table["action"] = list(SWITCHING_ACTIONS.values())
        return table


def switching_classes(
    value: pd.Series[float], risk: SilenceRisk, *, contact_cost: float, saved_share: float = 0.1
) -> Switching:
    """Sort customers by value and the risk of leaving, today and on the day of the risk's test.

    The border of value comes from money: a contact that costs c and keeps a share s of those about to leave cannot pay
    for customers worth less than c / s, however great the risk. Above it, whoever has at least the mean risk, and
    enough value for a contact to pay at that risk, is looking around; the others are secure.

    Parameters
    ----------
    value : Series
        What each customer is worth today (money), such as ``risk.frame["value"]``.
    risk : SilenceRisk
        Risk of falling silent.
    contact_cost : float
        Cost of a contact (money).
    saved_share : float
        Part of those about to leave whom a contact keeps: an assumption until a test with a control group measures it.

    Returns
    -------
    Switching
        Classes of the customers.

    Raises
    ------
    ValueError
        If the cost is negative or the share does not lie between 0 and 1.
    """
    if contact_cost < 0:
        raise ValueError(f"contact_cost must not be negative, and is {contact_cost}")
    if not 0 < saved_share <= 1:
        raise ValueError(f"saved_share must lie between 0 and 1, not {saved_share}")
    frame, risk_from = _sorted(value, risk.frame["risk"], contact_cost, saved_share)
    before, _ = _sorted(risk.test["value"], risk.test["risk"], contact_cost, saved_share)
    return Switching(
        frame=frame, before=before.join(risk.test["silent"]), tested=risk, value_from=contact_cost / saved_share,
        risk_from=risk_from, value_kind=risk.value_kind, currency=risk.currency,
    )  # fmt: skip


def _sorted(
    value: pd.Series[float], risk: pd.Series[float], contact_cost: float, saved_share: float
) -> tuple[pd.DataFrame, float]:
    """Return the class of each customer with both value and risk, and the risk from which one is looking around."""
    frame = pd.concat({"value": value, "risk": risk}, axis=1).dropna()
    valuable = (frame["value"] > 0) & (frame["value"] >= contact_cost / saved_share)
    risk_from = float(frame.loc[valuable, "risk"].mean()) if valuable.any() else 0.5
    frame["at_risk"] = frame["risk"] * frame["value"].clip(lower=0.0)
    frame["gain"] = frame["at_risk"] * saved_share - contact_cost
    looking = (frame["risk"] >= risk_from) & (frame["gain"] >= 0)
    classes = np.select([~valuable, frame["risk"] >= GONE_FROM, looking], [LITTLE, GONE, LOOKING], SECURE)
    frame.insert(0, "class", classes)
    return frame, risk_from


def finding_looking_around(classes: Switching) -> Finding:
    """Return whether customers looking around fell silent twice as often as secure ones: at stake is value times risk.

    The interval is that of Katz, Baptista, Azen & Pike (1978), Biometrics 34, 469-474.
    """
    tested, before = classes.tested, classes.before
    looking, secure = (before.loc[before["class"] == name, "silent"] for name in (LOOKING, SECURE))
    if min(len(looking), len(secure)) < _FEWEST or not (looking.any() and secure.any()):
        message = (
            "needs {least} valuable customers looking around on {day:date} and {least} secure ones, some of whom fell "
            "silent"
        )
        raise TooLittleData(say(message, least=_FEWEST, day=tested.tested_on))
    ratio = float(looking.mean() / secure.mean())
    variance = 1 / looking.sum() - 1 / len(looking) + 1 / secure.sum() - 1 / len(secure)
    reach = float(np.exp(scipy.stats.norm.ppf((1 + LEVEL) / 2) * np.sqrt(variance)))
    stake = classes.frame.loc[classes.frame["class"] == LOOKING, "at_risk"]
    return Finding(
        key="segments.looking_around",
        claim="Valuable customers at risk fall silent at least {times:number0} times as often as secure ones.",
        source="Textbook 4.2: three classes of customers by value and willingness to switch",
        estimate=Estimate(
            value=ratio, low=ratio / reach, high=ratio * reach, n=len(looking) + len(secure),
            method="ratio of shares, normal on the logarithm",
        ),
        criterion=Criterion(low=AT_LEAST),
        sentence=(
            "Of valuable customers looking around on {day:date}, {looking:share} bought nothing in the next {days} "
            "days, of the secure ones {secure:share}: {estimate} times as often."
        ),
        if_supported=(
            "Give the retention budget to this class, with a control group that shows whether contacts keep them."
        ),
        if_not_supported="Do not aim costly contacts by this risk: it does not single out who leaves.",
        if_undecided="Aim cheap contacts by this risk, keep a control group, and ask again next quarter.",
        values={
            "times": AT_LEAST, "day": tested.tested_on, "days": tested.horizon_days, "looking": looking.mean(),
            "secure": secure.mean(), "gain": tested.gain, "kind": classes.value_kind,
        },
        currency=classes.currency,
        money_at_stake=Estimate.exact(float(stake.sum()), n=len(stake), unit=classes.currency, method="sum"),
        money_note="{kind:words} of the last year times risk; an upper bound, as many come back",
    )  # fmt: skip
