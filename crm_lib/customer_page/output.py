"""The page as a terminal shows it, and as one HTML file that needs nothing else."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table as Grid
from rich.text import Text

from crm_lib import language
from crm_lib.customer_page.page import CustomerPage
from crm_lib.customer_page.sections import Section
from crm_lib.errors import CrmError
from crm_lib.exhibit import Table
from crm_lib.language import say, text


def print_page(page: CustomerPage, console: Console) -> None:
    """Print a customer's page; texts of the data are shown as they are, never obeyed."""
    words = {"customer": page.customer_id, "company": page.company_name, "day": page.as_of}
    console.print(_shown(say("{customer} · {company} · as of {day:date}", **words), "bold"))
    for section in page.sections:
        console.print()
        console.print(Rule(_shown(text(section.title), "bold"), align="left", style="dim"))
        console.print(_content(section))


def _content(section: Section) -> RenderableType:
    if section.left_out:
        return _shown(say("Left out: {why}.", why=section.left_out), "dim")
    facts = Grid.grid(padding=(0, 2))
    for label, written in section.facts:
        facts.add_row(_shown(label, "dim"), _shown(written))
    notes = [_shown(section.note, "dim")] if section.note else []
    return Group(*([facts] if section.facts else []), *map(_grid, section.tables), *notes)


def _grid(table: Table) -> RenderableType:
    columns, kinds = table.columns, table.to_dict()["kinds"]
    grid = Grid(box=None, padding=(0, 2, 0, 0), title=_shown(text(table.title), "bold"), title_justify="left")
    for name, kind in zip(columns, kinds, strict=True):
        grid.add_column(_shown(table.label(str(name)), "dim"), justify="left" if kind == "text" else "right")
    for row in columns.head(table.rows_shown).astype(object).itertuples(index=False):
        grid.add_row(*(_shown(table.write(str(name), value)) for name, value in zip(columns, row, strict=True)))
    notes = [_shown(text(table.note), "dim")] if table.note else []
    return Padding(Group(grid, *notes), (1, 0, 0, 0))


def _shown(words: str, style: str = "") -> Text:
    """Return words with nothing in them that a terminal would obey: no markup, no control characters."""
    return Text("".join(letter if letter.isprintable() else " " for letter in words), style=style)


def page_html(page: CustomerPage) -> str:
    """Return the page as HTML; every value is escaped, and nothing is loaded from elsewhere."""
    return _environment().get_template("page.html").render(page=page, lang=language.language())


def check_html(target: Path) -> None:
    """Raise an error unless a page can be written there, before anything is computed."""
    if target.suffix.lower() not in {".html", ".htm"}:
        raise CrmError(f"the page goes to a file that ends in .html, not to {str(target)!r}")
    if not target.parent.is_dir():
        raise CrmError(f"there is no folder {str(target.parent)!r} to write {target.name!r} into")


def write_html(page: CustomerPage, target: Path) -> None:
    """Write the page whole, in place of what was there, readable by its owner alone: it is about a person."""
    check_html(target)
    written = page_html(page)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    aside = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(written)
        aside.replace(target)
    finally:
        aside.unlink(missing_ok=True)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("crm_lib.customer_page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["_"] = text
    environment.filters.update({"date": language.date, "rows": _rows})
    return environment


def _rows(table: Table) -> Markup:
    return Markup(table.to_html())  # noqa: S704 - the table has escaped every value
