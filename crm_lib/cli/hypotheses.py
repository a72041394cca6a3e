"""The command ``crm hypotheses``: a company's register, listed, added to and tested."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from crm_lib.cli.terms import AsOf, CompanyName, option, out, told_written
from crm_lib.errors import CrmError
from crm_lib.language import say, text

if TYPE_CHECKING:
    from crm_lib.reports.run import Run


def hypotheses(
    company: CompanyName,
    as_of: AsOf = None,
    listed: Annotated[bool, option("List the register and the measures; test nothing.", "--list")] = False,
    claim: Annotated[str | None, option("Add this claim, instead of testing.", metavar="SENTENCE")] = None,
    about: Annotated[
        Literal["customers", "competitors", "company"], option("Which of the three Cs the claim is about.")
    ] = "customers",
    measure: Annotated[str | None, option("The measure that decides; --list names them.", metavar="NAME")] = None,
    at_least: Annotated[float | None, option("The claim holds from this value on.")] = None,
    at_most: Annotated[float | None, option("The claim holds up to this value.")] = None,
    owner: Annotated[str | None, option("Who answers for the claim.", metavar="NAME")] = None,
) -> None:
    """Test what the company believes of its customers, its competitors and itself.

    The textbook's claims and those of hypotheses.toml, beside company.toml, are tested with all of them in mind. What
    was found is kept in hypotheses.csv beside it, so that the next run tells which of them still hold.
    """
    from crm_lib.company import Company
    from crm_lib.environment import add_hypothesis, keep_results, register, register_lines

    further = {"measure": measure, "at_least": at_least, "at_most": at_most, "owner": owner}
    if claim is None and (given := [name for name, value in further.items() if value is not None]):
        raise typer.BadParameter(say("--{name} belongs to a claim: add --claim", name=given[0].replace("_", "-")))
    if claim is not None and measure is None:
        raise typer.BadParameter(text("a claim needs the measure that decides it: add --measure; --list names them"))
    opened = Company.open(company, as_of)
    if claim is not None:
        told_written(add_hypothesis(opened, claim=claim, c=about, **further))
        return
    found = None if listed else register(opened)
    for line in found.lines() if found else register_lines(opened):
        out.print(line)
    if found:
        told_written(keep_results(found.results, opened.folder))


def keep_published(company: str, run: Run) -> str:
    """Keep what a published report says of the register, as `crm hypotheses` does; return what stopped it."""
    from crm_lib.company.names import find_company

    for outcome in run.outcomes:
        # By name, as `environment.PUBLISHED` takes a second to import; what is taken over was kept when it was made.
        found = [table["rows"] for table in outcome.shown.tables if table["name"] == "register-results"]
        if not found or (outcome.ran and (find_company(company) / "hypotheses.csv").is_file()):
            continue
        try:
            from crm_lib.environment import keep_results

            told_written(keep_results(found[0], find_company(company)))
        except CrmError as error:  # the report is published all the same
            return say("the results of the register are not kept: {error}", error=error)
    return ""
