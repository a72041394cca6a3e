"""The truth behind a simulated company, for lessons that hold what was judged against it."""

from __future__ import annotations

import pandas as pd

from crm_lib import demo, language
from crm_lib.company import Company
from crm_lib.errors import CompanyError, TooLittleData


def simulated_truth(company: Company, table: str) -> pd.DataFrame:
    """Return a table of the truth about a simulated company.

    Parameters
    ----------
    company : Company
        The company.
    table : str
        Name of the table, such as "customers" or "stages".

    Returns
    -------
    DataFrame
        The table.

    Raises
    ------
    TooLittleData
        If the company was not simulated, so that nobody knows the truth.
    """
    try:
        return demo.truth(company.folder)[table]
    except CompanyError:
        raise TooLittleData(language.text("the truth is known of a simulated company only"), table="truth") from None
