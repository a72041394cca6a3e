"""The influence of contributing customers: what they bring themselves, and what those bring whom they brought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from crm_lib.company import Company
from crm_lib.customers.known import REVIEWS
from crm_lib.relationships.contributing.contributions import IDEAS, contributions, referrals


@dataclass(frozen=True, kw_only=True, eq=False)
class Influence:
    """Value with and without recommendations, as :func:`influence` counted it.

    Parameters
    ----------
    frame : DataFrame
        Indexed by ``customer_id``, all customers with a value or in the table of customers: counts of contributions,
        ``contributes``, ``own`` (the customer's value), ``won`` and ``chain`` (customers brought, and all below them),
        ``won_value`` and ``chain_value`` (what these bring) and ``credited`` (value when the share `credit` of each
        customer's goes to whoever brought the customer).
    totals : mapping of str to float
        ``all`` (value of all customers); ``own`` (of contributors); ``brought`` (of customers who were
        brought and do not contribute themselves); ``together`` (the sum of the last two: nobody is counted twice);
        ``credited`` (credited value of contributors).
    customers : mapping of str to int
        Number of customers behind ``all``, ``own`` and ``brought``.
    left_out : mapping of str to int
        Referrals that cannot be, by reason, as of :func:`referral_tree`.
    credit : float
        The share credited.
    """

    frame: pd.DataFrame
    totals: Mapping[str, float]
    customers: Mapping[str, int]
    left_out: Mapping[str, int]
    credit: float


def influence(
    company: Company,
    value: pd.Series[float],
    *,
    credit: float = 0.5,
    review_kinds: Sequence[str] = REVIEWS,
    idea_kinds: Sequence[str] = IDEAS,
) -> Influence:
    """Add up what contributing customers bring, themselves and by the customers whom they brought.

    Parameters
    ----------
    company : Company
        The company.
    value : Series
        Value of each customer (money), indexed by ``customer_id``: of a window, historical, or lifetime value.
    credit : float
        Share of a customer's value that is credited to whoever brought the customer. It is a rule and no estimate:
        nobody knows who would have come without the recommendation.
    review_kinds, idea_kinds : sequence of str
        Values of ``interactions.kind``, as for :func:`contributions`.

    Returns
    -------
    Influence
        Values by customer, and totals in which nobody counts twice.

    Raises
    ------
    MissingData
        If the company does not record who brought whom.
    ValueError
        If `credit` lies outside 0 and 1, or a customer has two values.
    """
    if not value.index.is_unique:
        raise ValueError("a customer has two values: give one row a customer")
    tree = referrals(company)
    made = contributions(company, review_kinds=review_kinds, idea_kinds=idea_kinds)
    of_tree = pd.DataFrame(
        {
            "won": tree.frame["won"],
            "chain": tree.frame["chain"],
            "won_value": tree.sum_of_won(value),
            "chain_value": tree.sum_of_chain(value),
            "credited": tree.credited(value, credit=credit),
        }
    )
    everybody = tree.frame.index.union(value.index).rename("customer_id")
    frame = pd.DataFrame(index=everybody).join(made).join(of_tree)
    frame["own"] = value.reindex(everybody).fillna(0.0)
    # Who is not in the table of customers is known from purchases only, and neither brought nor was brought.
    frame["credited"] = frame["credited"].fillna(frame["own"])
    frame = frame.fillna(0).astype(dict.fromkeys([*made.columns, "won", "chain"], "int64"))
    frame["contributes"] = (frame[list(made.columns)] > 0).any(axis=1)
    # Whoever brought a customer contributes: all who were brought hang below a contributor.
    brought = tree.frame["referred_by"].notna().reindex(everybody, fill_value=False) & ~frame["contributes"]
    own_total, brought_total = (float(frame.loc[who, "own"].sum()) for who in (frame["contributes"], brought))
    order = [*made.columns, "contributes", "own", "won", "chain", "won_value", "chain_value", "credited"]
    return Influence(
        frame=frame[order],
        totals={
            "all": float(frame["own"].sum()),
            "own": own_total,
            "brought": brought_total,
            "together": own_total + brought_total,
            "credited": float(frame.loc[frame["contributes"], "credited"].sum()),
        },
        customers={
            "all": len(frame), "own": int(frame["contributes"].sum()), "brought": int(brought.sum()),
        },
        left_out=tree.left_out,
        credit=credit,
    )  # fmt: skip
