"""``crm targets``: lists of customers to contact."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crm_lib import language
from crm_lib.cli.arguments import AsOf, CompanyName
from crm_lib.cli.console import err, out
from crm_lib.cli.project import project_folder
from crm_lib.language import text


def targets(
    company: CompanyName,
    to: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help=text("Where the lists go; default: reports/COMPANY/targets.")),
    ] = None,
    as_of: AsOf = None,
    window_days: Annotated[
        int, typer.Option(min=1, max=3660, help=text("Days over which customers are scored, without a segments.toml."))
    ] = 365,
    levels: Annotated[int, typer.Option(min=3, max=5, help=text("Number of RFM scores, likewise."))] = 5,
    dissatisfied_below: Annotated[
        float, typer.Option(min=1, max=10, help=text("Answers with a satisfaction below this are dissatisfied."))
    ] = 6.0,
    contact_cost: Annotated[
        float, typer.Option(min=0, help=text("Cost of a personal contact, in the company's currency."))
    ] = 3.5,
    saved_share: Annotated[
        float, typer.Option(min=0.001, max=1, help=text("Part of those about to leave whom such a contact keeps."))
    ] = 0.1,
    risk_days: Annotated[
        int, typer.Option(min=1, max=3660, help=text("Days ahead over which the risk of falling silent is told."))
    ] = 91,
    false_alarm: Annotated[
        float,
        typer.Option(
            min=0.001, max=0.999, help=text("Share of customers not in decline who may be warned of in a quarter.")
        ),
    ] = 0.05,
) -> None:
    """Write lists of customers to contact.

    One file for each purpose, and a workbook of all: customer's id, segment, tier, value at stake, reason, whether this
    is the customer's most urgent list, and the others that the customer is on; the largest value first. Who did not
    agree to be contacted is in files of their own.
    """
    from crm_lib.company import Company
    from crm_lib.scoring import company_lists, write_lists
    from crm_lib.segments import definitions_of, segment_customers

    opened = Company.open(company, as_of)
    lists = company_lists(
        opened,
        segmented=segment_customers(opened, definitions_of(opened, window_days=window_days, levels=levels)),
        dissatisfied_below=dissatisfied_below,
        contact_cost=contact_cost,
        saved_share=saved_share,
        risk_days=risk_days,
        false_alarm=false_alarm,
    )
    folder = to or project_folder() / "reports" / opened.key / "targets"
    write_lists(lists, folder)
    for each in lists.lists:
        words = text("{title}: {count} to contact, {withheld} without permission")
        count, withheld = (language.number(len(part), 0) for part in (each.frame, each.withheld))
        out.print(f"  {words.format(title=text(each.title), count=count, withheld=withheld)}", markup=False)
    whole = {str(name): language.number(count, 0) for name, count in lists.overview().iloc[-1].items()}
    words = text("In all {may_contact} customers to contact, {withheld} without permission; {several} on several lists")
    out.print(f"  {words.format(**whole)}", markup=False)
    for name, why in lists.left_out.items():
        line = text("Left out: {what}. Why: {why}.").format(what=name, why=why)
        out.print(f"  {line}", markup=False)
    if not lists.permission_known:
        words = text("The company does not record who agreed to be contacted: make sure before anybody is.")
        err.print(f"{text('Warning:')} {words}", markup=False, style="yellow")
    out.print(text("Written to {folder}.").format(folder=folder), markup=False)
