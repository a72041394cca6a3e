"""The demo company: *Lantern Books*, an omnichannel book shop with a paid membership, simulated with known truth.

Three years (1 July 2023 to 30 June 2026), all tables of :mod:`crm_lib.schema`, consistent with each other, and apart
from them the truth: what each customer's rates, type, satisfaction and answers to campaigns really are. Methods are
tested by recovering it. The population parameters and effects are in :mod:`crm_lib.demo.parameters`.

How it is made. Each customer has a purchase rate, a basic dropout rate and a mean order value, which keep exactly the
distributions of the Pareto/NBD and gamma-gamma models; type, channel and customer group depend on their ranks. All
that would happen if nobody ever left is simulated first: stages, satisfaction, membership, orders with their seasons
and campaign effects, problems and complaints. The hazard of leaving follows from that path, decides when and why each
customer leaves, and all that would have come later is removed. A win-back campaign returns a few, for a second life.

What is not like a real company, on purpose or for brevity: accounts began on the first day, so that every first
purchase is in the tables; extra orders of the best-customer evening and returning orders cause no complaints;
a voucher is booked as campaign cost, not as discount; a return is a receipt of its own, numbered ``R…``, and a customer
who has left returns nothing more; a departure that the company learns of is recorded with its true day and cause.

What is wrong in the tables on purpose: 4 % of lines returned, 0.3 % of lines entered twice under one number, 1 %
entered days late, 1 % without category, 1.5 % of customers without region, 12 % without year of birth, six impossible
ratings, a customer named ``<script>…`` and a product named ``=cmd…`` that a careless report would run.
"""

from crm_lib.demo.parameters import Parameters
from crm_lib.demo.simulation import Simulation, simulate, truth

__all__ = ["Parameters", "Simulation", "simulate", "truth"]
