"""What customers answered: one answer a respondent and wave on the own brand, and what others say of the rivals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from crm_lib.company import Company
from crm_lib.customers import known_rows, own_brands
from crm_lib.errors import TooLittleData
from crm_lib.language import say
from crm_lib.schema import TABLES

SURVEYS: Final = TABLES["surveys"]
SCALE: Final = (1, 10)
"""Lowest and highest rating."""
FEWEST: Final = 10
"""Answers below which a group is neither measured nor named."""
QUALITIES: Final = ("product_quality", "service_quality", "personnel_quality", "image", "value_for_money")
"""What is perceived; the drivers of satisfaction."""
BURDENS: Final = ("price_burden", "time_burden", "energy_burden", "effort_burden")
"""What buying costs a customer: money, time, energy and mental effort. Here a high rating is bad."""


def too_little(message: str, *, table: str = "surveys", **values: Any) -> TooLittleData:
    """Return the error for less data than a statement needs."""
    return TooLittleData(say(message, **values), table=table)


def enough(message: str, *, table: str = "surveys", **counts: Any) -> None:
    """Raise TooLittleData with the message, filled with `counts`, if one of them is below :data:`FEWEST`."""
    if min(counts.values()) < FEWEST:
        raise too_little(message, table=table, least=FEWEST, **counts)


@dataclass(frozen=True, kw_only=True, eq=False)
class Survey:
    """The answers that can be used, a row each: on the own brand (`frame`) and on others (`rivals`).

    ``respondent`` is the customer, or the answer itself where it names none. `waves` are in the order of time;
    `left_out` counts the answers not used, by reason.
    """

    frame: pd.DataFrame
    rivals: pd.DataFrame
    waves: tuple[str, ...]
    left_out: Mapping[str, int]
    as_of: dt.date

    def latest(self, *, days: int = 365) -> pd.DataFrame:
        """Return the last answer of each respondent in the days up to ``as_of``."""
        since = pd.Timestamp(self.as_of) - pd.Timedelta(days=days)
        return self.frame[self.frame["responded_at"] > since].drop_duplicates("respondent", keep="last")

    def complete(self, *items: str, frame: pd.DataFrame | None = None) -> pd.DataFrame:
        """Return the answers that have all items; TooLittleData where an item was not asked or few answered all."""
        rows = self.frame if frame is None else frame
        if absent := [item for item in items if item not in rows]:
            raise too_little(
                "the survey does not ask for {items:words}", items=[one.replace("_", " ") for one in absent]
            )
        rows = rows.dropna(subset=list(items))
        message = "needs {least} respondents who answered all that is compared; there are {n}"
        enough(message, n=rows["respondent"].nunique())
        return rows


def survey(company: Company) -> Survey:
    """Return the company's survey, cleaned.

    Of several answers of one customer in a wave the last one counts. One without a positive weight stands for nobody
    and is left out. A company that names no waves has one a quarter.

    Parameters
    ----------
    company : Company
        The company; needs ``surveys``.
    """
    frame: pd.DataFrame = known_rows(company, "surveys", "responded_at").execute()
    frame["responded_at"] = pd.to_datetime(frame["responded_at"])
    for name in frame.columns.difference(list(SURVEYS.column_names)):
        # Items of the company's own come as texts; where all of them are numbers they are ratings.
        numbers = pd.to_numeric(frame[name], errors="coerce")
        if numbers.notna().equals(frame[name].notna()):
            frame[name] = numbers
    order = [name for name in ("responded_at", "response_id") if name in frame]
    frame = frame.sort_values(order, kind="stable", ignore_index=True)
    if "customer_id" not in frame:
        frame["customer_id"] = None
    anonymous = pd.Series([f"answer {number}" for number in frame.index], dtype=object)
    frame.insert(0, "respondent", frame["customer_id"].astype(object).fillna(anonymous))
    quarters = frame["responded_at"].dt.to_period("Q").astype(str)
    frame["wave"] = (frame["wave"].fillna(quarters) if "wave" in frame else quarters).astype(str)
    left_out: dict[str, int] = {}
    if "weight" in frame:
        frame = _kept(frame, frame["weight"] > 0, "without a positive weight", left_out)
    else:
        frame["weight"] = 1.0
    mine = pd.Series(data=True, index=frame.index)
    if "brand" in frame:
        mine = frame["brand"].isna() | frame["brand"].isin(own_brands(company))
    own = frame[mine]
    own = _kept(own, ~own.duplicated(["respondent", "wave"], keep="last"), "answered again in the same wave", left_out)
    message = "needs {least} answers on the own brand; there are {n}. An answer on the own brand names no brand, or one"
    enough(message + " that table 'competitors' marks as own", n=len(own))
    waves = own.groupby("wave")["responded_at"].median().sort_values(kind="stable")
    return Survey(
        frame=own.reset_index(drop=True), rivals=frame[~mine].reset_index(drop=True), left_out=left_out,
        waves=tuple(map(str, waves.index)), as_of=company.as_of,
    )  # fmt: skip


def _kept(frame: pd.DataFrame, keep: pd.Series[bool], reason: str, left_out: dict[str, int]) -> pd.DataFrame:
    if n := int((~keep).sum()):
        left_out[reason] = n
    return frame[keep]


def usable(frame: pd.DataFrame, items: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Return the items that can be used, and why others are left out: a company's own reach this place unchecked."""
    why = {item: reason for item in items if (reason := _fault(frame, item))}
    return [item for item in items if item not in why], why


def _fault(frame: pd.DataFrame, item: str) -> str:
    if item not in frame or frame[item].notna().sum() < FEWEST:
        return say("fewer than {least} answers", least=FEWEST)
    if not pd.api.types.is_numeric_dtype(frame[item]):
        return say("holds texts; ratings are numbers from 1 to 10")
    low, high = float(frame[item].min()), float(frame[item].max())
    if low < SCALE[0] or high > SCALE[1]:
        return say("reaches from {low:number} to {high:number}, beyond 1 to 10", low=low, high=high)
    return say("everybody answered {same:number}", same=low) if low == high else ""
