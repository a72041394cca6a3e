"""One page on one customer: who it is, history, value, risk, complaints, contacts, and what to do next.

The page is a tuple of sections, each made by a function of its own (:data:`SECTIONS`): another part is another entry.
"""

from crm_lib.customer_page.action import Action, Limits
from crm_lib.customer_page.actions import next_actions
from crm_lib.customer_page.page import SECTIONS, CustomerPage, customer_page
from crm_lib.customer_page.rules import RULES
from crm_lib.customer_page.section import Section
from crm_lib.customer_page.subject import Subject
from crm_lib.customer_page.terminal import print_page
from crm_lib.customer_page.web import check_html, page_html, write_html

__all__ = [
    "RULES",
    "SECTIONS",
    "Action",
    "CustomerPage",
    "Limits",
    "Section",
    "Subject",
    "check_html",
    "customer_page",
    "next_actions",
    "page_html",
    "print_page",
    "write_html",
]
