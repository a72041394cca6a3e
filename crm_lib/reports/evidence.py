"""A finding as a template shows it, with its interval drawn against the claim."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crm_lib import language
from crm_lib.estimate import Estimate

Fields = Mapping[str, Any]
_ROOM = 0.12
"""Share of the strip that is left free on either side."""


def card(fields: Fields) -> dict[str, Any]:
    """Return the fields of a finding with the strip that shows its interval.

    Parameters
    ----------
    fields : mapping
        As :meth:`crm_lib.finding.Finding.to_dict` wrote them.

    Returns
    -------
    dict
        The fields, ``shape`` (the verdict as a CSS class) and ``strip``, see :func:`strip`.
    """
    return {**fields, "shape": str(fields["verdict"]).replace(" ", "-"), "strip": strip(fields)}


def strip(fields: Fields) -> dict[str, Any] | None:
    """Return the places, in per cent from the left, of the estimate, its interval and the range of the claim.

    Parameters
    ----------
    fields : mapping
        As :meth:`crm_lib.finding.Finding.to_dict` wrote them.

    Returns
    -------
    dict or None
        ``value``, ``low``, ``width`` of the interval, ``claim_low``, ``claim_width``, the written ends of the claim and
        a description for who cannot see it; None where there is no number to show.
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

    low, high = place(estimate["low"], 0), place(estimate["high"], 100)
    claim_low, claim_high = place(criterion["low"], 0), place(criterion["high"], 100)
    return {
        "value": place(value, 0),
        "low": low,
        "width": round(high - low, 2),
        "claim_low": claim_low,
        "claim_width": round(claim_high - claim_low, 2),
        "claim": _range(criterion, estimate["unit"]),
        "estimate": estimate["text"],
    }


def _range(criterion: Fields, unit: str) -> str:
    low, high = (
        None if end is None else str(Estimate.exact(end, n=1, unit=unit))
        for end in (criterion["low"], criterion["high"])
    )
    if low is None:
        return language.text("up to {high}").format(high=high)
    if high is None:
        return language.text("from {low} up").format(low=low)
    return language.text("from {low} to {high}").format(low=low, high=high)
