"""The page of one customer, part by part; as a terminal shows it, and as one HTML file that needs nothing else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table as Grid
from rich.text import Text

from crm_lib import language
from crm_lib.company import Company
from crm_lib.customer_page import sections
from crm_lib.customer_page.actions import actions
from crm_lib.customer_page.customer import Customer
from crm_lib.customer_page.sections import Section
from crm_lib.errors import CrmError, MissingData
from crm_lib.exhibit import Table
from crm_lib.language import say, text
from crm_lib.writing import replaced

SECTIONS: tuple[tuple[str, str, Callable[[Customer], Section]], ...] = (
    ("actions", "What to do next", actions),
    ("identity", "Who this is", sections.identity),
    ("worth", "What the customer is worth", sections.worth),
    ("scores", "Segment", sections.scores),
    ("purchases", "What was bought", sections.purchases),
    ("complaints", "Complaints", sections.complaints),
    ("contacts", "Contacts", sections.contacts),
    ("memberships", "Membership", sections.memberships),
    ("campaigns", "Campaigns", sections.campaigns),
    ("answers", "What the customer told us", sections.answers),
    ("referrals", "Recommendations", sections.referrals),
)
"""Key, title and maker of each part, in the order of the page; a maker raises MissingData where there is nothing."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CustomerPage:
    """All that is known of one customer; parts that could not be made say why."""

    customer_id: str
    company_name: str
    as_of: dt.date
    sections: tuple[Section, ...]

    def section(self, key: str) -> Section:
        """Return the part of the page with a short name."""
        return next(each for each in self.sections if each.key == key)


def customer_page(company: Company, customer_id: str, scores: Callable[[], pd.DataFrame]) -> CustomerPage:
    """Gather all that the company knows of one customer by ``as_of``, and what follows from it.

    `scores` returns the scores of all customers, as :func:`crm_lib.scoring.kept.kept_scores`; it is asked once the
    customer is known. What the company has no data for is left out with the reason.
    """
    customer = Customer(company=company, customer_id=customer_id)
    customer.check_known()
    try:
        customer = replace(customer, scores=scores())
    except MissingData as missing:
        customer = replace(customer, scores=missing)
    return CustomerPage(
        customer_id=customer_id,
        company_name=company.name,
        as_of=company.as_of,
        sections=tuple(_made(*each, customer) for each in SECTIONS),
    )


def _made(key: str, title: str, maker: Callable[[Customer], Section], customer: Customer) -> Section:
    try:
        return replace(maker(customer), key=key, title=title)
    except MissingData as missing:
        return Section(key=key, title=title, left_out=str(missing))


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
    environment = Environment(
        loader=PackageLoader("crm_lib.customer_page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["date"] = language.date
    return environment.get_template("page.html").render(page=page, lang=language.language(), _=text)


def check_html(target: Path) -> None:
    """Raise an error unless a page can be written there, before anything is computed."""
    if target.suffix.lower() not in {".html", ".htm"}:
        raise CrmError(f"the page goes to a file that ends in .html, not to {str(target)!r}")
    if not target.parent.is_dir():
        raise CrmError(f"there is no folder {str(target.parent)!r} to write {target.name!r} into")


def write_html(page: CustomerPage, target: Path) -> None:
    """Write the page whole, in place of what was there, readable by its owner alone: it is about a person."""
    check_html(target)
    with replaced(target) as aside:
        aside.write_text(page_html(page), encoding="utf-8")
