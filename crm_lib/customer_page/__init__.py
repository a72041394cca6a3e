"""One page on one customer: what to do next and why, value, history, complaints, contacts, campaigns, answers.

Each part is a function from a customer to a :class:`Section`, listed in :data:`SECTIONS`; each action is a row of
:data:`RULES`. Value, chances and segment are read from scores of all customers, so that a page takes seconds.
"""

from crm_lib.customer_page.actions import RULES
from crm_lib.customer_page.customer import Customer
from crm_lib.customer_page.output import check_html, page_html, print_page, write_html
from crm_lib.customer_page.page import SECTIONS, CustomerPage, customer_page
from crm_lib.customer_page.sections import Section

__all__ = [
    "RULES",
    "SECTIONS",
    "Customer",
    "CustomerPage",
    "Section",
    "check_html",
    "customer_page",
    "page_html",
    "print_page",
    "write_html",
]
