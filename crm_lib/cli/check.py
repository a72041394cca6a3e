"""``crm check``: what a company's tables are like, and what can be done with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crm_lib.cli.arguments import AsOf, CompanyName
from crm_lib.cli.console import err, out, print_lines
from crm_lib.cli.project import project_folder
from crm_lib.errors import CompanyError
from crm_lib.language import text

if TYPE_CHECKING:
    from crm_lib.company import CheckReport, Company


def check(
    company: CompanyName,
    as_of: AsOf = None,
    rejected: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help=text("Where rejected rows go; default: reports/COMPANY/rejected.")),
    ] = None,
) -> None:
    """Check a company's tables.

    Tells what is there, what was rejected and why, with the first offending rows, and what each notebook can do with
    it. Rejected rows are written aside. Exits with 2 if the company cannot be analysed.
    """
    from crm_lib.company import Company, check_company

    try:
        opened = Company.open(company, as_of)
    except CompanyError:
        # Where the tables are at fault, the report tells more than the error; where the settings are, this fails too.
        report = check_company(company, as_of)
        print_lines(report.lines())
        if not report.fatal:
            raise
        _write_rejected(report, rejected)
        for fault in report.fatal:
            err.print(f"{text('Fatal')}: {fault.table}: {fault.message}", markup=False, style="red")
        raise typer.Exit(2) from None
    print_lines(opened.check.lines())
    _write_rejected(opened.check, rejected)
    _print_readiness(opened)


def _write_rejected(report: CheckReport, folder: Path | None) -> None:
    """Write rejected rows aside; files of an earlier check, mended since, go."""
    from crm_lib.company import write_rejected

    folder = folder or project_folder() / "reports" / report.key / "rejected"
    if write_rejected(report, folder):
        out.print("\n" + text("Rejected rows were written to {folder}.").format(folder=folder), markup=False)


def _print_readiness(company: Company) -> None:
    from crm_lib.reports.notebooks import NotebookError, all_notebooks, find_folder

    try:
        folder = find_folder()
    except NotebookError:
        return  # tables can be checked where no notebooks are
    out.print("\n" + text("What the notebooks can do with it:"), markup=False)
    for each in all_notebooks(folder):
        missing, unused = each.missing(company), each.unused(company)
        if missing:
            state = text("not possible: lacks {missing}").format(missing=", ".join(missing))
        elif unused:
            state = text("partly: lacks {missing}").format(missing=", ".join(unused))
        else:
            state = text("ready")
        out.print(f"  {each.key}: {state}", markup=False)
