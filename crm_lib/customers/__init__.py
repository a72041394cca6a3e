"""One row per customer, computed from the transactions by the engine that holds them.

A *purchase* is a calendar day on which a customer bought something (Fader, Hardie & Lee 2005, Marketing Science 24):
two orders on one day count once, and only what follows the first purchase is repeat buying. A line is a *return* if its
quantity or revenue is negative. A customer of whom only returns are known has no row.
"""

from crm_lib.customers.facts import facts as facts
from crm_lib.customers.known import (
    COMPLAINT_STATES as COMPLAINT_STATES,
    known_complaints as known_complaints,
    known_contracts as known_contracts,
    known_rows as known_rows,
    last_day as last_day,
    members as members,
    own_answers as own_answers,
    own_brand_answers as own_brand_answers,
    own_brands as own_brands,
    window_complaints as window_complaints,
)
from crm_lib.customers.parts import by_customer as by_customer, in_ranges as in_ranges
from crm_lib.customers.purchase_record import (
    UNIT_DAYS as UNIT_DAYS,
    PurchaseRecord as PurchaseRecord,
    as_date as as_date,
    as_day as as_day,
)
from crm_lib.customers.table import (
    customer_attribute as customer_attribute,
    customer_summary as customer_summary,
    exact_sum as exact_sum,
    is_purchase as is_purchase,
    purchase_days as purchase_days,
)
from crm_lib.customers.window import (
    ANY as ANY,
    Basis as Basis,
    Value as Value,
    customer_window as customer_window,
    value_of as value_of,
)
