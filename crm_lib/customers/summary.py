"""The customer table as a data frame, and what the company's own table says of its customers."""

from __future__ import annotations

import pandas as pd

from crm_lib.company import Company
from crm_lib.customers.table import customer_table
from crm_lib.errors import MissingData

_TYPES = dict.fromkeys(("frequency", "orders", "categories", "channels"), "int64") | dict.fromkeys(
    ("first_purchase", "last_purchase"), "datetime64[s]"
)


def customer_summary(company: Company, unit: str = "W") -> pd.DataFrame:
    """Return one row per customer as a data frame.

    Parameters
    ----------
    company : Company
        The company.
    unit : {"W", "D", "M", "Y"}
        Unit of time, as for :func:`customer_table`.

    Returns
    -------
    DataFrame
        Columns as of :func:`customer_table`, index ``customer_id`` in ascending order. Counts are ``int64``, days are
        ``datetime64[s]``, all else is ``float64`` with NaN for what is missing. ``attrs["unit"]`` tells the unit.

    Raises
    ------
    ValueError
        If the unit is unknown.
    """
    answer = customer_table(company, unit).order_by("customer_id").to_pyarrow()
    frame: pd.DataFrame = answer.to_pandas(date_as_object=False).set_index("customer_id")
    # The engine sorts in parallel; some sort texts by the rules of a language, so that there is something left to do.
    frame = frame.sort_index().astype({name: _TYPES.get(name, "float64") for name in frame.columns})
    frame.attrs["unit"] = unit
    return frame


def customer_attribute(company: Company, column: str) -> pd.Series[str]:
    """Return an attribute of the customers, as text.

    Parameters
    ----------
    company : Company
        The company.
    column : str
        Column of its table ``customers``.
    """
    if not company.has("customers", column):
        raise MissingData("customers", (column,))
    frame = company.frame("customers", "customer_id", column).dropna()
    return frame.drop_duplicates("customer_id").set_index("customer_id")[column].astype(str)
