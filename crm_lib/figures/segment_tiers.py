"""The value tiers: how few customers bring how much."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crm_lib import language
from crm_lib.estimate import Estimate
from crm_lib.exhibit import Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.style import BLUE, INK, ORANGE, QUIET, headline, new_axes, share_axis
from crm_lib.segments import SMALLEST_GROUP, TIERS, Tiers, tier_shares

_NAMES = {"key": "Key", "major": "Major", "ordinary": "Ordinary", "small": "Small"}


def tiers_chart(
    tiers: Tiers, *, currency: str, value: str, level: float = 0.95, resamples: int = 999, seed: int = 0
) -> Chart:
    """Draw each tier's share of the customers against its share of the value, with intervals.

    Parameters
    ----------
    tiers : Tiers
        Customers in tiers.
    currency : str
        ISO code.
    value : str
        What was added up: "margin" or "revenue".
    level : float
        Nominal coverage of the intervals.
    resamples : int
        Number of bootstrap resamples.
    seed : int
        Seed of the random numbers.

    Returns
    -------
    Chart
        Paired bars, the best tier at the top; the table behind them is that of :func:`tiers_table`.
    """
    shares = tier_shares(tiers, level=level, resamples=resamples, seed=seed)
    axes = new_axes(3.9)
    value_word = language.text(value)
    labels = (language.text("share of customers"), language.text("share of the {value}").format(value=value_word))
    largest = 0.0
    for place, name in enumerate(TIERS):
        drawn = (("customer_share", -0.2, ORANGE, labels[0]), ("value_share", 0.2, BLUE, labels[1]))
        for column, offset, colour, label in drawn:
            share = _share(shares, name, column)
            where, length = place + offset, np.nan_to_num(share.value)
            axes.barh(where, length, height=0.36, color=colour, label=label if place == 0 else None)
            end = max(length, 0.0)
            if not share.is_exact and abs(share.high - share.low) < _ENDLESS:
                axes.plot([share.low, share.high], [where, where], color=INK, linewidth=1.3, solid_capstyle="butt")
                end = max(end, share.high)
            axes.annotate(
                str(share), (end, where), xytext=(6, 0), textcoords="offset points", va="center", color=INK, fontsize=9
            )
            largest = max(largest, end)
    axes.set_yticks(range(len(TIERS)), [language.text(_NAMES[name]) for name in TIERS], color=INK, fontsize=10.5)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.axvline(0, color=QUIET, linewidth=0.8)
    axes.set_xlim(min(0.0, axes.get_xlim()[0]), max(largest, 0.1) * 1.32)
    share_axis(axes, which="x")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=2, frameon=False, fontsize=9)
    places = _places(shares, value_word)
    headline(
        axes, language.text("{customers} of customers are key and bring {brought} of the {value}").format(**places)
    )
    return Chart(
        name="tiers",
        title=language.text("Value tiers: share of customers and of the {value}").format(**places),
        axes=axes,
        alt=language.text(
            "Paired bars for key, major, ordinary and small customers: share of customers and share of the {value}. "
            "Key customers are {customers_full} of the customers and bring {brought_full}; small ones are {small_full} "
            "of the customers and bring {small_brought}."
        ).format(**places),
        table=tiers_table(tiers, currency=currency, value=value),
    )


def tiers_table(tiers: Tiers, *, currency: str, value: str, smallest_group: int = SMALLEST_GROUP) -> Table:
    """Return size, value and concentration of each tier.

    Parameters
    ----------
    tiers : Tiers
        Customers in tiers.
    currency : str
        ISO code.
    value : str
        What was added up: "margin" or "revenue".
    smallest_group : int
        In tiers with fewer customers nothing is told of a single one or of differences among them.

    Returns
    -------
    Table
        One row per tier, best first.
    """
    frame = tiers.table().reset_index()
    few = frame["customers"] < smallest_group
    frame.loc[few, ["mean_value", "top_share", "gini"]] = float("nan")
    frame.loc[frame["from"] == float("inf"), "from"] = float("nan")
    frame["tier"] = [language.text(_NAMES[str(name)]) for name in frame["tier"]]
    word = value.capitalize()
    notes = [language.text("Customers of equal value are always in one tier.")]
    if tiers.shares is not None:
        ends = ", ".join(language.share(share) for share in tiers.shares)
        kinds = {"value": "Tiers end where the best together bring {ends} of the value.",
                 "count": "Tiers end at the best {ends} of the customers."}  # fmt: skip
        notes.append(language.text(kinds[tiers.by]).format(ends=ends))
    else:
        notes.append(language.text("The amounts from which a tier begins were given."))
    if frame["losing"].any():
        losing = int(frame["losing"].sum())
        words = ("{n} small customer cost more than was brought.", "{n} small customers cost more than they brought.")
        notes.append(language.plural(*words, losing))
    return Table(
        name="tiers",
        title="Value tiers",
        frame=frame,
        kinds={
            "from": "money", "customers": "count", "customer_share": "share", "value": "money", "value_share": "share",
            "mean_value": "money", "top_share": "share", "gini": "number", "losing": "count",
        },
        labels={
            "from": "From", "customer_share": "Share of customers", "value": word, "value_share": f"Share of {value}",
            "mean_value": f"{word} a customer", "top_share": "Brought by the tier's best fifth",
            "gini": "Gini within the tier", "losing": "Of negative value",
        },
        currency=currency,
        note=" ".join(notes),
    )  # fmt: skip


_ENDLESS = 1e6
"""Intervals as long as this are open, and are written and not drawn."""


def _places(shares: pd.DataFrame, value: str) -> dict[str, str]:
    key = {column: _share(shares, "key", column) for column in ("customer_share", "value_share")}
    return {
        "value": value,
        "customers": _rounded(key["customer_share"]),
        "brought": _rounded(key["value_share"]),
        "customers_full": str(key["customer_share"]),
        "brought_full": str(key["value_share"]),
        "small_full": str(_share(shares, "small", "customer_share")),
        "small_brought": str(_share(shares, "small", "value_share")),
    }


def _share(shares: pd.DataFrame, tier: str, column: str) -> Estimate:
    found: Any = shares.loc[tier, column]
    share: Estimate = found
    return share


def _rounded(share: Estimate) -> str:
    return str(share) if share.is_exact else language.share(share.value, 1 if abs(share.value) < 0.095 else 0)
