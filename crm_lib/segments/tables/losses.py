"""Where money is lost: cells with negative margin or many returns, judged with all the looks in mind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from crm_lib import language
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Finding, Verdict
from crm_lib.segments.tables.profit_table import NOT_KNOWN, SMALL_GROUPS, ProfitTable
from crm_lib.statistics.proportions import holm

_MOST = 3
"""Groups written out in a sentence."""
_ENDS = {"own": "times", "low": "low", "high": "high"}


def losses(profit: ProfitTable, *, times: float = 2.0, level: float = 0.95) -> pd.DataFrame:
    """Return the cells that lose money, and whether chance could have made them so.

    A cell is listed when its margin is negative or its share of returns exceeds `times` the company's. Who looks at
    many cells finds some of them bad by chance: the evidence is a one-sided test over the customers of the cell, with
    Holm's correction for all cells and both questions.

    Parameters
    ----------
    profit : ProfitTable
        The cells.
    times : float
        How many times the company's share of returns makes a cell worth listing.
    level : float
        One less the chance of even one false alarm in the whole list.

    Returns
    -------
    DataFrame
        Indexed as the profit table: ``problem`` ("negative margin" or "returns"), ``amount`` (money lost, or returned
        above the company's share), ``p_value`` (corrected) and ``holds`` (whether it is below one less `level`), the
        largest amounts first.

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6.
    """
    frame, moments, n = profit.frame, profit.moments, profit.frame["customers"]
    problems = []
    if profit.has_margin:
        spread = (moments["margin2"] - frame["margin"] ** 2 / n).clip(lower=0)
        p = _one_sided(-frame["margin"], spread, n)
        problems.append(_problem("negative margin", -frame["margin"], p, frame["margin"] < 0))
    usual = _usual_share(profit)
    if usual > 0:
        excess = frame["returns"] - usual * moments["gross"]
        squares = moments["returns2"] - 2 * usual * moments["returns_gross"] + usual**2 * moments["gross2"]
        p = _one_sided(excess, (squares - excess**2 / n).clip(lower=0), n)
        problems.append(_problem("returns", excess, p, frame["returns_share"] > times * usual))
    columns = ["problem", "amount", "p_value", "holds"]
    if not problems:
        return pd.DataFrame(columns=columns, index=frame.index[:0])
    looks = pd.concat(problems)
    looks["p_value"] = holm(looks["p_value"].to_numpy())
    looks["holds"] = looks["p_value"] < 1 - level
    return looks.loc[looks["listed"], columns].sort_values("amount", ascending=False, kind="stable")


def returns_by_group(profit: ProfitTable, *, level: float = 0.95, fewest: int = 30) -> pd.DataFrame:
    """Return each cell's share of returns as a multiple of the company's, with intervals that hold together.

    Parameters
    ----------
    profit : ProfitTable
        The cells, usually of one dimension.
    level : float
        Chance that all intervals cover at once (Bonferroni).
    fewest : int
        Cells with fewer customers have no interval, as the approximation would not hold.

    Returns
    -------
    DataFrame
        Indexed as the profit table: ``customers``, ``returns_share``, ``times``, ``low`` and ``high`` (of `times`),
        the highest first; pooled small groups are left out.

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
    usual = _usual_share(profit)
    if not usual > 0:
        raise TooLittleData(language.text("nothing was returned in the window, so there are no returns to compare"))
    large = (profit.frame["customers"] >= fewest) & (profit.moments["gross"] > 0)
    large &= profit.frame.index.get_level_values(0) != SMALL_GROUPS
    frame, moments = profit.frame[large], profit.moments[large]
    if len(frame) < 2:
        message = language.text("fewer than two groups have {fewest} customers, so there is nothing to compare")
        raise TooLittleData(message.format(fewest=fewest))
    n, rate = frame["customers"], frame["returns_share"]
    squares = moments["returns2"] - 2 * rate * moments["returns_gross"] + rate**2 * moments["gross2"]
    error = np.sqrt(squares.clip(lower=0) * n / (n - 1)) / moments["gross"]
    reach = stats.t.ppf(1 - (1 - level) / 2 / len(frame), n - 1) * error
    table = pd.DataFrame({"customers": n, "returns_share": rate, "times": rate / usual})
    table["low"], table["high"] = (rate - reach).clip(lower=0) / usual, (rate + reach) / usual
    return table.sort_values("times", ascending=False, kind="stable")


def finding_returns(profit: ProfitTable, *, currency: str, at_most: float = 1.5, level: float = 0.95) -> Finding:
    """Return the finding on whether returns are spread evenly over groups.

    Parameters
    ----------
    profit : ProfitTable
        Cells of one dimension.
    currency : str
        ISO code.
    at_most : float
        Returns count as even when no group has more than this many times the company's share.
    level : float
        Chance that the interval of the highest group covers, the search among groups included.

    Returns
    -------
    Finding
        On the highest share among the named groups; goods of no known group cannot be mended as one and do not count.
        The interval runs from the highest lower to the highest upper end of intervals that hold together, so that
        picking the worst of many groups does not count as evidence. The sentence gives the highest group its own
        interval and names the groups whose upper end exceeds `at_most`.

    Raises
    ------
    TooLittleData
        If there are no returns, or no two groups to compare.
    """
    groups = returns_by_group(profit, level=level)
    comparisons = len(groups)
    keys = groups.index.to_frame()
    groups = groups[~(keys == NOT_KNOWN).any(axis="columns").to_numpy()]
    if len(groups) < 2:
        raise TooLittleData(language.text("fewer than two groups have a name, so there is nothing to compare"))
    clear, may = groups[groups["low"] > at_most], groups[(groups["low"] <= at_most) & (groups["high"] > at_most)]
    # Where to look: at those clearly above, else at the highest.
    looked_at = clear if len(clear) else groups.head(1)
    estimate = Estimate(
        value=float(groups["times"].iloc[0]),
        low=float(groups["low"].max()),
        high=float(groups["high"].max()),
        n=int(groups["customers"].sum()),
        method=f"ratio over customers, Bonferroni over {comparisons} groups",
        level=level,
    )
    usual = _usual_share(profit)
    excess = (profit.frame["returns"] - usual * profit.moments["gross"]).loc[looked_at.index]
    ends: dict[Any, Any] = groups.iloc[0].to_dict()
    places = {
        "dimension": profit.label,
        "group": _braced(_names(groups.head(1))),
        "clear": _braced(_names(looked_at)),
        "open": _braced(_names(may)),
        "times": language.number(at_most, 2),
        "usual": language.share(usual, 1),
        **{name: language.number(ends[column], 2) for name, column in _ENDS.items()},
    }
    decisions = {
        Verdict.SUPPORTED: (
            "Treat returns as a matter of the whole company; no {dimension} needs a programme of its own."
        ),
        Verdict.NOT_SUPPORTED: (
            "Look into {clear} first: ask why goods come back, and mend description, quality or packing."
        ),
        Verdict.UNDECIDED: (
            "No {dimension} is proved to be out of the ordinary, and not all are proved to be ordinary: ask again with "
            "more data: {open}."
        ),
    }
    sentence = (
        "{usual} of sales come back. The highest {dimension}, {group}, has {own} [{low}, {high}] times that share."
    )
    if len(may):
        sentence += " May exceed {times} times: {open}."
    return Finding(
        key="segments.returns",
        claim=language.text(
            "Returns are spread evenly: no {dimension} has more than {times} times the usual share."
        ).format(**places),
        source="Textbook 1.1.1, analysis by customer, product and region",
        estimate=estimate,
        criterion=Criterion(high=at_most),
        sentence=language.text(sentence).format(**places),
        decisions={verdict: language.text(words).format(**places) for verdict, words in decisions.items()},
        money_at_stake=Estimate.exact(
            float(excess.clip(lower=0).sum()) * 365 / profit.days,
            n=int(looked_at["customers"].sum()),
            unit=currency,
            method="sum",
        ),
        money_note=language.text("a year's returns above the usual share in: {group}").format(group=_names(looked_at)),
    )


def _names(groups: pd.DataFrame) -> str:
    """Return the names of the groups, at most `_MOST` of them written out."""
    keys = [" · ".join(map(str, key)) if isinstance(key, tuple) else str(key) for key in groups.index[:_MOST]]
    if len(groups) > _MOST:
        keys.append(language.text("{n} more").format(n=language.number(len(groups) - _MOST, 0)))
    return ", ".join(keys)


def _braced(name: str) -> str:
    """Return the name so that it stays as it is when the places of a finding are filled."""
    return name.replace("{", "{{").replace("}", "}}")


def _problem(
    problem: str, amount: pd.Series[float], p_value: pd.Series[float], listed: pd.Series[bool]
) -> pd.DataFrame:
    return pd.DataFrame({"problem": problem, "amount": amount, "p_value": p_value, "listed": listed})


def _one_sided(excess: pd.Series[float], spread: pd.Series[float], n: pd.Series[int]) -> pd.Series[float]:
    """Return p-values of the hypothesis that the sum over a cell's customers is not above zero (t-test)."""
    error = (spread * n / (n - 1).where(n > 1)) ** 0.5
    t = (excess / error.where(error > 0)).fillna(0.0)
    return pd.Series(stats.t.sf(t, (n - 1).clip(lower=1)), index=excess.index)


def _usual_share(profit: ProfitTable) -> float:
    gross = float(profit.totals["gross"])
    return float(profit.totals["returns"]) / gross if gross > 0 else float("nan")
