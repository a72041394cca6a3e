"""Estimated beside true values, where the company was simulated and its truth is known."""

from __future__ import annotations

import pandas as pd

from crm_lib import demo
from crm_lib.clv.discounting import continuous_rate
from crm_lib.clv.value import CustomerValue
from crm_lib.company import Company
from crm_lib.errors import CompanyError, TooLittleData

_RETURNED = 0.04
"""Share of order lines that are returned in the demo company."""


def beside_truth(company: Company, value: CustomerValue) -> pd.DataFrame:
    """Return estimated and true current value of each customer of a simulated company.

    Parameters
    ----------
    company : Company
        The demo company, opened at its own last day.
    value : CustomerValue
        What its customers are worth.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``: ``value`` and ``true_value``. The truth knows no cost of contacts, so none are
        deducted from the estimate either.

    Raises
    ------
    TooLittleData
        If the company was not simulated, or if it is looked at on an earlier day than that of its truth.
    """
    try:
        customers = demo.truth(company.folder)["customers"]
    except CompanyError:
        raise TooLittleData("the truth is known of a simulated company only", table="truth") from None
    # The truth is that of the simulation's last day: on an earlier one other customers were still there.
    if (pd.Timestamp(company.as_of) + pd.Timedelta(days=7)) < customers["left_at"].max():
        raise TooLittleData("the truth is known for the last day of the simulation only", table="truth")
    future = value.future
    told = future.model.discounted_expected_purchases(future.summary, future.annual_rate) * (
        future.value_per_purchase + future.cost.expected
    )
    truth = true_value(customers, annual_rate=value.annual_rate)
    frame = pd.DataFrame({"value": told, "true_value": truth}).dropna()
    frame.attrs["currency"] = value.currency
    return frame


def true_value(truth: pd.DataFrame, *, annual_rate: float) -> pd.Series[float]:
    """Return the true expected value of what each customer is still going to buy; 0 for customers who have left.

    A customer who buys at rate λ and leaves at rate μ is worth m λ / (μ + δ), with m the expected margin of an order
    and δ the continuous interest. In the demo company both rates change from week to week; the rates used are the means
    over the customer's weeks so far. Left out are what these changes will be from now on (a customer may be about to
    decline), second lives of those who have left, and that goods whose return is still to come are lost only in part.
    """
    frame = truth.set_index("customer_id")
    weeks = frame["alive_weeks"].clip(lower=1e-9)
    buying = frame["lambda"] * frame["exposure_weeks"] / weeks
    leaving = frame["cumulative_hazard"] / weeks
    worth = (1 - _RETURNED) * frame["order_margin"] * buying / (leaving + continuous_rate(annual_rate, "W"))
    return worth.where(frame["alive"], 0.0).rename("true_value")
