"""The demo company from a seed: the topics in the order in which one bears on the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from crm_lib.demo import store
from crm_lib.demo.assignments import assignment_table, departures, true_uplift, true_win_back
from crm_lib.demo.campaigns import address, campaign_factors, campaign_table
from crm_lib.demo.catalogue import make_catalogue
from crm_lib.demo.clock import season
from crm_lib.demo.complaints import complaint_tables, make_problems
from crm_lib.demo.contacts import make_contacts
from crm_lib.demo.dirt import transaction_table, untidy_customers, untidy_surveys
from crm_lib.demo.draws import Streams
from crm_lib.demo.environment import competitor_table, switching_table, true_switching
from crm_lib.demo.history_campaigns import evening, win_back
from crm_lib.demo.lives import Circumstances, Hazard, make_lives
from crm_lib.demo.market import market
from crm_lib.demo.membership import make_memberships
from crm_lib.demo.organisation import capability_table, employee_table, make_staff, partner_table
from crm_lib.demo.parameters import Parameters
from crm_lib.demo.people import make_people
from crm_lib.demo.prospects import opportunity_table, prospect_table
from crm_lib.demo.purchases import make_orders
from crm_lib.demo.referrals import make_referrals
from crm_lib.demo.satisfaction import make_opinions
from crm_lib.demo.spend import make_lines, make_returns, order_margins
from crm_lib.demo.stages import make_stages
from crm_lib.demo.surveys import survey_table
from crm_lib.demo.truth import true_channels, true_customers, true_satisfaction
from crm_lib.schema import TABLES

FEWEST = 50
"""With fewer customers most tables would be all but empty."""


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """The demo company in memory.

    Parameters
    ----------
    seed : int
        The seed it was made from.
    tables : mapping of str to DataFrame
        The company's tables, under the names of the schema.
    truth : mapping of str to DataFrame
        What no company knows, by topic.
    parameters : Parameters
        The population parameters.
    """

    seed: int
    tables: Mapping[str, pd.DataFrame]
    truth: Mapping[str, pd.DataFrame]
    parameters: Parameters

    def write(self, folder: Path | str) -> None:
        """Write every table to `folder` and the truth to a folder in it, each file whole or not at all.

        Parameters
        ----------
        folder : Path or str
            The company's folder; ``company.toml`` there is left as it is.
        """
        head = f"# The demo company, seed {self.seed}: what an analysis of its tables should find.\n\n"
        topics = {**asdict(self.parameters), **market()}
        store.write(Path(folder), self.tables, self.truth, head + store.to_toml(topics))


def simulate(*, seed: int = 20260101, customers: int = 8000, parameters: Parameters | None = None) -> Simulation:
    """Simulate the demo company.

    Parameters
    ----------
    seed : int
        The same seed gives the same company.
    customers : int
        Number of customers won in the three years, at least 50.
    parameters : Parameters, optional
        Population parameters, by default those of the demo company.

    Returns
    -------
    Simulation
        Tables and truth.

    Raises
    ------
    ValueError
        If there are too few customers, or the seed is negative.

    Examples
    --------
    >>> company = simulate(seed=1, customers=60)
    >>> len(company.tables["customers"]), len(company.truth["customers"])
    (60, 60)
    """
    if customers < FEWEST:
        raise ValueError(
            f"customers must be at least {FEWEST}, not {customers}: with fewer most tables would be all but empty"
        )
    if seed < 0:
        raise ValueError(f"seed must not be negative, not {seed}")
    p, streams = parameters or Parameters(), Streams(seed)
    people = make_people(streams, customers, p)

    # All that would happen if nobody ever left.
    opinions = make_opinions(streams, people, p.satisfaction)
    stages = make_stages(streams, people, p.relationship)
    memberships = make_memberships(streams, people, p.members)
    addressed = address(streams, people, p.uplift)
    usual = season(p.buying.months) * stages.factors(p.relationship.stage_rate, people.relational)
    factors = usual * campaign_factors(addressed, customers)
    potential = make_orders(streams, people, factors)
    problems = make_problems(streams, people, potential, opinions, p)

    # Who leaves, when and why; all that would have come later is removed.
    circumstances = Circumstances(
        satisfaction=opinions.weekly(),
        stage=stages.factors(p.relationship.stage_hazard, people.relational),
        unresolved=problems.unresolved_weeks(customers, p.leaving.unresolved_weeks),
        member=memberships.weekly(customers),
    )
    hazard = Hazard(people, circumstances, p.leaving)
    lives = make_lives(streams, people, hazard)
    first_orders = potential.only(lives.alive(potential.customer, potential.day))
    comeback, lives = win_back(streams, people, first_orders, lives, hazard, p.uplift)
    orders = potential.only(lives.alive(potential.customer, potential.day))
    orders = orders.joined(np.flatnonzero(np.isfinite(lives.returned)), lives.returned[np.isfinite(lives.returned)])
    invited, orders = evening(streams, people, orders, lives, factors, p.uplift)
    problems = problems.only(
        lives.alive(problems.customer, problems.ordered) & lives.alive(problems.customer, problems.opened)
    )
    every = sorted([*addressed, comeback.addressed, invited], key=lambda one: one.campaign.day)

    products = make_catalogue(streams)
    order_ids = np.array([f"O{number:06d}" for number in range(1, len(orders) + 1)], dtype=object)
    lines = make_lines(streams, people, orders, products, p)
    returns = make_returns(streams, lines, lives, p.dirt.returned)
    contracts, thetas = memberships.tables(people, lives.left)
    complaints, problem_truth = complaint_tables(problems, people)
    staff = make_staff(streams, opinions)
    surveys = survey_table(streams, people, lives, problems, opinions, p)
    left = departures(streams, people, lives, p.leaving.documented)
    prospects = prospect_table(streams, people)
    margins = order_margins(people, p)
    referred_by = make_referrals(streams, people, lives, opinions, p.satisfaction)
    tables = {
        "customers": untidy_customers(streams, people.table().assign(referred_by=referred_by), p.dirt),
        "transactions": transaction_table(streams, people, lines, returns, order_ids, p.dirt),
        "memberships": contracts,
        "interactions": make_contacts(streams, people, orders, order_ids, problems, opinions, lives, staff, p),
        "complaints": complaints,
        "surveys": untidy_surveys(streams, surveys, p.dirt),
        "departures": left,
        "campaigns": campaign_table(),
        "assignments": assignment_table(streams, people, orders, every, p.uplift),
        "competitors": competitor_table(streams, surveys),
        "switching": switching_table(streams, people, left),
        "capabilities": capability_table(streams),
        "opportunities": opportunity_table(streams, people, lives, prospects),
        "prospects": prospects,
        "employees": employee_table(streams, staff, opinions),
        "partners": partner_table(streams),
    }
    customer_truth = true_customers(people, lives, hazard, factors, margins, p)
    truth = {
        "customers": customer_truth,
        "stages": stages.history(people, lives.left),
        "satisfaction": true_satisfaction(people, opinions, lives, p.leaving),
        "memberships": thetas,
        "problems": problem_truth,
        "uplift": true_uplift(people, lives, usual, every, margins, p.uplift),
        "win_back": true_win_back(people, comeback),
        "channels": true_channels(customer_truth),
        "switching": true_switching(),
    }
    return Simulation(seed=seed, tables={name: tables[name] for name in TABLES}, truth=truth, parameters=p)
