"""Who agreed to be contacted."""

from __future__ import annotations

import pandas as pd

from crm_lib.company import Company


def contact_permission(company: Company) -> pd.Series[bool] | None:
    """Return who agreed to be contacted.

    Parameters
    ----------
    company : Company
        The company.

    Returns
    -------
    Series or None
        Indexed by ``customer_id``; False where the answer is missing. None where the company does not record it.
    """
    if not company.has("customers", "contact_allowed"):
        return None
    frame = company.frame("customers", "customer_id", "contact_allowed")
    agreed = frame["contact_allowed"].astype("boolean").fillna(value=False).astype(bool)
    # Where a customer is there twice, one refusal is a refusal.
    return agreed.groupby(frame["customer_id"]).all()


def may_contact(customers: pd.Index, allowed: pd.Series[bool] | None) -> pd.Series[bool]:
    """Return for each of some customers whether they may be contacted.

    Parameters
    ----------
    customers : Index
        Their ids.
    allowed : Series or None
        As of :func:`contact_permission`; where it is None, nobody is known to have refused.

    Returns
    -------
    Series
        Indexed by the ids; False for whoever is not known.
    """
    if allowed is None:
        return pd.Series(data=True, index=customers)
    return allowed.reindex(customers, fill_value=False).astype(bool)
