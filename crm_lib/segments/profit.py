"""The multi-dimensional profit table: what each customer group, product category and region brings, or loses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import ibis.expr.types as ir
import numpy as np
import pandas as pd
import scipy

from crm_lib import language, schema
from crm_lib.company import Company
from crm_lib.customers import exact_sum, is_purchase, known_rows
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.estimate import LEVEL, Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.language import say
from crm_lib.statistics.proportions import holm

NOT_KNOWN = "(not known)"
SMALLEST_GROUP = 10
"""Customers that a group must have to be shown by itself: fewer say little, and name persons."""
SMALL_GROUPS = "(small groups)"
DIMENSIONS = ("customer_group", "category", "region")
EVEN = 1.5
"""Returns count as even while no group has more than this many times the company's share."""
STRIKING = 2.0
"""Times the company's share of returns from which a cell is suspected."""
_FEWEST = 30
"""Customers below which the approximation of an interval would not hold."""
_NAMED = 2
"""Groups written out in a sentence."""


@dataclass(frozen=True, kw_only=True)
class ProfitTable:
    """What each cell brings, indexed by the dimensions, and the totals of all lines.

    ``customers`` and ``orders`` of `frame` are distinct: each counts in every cell it touches; ``revenue`` is net of
    returns, ``returns`` a positive amount, ``returns_share`` of what was sold. `moments` are sums over customers that
    tests need: squares and products of a customer's ``returns``, ``gross`` (sales before returns) and ``margin`` in the
    cell. `left_out` are dimensions asked for that the company does not have, `pooled` counts the small cells.
    """

    frame: pd.DataFrame
    moments: pd.DataFrame
    dimensions: tuple[str, ...]
    left_out: tuple[str, ...]
    totals: pd.Series[float]
    pooled: int
    days: int
    currency: str

    @property
    def value_kind(self) -> str:
        """What the cells are ordered by: "margin" where it is known, else "revenue"."""
        return "margin" if "margin" in self.frame else "revenue"

    @property
    def label(self) -> str:
        """What a reader calls the dimensions, such as "customer group · category"."""
        return " · ".join(dimension_label(name) for name in self.dimensions)

    @property
    def usual_returns(self) -> float:
        """The company's share of returns; missing where nothing was sold."""
        gross = float(self.totals["gross"])
        return float(self.totals["returns"]) / gross if gross > 0 else float("nan")


def profit_table(company: Company, *dimensions: str, days: int = 365) -> ProfitTable:
    """Add up revenue, margin and returns over every combination of the dimensions, where the data live.

    The cells add up to the totals; lines whose dimension is missing count as ``"(not known)"``, cells with fewer than
    ten customers as ``"(small groups)"``.

    Parameters
    ----------
    company : Company
    *dimensions : str
        Columns of the company's ``customers`` (such as "customer_group", "region" or an attribute of its own) or
        ``transactions`` (such as "category", "channel"); by default customer group, category and region. Those that the
        company does not have are left out.
    days : int
        Length of the window that ends at the company's ``as_of``.
    """
    asked = dict.fromkeys(dimensions or DIMENSIONS)
    lines, present = _lines(company, tuple(asked), days)
    if not present:
        raise MissingData("customers' or 'transactions", tuple(asked))
    each = _by_customer(lines, present)
    cells = each.group_by(list(present)).agg(customers=each.count(), **_sums(each)).execute().set_index(list(present))
    if cells.empty:
        raise TooLittleData(say("there are no order lines in the last {days} days: choose a longer window", days=days))
    pooled = int((cells["customers"] < SMALLEST_GROUP).sum())
    if pooled and len(cells) > 1:
        cells = _pool(lines, each, cells)
    cells = cells.sort_index()
    if "margin" in cells:
        cells["margin_rate"] = cells["margin"] / cells["revenue"].where(cells["revenue"] > 0)
    cells["returns_share"] = cells["returns"] / cells["gross"].where(cells["gross"] > 0)
    shown = ["customers", "orders", "revenue", "margin", "margin_rate", "returns", "returns_share"]
    whole = _by_customer(lines, ())
    totals: pd.DataFrame = whole.aggregate(customers=whole.count(), **_sums(whole)).execute()
    return ProfitTable(
        frame=cells[[name for name in shown if name in cells]],
        moments=cells[["gross", *(name for name in cells if str(name).startswith("square_"))]],
        dimensions=present,
        left_out=tuple(name for name in asked if name not in present),
        totals=totals.iloc[0].astype(float) + 0.0,
        pooled=pooled,
        days=days,
        currency=company.currency,
    )


def losses(profit: ProfitTable) -> pd.DataFrame:
    """Return the cells that lose money, and whether chance could have made them so, the largest amounts first.

    A cell is listed when its margin is negative or its share of returns exceeds twice the company's; ``amount`` is what
    is lost, or returned above the company's share. Who looks at many cells finds some of them bad by chance:
    ``p_value`` is of a one-sided t-test over the customers of the cell, with Holm's correction for all cells and both
    questions (``attrs["looks"]`` of them); it ``holds`` below 5 %.
    """
    frame, moments, n = profit.frame, profit.moments, profit.frame["customers"]
    problems = []
    if "margin" in frame:
        spread = moments["square_margin"] - frame["margin"] ** 2 / n
        problems.append(_problem("negative margin", -frame["margin"], spread, n, listed=frame["margin"] < 0))
    usual = profit.usual_returns
    if usual > 0:
        excess = frame["returns"] - usual * moments["gross"]
        spread = _residual_squares(moments, usual) - excess**2 / n
        problems.append(_problem("returns", excess, spread, n, listed=frame["returns_share"] > STRIKING * usual))
    looks = pd.concat(problems or [pd.DataFrame(columns=["problem", "amount", "p_value", "listed"])])
    if problems:
        looks["p_value"] = holm(looks["p_value"].to_numpy())
    looks["holds"] = looks["p_value"] < 1 - LEVEL
    found = looks[looks.pop("listed").astype(bool)].sort_values("amount", ascending=False, kind="stable")
    found.attrs["looks"] = len(looks)
    return found


def returns_by_group(profit: ProfitTable) -> pd.DataFrame:
    """Return each cell's share of returns as a multiple of the company's, with intervals that hold together.

    The share of a cell is a ratio of sums over customers; its standard error comes from the residuals returns - share ×
    sales, its interval is Bonferroni's. The company's own share is taken as known, which makes the intervals somewhat
    long for a cell that is a large part of it. Pooled groups and those with fewer than 30 customers are left out.
    """
    usual = profit.usual_returns
    if not usual > 0:
        raise TooLittleData(say("nothing was returned in the window, so there are no returns to compare"))
    large = (profit.frame["customers"] >= _FEWEST) & (profit.moments["gross"] > 0)
    large &= profit.frame.index.get_level_values(0) != SMALL_GROUPS
    frame, moments = profit.frame[large], profit.moments[large]
    if len(frame) < 2:
        raise TooLittleData(say("needs two groups of at least {fewest} customers to compare", fewest=_FEWEST))
    n, rate = frame["customers"], frame["returns_share"]
    error = np.sqrt(_residual_squares(moments, rate) * n / (n - 1)) / moments["gross"]
    reach = scipy.stats.t.ppf(1 - (1 - LEVEL) / 2 / len(frame), n - 1) * error
    table = pd.DataFrame({"customers": n, "returns_share": rate, "times": rate / usual})
    table["low"], table["high"] = (rate - reach).clip(lower=0) / usual, (rate + reach) / usual
    return table.sort_values("times", ascending=False, kind="stable")


def finding_returns(profit: ProfitTable) -> Finding:
    """Return the finding on whether returns are spread evenly over the groups of one dimension.

    The interval runs from the highest lower to the highest upper end of intervals that hold together, so that picking
    the worst of many groups does not count as evidence. Goods of no known group cannot be mended as one and do not
    count.

    Parameters
    ----------
    profit : ProfitTable
    """
    groups = returns_by_group(profit)
    comparisons = len(groups)
    groups = groups[~(groups.index.to_frame() == NOT_KNOWN).any(axis="columns").to_numpy()]
    if len(groups) < 2:
        raise TooLittleData(say("fewer than two groups have a name, so there is nothing to compare"))
    clear, may = groups[groups["low"] > EVEN], groups[(groups["low"] <= EVEN) & (groups["high"] > EVEN)]
    # Where to look: at those clearly above, else at the highest.
    looked_at = clear if len(clear) else groups.head(1)
    estimate = Estimate(
        value=float(groups["times"].iloc[0]),
        low=float(groups["low"].max()),
        high=float(groups["high"].max()),
        n=int(groups["customers"].sum()),
        method=f"ratio over customers, Bonferroni over {comparisons} groups",
    )
    excess = (profit.frame["returns"] - profit.usual_returns * profit.moments["gross"]).loc[looked_at.index]
    return Finding(
        key="segments.returns",
        claim="Returns are spread evenly: no {dimension} has more than {times:number} times the usual share.",
        source="Textbook 1.1.1, analysis by customer, product and region",
        estimate=estimate,
        criterion=Criterion(high=EVEN),
        sentence="{usual:share1} of sales come back; {group}, the highest {dimension}, {estimate} times that share.",
        if_supported="Treat returns as a matter for the whole company; no {dimension} needs a programme of its own.",
        if_not_supported="Look into {clear} first: ask why goods come back, and fix description, quality or packing.",
        if_undecided="No {dimension} is clearly out of line, but not all are cleared: look again later at {open}.",
        values={
            "dimension": profit.label,
            "group": _names(groups.head(1)),
            "clear": _names(looked_at),
            "open": _names(may),
            "times": EVEN,
            "usual": profit.usual_returns,
        },
        currency=profit.currency,
        money_at_stake=Estimate.exact(
            float(excess.clip(lower=0).sum()) * 365 / profit.days,
            n=int(looked_at["customers"].sum()),
            unit=profit.currency,
            method="sum",
        ),
        money_note="a year's returns above the usual share in {clear}",
    )


def _residual_squares(moments: pd.DataFrame, share: pd.Series[float] | float) -> pd.Series[float]:
    """Return the sum over customers of the squares of returns less a share of sales."""
    products = -2 * share * moments["square_returns_gross"] + share**2 * moments["square_gross"]
    return pd.Series(moments["square_returns"] + products).clip(lower=0)


def dimension_label(name: str) -> str:
    """Return what a reader calls a dimension: the schema's label in small letters, an own attribute with spaces."""
    for contract in (schema.CUSTOMERS, schema.TRANSACTIONS):
        if name in contract.column_names:
            return language.text(contract.column(name).label).lower()
    return language.text(name.replace("_", " "))


def by_value(profit: ProfitTable) -> pd.DataFrame:
    """Return the cells, the largest first and the pooled small groups last."""
    pooled = profit.frame.index.get_level_values(0) == SMALL_GROUPS
    order = np.lexsort((-profit.frame[profit.value_kind].to_numpy(dtype=float), pooled))
    return profit.frame.iloc[order]


def _lines(company: Company, dimensions: tuple[str, ...], days: int) -> tuple[ir.Table, tuple[str, ...]]:
    """Return the lines of the window with the dimensions filled in, and the dimensions that the company has."""
    # What lines are counted and added up by is no dimension.
    dimensions = tuple(name for name in dimensions if name not in ("customer_id", "order_id", "revenue", "margin"))
    of_customers = [name for name in dimensions if company.has("customers", name)]
    of_lines = [name for name in dimensions if name not in of_customers and company.has("transactions", name)]
    lines = known_rows(company, "transactions", days=days)
    kept = ["customer_id", "order_id", "revenue", *of_lines]
    margin = {"margin": lines.margin.fill_null(0.0)} if company.has("transactions", "margin") else {}
    lines = lines.select(*kept, back=~is_purchase(lines), **margin)
    if of_customers:
        customers = company.table("customers", *of_customers)
        # A row a customer: the contract's key holds, but a company without it must not count lines twice.
        customers = customers.group_by("customer_id").agg(**{name: customers[name].max() for name in of_customers})
        lines = lines.left_join(customers, "customer_id").drop("customer_id_right")
    present = tuple(name for name in dimensions if name in of_customers or name in of_lines)
    return lines.mutate(**{name: lines[name].cast("string").fill_null(NOT_KNOWN) for name in present}), present


def _by_customer(lines: ir.Table, dimensions: Sequence[str]) -> ir.Table:
    """Return one row per customer and cell: sums, and the squares and products that standard errors need."""
    margin = {"margin": exact_sum(lines.margin)} if "margin" in lines.columns else {}
    each = lines.group_by(["customer_id", *dimensions]).agg(
        orders=lines.order_id.nunique(where=~lines.back),
        revenue=exact_sum(lines.revenue),
        gross=exact_sum(lines.revenue, ~lines.back),
        returns=-exact_sum(lines.revenue, lines.back),
        **margin,
    )
    squares = {f"square_{name}": each[name] ** 2 for name in ("returns", "gross", *margin)}
    return each.mutate(square_returns_gross=each.returns * each.gross, **squares)


def _sums(each: ir.Table) -> dict[str, ir.NumericValue]:
    """Return sums over the customers of a cell."""
    amounts = [name for name in each.columns if name != "orders" and each[name].type().is_floating()]
    return {"orders": each.orders.sum(), **{name: exact_sum(each[name]) for name in amounts}}


def _pool(lines: ir.Table, each: ir.Table, cells: pd.DataFrame) -> pd.DataFrame:
    """Return the cells with the small ones as one; its customers and orders are counted once, so in the engine."""
    dimensions = [str(name) for name in cells.index.names]
    sizes = each.group_by(dimensions).agg(size=each.count())
    pooled = _by_customer(lines.semi_join(sizes.filter(sizes["size"] < SMALLEST_GROUP), dimensions), ())
    row: pd.DataFrame = pooled.aggregate(customers=pooled.count(), **_sums(pooled)).execute()
    row = row.assign(**dict.fromkeys(dimensions, SMALL_GROUPS))
    return pd.concat([cells[cells["customers"] >= SMALLEST_GROUP], row.set_index(dimensions)])


def _problem(
    problem: str, amount: pd.Series[float], spread: pd.Series[float], n: pd.Series[int], *, listed: pd.Series[bool]
) -> pd.DataFrame:
    """Test one-sidedly that a sum over a cell's customers is not above zero."""
    error = (spread.clip(lower=0) * n / (n - 1).where(n > 1)) ** 0.5
    t = (amount / error.where(error > 0)).fillna(0.0)
    p_value = scipy.stats.t.sf(t, (n - 1).clip(lower=1))
    return pd.DataFrame({"problem": problem, "amount": amount, "p_value": p_value, "listed": listed})


def _names(groups: pd.DataFrame) -> str:
    """Return the names of the groups, the first few of them written out."""
    keys = [" · ".join(map(str, key)) if isinstance(key, tuple) else str(key) for key in groups.index[:_NAMED]]
    if len(groups) > _NAMED:
        keys.append(say("{n:count} more", n=len(groups) - _NAMED))
    return ", ".join(keys)
