"""What the company's own table says of its customers."""

from __future__ import annotations

import pandas as pd

from crm_lib.company import Company
from crm_lib.errors import MissingData


def customer_attribute(company: Company, column: str) -> pd.Series[str]:
    """Return an attribute of the customers."""
    if not company.has("customers", column):
        raise MissingData("customers", (column,))
    frame = company.frame("customers", "customer_id", column).dropna()
    return frame.drop_duplicates("customer_id").set_index("customer_id")[column].astype(str)
