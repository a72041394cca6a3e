"""The customer of the page: the rows of each table about this one person, and the scores."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import ibis.expr.types as ir
import pandas as pd

from crm_lib import schema
from crm_lib.company import Company
from crm_lib.customers import known_complaints, known_contracts, own_brand_answers
from crm_lib.errors import CrmError, MissingData, TooLittleData
from crm_lib.language import say

_KNOWN: dict[str, Callable[[Company], ir.Table]] = {
    "complaints": known_complaints,
    "memberships": known_contracts,
    "surveys": own_brand_answers,
}
"""Tables of which the library has a view as of a day, with what follows from it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Customer:
    """One customer, looked at on the company's ``as_of``, among the scores of all or the reason why there are none."""

    company: Company
    customer_id: str
    scores: pd.DataFrame | MissingData = field(default_factory=lambda: MissingData("transactions"))
    _rows: dict[tuple[str, str], pd.DataFrame] = field(default_factory=dict)

    @property
    def as_of(self) -> dt.date:
        """Last day that counts."""
        return self.company.as_of

    def rows(self, table: str, column: str = "customer_id") -> pd.DataFrame:
        """Return the rows of a table in which a column holds the customer, the newest first."""
        if (table, column) not in self._rows:
            if not self.company.has(table, column):
                raise MissingData(table, (column,) if self.company.has(table) else ())
            rows = _KNOWN[table](self.company) if table in _KNOWN else self.company.table(table)
            frame: pd.DataFrame = rows.filter(rows[column] == self.customer_id).execute()
            happened = schema.TABLES[table].happened_at
            if happened in frame:
                frame = frame.sort_values(happened, ascending=False, kind="stable", ignore_index=True)
            self._rows[table, column] = frame
        return self._rows[table, column]

    def lines(self) -> pd.DataFrame:
        """Return the order lines, with ``back`` for returns."""
        lines = self.rows("transactions")
        if lines.empty:
            raise TooLittleData(say("the customer has no order up to {day:date}", day=self.as_of))
        back = lines["revenue"] < 0
        if "quantity" in lines:
            back |= (lines["quantity"] < 0).fillna(False)
        return lines.assign(back=back)

    def score(self) -> pd.Series[Any]:
        """Return what the customer is worth, and the segment."""
        frame = self.all_scores()
        if self.customer_id not in frame.index:
            raise TooLittleData(say("the customer has no purchase up to {day:date}", day=self.as_of))
        return cast("pd.Series[Any]", frame.loc[self.customer_id])

    def all_scores(self) -> pd.DataFrame:
        """Return the scores of all customers."""
        if isinstance(self.scores, MissingData):
            raise self.scores
        return self.scores

    def consent(self) -> bool | None:
        """Return whether the customer agreed to be contacted, None where that is not known."""
        told = known(self.rows("customers"), "contact_allowed") if self.company.has("customers") else None
        return None if told is None else bool(told)

    def days_since(self, moment: Any) -> int:
        """Return the whole days from a moment to the last day that counts."""
        return (pd.Timestamp(self.as_of) - pd.Timestamp(moment).normalize()).days

    def check_known(self) -> None:
        """Raise an error unless transactions or customers know the customer; numbers of others are not told."""
        # No number of a customer holds a zero byte, and engines cannot be asked for one.
        if self.customer_id and "\x00" not in self.customer_id:
            for table in ("transactions", "customers"):
                if self.company.has(table) and len(self.rows(table)):
                    return
        message = "company '{company}' knows no customer {customer} on {day:date}: check the number and --as-of"
        raise CrmError(say(message, company=self.company.key, customer=repr(self.customer_id), day=self.as_of))


def known(rows: pd.DataFrame, column: str) -> Any:
    """Return the value of the first row, None where there is none."""
    if column not in rows or rows.empty or pd.isna(rows[column].iloc[0]):
        return None
    return rows[column].iloc[0]
