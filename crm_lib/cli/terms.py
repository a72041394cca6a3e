"""What the commands share: where they write, and the options that several have."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from crm_lib.language import say, text

out = Console(highlight=False, soft_wrap=True, markup=False)
err = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)


def option(words: str, *names: str, **more: Any) -> Any:
    """Return an option of the command line with its help."""
    return typer.Option(*names, help=text(words), **more)


def _seen(day: str | None) -> str | None:
    """Refuse a day of which nobody can know; what is no day is refused where the company is opened."""
    with suppress(ValueError):
        if day and dt.date.fromisoformat(day) > dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1):
            raise typer.BadParameter(text("the day must not lie in the future"))
    return day


CompanyName = Annotated[
    str, typer.Argument(metavar="COMPANY", help=text("Name of a folder under data/, or a folder with a company.toml."))
]
AsOf = Annotated[
    str | None,
    option("Look at nothing later than this day (2026-06-30); default: as data say.", metavar="DATE", callback=_seen),
]


def told_written(place: Path) -> None:
    """Tell where something was written."""
    out.print(say("Written to {place}.", place=place))
