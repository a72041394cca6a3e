"""Which model to go on with, and which customer shows best what it does."""

from __future__ import annotations

import pandas as pd

from crm_lib.clv.comparison import Comparison
from crm_lib.clv.pareto_nbd import ParetoNBD
from crm_lib.clv.purchase_model import PurchaseModel
from crm_lib.errors import TooLittleData
from crm_lib.exhibit import Skipped

_REPEATS = (5, 40)
"""Repeat purchases of a customer whose history is worth a picture: enough to see a rhythm, few enough to see each."""


def recommended_model(compared: Comparison | Skipped, *, unit: str = "W") -> PurchaseModel:
    """Return the model that the comparison recommends, to be fitted.

    Parameters
    ----------
    compared : Comparison or Skipped
        The comparison; or the note that there was too little history for one.
    unit : {"D", "W", "M", "Y"}
        Unit of time of the model that is taken without a comparison.

    Returns
    -------
    PurchaseModel
        The best of the models in which customers leave (a rule of thumb has no probabilities and knows no value to
        infinity, and whoever never leaves would be worth too much); without a comparison Pareto/NBD.
    """
    if isinstance(compared, Skipped) or compared.model is None:
        return ParetoNBD(unit=unit)
    return compared.model


def telling_customer(model: PurchaseModel, summary: pd.DataFrame) -> str:
    """Return the customer of whom it is least clear whether he is still one, among those with a rhythm.

    Parameters
    ----------
    model : PurchaseModel
        The fitted model.
    summary : DataFrame (N rows)
        Purchase histories, indexed by customer.

    Returns
    -------
    str
        The customer whose probability of being alive is nearest to one half among those with 5 to 40 repeat purchases.

    Raises
    ------
    TooLittleData
        If nobody has as many.
    """
    rhythmic = summary[summary["frequency"].between(*_REPEATS)]
    if rhythmic.empty:
        raise TooLittleData(f"nobody made {_REPEATS[0]} to {_REPEATS[1]} repeat purchases")
    return str((model.probability_alive(rhythmic) - 0.5).abs().idxmin())


def purchases_of(purchases: pd.DataFrame, customer: str) -> pd.Series[pd.Timestamp]:
    """Return the days on which a customer bought.

    Parameters
    ----------
    purchases : DataFrame
        One row a customer and day, as :func:`crm_lib.customers.purchase_days` gives.
    customer : str
        The customer.

    Returns
    -------
    Series
        The days.
    """
    return purchases.loc[purchases["customer_id"] == customer, "day"]
