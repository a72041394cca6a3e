"""What customers told the company in a window: their complaints, and their answers on its own brand."""

from __future__ import annotations

import datetime as dt

import ibis
import pandas as pd

from crm_lib.company import Company

UNSETTLED = frozenset({"", "none", "no settlement", "rejected"})
"""Resolutions that settle nothing, in small letters."""


def window_complaints(company: Company, *, days: int) -> pd.DataFrame:
    """Return the complaints opened in the days up to ``as_of``, with what is known of their end.

    Parameters
    ----------
    company : Company
        The company.
    days : int
        Length of the window.

    Returns
    -------
    DataFrame
        ``customer_id``, ``opened_at``, ``topic`` (where known) and, where the company knows when complaints are
        closed, ``closed_at``, ``settled`` (closed, and not without a resolution) and ``satisfied`` (False while open;
        where known).

    Raises
    ------
    MissingData
        If the company has no complaints.
    """
    table = company.table("complaints", "customer_id", "opened_at")
    first = ibis.literal(company.as_of - dt.timedelta(days=days))
    names = ["topic", "closed_at", "resolution", "satisfied"]
    names = ["customer_id", "opened_at", *(name for name in names if company.has("complaints", name))]
    frame: pd.DataFrame = table.filter(table.opened_at.date() > first).select(*names).execute()
    if "closed_at" not in frame:
        return frame.drop(columns=[name for name in ("resolution", "satisfied") if name in frame])
    frame["settled"] = frame["closed_at"].notna()
    if "resolution" in frame:
        told = frame["resolution"].astype("string").str.strip().str.lower()
        frame["settled"] &= ~told.isin(UNSETTLED).fillna(value=False)
        frame["settled"] &= told.notna()
    if "satisfied" in frame:
        frame["satisfied"] = frame["satisfied"].astype("boolean").fillna(value=False).astype(bool)
    return frame


def own_answers(company: Company, *, days: int) -> pd.DataFrame:
    """Return the answers of known customers on the own brand in the days up to ``as_of``.

    Parameters
    ----------
    company : Company
        The company.
    days : int
        Length of the window.

    Returns
    -------
    DataFrame
        ``customer_id``, ``responded_at``, ``satisfaction`` (points) and ``weight`` (1 where there are no weights).

    Raises
    ------
    MissingData
        If the company has no surveys of its customers' satisfaction.
    """
    table = company.table("surveys", "customer_id", "responded_at", "satisfaction")
    first = ibis.literal(company.as_of - dt.timedelta(days=days))
    table = table.filter(table.responded_at.cast("date") > first)
    names = ["customer_id", "responded_at", "satisfaction"]
    names += [name for name in ("brand", "weight") if company.has("surveys", name)]
    frame: pd.DataFrame = table.select(*names).execute().dropna(subset=["customer_id", "satisfaction"])
    if "brand" in frame:
        frame = frame[frame["brand"].isna() | frame["brand"].isin(_own_brands(company))].drop(columns="brand")
    frame["weight"] = frame["weight"].fillna(1.0) if "weight" in frame else 1.0
    return frame.reset_index(drop=True)


def _own_brands(company: Company) -> set[str]:
    if not company.has("competitors", "brand", "own"):
        return set()
    brands = company.frame("competitors", "brand", "own")
    return set(brands.loc[brands["own"].astype("boolean").fillna(value=False), "brand"].astype(str))
