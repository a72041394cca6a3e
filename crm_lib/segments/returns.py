"""Whether returns are spread evenly over groups, or gather in some."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from crm_lib.errors import TooLittleData
from crm_lib.estimate import LEVEL, Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.language import say
from crm_lib.segments.profit import NOT_KNOWN, SMALL_GROUPS, ProfitTable, residual_squares

EVEN = 1.5
"""Returns count as even while no group has more than this many times the company's share."""
_FEWEST = 30
"""Customers below which the approximation of an interval would not hold."""
_NAMED = 2
"""Groups written out in a sentence."""


def returns_by_group(profit: ProfitTable) -> pd.DataFrame:
    """Return each cell's share of returns as a multiple of the company's, with intervals that hold together.

    Parameters
    ----------
    profit : ProfitTable
        The cells, usually of one dimension.

    Returns
    -------
    DataFrame
        Indexed as the profit table: ``customers``, ``returns_share``, ``times``, ``low`` and ``high`` (of `times`,
        Bonferroni), the highest first; pooled small groups and those with fewer than 30 customers are left out.

    Raises
    ------
    TooLittleData
        If nothing was returned, or no two groups are large enough.

    Notes
    -----
    The share of a cell is a ratio of sums over customers; its standard error comes from the residuals
    returns - share × sales. The company's own share is taken as known, which makes the intervals somewhat long for a
    cell that is a large part of the company.
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
    error = np.sqrt(residual_squares(moments, rate) * n / (n - 1)) / moments["gross"]
    reach = stats.t.ppf(1 - (1 - LEVEL) / 2 / len(frame), n - 1) * error
    table = pd.DataFrame({"customers": n, "returns_share": rate, "times": rate / usual})
    table["low"], table["high"] = (rate - reach).clip(lower=0) / usual, (rate + reach) / usual
    return table.sort_values("times", ascending=False, kind="stable")


def finding_returns(profit: ProfitTable) -> Finding:
    """Return the finding on whether returns are spread evenly over groups.

    Parameters
    ----------
    profit : ProfitTable
        Cells of one dimension. Goods of no known group cannot be mended as one and do not count.

    Notes
    -----
    The interval runs from the highest lower to the highest upper end of intervals that hold together, so that picking
    the worst of many groups does not count as evidence.
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


def _names(groups: pd.DataFrame) -> str:
    """Return the names of the groups, the first few of them written out."""
    keys = [" · ".join(map(str, key)) if isinstance(key, tuple) else str(key) for key in groups.index[:_NAMED]]
    if len(groups) > _NAMED:
        keys.append(say("{n:count} more", n=len(groups) - _NAMED))
    return ", ".join(keys)
