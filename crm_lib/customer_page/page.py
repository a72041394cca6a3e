"""The page of one customer, part by part."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace

import pandas as pd

from crm_lib.company import Company
from crm_lib.customer_page import sections
from crm_lib.customer_page.actions import actions
from crm_lib.customer_page.customer import Customer
from crm_lib.customer_page.sections import Section
from crm_lib.errors import MissingData

SECTIONS: tuple[tuple[str, Callable[[Customer], Section]], ...] = (
    ("What to do next", actions),
    ("Who this is", sections.identity),
    ("What the customer is worth", sections.worth),
    ("Segment", sections.scores),
    ("What was bought", sections.purchases),
    ("Complaints", sections.complaints),
    ("Contacts", sections.contacts),
    ("Membership", sections.memberships),
    ("Campaigns", sections.campaigns),
    ("What the customer told us", sections.answers),
    ("Recommendations", sections.referrals),
)
"""Title and maker of each part, in the order of the page; a maker raises MissingData where there is nothing."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CustomerPage:
    """All that is known of one customer; parts that could not be made say why."""

    customer_id: str
    company_name: str
    as_of: dt.date
    sections: tuple[Section, ...]

    def section(self, key: str) -> Section:
        """Return the part of the page with a short name."""
        return next(each for each in self.sections if each.key == key)


def customer_page(company: Company, customer_id: str, scores: Callable[[], pd.DataFrame]) -> CustomerPage:
    """Gather all that the company knows of one customer by ``as_of``, and what follows from it.

    `scores` returns the scores of all customers, as :func:`crm_lib.scoring.kept.kept_scores`; it is asked once the
    customer is known. What the company has no data for is left out with the reason.
    """
    customer = Customer(company=company, customer_id=customer_id)
    customer.check_known()
    try:
        customer = replace(customer, scores=scores())
    except MissingData as missing:
        customer = replace(customer, scores=missing)
    return CustomerPage(
        customer_id=customer_id,
        company_name=company.name,
        as_of=company.as_of,
        sections=tuple(_made(title, maker, customer) for title, maker in SECTIONS),
    )


def _made(title: str, maker: Callable[[Customer], Section], customer: Customer) -> Section:
    try:
        return maker(customer)
    except MissingData as missing:
        return Section(key=getattr(maker, "key", "") or maker.__name__, title=title, left_out=str(missing))
