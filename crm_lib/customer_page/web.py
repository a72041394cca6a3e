"""The page as one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from crm_lib import language
from crm_lib.customer_page.page import CustomerPage
from crm_lib.errors import CrmError
from crm_lib.exhibit import Table
from crm_lib.figures import Chart


def page_html(page: CustomerPage) -> str:
    """Return the page as HTML; every value is escaped, and nothing is loaded from elsewhere.

    Parameters
    ----------
    page : CustomerPage
        The page.
    """
    template = _environment().get_template("page.html")
    return template.render(page=page, lang=language.language())


def check_html(target: Path) -> None:
    """Raise an error unless a page can be written there, before anything is computed.

    Parameters
    ----------
    target : Path
        A file ending in ``.html``.

    Raises
    ------
    CrmError
        If it ends otherwise or its folder does not exist.
    """
    if target.suffix.lower() not in {".html", ".htm"}:
        raise CrmError(f"the page goes to a file that ends in .html, not to {str(target)!r}")
    if not target.parent.is_dir():
        raise CrmError(f"there is no folder {str(target.parent)!r} to write {target.name!r} into")


def write_html(page: CustomerPage, target: Path) -> None:
    """Write the page whole, readable by its owner alone: it is about a person.

    Parameters
    ----------
    page : CustomerPage
        The page.
    target : Path
        A file ending in ``.html``; what was there before is replaced.
    """
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
    functions: dict[str, Callable[..., str]] = {"_": language.text}
    environment.globals.update(functions)
    environment.filters.update({"date": language.date, "picture": _picture, "rows": _rows})
    return environment


def _picture(chart: Chart) -> str:
    """Return the drawing as an address: within an image no drawing can do anything but be seen."""
    return "data:image/svg+xml;base64," + base64.b64encode(chart.to_svg().encode()).decode()


def _rows(table: Table) -> Markup:
    return Markup(table.to_html())  # noqa: S704 - the table has escaped every value
