"""What an action is, and from where the rules that ask for one apply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from crm_lib.customer_page.subject import Subject
from crm_lib.errors import MissingData


@dataclass(frozen=True, kw_only=True)
class Action:
    """Something to do about a customer.

    Parameters
    ----------
    key : str
        Stable name of the rule.
    what : str
        What to do.
    why : str
        The reason, with its numbers.
    data : str
        Tables it rests on.
    approach : bool
        Whether the company would turn to the customer of its own accord, which takes the customer's consent.
    """

    key: str
    what: str
    why: str
    data: str
    approach: bool = False


@dataclass(frozen=True, kw_only=True)
class Limits:
    """From where the rules apply.

    Parameters
    ----------
    recent_days : int
        Complaints, contacts and answers of so many days still call for something.
    renewal_days : int
        So long before a membership is renewed one should talk of it.
    new_days : int
        A customer whose only purchase is not older is new.
    valuable : float
        The best customers, by the value of the past or of what they could add, are those above this quantile.
    doubtful, gone : float
        Below these probabilities of being a customer still, one is in doubt, or probably gone.
    unhappy, delighted : float
        Satisfaction up to the first calls for a talk; a recommendation from the second for a request.
    """

    recent_days: int = 90
    renewal_days: int = 45
    new_days: int = 30
    valuable: float = 0.8
    doubtful: float = 0.5
    gone: float = 0.1
    unhappy: float = 4.0
    delighted: float = 9.0


Rule = Callable[[Subject, Limits], Action | None]
"""From a customer to what is to be done about one matter, or None."""


def consent(subject: Subject) -> bool | None:
    """Return whether the customer agreed to be contacted, None where that is not known.

    Parameters
    ----------
    subject : Subject
        The customer.
    """
    try:
        rows = subject.rows("customers")
    except MissingData:
        return None
    if rows.empty or "contact_allowed" not in rows or pd.isna(rows["contact_allowed"].iloc[0]):
        return None
    return bool(rows["contact_allowed"].iloc[0])
