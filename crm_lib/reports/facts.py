"""What every page of a run says of the run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from crm_lib import language


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """Which run this is.

    Parameters
    ----------
    run_id : str
        Name of the run.
    company_key : str
        Folder name of the company.
    company_name : str
        Name that readers see.
    as_of : date
        The day the numbers are of.
    started : datetime
        When the run began, UTC.
    """

    run_id: str
    company_key: str
    company_name: str
    as_of: dt.date
    started: dt.datetime


def render(template: str, **context: Any) -> str:
    """Fill a template of this package; every value that is not marked as HTML is escaped.

    Parameters
    ----------
    template : str
        File name under ``templates/``.
    **context : object
        What the template shows.
    """
    return _environment().get_template(template).render(lang=language.language(), **context)


def trusted(html: str) -> Markup:
    """Mark HTML that was made here, of escaped parts, so that it is not escaped again."""
    return Markup(html)  # noqa: S704 - callers pass what they built of escaped parts


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("crm_lib.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    functions: dict[str, Callable[..., str]] = {"_": language.text, "plural": language.plural}
    environment.globals.update(functions)
    environment.filters.update({"date": language.date, "number": language.number, "money": language.money})
    return environment
