"""``crm dictionary``: every table and column that a company may bring."""

from __future__ import annotations

from typing import Annotated

import typer

from crm_lib.cli.console import out
from crm_lib.cli.project import project_folder
from crm_lib.language import text


def dictionary(
    write: Annotated[
        bool, typer.Option("--write", help=text("Write it to data/README.md instead of showing it."))
    ] = False,
) -> None:
    """Show the data dictionary.

    Every table and column that a company may bring, and how its company.toml is written.
    """
    from crm_lib.company.dictionary import dictionary as written
    from crm_lib.company.dictionary import write_dictionary

    if write:
        path = write_dictionary(project_folder() / "data")
        out.print(text("Written to {folder}.").format(folder=path), markup=False)
    else:
        print(written())  # noqa: T201 - as it is, for a pipe
