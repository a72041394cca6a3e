"""One page on one customer: what to do next and why, value, history, complaints, contacts, campaigns, answers.

Each part is an entry of ``page.SECTIONS``, each action a row of ``actions.RULES``. Value, chances and segment are read
from scores of all customers, so that a page takes seconds.
"""

from crm_lib.customer_page.page import check_html, customer_page, print_page, write_html

__all__ = ["check_html", "customer_page", "print_page", "write_html"]
