"""One row per customer, computed from the transactions by the engine that holds them.

The definitions are those of Fader and Hardie. A *purchase* is a calendar day on which a customer bought something, so
that two orders on one day count once; the first purchase makes the customer, and only what follows is repeat buying.
A line is a *return* if its quantity or its revenue is negative; a day with nothing but returns is no purchase.

A customer of whom only returns are known (who bought before the data begin) has no first purchase and therefore no
row.

References
----------
Fader, P. S., Hardie, B. G. S., Lee, K. L. (2005). "Counting Your Customers" the Easy Way: An Alternative to the
Pareto/NBD Model. Marketing Science 24(2), 275–284.
"""

from crm_lib.customers.facts import facts
from crm_lib.customers.known import (
    COMPLAINT_STATES,
    known_complaints,
    known_contracts,
    known_rows,
    last_day,
    members,
    own_answers,
    own_brand_answers,
    window_complaints,
)
from crm_lib.customers.purchase_days import purchase_days
from crm_lib.customers.summary import customer_attribute, customer_summary
from crm_lib.customers.table import UNIT_DAYS, customer_table, exact_sum, is_purchase
from crm_lib.customers.window import ANY, Basis, Value, customer_window, value_of, window_lines

__all__ = [
    "ANY",
    "COMPLAINT_STATES",
    "UNIT_DAYS",
    "Basis",
    "Value",
    "customer_attribute",
    "customer_summary",
    "customer_table",
    "customer_window",
    "exact_sum",
    "facts",
    "is_purchase",
    "known_complaints",
    "known_contracts",
    "known_rows",
    "last_day",
    "members",
    "own_answers",
    "own_brand_answers",
    "purchase_days",
    "value_of",
    "window_complaints",
    "window_lines",
]
