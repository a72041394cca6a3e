"""Sums of money that are the same on every run."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir


def exact_sum(column: ir.NumericValue, where: ir.BooleanValue | None = None) -> ir.FloatingValue:
    """Return the sum of a column that is the same on every run.

    An engine adds in parallel, and the sum of floating-point numbers depends on the order in its last digits. Decimal
    numbers do not: a report made twice shows the same amounts, and parts add up to their whole.
    """
    total = column.cast("decimal(38, 6)").sum(where=where)
    return ibis.coalesce(total.cast("float64"), ibis.literal(0.0))
