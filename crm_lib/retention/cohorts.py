"""Triangles of cohorts: who was won together, and what is left of them period by period, counted in the engine."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final, Literal

import ibis
import pandas as pd

from crm_lib.churn.experiments import FEWEST
from crm_lib.company import Company
from crm_lib.customers import customer_attribute, exact_sum, is_purchase, known_contracts, value_of
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.language import say
from crm_lib.statistics.proportions import wilson

PERIODS: Final = {"month": 1, "quarter": 3, "year": 12}
"""Months of each period."""
_MOST = {"month": 18, "quarter": 60}
"""Months of data up to which a period is used: with longer data a triangle would have more rows than a page."""
Measure = Literal["active", "revenue", "margin"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Cohorts:
    """What is left of the customers won in each period.

    `frame` by ``cohort`` and ``age`` (periods since): ``active`` (customers who bought in it, or whose contract ran at
    its end), ``revenue`` and ``margin`` where known (money, less returns), and ``whole`` (False for the period that
    `as_of` cuts). `sizes` are the customers won by cohort. `contracts` tells what active means.
    """

    frame: pd.DataFrame
    sizes: pd.Series[int]
    period: str
    contracts: bool
    as_of: dt.date
    currency: str

    def triangle(self, measure: Measure = "active", *, unfinished: bool = False) -> pd.DataFrame:
        """Return cohort × age: the share of customers active, or money a customer won.

        Missing are periods to come and those that are not over, which `unfinished` shows alone.
        """
        cells = self.frame.reset_index()
        cells["share"] = cells[measure] / cells["cohort"].map(self.sizes)
        cells["share"] = cells["share"].where(cells["whole"] != unfinished)
        return cells.pivot_table(index="cohort", columns="age", values="share", dropna=False)

    @property
    def averaged(self) -> pd.DataFrame:
        """The cells of `frame` that count in averages: whole periods, of all cohorts but the first.

        The first holds whoever was a customer before the data begin; only where no other has lived long enough it
        counts.
        """
        whole = self.frame[self.frame["whole"]]
        later = whole.drop(self.sizes.index[0], level="cohort")
        return later if (later.index.get_level_values("age") >= 1).any() else whole

    def curve(self) -> pd.DataFrame:
        """Return, by age, the share active over the cohorts `averaged` that have lived through it, with its interval.

        ``customers`` and ``cohorts`` tell on whom it rests.
        """
        rows = self.averaged.reset_index()
        rows["size"] = rows["cohort"].map(self.sizes)
        by = rows.groupby("age")
        found = pd.DataFrame({"customers": by["size"].sum(), "active": by["active"].sum(), "cohorts": by.size()})
        each = [wilson(int(a), int(n)) for a, n in zip(found["active"], found["customers"], strict=True)]
        found["share"], found["low"], found["high"] = zip(*((e.value, e.low, e.high) for e in each), strict=True)
        return found


def cohorts(company: Company, *, contracts: bool = False) -> Cohorts:
    """Count what is left of the customers won in each month, quarter or year.

    Parameters
    ----------
    company : Company
        The company.
    contracts : bool
        Whether customers are active while a contract runs (at the end of a period), instead of when they buy.

    Returns
    -------
    Cohorts
        The triangles.

    Raises
    ------
    MissingData
        If there are no contracts.
    TooLittleData
        If not two periods are over.

    Notes
    -----
    A customer is won by the first purchase, or the start of the first contract, in the data: who was a customer before
    the data begin is in the first cohort. Periods are months up to 18 months of data, quarters up to five years.
    """
    found = _contracts(company) if contracts else _purchases(company, None)[""]
    if not (found.frame.loc[found.frame["whole"]].index.get_level_values("age") >= 1).any():
        raise TooLittleData(
            say("needs two whole periods ({period:words}) of purchases", period=found.period),
            table="memberships" if contracts else "transactions",
        )
    return found


def cohort_groups(company: Company, by: str | pd.Series[str]) -> dict[str, Cohorts]:
    """Count what is left of the customers won in each period, in each group of customers.

    Parameters
    ----------
    company : Company
        The company.
    by : str or Series
        An attribute of the customers; ``"first_value"`` for the thirds of a cohort by what a customer brought in the
        first period; or a group by ``customer_id``. It should have been known when they were won: whoever is called
        loyal for having stayed has, of course, stayed.

    Returns
    -------
    dict of str to Cohorts
        The triangles of groups of 50 customers and more, the largest group first.

    Raises
    ------
    MissingData
        If the attribute is not recorded.
    TooLittleData
        If there are not two such groups.
    """
    groups = by if isinstance(by, pd.Series) or by == "first_value" else customer_attribute(company, by)
    found = {name: each for name, each in _purchases(company, groups).items() if each.sizes.sum() >= FEWEST}
    if len(found) < 2:
        raise TooLittleData(say("needs two groups of {n} customers", n=FEWEST), table="customers")
    return dict(sorted(found.items(), key=lambda item: (-item[1].sizes.sum(), item[0])))


def _purchases(company: Company, groups: pd.Series[str] | str | None) -> dict[str, Cohorts]:
    lines = company.table("transactions")
    lines = lines.mutate(bought=is_purchase(lines), day=lines.ordered_at.date())
    period, step = _period(lines.day.min().execute(), company.as_of)
    money = [name for name in ("revenue", "margin") if company.has("transactions", name)]
    lines = lines.mutate(period=_number(lines.day, step))
    each = lines.group_by(["customer_id", "period"]).agg(
        bought=lines.bought.any(), **{name: exact_sum(lines[name]) for name in money}
    )
    # Cheaper than a window over all rows, which the engine would sort.
    won = each.filter(each.bought).group_by("customer_id").agg(cohort=each.period.min())
    each = each.join(won, "customer_id")
    each = each.filter(each.period >= each.cohort)
    if isinstance(groups, pd.Series):
        told = pd.DataFrame({"customer_id": groups.index.astype(str), "part": groups.to_numpy(dtype=str)})
        each = each.join(ibis.memtable(told, schema={"customer_id": "string", "part": "string"}), "customer_id")
    elif groups == "first_value":
        first = each.filter(each.period == each.cohort)
        third = ibis.ntile(3).over(group_by="cohort", order_by=[ibis.desc(value_of(company)), "customer_id"])
        each = each.join(first.select("customer_id", part=(third + 1).cast("string")), "customer_id")
    else:
        each = each.mutate(part=ibis.literal(""))
    counted = each.group_by(["part", "cohort", "period"]).agg(
        active=each.bought.cast("int64").sum(), **{name: exact_sum(each[name]) for name in money}
    )
    frame = counted.execute()
    if frame.empty:
        raise TooLittleData(say("nobody has bought"))
    return {
        str(part): _found(company, some.drop(columns="part"), period, step, contracts=False)
        for part, some in frame.groupby("part")
    }


def _contracts(company: Company) -> Cohorts:
    rows = known_contracts(company)
    if not company.has("memberships", "ended_at"):
        raise MissingData("memberships", ("ended_at",))
    period, step = _period(rows.started_at.min().execute(), company.as_of)
    last = _end(_place(company.as_of, step), step)
    rows = rows.select(
        "customer_id", start=_number(rows.started_at, step), ended=rows.ended_at.fill_null(ibis.literal(last))
    )
    rows = rows.mutate(cohort=rows.start.min().over(ibis.window(group_by="customer_id")))
    first = int(rows.start.min().execute())
    ends = [(p, _end(p, step)) for p in range(first, _place(company.as_of, step) + 1)]
    asked = ibis.memtable(pd.DataFrame(ends, columns=["period", "end"]), schema={"period": "int64", "end": "date"})
    # A contract that ends on the last day of a period still runs at its end.
    runs = rows.join(asked, [rows.start <= asked.period, rows.ended >= asked.end])
    counted: pd.DataFrame = runs.group_by(["cohort", "period"]).agg(active=runs.customer_id.nunique()).execute()
    sizes: pd.DataFrame = rows.group_by("cohort").agg(size=rows.customer_id.nunique()).execute()
    return _found(company, counted, period, step, contracts=True, sizes=sizes.set_index("cohort")["size"])


def _found(
    company: Company, counted: pd.DataFrame, period: str, step: int, *, contracts: bool, sizes: Any = None
) -> Cohorts:
    """Return the triangle of counted cells; where nothing was counted is none."""
    last = _place(company.as_of, step)
    cells = counted.set_index(["cohort", "period"]).sort_index()
    if sizes is None:
        sizes = cells["active"][cells.index.get_level_values(0) == cells.index.get_level_values(1)]
        sizes = sizes.droplevel("period")
    every = pd.MultiIndex.from_tuples([(c, p) for c in sorted(sizes.index) for p in range(int(c), last + 1)])
    frame = cells.reindex(every, fill_value=0).astype({"active": "int64"})
    ages = [int(p - c) for c, p in every]
    over = _end(last, step) <= company.as_of
    frame["whole"] = [over or p < last for _, p in every]
    names = {c: _name(int(c), step) for c in sizes.index}
    frame.index = pd.MultiIndex.from_arrays([[names[c] for c, _ in every], ages], names=["cohort", "age"])
    return Cohorts(
        frame=frame, sizes=sizes.astype("int64").rename(index=names).rename_axis("cohort").sort_index(),
        period=period, contracts=contracts, as_of=company.as_of, currency=company.currency,
    )  # fmt: skip


def _period(first: Any, last: dt.date) -> tuple[str, int]:
    if first is None or pd.isna(first):
        raise TooLittleData(say("needs purchases"))
    months = _place(last, 1) - _place(pd.Timestamp(first).date(), 1) + 1
    name = next((name for name, most in _MOST.items() if months <= most), "year")
    return name, PERIODS[name]


def _number(day: Any, step: int) -> Any:
    """Return the number of a day's period, in the engine."""
    return ((day.year().cast("int64") * 12 + day.month().cast("int64") - 1) // step).cast("int64")


def _place(day: dt.date, step: int) -> int:
    return (day.year * 12 + day.month - 1) // step


def _end(number: int, step: int) -> dt.date:
    month = (number + 1) * step
    return dt.date(month // 12, month % 12 + 1, 1) - dt.timedelta(days=1)


def _name(number: int, step: int) -> str:
    year, month = divmod(number * step, 12)
    return f"{year}" if step == 12 else f"{year} Q{month // 3 + 1}" if step == 3 else f"{year}-{month + 1:02}"
