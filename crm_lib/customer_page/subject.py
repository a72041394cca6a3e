"""The customer of the page: the rows of each table that are about this one person, and what the models say."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any, cast

import ibis.expr.types as ir
import pandas as pd

from crm_lib import language
from crm_lib.clv import CustomerValue
from crm_lib.company import Company
from crm_lib.errors import CrmError, MissingData, TooLittleData
from crm_lib.exhibit import Skipped
from crm_lib.relationships import LifeCycle, SilenceRisk
from crm_lib.segments import Segmented


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """One customer, looked at on the company's ``as_of``.

    Parameters
    ----------
    company : Company
        The company.
    customer_id : str
        The company's own number of the customer.
    value : CustomerValue or Skipped
        What all customers are worth, or why that is not known.
    segmented : Segmented or Skipped
        Scores, segments and tiers of all customers, or why there are none.
    cycle : LifeCycle or Skipped
        Stages of all customers, or why they could not be judged.
    silence : SilenceRisk or Skipped
        Risk of falling silent of all customers, or why it is not known.
    window_days : int
        Days over which the scores were counted.
    with_charts : bool
        Whether charts are wanted.
    """

    company: Company
    customer_id: str
    value: CustomerValue | Skipped
    segmented: Segmented | Skipped
    cycle: LifeCycle | Skipped
    silence: SilenceRisk | Skipped
    window_days: int
    with_charts: bool
    _rows: dict[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def as_of(self) -> dt.date:
        """Last day that counts."""
        return self.company.as_of

    def rows(self, table: str) -> pd.DataFrame:
        """Return the rows of a table that are about the customer.

        Parameters
        ----------
        table : str
            Name in the schema.

        Raises
        ------
        MissingData
            If the company has no such table, or it does not say whom a row is about.
        """
        if table not in self._rows:
            self._rows[table] = rows_of(self.company, table, "customer_id", self.customer_id)
        return self._rows[table]

    def among(self, rows: ir.Table) -> pd.DataFrame:
        """Return those of a table's rows that are about the customer.

        Parameters
        ----------
        rows : ibis.Table
            Rows that tell the ``customer_id``.
        """
        frame: pd.DataFrame = rows.filter(rows.customer_id == self.customer_id).execute()
        return frame

    def valued(self) -> pd.Series[Any]:
        """Return what the customer is worth.

        Raises
        ------
        MissingData
            If nothing was valued, or the customer has no purchase.
        """
        if isinstance(self.value, Skipped):
            raise TooLittleData(self.value.why)
        if self.customer_id not in self.value.frame.index:
            raise TooLittleData(
                language.text("the customer has no purchase up to {day}").format(day=self.day(self.as_of))
            )
        return cast("pd.Series[Any]", self.value.frame.loc[self.customer_id])

    def days_since(self, moment: Any) -> int:
        """Return the whole days from a moment to the last day that counts.

        Parameters
        ----------
        moment : datetime or date
            The moment.
        """
        return (pd.Timestamp(self.as_of) - pd.Timestamp(moment).normalize()).days

    @staticmethod
    def day(moment: Any) -> str:
        """Return a day as a reader sees it.

        Parameters
        ----------
        moment : datetime or date
            The moment.
        """
        return language.date(pd.Timestamp(moment).date())


def rows_of(company: Company, table: str, column: str, customer_id: str) -> pd.DataFrame:
    """Return the rows of a table in which a column holds the customer.

    Parameters
    ----------
    company : Company
        The company.
    table, column : str
        Names in the schema.
    customer_id : str
        The customer.

    Raises
    ------
    MissingData
        If the company lacks the table or the column.
    """
    if not company.has(table, column):
        raise MissingData(table, (column,) if company.has(table) else ())
    rows = company.table(table)
    frame: pd.DataFrame = rows.filter(rows[column] == customer_id).execute()
    return frame


def check_known(company: Company, customer_id: str) -> None:
    """Raise an error unless the company knows the customer by ``as_of``.

    Parameters
    ----------
    company : Company
        The company.
    customer_id : str
        What was asked for.

    Raises
    ------
    CrmError
        If neither the customers nor the transactions know it. Numbers of others are not told.
    """
    # No number of a customer holds a zero byte, and engines cannot be asked for one.
    if customer_id and "\x00" not in customer_id:
        for table in ("transactions", "customers"):
            if company.has(table) and len(rows_of(company, table, "customer_id", customer_id)):
                return
    message = language.text("company '{company}' knows no customer {customer} on {day}: check the number and --as-of")
    raise CrmError(message.format(company=company.key, customer=repr(customer_id), day=language.date(company.as_of)))
