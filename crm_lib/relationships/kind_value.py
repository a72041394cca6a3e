"""Do relational customers pay for transactional ones? What a customer of each kind brings, as findings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from crm_lib.errors import MissingData, TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.language import say
from crm_lib.relationships.kinds import Floats, Kinds
from crm_lib.statistics.resampling import studentised

LIMITED: Final = 0.5
"""Transactional customers bring very limited profit where it is at most this part of a relational one's."""
_FEWEST = 10
_SOURCE = "Textbook 4.2.2, stage 6: transactional and relational customers"


@dataclass(frozen=True, kw_only=True)
class KindValue:
    """Mean value of a customer of each kind (money of the last year); `ratio` is transactional over relational.

    `share` and `total` are what transactional customers bring together: of the whole value, and in money.
    """

    transactional: Estimate
    relational: Estimate
    ratio: Estimate
    share: Estimate
    total: float
    kinds: Kinds


def value_by_kind(kinds: Kinds, *, seed: int = 0) -> KindValue:
    """Return what a customer of each kind brought in the last year, each counted for both kinds by its probability.

    Parameters
    ----------
    kinds : Kinds
        Probabilities and values; customers who bought nothing in the year are left out.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    KindValue
        Means, their ratio and the share, with intervals over customers.

    Raises
    ------
    TooLittleData
        If one of the kinds has fewer than ten customers, or all together bring nothing.

    Notes
    -----
    With p the probability of being relational and v the value, the means are :math:`\\sum p v / \\sum p` and
    :math:`\\sum (1 - p) v / \\sum (1 - p)`. Where value depends on the kind beyond what the probability was told from,
    they are pulled towards each other: a difference found is too small rather than too large (Bolck, Croon & Hagenaars
    2004, Political Analysis 12, 3-27).
    """
    bought = kinds.frame.dropna(subset="value")
    p, v = bought["relational"].to_numpy(float), bought["value"].to_numpy(float)
    if min(p.sum(), (1 - p).sum()) < _FEWEST or v.sum() <= 0:
        raise TooLittleData(say("needs {n} customers of each kind, and customers who bring something", n=_FEWEST))

    def statistic(weights: Floats) -> tuple[Floats, Floats]:
        p_sum, q_sum, v_sum = weights @ p, weights @ (1 - p), weights @ v
        one, zero = weights @ (p * v) / p_sum, weights @ ((1 - p) * v) / q_sum
        of_one = p * (v - one[:, None]) / p_sum[:, None]
        of_zero = (1 - p) * (v - zero[:, None]) / q_sum[:, None]
        share = weights @ ((1 - p) * v) / v_sum
        values = [zero, one, zero / one, share]
        errors = [
            of_zero,
            of_one,
            (of_zero - (zero / one)[:, None] * of_one) / one[:, None],
            ((1 - p) - share[:, None]) * v / v_sum[:, None],
        ]
        return np.column_stack(values), np.column_stack([np.sqrt((weights * e**2).sum(axis=1)) for e in errors])

    found = np.column_stack(studentised(statistic, len(v), seed=seed))
    transactional, relational, ratio, share = (
        Estimate(value=value, low=low, high=high, n=len(v), method="studentised bootstrap over customers", unit=unit)
        for (value, low, high), unit in zip(
            found.tolist(), (kinds.currency, kinds.currency, "share", "share"), strict=True
        )
    )
    return KindValue(
        transactional=transactional, relational=relational, ratio=ratio, share=share,
        total=float(((1 - p) * v).sum()), kinds=kinds,
    )  # fmt: skip


def finding_transactional_value(found: KindValue) -> Finding:
    """Return whether a transactional customer brings at most half of a relational one: at stake is what all bring."""
    return Finding(
        key="segments.transactional_value",
        claim=(
            "Transactional customers bring very limited profit: at most {limited:share} of a relational one's "
            "{kind:words}."
        ),
        source=_SOURCE,
        estimate=found.ratio,
        criterion=Criterion(high=LIMITED),
        sentence=(
            "A transactional customer brings {transactional} of {kind:words} a year, a relational one {relational}: "
            "{estimate}. Transactional customers bring {share} of the total."
        ),
        if_supported=(
            "Give transactional customers good, cheap standard service and offers that pay for themselves; spend on "
            "care for relational ones."
        ),
        if_not_supported=(
            "Do not neglect customers who buy on discount: they bring nearly as much. Look after both, and judge by "
            "value."
        ),
        if_undecided="Treat both kinds alike in anything costly; ask again with more data.",
        values={
            "limited": LIMITED, "kind": found.kinds.value_kind, "transactional": found.transactional,
            "relational": found.relational, "share": found.share,
        },
        **_stake(found),
    )  # fmt: skip


def finding_subsidy(found: KindValue) -> Finding:
    """Return whether a transactional customer loses money, else nobody pays for it; revenue cannot tell this."""
    if found.kinds.value_kind == "revenue":
        raise MissingData("transactions", ("margin",))
    return Finding(
        key="segments.subsidy",
        claim="Relational customers pay for transactional ones, who bring less than they cost.",
        source=_SOURCE,
        estimate=found.transactional,
        criterion=Criterion(high=0.0),
        sentence="A transactional customer brings {estimate} of margin a year, a relational one {relational}.",
        if_supported="Stop paying for loss-making business: fewer discounts, self-service, a minimum order.",
        if_not_supported=(
            "There is no subsidy: transactional customers pay for themselves. Keep them while serving them is cheap; "
            "do not spend on their loyalty."
        ),
        if_undecided="Check what serving transactional customers costs before giving them more.",
        values={"relational": found.relational, "kind": found.kinds.value_kind},
        **_stake(found),
    )


def _stake(found: KindValue) -> dict[str, Any]:
    currency = found.kinds.currency
    stake = Estimate.exact(found.total, n=found.ratio.n, unit=currency, method="sum")
    note = "{kind:words} of transactional customers in the last year"
    return {"currency": currency, "money_at_stake": stake, "money_note": note}
