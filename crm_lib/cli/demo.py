"""``crm demo``: simulate a company."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crm_lib import language
from crm_lib.cli.console import out
from crm_lib.cli.project import project_folder
from crm_lib.language import text


def demo(
    seed: Annotated[
        int, typer.Option(min=0, help=text("Start of the random numbers: the same seed, the same company."))
    ] = 20260101,
    customers: Annotated[int, typer.Option(min=1, help=text("How many customers."))] = 8000,
    to: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help=text("Where the tables go; default: data/demo of the project.")),
    ] = None,
) -> None:
    """Simulate the demo company.

    A book shop with a paid membership, three years, all tables; the truth behind its numbers is written beside them.
    """
    from crm_lib.demo import simulate

    folder = to or project_folder() / "data" / "demo"
    try:
        simulation = simulate(seed=seed, customers=customers)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    simulation.write(folder)
    for name, frame in simulation.tables.items():
        out.print(f"  {name:<16}{language.number(len(frame), 0):>10}", markup=False)
    out.print(text("Written to {folder}.").format(folder=folder), markup=False)
