"""Arguments and options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from crm_lib.language import text

CompanyName = Annotated[
    str, typer.Argument(metavar="COMPANY", help=text("Name of a folder under data/, or a folder with a company.toml."))
]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="DATE",
        help=text("Look at nothing later than this day (2026-06-30); default: as the data say."),
    ),
]
AnnualRate = Annotated[
    float, typer.Option(min=0.001, max=2.0, help=text("Interest of a year, by which later money counts less."))
]
