"""One row per customer, computed from the transactions by the engine that holds them.

A *purchase* is a calendar day on which a customer bought something (Fader, Hardie & Lee 2005, Marketing Science 24):
two orders on one day count once, and only what follows the first purchase is repeat buying. A line is a *return* if its
quantity or revenue is negative. A customer of whom only returns are known has no row.
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
from crm_lib.customers.table import (
    UNIT_DAYS,
    customer_attribute,
    customer_summary,
    customer_table,
    exact_sum,
    is_purchase,
)
from crm_lib.customers.window import ANY, Basis, Value, customer_window, value_of

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
]
