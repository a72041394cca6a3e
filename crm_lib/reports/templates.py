"""Filling the templates; a finding with its interval drawn against the claim."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from crm_lib import language
from crm_lib.estimate import Estimate
from crm_lib.language import say

Fields = Mapping[str, Any]
_ROOM = 0.12
"""Share of the strip that is left free on either side."""


def render(template: str, **context: Any) -> str:
    """Fill a template of this package; every value that is not marked as HTML is escaped."""
    return _environment().get_template(template).render(lang=language.language(), **context)


def trusted(html: str) -> Markup:
    """Mark HTML that was made here, of escaped parts, so that it is not escaped again."""
    return Markup(html)  # noqa: S704 - callers pass what they built of escaped parts


@cache
def script(name: str) -> dict[str, Markup]:
    """Return a page's own script, and the policy by which the page runs no other."""
    written = render(name)
    digest = base64.b64encode(hashlib.sha256(written.encode()).digest()).decode()
    return {"script": trusted(written), "policy": trusted(f"script-src 'sha256-{digest}'; ")}


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("crm_lib.reports"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.globals.update({"_": language.text, "plural": language.plural})
    environment.filters.update({"date": language.date, "number": language.number, "money": language.money})
    return environment


def marked(sentence: str, number: str) -> Markup:
    """Return a sentence, escaped, in which the number with its interval is bold."""
    before, found, after = sentence.partition(number if "[" in number else "\0")
    return Markup("{}<b>{}</b>{}").format(before, found, after) if found else Markup.escape(sentence)


def card(fields: Fields) -> dict[str, Any]:
    """Return a finding with ``shape`` (its verdict as a CSS class) and ``strip``, which shows its interval."""
    return {**fields, "shape": str(fields["verdict"]).replace(" ", "-"), "strip": strip(fields)}


def strip(fields: Fields) -> dict[str, Any] | None:
    """Return the places, in per cent from the left, of the estimate, its interval and the range of the claim.

    None where there is no number to show. `fields` are those of :meth:`crm_lib.finding.Finding.to_dict`.
    """
    estimate, criterion = fields["estimate"], fields["criterion"]
    value = estimate["value"]
    known = [each for each in (value, estimate["low"], estimate["high"], *criterion.values()) if each is not None]
    if value is None or max(known) <= min(known):
        return None
    room = (max(known) - min(known)) * _ROOM
    left, right = min(known) - room, max(known) + room

    def place(number: float | None, otherwise: float) -> float:
        return otherwise if number is None else round(100 * (number - left) / (right - left), 2)

    low, claim_low = place(estimate["low"], 0), place(criterion["low"], 0)
    return {
        "value": place(value, 0),
        "low": low,
        "width": round(place(estimate["high"], 100) - low, 2),
        "claim_low": claim_low,
        "claim_width": round(place(criterion["high"], 100) - claim_low, 2),
        "claim": _range(criterion, estimate["unit"]),
        "estimate": estimate["text"],
    }


def _range(criterion: Fields, unit: str) -> str:
    ends: dict[str, Any] = {name: end for name, end in criterion.items() if end is not None}
    if unit == "share":
        ends = {name: language.share(end, len(f"{100 * end:.4g}".partition(".")[2])) for name, end in ends.items()}
    else:
        ends = {name: Estimate.exact(end, n=1, unit=unit) for name, end in ends.items()}
    if "low" not in ends:
        return say("up to {high}", **ends)
    return say("from {low} to {high}", **ends) if "high" in ends else say("from {low} up", **ends)
