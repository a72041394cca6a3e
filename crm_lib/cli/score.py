"""``crm score``: one row a customer, for other systems."""

from __future__ import annotations

import warnings
from typing import Annotated

import typer

from crm_lib import language
from crm_lib.cli.arguments import AnnualRate, AsOf, CompanyName
from crm_lib.cli.console import out, print_warnings
from crm_lib.cli.project import project_folder
from crm_lib.cli.purchase_model import PurchaseModel, PurchaseModelName, model_named
from crm_lib.language import text


def score(
    company: CompanyName,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="TARGET",
            help=text(
                "A file (.parquet, .csv, or .duckdb for a table in it) or a database's URL; "
                "default: reports/COMPANY/scores.parquet."
            ),
        ),
    ] = None,
    as_of: AsOf = None,
    model: PurchaseModel = PurchaseModelName.PARETO_NBD,
    annual_rate: AnnualRate = 0.1,
    horizon_days: Annotated[
        int, typer.Option(min=1, max=3660, help=text("Days over which purchases are expected."))
    ] = 365,
    level: Annotated[float, typer.Option(min=0.5, max=0.99, help=text("Coverage of the intervals."))] = 0.9,
    seed: Annotated[
        int, typer.Option(min=0, help=text("Start of the random numbers behind the intervals."))
    ] = 20260101,
    table: Annotated[
        str, typer.Option(metavar="NAME", help=text("Name of the table in a database."))
    ] = "customer_scores",
    password_env: Annotated[
        str, typer.Option(metavar="VARIABLE", help=text("Environment variable with the database's password."))
    ] = "",
) -> None:
    """Score a company's customers.

    Writes one row a customer: value with interval, probability of being a customer still, expected purchases, RFM
    scores and segment, and in what money, at what rate and over what time they are counted. What was there before is
    replaced whole.
    """
    from crm_lib import clv
    from crm_lib.company import Company
    from crm_lib.scoring import check_target, customer_scores, write_scores

    if to is not None:
        check_target(to, table)
    opened = Company.open(company, as_of)
    if to is None:
        folder = project_folder() / "reports" / opened.key
        folder.mkdir(parents=True, exist_ok=True)
        to = str(folder / "scores.parquet")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        value = clv.customer_value(
            opened,
            model=model_named(model),
            annual_rate=annual_rate,
            horizon_days=horizon_days,
            level=level,
            seed=seed,
        )
        scores = customer_scores(opened, value)
    print_warnings(told)
    write_scores(scores, to, table=table, password_env=password_env)
    message = text("{customers} customers, together worth {value}; written to {target}.")
    count, total = language.number(len(scores), 0), value.totals["current"]
    out.print(message.format(customers=count, value=total, target=to), markup=False)
    out.print(value.convention, markup=False)
