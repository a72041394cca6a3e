"""``crm report``: run the notebooks and publish what they tell."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from crm_lib.cli.arguments import AsOf, CompanyName
from crm_lib.cli.console import err, out
from crm_lib.cli.progress import Bars
from crm_lib.language import text


class Edition(StrEnum):
    """Which notebooks belong to a report."""

    ROUTINE = "routine"
    ANNUAL = "annual"
    ALL = "all"


def report(
    company: CompanyName,
    notebook: Annotated[
        list[str] | None,
        typer.Option(
            "--notebook", "-n", metavar="NOTEBOOK", help=text("Number or name of a notebook; may be repeated.")
        ),
    ] = None,
    edition: Annotated[Edition, typer.Option(help=text("Which notebooks, where none is named."))] = Edition.ALL,
    as_of: AsOf = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("-p", metavar="NAME=VALUE", help=text("Set a parameter (see: crm notebooks); may be repeated.")),
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help=text("Notebooks at a time; default: 2."))] = None,
    reports: Annotated[
        Path | None,
        typer.Option("--reports", metavar="FOLDER", help=text("Where reports go; default: reports/ of the project.")),
    ] = None,
    keep: Annotated[
        int | None, typer.Option(min=1, help=text("Keep only so many runs of the company; default: all."))
    ] = None,
) -> None:
    """Publish a company's report.

    Runs the notebooks, several at a time, and publishes the report whole under reports/COMPANY/; the last good one is
    always at reports/COMPANY/latest/. Exits with 1 if a notebook failed: the others are published all the same.
    """
    from crm_lib.reports.run import run_report

    with Bars() as bars:
        run = run_report(
            company,
            notebooks=notebook or (),
            edition=edition.value,
            as_of=as_of,
            parameters=parameter or (),
            jobs=jobs,
            reports=reports,
            keep=keep,
            progress=bars.move,
        )
    for outcome in run.outcomes:
        line = f"{outcome.notebook.key}: {text(outcome.status)}"
        if outcome.status == "skipped":
            line += f" – {outcome.why}"
        if outcome.failure:
            err.print(f"{line} – {outcome.failure}", markup=False, style="red")
        else:
            out.print(line, markup=False)
    out.print(str(run.folder / "index.html"), markup=False)
    if not run.good:
        raise typer.Exit(1)
