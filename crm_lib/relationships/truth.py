"""The truth behind a simulated company, for lessons that hold what was judged against it."""

from __future__ import annotations

import pandas as pd

from crm_lib import demo
from crm_lib.company import Company
from crm_lib.errors import CompanyError, TooLittleData
from crm_lib.language import say


def simulated_truth(company: Company, table: str) -> pd.DataFrame:
    """Return a table of the truth, such as "customers" or "stages"; no other company has one."""
    try:
        return demo.truth(company.folder)[table]
    except CompanyError:
        raise TooLittleData(say("the truth is known of a simulated company only"), table="truth") from None
