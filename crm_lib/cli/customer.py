"""``crm customer``: all that is known of one customer."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated

import typer

from crm_lib.cli.arguments import AnnualRate, AsOf, CompanyName
from crm_lib.cli.console import out, print_warnings
from crm_lib.cli.purchase_model import PurchaseModel, PurchaseModelName, model_named
from crm_lib.language import text


def customer(
    company: CompanyName,
    customer_id: Annotated[
        str,
        typer.Argument(metavar="ID", help=text("Number of the customer; after -- if it begins with a dash.")),
    ],
    as_of: AsOf = None,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=text("Write a page (.html) in place of printing; only you can read it.")),
    ] = None,
    model: PurchaseModel = PurchaseModelName.PARETO_NBD,
    annual_rate: AnnualRate = 0.1,
) -> None:
    """Show all that is known of one customer.

    Prints what to do next and why, value and the chance of being a customer still, history, complaints, contacts,
    memberships, campaigns, answers and recommendations. The page holds personal data.
    """
    from crm_lib.company import Company
    from crm_lib.customer_page import check_html, customer_page, print_page, write_html

    if html is not None:
        check_html(html)
    opened = Company.open(company, as_of)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        page = customer_page(
            opened, customer_id, model=model_named(model), annual_rate=annual_rate, with_charts=html is not None
        )
    print_warnings(told)
    if html is None:
        print_page(page, out)
    else:
        write_html(page, html)
        out.print(text("Written to {folder}.").format(folder=html), markup=False)
