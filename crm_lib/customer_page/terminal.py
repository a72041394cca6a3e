"""The page as a terminal shows it."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table as Grid
from rich.text import Text

from crm_lib import language
from crm_lib.customer_page.page import CustomerPage
from crm_lib.customer_page.section import Section
from crm_lib.exhibit import Table


def print_page(page: CustomerPage, console: Console) -> None:
    """Print a customer's page; texts of the data are shown as they are, never obeyed.

    Parameters
    ----------
    page : CustomerPage
        The page.
    console : Console
        Where to.
    """
    heading = language.text("{customer} · {company} · as of {day}").format(
        customer=page.customer_id, company=page.company_name, day=language.date(page.as_of)
    )
    console.print(_shown(heading, "bold"))
    for section in page.sections:
        console.print()
        console.print(Rule(_shown(language.text(section.title), "bold"), align="left", style="dim"))
        console.print(_content(section))


def _content(section: Section) -> RenderableType:
    parts: list[RenderableType] = []
    if section.left_out:
        words = language.text("Left out: {why}.").format(why=section.left_out)
        return _shown(words, "dim")
    if section.facts:
        grid = Grid.grid(padding=(0, 2))
        for label, written in section.facts:
            grid.add_row(_shown(label, "dim"), _shown(written))
        parts.append(grid)
    parts += [_table(table) for table in section.tables]
    if section.note:
        parts.append(_shown(section.note, "dim"))
    return Group(*parts)


def _table(table: Table) -> RenderableType:
    columns = table.columns
    kinds = table.to_dict()["kinds"]
    grid = Grid(box=None, padding=(0, 2, 0, 0), title=_shown(language.text(table.title), "bold"), title_justify="left")
    for name, kind in zip(columns, kinds, strict=True):
        grid.add_column(_shown(table.label(str(name)), "dim"), justify="left" if kind == "text" else "right")
    for row in columns.head(table.rows_shown).astype(object).itertuples(index=False):
        cells = (_shown(table.write(str(name), value)) for name, value in zip(columns, row, strict=True))
        grid.add_row(*cells)
    notes = [_shown(language.text(table.note), "dim")] if table.note else []
    return Padding(Group(grid, *notes), (1, 0, 0, 0))


def _shown(words: str, style: str = "") -> Text:
    """Return words with nothing in them that a terminal would obey: no markup, no control characters."""
    return Text("".join(letter if letter.isprintable() else " " for letter in words), style=style)
