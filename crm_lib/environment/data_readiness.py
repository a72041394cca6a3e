"""Are the company's data ready: complete, fresh, joined, long enough, and how much of them is rejected."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

import ibis
import pandas as pd

from crm_lib.company import Company
from crm_lib.contract import TableContract
from crm_lib.errors import MissingData
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.language import say, text
from crm_lib.schema import TABLES

LIMITS: Final = {"rejected": 0.01, "joined": 0.95, "complete": 0.9}
"""Share of rows rejected at most; of customers joined, and of cells filled, at least."""
_SEASONS: Final = 2
"""Years that tell a trend from a season."""
_MEANS_SOMETHING: Final = frozenset({("surveys", "brand"), ("customers", "referred_by")})
"""Columns in which an empty cell says something: the own brand, a customer whom nobody brought."""


@dataclass(frozen=True, kw_only=True, eq=False)
class DataReadiness:
    """What the company's tables allow, as of `as_of`.

    `frame` by table that is there: ``rows`` used, ``rejected`` (share of the rows of the source), ``complete`` (share
    of cells filled, of columns that are there and must not be empty), ``emptiest`` (the column with the fewest, empty
    where all are full), ``joined`` (share of its customers who are known), ``years`` from first to last event,
    ``age`` (days since the last event), ``longest_gap`` (days between two days with events, so far), and ``mend``,
    what to mend first (empty where nothing). `absent` are the tables that the company does not have.
    """

    frame: pd.DataFrame
    absent: tuple[str, ...]
    as_of: dt.date

    @property
    def ready(self) -> pd.Series[bool]:
        """By table, whether there is nothing to mend."""
        return self.frame["mend"] == ""


def data_readiness(company: Company) -> DataReadiness:
    """Measure how ready each of the company's tables is for analysis.

    Columns that become known later, such as the end of a contract, may be empty and do not count.

    Parameters
    ----------
    company : Company
        The company.

    Raises
    ------
    MissingData
        If the company has no table that can be used.
    """
    checks = {each.name: each for each in company.check_all().tables if each.available}
    if not checks:
        raise MissingData("transactions")
    known = "customers" if company.has("customers") else "transactions"
    rows = {}
    for name, contract in TABLES.items():
        if name not in checks:
            continue
        check, found = checks[name], _measured(company, contract, known)
        found["rejected"] = check.rejected / check.rows if check.rows else 0.0
        rows[name] = {**found, "mend": _mend(found)}
    names = ["rows", "rejected", "complete", "emptiest", "joined", "years", "age", "longest_gap", "mend"]
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("table")[names]
    return DataReadiness(frame=frame, absent=tuple(n for n in TABLES if n not in rows), as_of=company.as_of)


def _measured(company: Company, contract: TableContract, known: str) -> dict[str, Any]:
    table, used = company.table(contract.name), company.columns(contract.name)
    columns = [
        each.name for each in contract.columns
        if each.name in used and not each.known_at and (contract.name, each.name) not in _MEANS_SOMETHING
        and (each.required or each.name != "customer_id")
    ]  # fmt: skip
    # Rivals are asked for less than the own brand, which names no brand.
    rated = contract.name == "surveys" and "brand" in table.columns
    own = table.brand.fill_null("") == "" if rated else ibis.literal(value=True)
    asked = table.mutate(_asked=own)
    sums: dict[str, Any] = {name: asked[name].count(where=asked._asked) for name in columns}
    counted = asked.aggregate(_rows=asked.count(), _own=asked._asked.sum(), **sums).execute().iloc[0]
    n = int(counted["_rows"])
    filled = counted[columns].fillna(0).astype(float) / max(int(counted["_own"] or 0), 1)
    worst = str(filled.idxmin()) if n and filled.min() < 1 else ""
    joined = float("nan")
    if "customer_id" in table.columns and contract.name != known and company.has(known):
        ids = table.select("customer_id").drop_null().distinct()
        share = ids.customer_id.isin(company.table(known).customer_id).mean().execute()
        joined = joined if share is None else float(share)
    when: dict[str, Any] = {"years": float("nan"), "age": float("nan"), "longest_gap": float("nan")}
    if n and contract.happened_at in table.columns:
        days = table.select(day=table[contract.happened_at].cast("date")).distinct().order_by("day").execute()["day"]
        days = pd.to_datetime(days).dropna().reset_index(drop=True)
        age = (pd.Timestamp(company.as_of) - days.iloc[-1]).days
        gap = days.diff().dt.days.max()
        when = {"years": (days.iloc[-1] - days.iloc[0]).days / 365.25, "age": float(age), "longest_gap": float(gap)}
    return {"rows": n, "complete": float(filled.mean()), "emptiest": worst, "joined": joined, **when}


def _mend(found: dict[str, Any]) -> str:
    """Say what to mend first: what is lost, then what cannot be joined, is empty, or has stopped."""
    if found["rows"] == 0:
        return say("Fill the table: it has no row")
    if found["rejected"] > LIMITS["rejected"]:
        return say("Mend the source: {share:share1} of the rows are rejected", share=found["rejected"])
    if found["joined"] < LIMITS["joined"]:
        return say("Use one customer number: {share:share} of the customers are known", share=found["joined"])
    if found["complete"] < LIMITS["complete"]:
        return say("Record {column:words} always", column=text(found["emptiest"].replace("_", " ")))
    if found["age"] > found["longest_gap"]:
        return say("Ask whether it still arrives: nothing for {days:count} days, longer than ever", days=found["age"])
    return ""


def finding_data_readiness(found: DataReadiness) -> Finding:
    """Return whether nearly all of the company's tables can be used as they are."""
    ready, frame = found.ready, found.frame
    first = frame[~ready].sort_values("rows", ascending=False)
    table = text(TABLES[str(first.index[0])].label) if len(first) else ""
    short = int((frame["years"] < _SEASONS).sum())
    return Finding(
        key="environment.data_readiness",
        claim="Nine of ten tables can be used as they are.",
        source="Textbook 4.2.2, stage 1: what the company's information technology delivers",
        estimate=Estimate.exact(float(ready.mean()), n=len(frame), unit="share"),
        criterion=Criterion(low=0.9),
        sentence="Tables that are complete, joined and up to date: {ready} of {n}; shorter than two years: {short}"
        + ("; not kept: {absent}." if found.absent else "."),
        if_supported="Keep to the checks." + (" Mend {table:words} next." if table else ""),
        if_not_supported="Begin with {table:words}. {mend:words}.",
        if_undecided="",
        values={
            "ready": int(ready.sum()), "n": len(frame), "absent": len(found.absent), "short": short,
            "table": table, "mend": str(first["mend"].iloc[0]) if len(first) else "",
        },
    )  # fmt: skip
