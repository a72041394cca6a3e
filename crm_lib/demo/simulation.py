"""The demo company from a seed, the topics in the order in which one bears on the next; written, and its truth read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from crm_lib.demo import campaigns, lives, market, opinions, orders, people, service
from crm_lib.demo.clock import DAYS, Floats, dates, season
from crm_lib.demo.draws import Streams, frame, numbered
from crm_lib.demo.parameters import Parameters
from crm_lib.errors import CompanyError
from crm_lib.schema import TABLES
from crm_lib.writing import replaced

FEWEST = 50
PARQUET = ("transactions",)
"""Tables written as Parquet; the others are small enough for CSV, which opens everywhere."""


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """The demo company in memory: its tables under the names of the schema, and by topic what no company knows."""

    seed: int
    tables: Mapping[str, pd.DataFrame]
    truth: Mapping[str, pd.DataFrame]
    parameters: Parameters

    def write(self, folder: Path | str) -> None:
        """Write every table to `folder`, and the truth to a folder in it, each file whole, transactions last."""
        head = f"# The demo company, seed {self.seed}: what an analysis of its tables should find.\n\n"
        files: dict[str, pd.DataFrame | str] = {f"truth/{name}.parquet": table for name, table in self.truth.items()}
        files["truth/parameters.toml"] = head + to_toml({**asdict(self.parameters), **fixed_parameters()})
        for name in sorted(self.tables, key=PARQUET.__contains__):
            files[table_file(name)] = self.tables[name]
        (Path(folder) / "truth").mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            _write_whole(Path(folder) / name, content)


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
    """
    if customers < FEWEST:
        raise ValueError(f"customers must be at least {FEWEST}, not {customers}: else most tables are all but empty")
    p, streams = parameters or Parameters(), Streams(seed)
    everyone = people.People(streams, customers, p)

    # All that would happen if nobody ever left.
    thinking = opinions.Opinions(everyone)
    stages = lives.make_stages(everyone)
    memberships = lives.Memberships(everyone)
    addressed = campaigns.address(everyone)
    usual = season(p.buying.months) * lives.stage_factors(stages, p.relationship.stage_rate, everyone.relational)
    factors = usual * campaigns.campaign_factors(addressed, customers)
    potential = orders.make_orders(everyone, factors)
    problems = service.Problems(everyone, potential, thinking)

    # Who leaves, when and why; all that would have come later is removed.
    hazard = lives.Hazard(
        everyone,
        satisfaction=thinking.weekly(),
        stage=lives.stage_factors(stages, p.relationship.stage_hazard, everyone.relational),
        unresolved=problems.unresolved_weeks(everyone),
        member=memberships.weekly(customers),
    )
    spans = lives.make_lives(everyone, hazard)
    first_orders = potential.only(spans.alive(potential.customer, potential.day))
    asked, spans = campaigns.win_back(everyone, first_orders, spans, hazard)
    placed = potential.only(spans.alive(potential.customer, potential.day))
    came_back = np.flatnonzero(np.isfinite(spans.returned))
    placed = placed.joined(came_back, spans.returned[came_back])
    invited, placed = campaigns.evening(everyone, placed, spans, factors)
    problems = problems.only(
        spans.alive(problems.customer, problems.ordered) & spans.alive(problems.customer, problems.opened)
    )
    addressed = sorted([*addressed, asked, invited], key=lambda one: one.campaign.day)

    order_ids = numbered("O", len(placed))
    lines = orders.make_lines(everyone, placed, orders.make_catalogue(streams))
    returns = orders.make_returns(everyone, lines, spans)
    contracts, thetas = memberships.tables(everyone, spans.left)
    complaints, problem_truth = service.complaint_tables(problems, everyone)
    staff = service.Staff(streams, thinking)
    surveys = opinions.survey_table(everyone, spans, problems.unresolved_weeks(everyone), thinking)
    left = lives.departures(everyone, spans)
    prospects = market.prospect_table(everyone)
    margins = orders.order_margins(everyone)
    referred_by = opinions.make_referrals(everyone, spans, thinking)
    tables = {
        "customers": people.customer_table(everyone, referred_by),
        "transactions": orders.transaction_table(everyone, lines, returns, order_ids),
        "memberships": contracts,
        "interactions": service.contact_table(everyone, placed, order_ids, problems, thinking, spans, staff),
        "complaints": complaints,
        "surveys": opinions.untidy_surveys(streams, surveys, p.dirt),
        "departures": left,
        "campaigns": campaigns.campaign_table(),
        "assignments": campaigns.assignment_table(everyone, placed, addressed),
        "competitors": market.competitor_table(streams, surveys),
        "switching": market.switching_table(everyone, left),
        "capabilities": service.capability_table(streams),
        "opportunities": market.opportunity_table(everyone, spans, prospects),
        "prospects": prospects,
        "employees": service.employee_table(streams, staff, thinking),
        "partners": service.partner_table(streams),
    }
    customer_truth = true_customers(everyone, spans, hazard, factors, margins)
    truth = {
        "customers": customer_truth,
        "stages": lives.true_stages(stages, everyone, spans.left),
        "satisfaction": opinions.true_satisfaction(everyone, thinking, spans),
        "memberships": thetas,
        "problems": problem_truth,
        "uplift": campaigns.true_uplift(everyone, spans, usual, addressed, margins),
        "win_back": campaigns.true_win_back(everyone, spans, asked),
        "channels": true_channels(customer_truth),
        "switching": market.true_switching(),
    }
    return Simulation(seed=seed, tables={name: tables[name] for name in TABLES}, truth=truth, parameters=p)


def truth(folder: Path | str) -> dict[str, pd.DataFrame]:
    """Return the truth about a demo company that was written to `folder`.

    Parameters
    ----------
    folder : Path or str
        The company's folder, such as ``data/demo``.

    Returns
    -------
    dict of str to DataFrame
        By topic: customers, stages, satisfaction, memberships, problems, uplift, win_back, channels, switching.

    Raises
    ------
    CompanyError
        If the folder holds no truth.
    """
    files = sorted((Path(folder) / "truth").glob("*.parquet"))
    if not files:
        raise CompanyError(
            f"folder '{folder}' holds no simulated truth; 'crm demo' writes the demo company with its truth"
        )
    return {file.stem: pd.read_parquet(file) for file in files}


def true_customers(
    everyone: people.People, spans: lives.Lives, hazard: lives.Hazard, factors: Floats, order_margin: Floats
) -> pd.DataFrame:
    """Return what each customer really is, `factors` being those of the purchase rate with campaigns.

    ``lambda`` and ``mu`` are a week; ``nu`` is that of the gamma-gamma model; `exposure_weeks` are the alive weeks
    times the factors, so that repeat orders are Poisson with mean ``lambda * exposure_weeks`` (but for the returning
    orders and the few extra ones of the evening); `cumulative_hazard` is that over the alive weeks.
    """
    weeks, n = spans.weeks(), len(everyone)
    return frame(
        customer_id=everyone.customer_id,
        **{"lambda": everyone.rate},
        mu=everyone.dropout,
        mean_order_value=everyone.order_value,
        nu=everyone.parameters.buying.p / everyone.order_value,
        order_margin=order_margin,
        type=everyone.type,
        main_interest=everyone.profile,
        contributor=everyone.contributor,
        left_alone=everyone.left_alone,
        local_competition=everyone.competition,
        acquisition_channel=everyone.channel,
        acquired_at=dates(everyone.acquired),
        left_at=dates(spans.left),
        cause=spans.cause,
        returned_at=dates(spans.returned),
        left_again_at=dates(spans.left_again),
        cause_again=spans.cause_again,
        alive=spans.alive(np.arange(n), float(DAYS)),
        alive_weeks=weeks.sum(axis=1),
        exposure_weeks=(weeks * factors).sum(axis=1),
        cumulative_hazard=(weeks * hazard.weekly).sum(axis=1),
    )


def true_channels(customers: pd.DataFrame) -> pd.DataFrame:
    """Return the mean cost of each acquisition channel and the true rates of the customers it won."""
    by_channel, channels = customers.groupby("acquisition_channel"), list(people.CHANNELS)
    rates = by_channel[["lambda", "mu", "order_margin"]].mean().reindex(channels).add_prefix("mean_")
    return frame(
        acquisition_channel=channels,
        mean_cost=[row["cost"] for row in people.CHANNELS.values()],
        customers=by_channel.size().reindex(channels, fill_value=0).to_numpy(),
        **{str(name): rates[name].to_numpy() for name in rates},
    )


def fixed_parameters() -> dict[str, Mapping[str, Any]]:
    """Return what is fixed about market and range, by topic: it does not vary from simulation to simulation."""

    def table(names: Any, rows: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        return {key: dict(zip(names, row, strict=False)) for key, row in rows.items()}

    brands = market.ALL_BRANDS
    return {
        "acquisition_channels": people.CHANNELS,
        "regions": table(("share", "low", "medium", "high"), people.REGIONS),
        "customer_groups": people.GROUPS,
        "main_interests": people.PROFILES,
        "tastes": table(orders.CATEGORIES, orders.TASTES),
        "department_margins": orders.MARGINS,
        "order_channels": orders.CHANNELS,
        "discounts": orders.DISCOUNTS,
        "contacts": table(("phase", "an_order"), service.CONTACTS),
        "campaigns": {campaign.campaign_id: campaign.name for campaign in campaigns.CAMPAIGNS},
        "campaigns_by_history": {
            "silent_days": campaigns.SILENT_DAYS,
            "invited_share": campaigns.INVITED_SHARE,
            "compared_share": campaigns.COMPARED_SHARE,
        },
        "survey_answering": opinions.ANSWERING,
        "competitor_ratings": opinions.BRANDS,
        "kano": {feature: dict(shares) for feature, shares in opinions.KANO.items()},
        "benchmarks": table(brands, {measure: row[3] for measure, row in market.MEASURES.items()}),
        "brand_switching": table(brands, dict(zip(brands, market.SWITCHING.tolist(), strict=True))),
        "pipeline": {
            "stages": market.STAGES,
            "advancing": market.ADVANCING,
            "stage_days": market.STAGE_DAYS,
            "sellers": market.SELLERS,
        },
    }


def to_toml(topics: Mapping[str, Any]) -> str:
    """Return numbers, names, and mappings and sequences of them as TOML, a section a topic."""

    def written(value: Any) -> str:
        if isinstance(value, Mapping):
            return "{ " + ", ".join(pairs(value)) + " }"
        return f"[{', '.join(map(written, value))}]" if isinstance(value, (tuple, list)) else repr(value)

    def pairs(values: Mapping[str, Any]) -> list[str]:
        return [f'"{name}" = {written(value)}' for name, value in values.items()]

    return "\n".join(line for topic, values in topics.items() for line in (f"[{topic}]", *pairs(values), ""))


def table_file(name: str) -> str:
    """Return the name of the file that holds a table."""
    return f"{name}.parquet" if name in PARQUET else f"{name}.csv"


def _write_whole(path: Path, content: pd.DataFrame | str) -> None:
    with replaced(path, private=False) as aside:
        if isinstance(content, str):
            aside.write_text(content, encoding="utf-8")
        elif path.suffix == ".parquet":
            content.to_parquet(aside, index=False)
        else:
            content.to_csv(aside, index=False, lineterminator="\n")
