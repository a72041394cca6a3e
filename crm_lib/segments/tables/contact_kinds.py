"""Kinds of contacts: what makes a contact a review."""

from __future__ import annotations

from collections.abc import Sequence

import ibis.expr.types as ir

REVIEWS = ("review",)
"""Values of ``interactions.kind`` that are reviews."""


def of_kind(contacts: ir.Table, kinds: Sequence[str]) -> ir.BooleanValue:
    """Return which contacts are of certain kinds; capitals do not matter, and a contact of no kind is of none.

    Parameters
    ----------
    contacts : ibis.Table
        The company's interactions.
    kinds : sequence of str
        Values of ``interactions.kind``.
    """
    return contacts.kind.lower().isin([kind.lower() for kind in kinds]).fill_null(False)


def is_review(contacts: ir.Table) -> ir.BooleanValue:
    """Return which contacts are reviews.

    Parameters
    ----------
    contacts : ibis.Table
        The company's interactions.
    """
    return of_kind(contacts, REVIEWS)
