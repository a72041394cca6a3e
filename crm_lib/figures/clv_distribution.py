"""How value is spread over customers: a few hold most of it, and these are they."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm_lib import language
from crm_lib.clv.value import CustomerValue
from crm_lib.errors import TooLittleData
from crm_lib.exhibit import Kind, Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.style import BLUE, ORANGE, QUIET, headline, money_axis, new_axes, share_axis, short_money

_GROUPS = 20
_TOP_COLUMNS: dict[str, tuple[Kind, str]] = {
    "current": ("money", "Value to come"),
    "current_low": ("money", "From"),
    "current_high": ("money", "To"),
    "historical": ("money", "Value so far"),
    "potential": ("money", "Could be added"),
    "probability_alive": ("share", "Still a customer"),
    "expected_purchases": ("number", "Expected purchases"),
}


def value_distribution_chart(value: CustomerValue, *, top_share: float = 0.2) -> Chart:
    """Draw the value to come of customers from the most to the least valuable, and what the best of them hold.

    Parameters
    ----------
    value : CustomerValue
        The values.
    top_share : float
        Share of customers looked at as the best.

    Returns
    -------
    Chart
        A bar for each twentieth of the customers.

    Raises
    ------
    TooLittleData
        If there are no customers.
    ValueError
        If the share lies outside (0, 1).
    """
    if not 0 < top_share < 1:
        raise ValueError(f"top_share must lie between 0 and 1, not {top_share}")
    amounts = np.sort(value.frame["current"].dropna().to_numpy(dtype=float))[::-1]
    if len(amounts) == 0:
        raise TooLittleData("there are no customers whose value could be drawn")
    groups = _groups(amounts)
    best = amounts[: max(round(top_share * len(amounts)), 1)]
    total = float(amounts.sum())
    share = float(best.sum()) / total if total > 0 else float("nan")
    axes = new_axes(3.8)
    width = (groups["to"] - groups["from"]).to_numpy()
    middle = ((groups["to"] + groups["from"]) / 2).to_numpy()
    axes.bar(middle, groups["mean"], width=0.86 * width, color=np.where(middle < top_share, ORANGE, BLUE).tolist())
    money_axis(axes, value.currency)
    share_axis(axes, which="x")
    axes.set_xlim(0, 1)
    # Words stand above the bars where these do not fall off.
    others = groups["mean"].to_numpy()[middle >= top_share]
    peak = float(groups["mean"].max())
    if peak > 0:
        axes.set_ylim(top=peak * (1.6 if len(others) and others[0] > 0.5 * peak else 1.04))
    axes.set_xticks(np.linspace(0, 1, 6))
    axes.grid(axis="x", visible=False)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(language.text("Customers, the most valuable first"))
    axes.set_title(language.text("Value to come, mean of a customer"), loc="left", fontsize=9.5, color=QUIET)
    places = {
        "top": language.share(top_share),
        "rest": language.share(1 - top_share),
        "share": language.share(share),
        "rest_share": language.share(1 - share),
        "n": language.number(len(amounts), 0),
        "limit": short_money(float(best[-1]), value.currency),
        "mean": short_money(float(amounts.mean()), value.currency),
        "median": short_money(float(np.median(amounts)), value.currency),
        "total": short_money(total, value.currency),
        "day": language.date(value.as_of),
    }
    for place, colour, words in (
        (top_share, ORANGE, "the best {top}:\n{limit} and more each,\n{share} of all that is to come"),
        (max(top_share, 0.6), BLUE, "the other {rest}:\nless than that,\n{rest_share} of all that is to come"),
    ):
        axes.annotate(
            language.text(words).format(**places), (place, 0.9), xycoords=("data", "axes fraction"), xytext=(10, 0),
            textcoords="offset points", va="top", color=colour, fontweight="bold", linespacing=1.35,
        )  # fmt: skip
    headline(axes, language.text("{top} of customers hold {share} of the value to come").format(**places))
    return Chart(
        name="value_distribution",
        title=language.text("Value to come of {n} customers on {day}, by twentieths from the most valuable").format(
            **places
        ),
        axes=axes,
        alt=language.text(
            "Falling bars of the mean value to come of a customer, by twentieths of {n} customers. The best {top} hold "
            "{share} of {total}; the mean is {mean} a customer and the median {median}."
        ).format(**places),
        table=Table(
            name="value_distribution",
            title="Value to come by twentieth of the customers",
            frame=groups,
            kinds={
                "from": "share", "to": "share", "customers": "count", "smallest": "money", "largest": "money",
                "mean": "money", "share": "share",
            },
            labels={"from": "Customers from", "to": "To", "mean": "Mean of a customer", "share": "Share of the total"},
            currency=value.currency,
            note="Expected values. What customers will in fact bring is spread more widely.",
        ),
    )  # fmt: skip


def top_customers_table(value: CustomerValue, *, most: int = 10) -> Table:
    """Return the customers whose value to come is highest.

    Parameters
    ----------
    value : CustomerValue
        The values.
    most : int
        Number of customers.

    Returns
    -------
    Table
        One row a customer with the interval of what is to come, the most valuable first.
    """
    columns = {name: how for name, how in _TOP_COLUMNS.items() if name in value.frame}
    frame = value.frame.sort_values("current", ascending=False, kind="stable").head(most)
    frame = frame[list(columns)].rename_axis("customer_id")
    frame.index = frame.index.astype(str)
    return Table(
        name="top_customers",
        title="The most valuable customers",
        frame=frame,
        kinds={"customer_id": "text", **{name: kind for name, (kind, _) in columns.items()}},
        labels={"customer_id": "Customer", **{name: label for name, (_, label) in columns.items()}},
        currency=value.currency,
        note=language.text(
            "Intervals hold {level} and are for what is expected; what a single customer does bring varies far more."
        ).format(level=language.share(value.level)),
        rows_shown=most,
    )


def _groups(amounts: np.ndarray) -> pd.DataFrame:
    """Return twentieths of amounts in falling order, fewer where there are not so many."""
    count = len(amounts)
    edges = np.unique(np.linspace(0, count, min(_GROUPS, count) + 1).round().astype(int))
    begins, ends = edges[:-1], edges[1:]
    sums = np.add.reduceat(amounts, begins)
    total = amounts.sum()
    return pd.DataFrame(
        {
            "from": begins / count,
            "to": ends / count,
            "customers": ends - begins,
            "smallest": amounts[ends - 1],
            "largest": amounts[begins],
            "mean": sums / (ends - begins),
            "share": sums / total if total > 0 else np.nan,
        }
    )
