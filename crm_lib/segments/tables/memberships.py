"""Contracts as they were known on a day, and which of them ran on it."""

from __future__ import annotations

import datetime as dt

import ibis
import ibis.expr.types as ir

from crm_lib.company import Company
from crm_lib.segments.tables.known import known_rows, last_day


def known_contracts(company: Company, *, ending: dt.date | None = None) -> ir.Table:
    """Return the contracts that had begun by a day, and whether they ran on it.

    Parameters
    ----------
    company : Company
        The company.
    ending : date, optional
        The day, by default the company's ``as_of``.

    Returns
    -------
    ibis.Table
        The rows of ``memberships``, computed where the data live, and ``running``: whether the customer was a member on
        the day itself. ``ended_at`` is the last day of a contract, so that one that ends on the day still runs on it.
        Where the company does not know when contracts end, all run.

    Raises
    ------
    MissingData
        If the company has no memberships.
    ValueError
        If `ending` lies after ``as_of``.
    """
    contracts = known_rows(company, "memberships", "customer_id", "started_at", ending=ending)
    if not company.has("memberships", "ended_at"):
        return contracts.mutate(running=ibis.literal(value=True))
    # An end that lies later is not known on the day and therefore missing.
    return contracts.mutate(running=(contracts.ended_at >= ibis.literal(last_day(company, ending))).fill_null(True))


def members(company: Company, *, ending: dt.date | None = None) -> ir.Table:
    """Return who was a member on a day.

    Parameters
    ----------
    company : Company
        The company.
    ending : date, optional
        The day, by default the company's ``as_of``.

    Returns
    -------
    ibis.Table
        ``customer_id`` of the customers with a contract that ran on the day, each once.

    Raises
    ------
    MissingData
        If the company has no memberships.
    ValueError
        If `ending` lies after ``as_of``.
    """
    contracts = known_contracts(company, ending=ending)
    return contracts.filter(contracts.running).select("customer_id").distinct()
