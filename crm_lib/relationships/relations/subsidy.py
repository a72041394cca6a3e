"""Do relational customers pay for transactional ones? What a customer of each kind brings, as findings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from crm_lib import language
from crm_lib.customers.window import Value
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Finding, Verdict
from crm_lib.segments.profit import SMALLEST_GROUP
from crm_lib.statistics.resampling import Floats, studentised

_SOURCE = "Textbook 4.2.2, stage 6: transactional and relational customers"


@dataclass(frozen=True, kw_only=True)
class KindValue:
    """What a transactional and a relational customer bring, as :func:`value_by_kind` computed it.

    Parameters
    ----------
    transactional, relational : Estimate
        Mean value of a customer (money).
    ratio : Estimate
        The first over the second.
    share : Estimate
        Share of the whole value that transactional customers bring.
    transactional_total : float
        What transactional customers bring together (money).
    customers : int
        Number of customers.
    """

    transactional: Estimate
    relational: Estimate
    ratio: Estimate
    share: Estimate
    transactional_total: float
    customers: int


def value_by_kind(
    membership: pd.Series[float], value: pd.Series[float], *, currency: str, resamples: int = 999, seed: int = 0
) -> KindValue:
    """Return what a customer of each kind brings, every customer counted for each kind by its probability.

    Sorting customers by the more probable kind first would take everybody about whom there is doubt for one kind.

    Parameters
    ----------
    membership : Series
        Probability of each customer to be relational.
    value : Series
        Value of each customer of the window (money).
    currency : str
        ISO code.
    resamples : int
        Number of bootstrap resamples.
    seed : int
        Seed of the random numbers.

    Returns
    -------
    KindValue
        Means, their ratio and share, with intervals over customers; the probabilities are taken as they are.

    Raises
    ------
    TooLittleData
        If one of the kinds has fewer than ten customers, or all customers together bring nothing.

    Notes
    -----
    With p the probability of being relational and v the value, the means are :math:`\\sum p v / \\sum p` and
    :math:`\\sum (1 - p) v / \\sum (1 - p)`. They are those of the kinds if value depends on what the probability was
    told from - above all on the number of orders - and not on the kind besides. If it does, they are pulled towards
    each other, the more the less certain the kinds are: a difference found is then too small rather than too large.

    References
    ----------
    Bolck, A., Croon, M. & Hagenaars, J. (2004). Estimating latent structure models with categorical variables: one-step
    versus three-step estimators. Political Analysis 12, 3-27.
    """
    both = pd.DataFrame({"p": membership, "v": value}).dropna()
    p, v = both["p"].to_numpy(dtype=float), both["v"].to_numpy(dtype=float)
    if min(p.sum(), (1 - p).sum()) < SMALLEST_GROUP or v.sum() <= 0:
        message = language.text("one of the kinds has fewer than {fewest} customers, or all together bring nothing")
        raise TooLittleData(message.format(fewest=SMALLEST_GROUP))

    def _statistic(weights: Floats) -> tuple[Floats, Floats]:
        p_sum, q_sum, v_sum = weights @ p, weights @ (1 - p), weights @ v
        one, zero = weights @ (p * v) / p_sum, weights @ ((1 - p) * v) / q_sum
        of_one = p * (v - one[:, None]) / p_sum[:, None]
        of_zero = (1 - p) * (v - zero[:, None]) / q_sum[:, None]
        share = weights @ ((1 - p) * v) / v_sum
        parts = [
            (zero, of_zero),
            (one, of_one),
            (zero / one, (of_zero - (zero / one)[:, None] * of_one) / one[:, None]),
            (share, ((1 - p) - share[:, None]) * v / v_sum[:, None]),
        ]
        values = np.column_stack([part[0] for part in parts])
        errors = np.column_stack([np.sqrt((weights * part[1] ** 2).sum(axis=1)) for part in parts])
        return values, errors

    found, low, high = studentised(_statistic, len(both), resamples=resamples, seed=seed)

    def _told(place: int, unit: str) -> Estimate:
        return Estimate(
            value=float(found[place]),
            low=float(low[place]),
            high=float(high[place]),
            n=len(both),
            method="studentised bootstrap over customers, weighed by their probabilities",
            unit=unit,
        )

    return KindValue(
        transactional=_told(0, currency),
        relational=_told(1, currency),
        ratio=_told(2, "share"),
        share=_told(3, "share"),
        transactional_total=float(((1 - p) * v).sum()),
        customers=len(both),
    )


def finding_transactional_value(
    found: KindValue, *, value: Value, currency: str, window_days: int, limited: float = 0.5
) -> Finding:
    """Return the finding on whether transactional customers bring very limited profit.

    Parameters
    ----------
    found : KindValue
        What a customer of each kind brings.
    value : {"margin", "revenue"}
        What was added up per customer.
    currency : str
        ISO code.
    window_days : int
        Length of the window in days, from which money is carried to a year.
    limited : float
        The claim holds when a transactional customer brings at most this part of what a relational one brings.

    Returns
    -------
    Finding
        Supported when the whole interval of the ratio lies below `limited`. At stake is what transactional customers
        bring in a year.
    """
    places = {"value": language.text(value), "limited": language.share(limited)}
    decisions = {
        Verdict.SUPPORTED: (
            "Give transactional customers good and cheap standard service and offers that pay by themselves; "
            "keep the budget for care for relational ones."
        ),
        Verdict.NOT_SUPPORTED: (
            "Do not neglect those who buy on discount: they bring nearly as much. Look after both, and judge by value."
        ),
        Verdict.UNDECIDED: "Treat the kinds alike in what costs much; ask again with more data.",
    }
    return Finding(
        key="segments.transactional_value",
        claim=language.text(
            "Transactional customers bring very limited profit: at most {limited} of the {value} of a relational one."
        ).format(**places),
        source=_SOURCE,
        estimate=found.ratio,
        criterion=Criterion(high=limited),
        sentence=language.text(
            "A transactional customer brings {{transactional}} of {value} in the window and a relational one "
            "{{relational}}: {{estimate}} as much. Together the transactional ones bring {{share}} of it."
        ).format(**places),
        decisions=decisions,
        more={"transactional": found.transactional, "relational": found.relational, "share": found.share},
        money_at_stake=Estimate.exact(
            found.transactional_total * 365 / window_days, n=found.customers, unit=currency, method="sum"
        ),
        money_note=language.text("{value} of transactional customers in a year").format(**places),
    )


def finding_subsidy(
    found: KindValue,
    *,
    value: Value,
    currency: str,
    window_days: int,
    after: Literal["nothing", "serving"] = "nothing",
) -> Finding:
    """Return the finding on whether relational customers pay for transactional ones.

    Parameters
    ----------
    found : KindValue
        What a customer of each kind brings: margin, best after the cost of contacts and of winning the customer.
    value : {"margin", "revenue"}
        What was added up per customer; with revenue nothing can be said.
    currency : str
        ISO code.
    window_days : int
        Length of the window in days, from which money is carried to a year.
    after : {"nothing", "serving"}
        Whether the cost of serving was deducted.

    Returns
    -------
    Finding
        Supported when the whole interval of a transactional customer's margin lies below zero: only then is there
        something to pay. At stake is what transactional customers bring in a year.

    Raises
    ------
    MissingData
        If the value is revenue: whether a customer costs more than is earned is not in it.
    ValueError
        If `after` is unknown.
    """
    if value == "revenue":
        raise MissingData("transactions", ("margin",))
    net = {"nothing": language.text("margin"), "serving": language.text("margin after the cost of serving")}
    if after not in net:
        raise ValueError(f"after must be 'nothing' or 'serving', not {after!r}")
    places = {"value": net[after]}
    decisions = {
        Verdict.SUPPORTED: (
            "Stop paying for business that costs more than it brings: fewer discounts, self-service, a least order."
        ),
        Verdict.NOT_SUPPORTED: (
            "There is no subsidy here: transactional customers pay for themselves. Keep them as long as serving them "
            "stays cheap, and do not spend on winning their loyalty."
        ),
        Verdict.UNDECIDED: "Watch what serving transactional customers costs before giving them more.",
    }
    return Finding(
        key="segments.subsidy",
        claim=language.text("Relational customers pay for transactional ones, who bring less than they cost."),
        source=_SOURCE,
        estimate=found.transactional,
        criterion=Criterion(high=0.0),
        sentence=language.text(
            "A transactional customer brings {{estimate}} of {value} in the window, a relational one {{relational}}."
        ).format(**places),
        decisions=decisions,
        more={"relational": found.relational},
        money_at_stake=Estimate.exact(
            found.transactional_total * 365 / window_days, n=found.customers, unit=currency, method="sum"
        ),
        money_note=language.text("{value} of transactional customers in a year").format(**places),
    )
