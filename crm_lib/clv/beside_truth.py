"""Estimated beside true values, where the company was simulated and its truth is known."""

from __future__ import annotations

import pandas as pd

from crm_lib import demo, language
from crm_lib.clv.gamma_gamma import GammaGamma
from crm_lib.clv.purchase_model import PurchaseModel
from crm_lib.clv.true_value import true_value
from crm_lib.clv.value import customer_value
from crm_lib.company import Company
from crm_lib.errors import CompanyError, TooLittleData
from crm_lib.exhibit import Skipped


def beside_truth(
    company: Company, *, model: PurchaseModel, spend: GammaGamma | Skipped | None = None, annual_rate: float = 0.1
) -> pd.DataFrame:
    """Return estimated and true current value of each customer of a simulated company.

    Parameters
    ----------
    company : Company
        The demo company, opened at its own last day.
    model : PurchaseModel
        Model of purchases, fitted or not.
    spend : GammaGamma or Skipped, optional
        Model of spend; by default one is fitted.
    annual_rate : float
        Interest of a year.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``: ``estimate`` and ``truth``. The truth knows no cost of contacts, so none are
        deducted from the estimate either.

    Raises
    ------
    TooLittleData
        If the company was not simulated, or if it is looked at on an earlier day than that of its truth.
    """
    try:
        customers = demo.truth(company.folder)["customers"]
    except CompanyError:
        raise TooLittleData(language.text("the truth is known of a simulated company only"), table="truth") from None
    # The truth is that of the simulation's last day: on an earlier one other customers were still there.
    if (pd.Timestamp(company.as_of) + pd.Timedelta(days=7)) < customers["left_at"].max():
        message = language.text("the truth is known for the last day of the simulation only")
        raise TooLittleData(message, table="truth")
    value = customer_value(
        company, model=model, spend=spend or GammaGamma(), annual_rate=annual_rate, serving=False, draws=100
    )
    truth = true_value(customers, annual_rate=annual_rate)
    return pd.DataFrame({"estimate": value.frame["current"], "truth": truth}).dropna()
