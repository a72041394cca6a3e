"""What the customers of the simulated company are truly worth, to be held against the estimate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib.clv.discounting import continuous_rate
from crm_lib.clv.value import CustomerValue
from crm_lib.estimate import Estimate


def true_value(truth: pd.DataFrame, *, annual_rate: float = 0.1, returned: float = 0.04) -> pd.Series[float]:
    """Return the true expected value of what each customer is still going to buy.

    Parameters
    ----------
    truth : DataFrame (N rows)
        Table ``customers`` of :func:`crm_lib.demo.truth`.
    annual_rate : float
        Interest of a year.
    returned : float
        Share of order lines that are returned; that of the demo company by default.

    Returns
    -------
    Series (N,)
        Money, indexed by ``customer_id``; 0 for customers who have left.

    Notes
    -----
    A customer who buys at rate :math:`\\lambda` and leaves at rate :math:`\\mu` is worth :math:`m \\lambda / (\\mu +
    \\delta)`, with m the expected margin of an order and :math:`\\delta` the continuous interest. In the demo company
    both rates change from week to week with seasons, stages of the relationship, satisfaction, complaints, membership
    and campaigns; the rates used are the means over the customer's weeks so far. Left out are what these changes will
    be from now on (a customer may be about to decline), second lives of those who have left, the cost of contacts, and
    that goods whose return is still to come are lost only in part when the customer leaves first.
    """
    frame = truth.set_index("customer_id")
    weeks = frame["alive_weeks"].clip(lower=1e-9)
    buying = frame["lambda"] * frame["exposure_weeks"] / weeks
    leaving = frame["cumulative_hazard"] / weeks
    worth = (1 - returned) * frame["order_margin"] * buying / (leaving + continuous_rate(annual_rate, "W"))
    return worth.where(frame["alive"], 0.0).rename("true_value")


@dataclass(frozen=True, kw_only=True)
class TruthCheck:
    """How estimated values compare with the truth, as :func:`against_truth` found it.

    Parameters
    ----------
    total : Estimate
        Estimated current value of all customers.
    true_total : float
        The truth.
    correlation, rank_correlation : float
        Of estimated and true value over customers.
    frame : DataFrame
        Customers in ten groups of equal size by estimated value, the lowest first: ``customers``, ``estimated``,
        ``true``, both totals.
    """

    total: Estimate
    true_total: float
    correlation: float
    rank_correlation: float
    frame: pd.DataFrame

    @property
    def bias(self) -> float:
        """Estimated less true total, as a share of the true one."""
        return self.total.value / self.true_total - 1


def against_truth(value: CustomerValue, truth: pd.Series[float]) -> TruthCheck:
    """Compare estimated current values with true ones.

    Parameters
    ----------
    value : CustomerValue
        The estimates; with ``serving=False``, as the truth knows no cost of contacts.
    truth : Series
        True values indexed by ``customer_id``, as :func:`true_value` gives them.

    Returns
    -------
    TruthCheck
        Totals, correlations, and totals of ten groups.

    Raises
    ------
    ValueError
        If the truth lacks customers.
    """
    estimated = value.frame["current"]
    true = truth.reindex(estimated.index)
    if true.isna().any():
        raise ValueError(
            f"the truth lacks {int(true.isna().sum())} of {len(true)} customers: is it of another company?"
        )
    tenth = (np.argsort(np.argsort(estimated.to_numpy(), kind="stable")) * 10 // len(estimated)) + 1
    table = pd.DataFrame({"estimated": estimated, "true": true, "group": tenth}).groupby("group")
    frame = table[["estimated", "true"]].sum()
    frame.insert(0, "customers", table.size())
    return TruthCheck(
        total=value.totals["current"],
        true_total=float(true.sum()),
        correlation=float(estimated.corr(true)),
        rank_correlation=float(estimated.corr(true, method="spearman")),
        frame=frame,
    )
