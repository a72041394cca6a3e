"""Counting the different values of a column by bits, which sums join: less work than telling texts apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ibis

_BLOCK = 62
"""Bits that one signed 64-bit number holds, its sign left alone."""


@dataclass(frozen=True)
class DifferentValues:
    """How many different values of a column there are, group by group; missing ones are not counted.

    Values are numbered in *blocks* of as many as one number has bits. The first block is counted along with all other
    sums; further ones, which few columns have, in a table of their own.
    """

    column: str

    @property
    def block(self) -> str:
        """Name of the column that holds the number of the block."""
        return f"{self.column}_block"

    @property
    def bits(self) -> str:
        """Name of the column that holds the bits."""
        return f"{self.column}_bits"

    def encode(self, rows: ibis.Table, source: ibis.Table, *, where: str) -> ibis.Table:
        """Return `rows` with the column replaced by its block and its bit."""
        joined = rows.left_join(self._numbered(source), self.column)
        bit = joined[where].ifelse(joined.bit, ibis.null("int64"))
        others = [name for name in rows.columns if name != self.column]
        return joined.select(*others, **{self.block: joined.block.fill_null(0), self.bits: bit})

    def first_block(self, rows: ibis.Table) -> Any:
        """Return the aggregate that joins the bits of the first block."""
        return bit_or(rows[self.bits], where=rows[self.block] == 0).fill_null(0)

    def counted(self, totals: ibis.Table, rows: ibis.Table, by: str, name: str) -> ibis.Table:
        """Return `totals` with the number of different values in place of the bits of the first block."""
        beyond = rows.filter(rows[self.block] > 0)
        blocks = beyond.group_by([by, self.block]).aggregate(bits=bit_or(beyond[self.bits]).fill_null(0))
        more = blocks.group_by(by).aggregate(more=number_of_ones(blocks.bits).sum().cast("int64"))
        joined = totals.left_join(more, by)
        count = number_of_ones(joined[self.bits]) + joined.more.fill_null(0)
        return joined.select(*(other for other in totals.columns if other != self.bits), **{name: count})

    def _numbered(self, source: ibis.Table) -> ibis.Table:
        values = source.select(self.column).distinct().drop_null(self.column)
        numbered = values.select(self.column, number=ibis.row_number().over(order_by=values[self.column]))
        # A power in floating point, as not every engine shifts 64-bit numbers; powers of two are exact.
        bit = (ibis.literal(2.0) ** (numbered.number % _BLOCK)).cast("int64")
        return numbered.select(self.column, block=(numbered.number // _BLOCK).cast("int32"), bit=bit)


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
