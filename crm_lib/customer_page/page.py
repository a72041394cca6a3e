"""The page of one customer: everything the company knows of a person, and what to do next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from crm_lib import clv, relationships, segments
from crm_lib.clv import CustomerValue, PurchaseModel
from crm_lib.company import Company
from crm_lib.customer_page.actions import actions
from crm_lib.customer_page.identity import identity
from crm_lib.customer_page.purchases import purchases
from crm_lib.customer_page.relations import answers, campaigns, memberships, referrals
from crm_lib.customer_page.section import Section
from crm_lib.customer_page.service import complaints, contacts
from crm_lib.customer_page.standing import risk, stage
from crm_lib.customer_page.subject import Subject, check_known
from crm_lib.customer_page.worth import scores, worth
from crm_lib.errors import MissingData
from crm_lib.exhibit import Skipped, when_possible

SECTIONS: tuple[tuple[str, Callable[[Subject], Section]], ...] = (
    ("What to do next", actions),
    ("Who this is", identity),
    ("What the customer is worth", worth),
    ("Segment", scores),
    ("Stage of the relation", stage),
    ("Risk of falling silent", risk),
    ("What was bought", purchases),
    ("Complaints", complaints),
    ("Contacts", contacts),
    ("Membership", memberships),
    ("Campaigns", campaigns),
    ("What the customer told us", answers),
    ("Recommendations", referrals),
)
"""Title and maker of each part, in the order of the page; a maker raises MissingData where there is nothing."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CustomerPage:
    """All that is known of one customer.

    Parameters
    ----------
    customer_id : str
        The company's own number of the customer.
    company_name : str
        Name of the company that readers see.
    as_of : date
        Last day that counts.
    sections : tuple of Section
        The parts, in order; those that could not be made say why.
    """

    customer_id: str
    company_name: str
    as_of: dt.date
    sections: tuple[Section, ...]

    def section(self, key: str) -> Section:
        """Return a part of the page.

        Parameters
        ----------
        key : str
            Its short name.

        Raises
        ------
        KeyError
            If the page has no such part.
        """
        for each in self.sections:
            if each.key == key:
                return each
        raise KeyError(f"the page has no section {key!r}; it has {', '.join(each.key for each in self.sections)}")


def customer_page(
    company: Company,
    customer_id: str,
    *,
    value: CustomerValue | Skipped | None = None,
    model: PurchaseModel | None = None,
    annual_rate: float = 0.1,
    window_days: int = 365,
    levels: int = 5,
    draws: int = 200,
    with_charts: bool = True,
    sections: tuple[tuple[str, Callable[[Subject], Section]], ...] = SECTIONS,
) -> CustomerPage:
    """Gather all that the company knows of one customer, and what follows from it.

    Parameters
    ----------
    company : Company
        The company, opened at the day of interest.
    customer_id : str
        The company's own number of the customer.
    value : CustomerValue or Skipped, optional
        What all customers are worth. By default models are fitted to all of them, which takes seconds: pass the
        result where several pages are made.
    model : PurchaseModel, optional
        Model of purchases for that, by default Pareto/NBD.
    annual_rate : float
        Interest of a year, for the value.
    window_days, levels : int
        Days up to ``as_of`` over which the RFM scores are counted, and highest score, where the company's
        ``segments.toml`` does not say.
    draws : int
        Joint draws behind the intervals of value, where it is not given; fewer are quicker.
    with_charts : bool
        Whether charts are drawn.
    sections : tuple of (str, callable)
        Title and maker of each part of the page.

    Returns
    -------
    CustomerPage
        The page; what the company has no data for is left out with the reason.

    Raises
    ------
    CrmError
        If the company knows no such customer by ``as_of``.
    """
    check_known(company, customer_id)
    if value is None:
        value = when_possible("value", _value, company, model or clv.ParetoNBD(), annual_rate, draws)
    definitions = segments.definitions_of(company, window_days=window_days, levels=levels)
    subject = Subject(
        company=company,
        customer_id=customer_id,
        value=value,
        segmented=when_possible("segments", segments.segment_customers, company, definitions),
        cycle=when_possible("stages", relationships.life_cycle, company),
        silence=when_possible("risk", relationships.silence_risk, company),
        window_days=definitions.window_days,
        with_charts=with_charts,
    )
    return CustomerPage(
        customer_id=customer_id,
        company_name=company.name,
        as_of=company.as_of,
        sections=tuple(_made(title, maker, subject) for title, maker in sections),
    )


def _made(title: str, maker: Callable[[Subject], Section], subject: Subject) -> Section:
    try:
        return maker(subject)
    except MissingData as missing:
        return Section(key=maker.__name__, title=title, left_out=str(missing))


def _value(company: Company, model: PurchaseModel, annual_rate: float, draws: int) -> CustomerValue:
    return clv.customer_value(company, model=model, annual_rate=annual_rate, draws=draws)
