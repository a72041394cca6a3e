"""The customer summary that customers are valued by: the company's own, or one that fits it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm_lib.clv.purchase_model import PurchaseModel
from crm_lib.company import Company
from crm_lib.customers import customer_summary, opportunity_summary

_HISTORY = ("frequency", "recency", "age")


def own_summary(company: Company, model: PurchaseModel) -> pd.DataFrame:
    """Return the company's customers with time counted as a model counts it.

    Parameters
    ----------
    company : Company
        The company.
    model : PurchaseModel
        The model.

    Returns
    -------
    DataFrame
        One row a customer, in units of time or, for a model of discrete opportunities, in opportunities.
    """
    return opportunity_summary(company, model.unit) if model.discrete else customer_summary(company, model.unit)


def check_summary(company: Company, summary: pd.DataFrame, model: PurchaseModel) -> None:
    """Raise an error unless a summary tells the purchase histories of customers of this company on this day.

    Parameters
    ----------
    company : Company
        The company.
    summary : DataFrame
        What a user gave: all customers or some, with further columns or without.
    model : PurchaseModel
        The model that will read it.

    Raises
    ------
    ValueError
        If rows stand for several customers, are not named by ``customer_id``, or tell another history than the
        company's tables on ``as_of`` in the model's unit of time. What counts as an opportunity may be the user's own
        (years of the calendar, say), so that of a model of opportunities only the customers are checked.
    """
    if "customers" in summary:
        raise ValueError(
            "the summary has a column 'customers', as if its rows stood for several each: value needs one row a "
            "customer, as customer_summary gives"
        )
    if not summary.index.is_unique:
        twice = summary.index[summary.index.duplicated()][:3].tolist()
        raise ValueError(f"the summary has several rows of customers {twice}: value needs one a customer")
    own = own_summary(company, model)
    unknown = summary.index.difference(own.index, sort=False)
    if len(unknown):
        raise ValueError(
            f"{len(unknown)} of the {len(summary)} rows of the summary are no customers of {company.name}, such as "
            f"{unknown[:3].tolist()}: its index must be customer_id"
        )
    if model.discrete:
        return
    own = own.loc[summary.index]
    for name in _HISTORY:
        if name not in summary:
            continue  # the model says itself what is missing
        theirs, ours = summary[name].to_numpy(dtype=float), own[name].to_numpy(dtype=float)
        wrong = ~np.isclose(theirs, ours, rtol=1e-9, atol=1e-9) & ~np.isnan(theirs)
        if wrong.any():
            row = summary.index[wrong][0]
            raise ValueError(
                f"{name} differs from the company's tables in {int(wrong.sum())} of the {len(summary)} rows of the "
                f"summary, such as {theirs[wrong][0]:g} instead of {ours[wrong][0]:g} for customer {row!r}: it must be "
                f"as of {company.as_of}, in the model's unit of time {model.unit!r}"
            )
