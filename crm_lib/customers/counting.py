"""Counting the different values of a column by bits, which sums join: less work than telling texts apart."""

from __future__ import annotations

from typing import Any

import ibis

_MOST = 62
"""Bits that one signed 64-bit number holds, its sign left alone."""


def with_bits(rows: ibis.Table, column: str, bits: str) -> ibis.Table:
    """Return rows with a column more: a bit for each value of a column; the rows as they are where bits do not do."""
    values = rows.select(column).distinct().drop_null(column)
    if values.count().execute() > _MOST:
        return rows
    number = ibis.row_number().over(order_by=values[column])
    # A power in floating point, as not every engine shifts 64-bit numbers; powers of two are exact.
    numbered = values.select(column, **{bits: (ibis.literal(2.0) ** number).cast("int64")})
    return rows.left_join(numbered, column).drop(f"{column}_right")


@ibis.udf.agg.builtin  # type: ignore[untyped-decorator, unused-ignore]
def bit_or(bits: int) -> int:
    """Bits joined, by the name that all engines know."""
    raise NotImplementedError


def number_of_ones(bits: Any) -> Any:
    """Return how many bits of a non-negative 64-bit number are set (HAKMEM, item 169).

    >>> number_of_ones(0b1011_0000_0001)
    4
    """
    pairs = bits - ((bits >> 1) & 0x5555555555555555)
    fours = (pairs & 0x3333333333333333) + ((pairs >> 2) & 0x3333333333333333)
    eights = (fours + (fours >> 4)) & 0x0F0F0F0F0F0F0F0F
    return eights % 255
