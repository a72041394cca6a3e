"""Value against the risk of leaving: little value, valuable and secure, valuable and looking around."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from crm_lib import language
from crm_lib.company import Company
from crm_lib.customers.window import customer_window, value_of
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Finding, Verdict
from crm_lib.relationships.relations.silence_risk import SilenceRisk
from crm_lib.segments.profit import SMALLEST_GROUP


@dataclass(frozen=True)
class SwitchingClass:
    """A class of customers by value and risk, and what to do about it."""

    name: str
    action: str


SWITCHING_CLASSES = (
    SwitchingClass("little value", "Serve cheaply by rule; no contact that costs money"),
    SwitchingClass("valuable and secure", "Do not disturb: good service, thanks, no discounts to keep them"),
    SwitchingClass(
        "valuable and looking around", "The marketing goes here: a personal contact now, and ask what is missing"
    ),
    SwitchingClass("valuable, probably gone", "Too late for keeping: one offer to win back, then leave in peace"),
)
"""The three classes of the textbook, and those of the third who have probably left already."""
LITTLE, SECURE, LOOKING, GONE = (row.name for row in SWITCHING_CLASSES)
_LIKELY = 0.5
"""Risk from which falling silent is called likely."""


@dataclass(frozen=True, kw_only=True)
class Switching:
    """Customers by value and risk, as :func:`switching_classes` sorted them.

    Parameters
    ----------
    frame : DataFrame
        Indexed by customer: ``class``, ``value`` (money), ``risk``, ``at_risk`` (value times risk) and ``gain`` (what
        a contact would bring on average, less its cost).
    value_from : float
        Value below which no contact can pay.
    risk_from, gone_from : float
        Risk from which a valuable customer counts as looking around, and as probably gone.
    contact_cost : float
        Cost of a contact (money).
    saved_share : float
        Part of those about to leave whom a contact keeps.
    by_mean : bool
        Whether `risk_from` is the mean risk of the valuable customers.
    """

    frame: pd.DataFrame
    value_from: float
    risk_from: float
    by_mean: bool
    gone_from: float
    contact_cost: float
    saved_share: float

    @property
    def looking_means(self) -> str:
        """What the textbook's class of those looking around is here, as a key of the texts: nobody saw them look."""
        return "likely to fall silent" if self.risk_from >= _LIKELY else "at a raised risk of falling silent"

    def table(self) -> pd.DataFrame:
        """Return the classes with size, value, risk, gain and action.

        Returns
        -------
        DataFrame
            Indexed by ``class``, in the order of the textbook: ``customers``, ``customer_share``, ``value``,
            ``value_share``, ``mean_risk``, ``at_risk`` (money), ``gain`` (of one contact to each, money) and
            ``action``. Of classes with few customers only the number is told.
        """
        grouped = self.frame.groupby("class")
        table = grouped.agg(
            customers=("value", "size"), value=("value", "sum"), mean_risk=("risk", "mean"), at_risk=("at_risk", "sum"),
            gain=("gain", "sum"),
        ).reindex([row.name for row in SWITCHING_CLASSES])  # fmt: skip
        table["customers"] = table["customers"].fillna(0).astype("int64")
        few = table["customers"] < SMALLEST_GROUP
        table.loc[few, ["value", "mean_risk", "at_risk", "gain"]] = np.nan
        table.insert(1, "customer_share", table["customers"] / len(self.frame))
        total = self.frame["value"].sum()
        table.insert(3, "value_share", table["value"] / total if total > 0 else np.nan)
        table["action"] = [row.action for row in SWITCHING_CLASSES]
        return table.rename_axis("class")


def switching_classes(
    value: pd.Series[float],
    risk: SilenceRisk | pd.Series[float],
    *,
    contact_cost: float,
    saved_share: float = 0.1,
    risk_from: float | None = None,
    gone_from: float = 0.95,
) -> Switching:
    """Sort customers by value and risk of leaving.

    The border of value comes from money: a contact that costs c and keeps a share s of those about to leave cannot pay
    for customers worth less than c / s, however great the risk. Above it, whoever has at least the risk `risk_from`,
    and enough value for a contact to pay at that risk, is looking around; the others are secure.

    Parameters
    ----------
    value : Series
        What a customer brings in a year, or is worth (money).
    risk : SilenceRisk or Series
        Probability of leaving or falling silent. Customers without a risk are left out.
    contact_cost : float
        Cost of a contact (money).
    saved_share : float
        Part of those about to leave whom a contact keeps: an assumption until a test with a control group has
        measured it.
    risk_from : float, optional
        Risk from which a valuable customer counts as looking around; by default the mean risk of the valuable ones.
    gone_from : float
        Risk from which a valuable customer counts as probably gone; 1 takes nobody for gone.

    Returns
    -------
    Switching
        Classes of the customers.

    Raises
    ------
    TooLittleData
        If no customer has both value and risk.
    ValueError
        If the cost is negative or a share does not lie between 0 and 1.

    Examples
    --------
    >>> value = pd.Series({"a": 10.0, "b": 900.0, "c": 900.0})
    >>> sorted_ = switching_classes(value, pd.Series({"a": 0.9, "b": 0.1, "c": 0.6}), contact_cost=5.0)
    >>> sorted_.frame["class"].to_dict()
    {'a': 'little value', 'b': 'valuable and secure', 'c': 'valuable and looking around'}
    """
    if contact_cost < 0:
        raise ValueError(f"contact_cost must not be negative, and is {contact_cost}")
    if not 0 < saved_share <= 1:
        raise ValueError(f"saved_share must lie between 0 and 1, not {saved_share}")
    for name, limit in {"risk_from": risk_from, "gone_from": gone_from}.items():
        if limit is not None and not 0 <= limit <= 1:
            raise ValueError(f"{name} must lie between 0 and 1, not {limit}")
    chance = risk.risk if isinstance(risk, SilenceRisk) else risk
    frame = pd.DataFrame({"value": value.astype(float), "risk": chance.astype(float)}).dropna()
    if frame.empty:
        raise TooLittleData(language.text("no customer has both a value and a risk"))
    value_from = contact_cost / saved_share
    valuable = (frame["value"] > 0) & (frame["value"] >= value_from)
    by_mean = risk_from is None
    if risk_from is None:
        risk_from = float(frame.loc[valuable, "risk"].mean()) if valuable.any() else 0.5
    frame["at_risk"] = frame["risk"] * frame["value"].clip(lower=0.0)
    frame["gain"] = frame["at_risk"] * saved_share - contact_cost
    looking = (frame["risk"] >= risk_from) & (frame["gain"] >= 0)
    gone = (frame["risk"] >= gone_from) if gone_from < 1 else pd.Series(False, index=frame.index)
    frame["class"] = np.select([~valuable, gone, looking], [LITTLE, GONE, LOOKING], SECURE)
    return Switching(
        frame=frame[["class", "value", "risk", "at_risk", "gain"]],
        value_from=value_from,
        risk_from=risk_from,
        by_mean=by_mean,
        gone_from=gone_from,
        contact_cost=contact_cost,
        saved_share=saved_share,
    )


def finding_looking_around(
    company: Company, today: Switching, tested: SilenceRisk, *, window_days: int = 365, at_least: float = 2.0
) -> Finding:
    """Return the finding on whether customers sorted as looking around really fell silent more often.

    Customers are sorted by the same rule as of the day on which the risk was tested, from the value known and the risk
    told on that day, and held against what followed.

    Parameters
    ----------
    company : Company
        The company.
    today : Switching
        Today's classes: their rule, and the money at stake.
    tested : SilenceRisk
        The risk and its test.
    window_days : int
        Days over which the value of a customer is added up.
    at_least : float
        The claim holds when they fell silent at least this many times as often as secure ones.

    Returns
    -------
    Finding
        Supported when the whole interval of the ratio lies above `at_least`. At stake is the value times risk of
        today's customers who are looking around, an upper bound: who buys nothing in the days to come may come back.

    Raises
    ------
    TooLittleData
        If one of the two classes had fewer than ten customers, or none of the secure ones fell silent.

    Notes
    -----
    The interval of the ratio is that of Katz et al., normal on the logarithm.

    References
    ----------
    Katz, D., Baptista, J., Azen, S. P. & Pike, M. C. (1978). Obtaining confidence intervals for the risk ratio in
    cohort studies. Biometrics 34, 469-474.
    """
    worth = customer_window(company, days=window_days, ending=tested.tested_on)[value_of(company)]
    before = switching_classes(
        worth,
        tested.test["risk"],
        contact_cost=today.contact_cost,
        saved_share=today.saved_share,
        risk_from=None if today.by_mean else today.risk_from,
        gone_from=today.gone_from,
    )
    silent = tested.test["silent"].reindex(before.frame.index)
    counts = [silent[before.frame["class"] == name].dropna() for name in (LOOKING, SECURE)]
    if min(len(part) for part in counts) < SMALLEST_GROUP or not all(part.any() for part in counts):
        message = language.text(
            "{looking} customers were looking around on {day} and {secure} secure; {fewest} of each are needed, some "
            "of whom fell silent"
        )
        few = {name: language.number(len(part), 0) for name, part in zip(("looking", "secure"), counts, strict=True)}
        raise TooLittleData(message.format(fewest=SMALLEST_GROUP, day=language.date(tested.tested_on), **few))
    (one, n), (zero, m) = ((float(part.sum()), len(part)) for part in counts)
    ratio = (one / n) / (zero / m)
    reach = float(norm.ppf(0.975)) * float(np.sqrt(1 / one - 1 / n + 1 / zero - 1 / m))
    looking = today.frame["class"] == LOOKING
    places = {
        "times": language.number(at_least),
        "day": language.date(tested.tested_on),
        "days": language.number(tested.horizon_days, 0),
        "share": language.share(one / n),
        "secure": language.share(zero / m),
        "likely": language.text(today.looking_means),
        "value": language.text(value_of(company)),
        "window": language.number(window_days, 0),
    }
    return Finding(
        key="segments.looking_around",
        claim=language.text(
            "Valuable customers who are {likely} can be told beforehand: they fall silent at least {times} times as "
            "often as secure ones."
        ).format(**places),
        source="Textbook 4.2: three classes of customers by value and willingness to switch",
        estimate=Estimate(
            value=ratio,
            low=ratio * float(np.exp(-reach)),
            high=ratio * float(np.exp(reach)),
            n=n + m,
            method="ratio of shares, normal on the logarithm",
        ),
        criterion=Criterion(low=at_least),
        sentence=language.text(
            "Of the valuable customers sorted as looking around on {day}, {share} bought nothing in the {days} days "
            "after, of the secure ones {secure}: {{estimate}} times as often."
        ).format(**places),
        decisions={
            Verdict.SUPPORTED: (
                "Give the budget for keeping customers to this class, with a control group: that tells whether the "
                "contact keeps them."
            ),
            Verdict.NOT_SUPPORTED: (
                "The risk told here does not single out who leaves: do not aim costly contacts by it."
            ),
            Verdict.UNDECIDED: "Aim cheap contacts by the risk, and keep a control group; ask again in a quarter.",
        },
        more={"gain": tested.gain},
        money_at_stake=Estimate.exact(
            float(today.frame.loc[looking, "at_risk"].sum()), n=int(looking.sum()), unit=company.currency, method="sum"
        ),
        money_note=language.text(
            "{value} of the last {window} days times the chance of silence, of today's customers sorted so: an upper "
            "bound, as many come back"
        ).format(**places),
    )
