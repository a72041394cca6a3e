"""``crm freeze``: keep the definition of the segments."""

from __future__ import annotations

from typing import Annotated

import typer

from crm_lib.cli.arguments import AsOf, CompanyName
from crm_lib.cli.console import out
from crm_lib.errors import CrmError
from crm_lib.language import text


def freeze(
    company: CompanyName,
    as_of: AsOf = None,
    again: Annotated[
        bool,
        typer.Option(
            "--again", help=text("Estimate the cut points of a segments.toml anew; the old file is kept as .bak.")
        ),
    ] = False,
) -> None:
    """Freeze a company's segments.

    Writes segments.toml beside company.toml: who is scored, the cut points as of today, and the rules of the segments.
    Reports, scores and lists keep to it from then on, so that customers move and segments do not. Change it by hand as
    you like; whether its rules take every customer exactly once is checked whenever it is read.
    """
    from crm_lib import segments
    from crm_lib.company import Company

    opened = Company.open(company, as_of)
    file = opened.folder / segments.DEFINITIONS_FILE
    if file.exists() and not again:
        raise CrmError(
            f"{file} is there already; --again estimates its cut points anew and keeps its rules, but not its comments "
            "(the old file stays as .bak)"
        )
    found = segments.estimated(segments.definitions_of(opened, anew=True), opened)
    aside = file.with_suffix(".toml.new")
    aside.write_text(found.to_toml(), encoding="utf-8")
    if file.exists():
        file.replace(file.with_suffix(".toml.bak"))
    aside.replace(file)
    out.print(text("Written to {folder}.").format(folder=file), markup=False)
