"""Pictures and tables of contributing customers: beside others like them, and with those whom they brought."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm_lib import language
from crm_lib.exhibit import Kind, Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.decisions import UNKNOWN_PERMISSION
from crm_lib.figures.style import BLUE, INK, ORANGE, QUIET, headline, new_axes, number_axis
from crm_lib.relationships import Contributors, Influence
from crm_lib.segments import may_contact

_ROLES = {
    "any": "contributing in any way",
    "reviews": "reviewing",
    "referrals": "recommending",
    "ideas": "developing with us",
}


def contributors_chart(found: Contributors, *, currency: str) -> Chart:
    """Draw what contributing customers brought afterwards, as a multiple of what others like them brought.

    Parameters
    ----------
    found : Contributors
        The comparison.
    currency : str
        ISO code.

    Returns
    -------
    Chart
        A point with its interval for each role, against 1; a ring where all others are taken, whatever their history.
    """
    roles = found.roles.iloc[::-1]
    rows = np.arange(len(roles))
    axes = new_axes(1.9 + 0.5 * len(roles))
    value, low, high = (
        np.array([getattr(each, end) for each in roles["ratio"]], dtype=float) for end in ("value", "low", "high")
    )
    raw = roles["raw"].to_numpy(dtype=float)
    known = np.isfinite(low) & np.isfinite(high)
    axes.axvline(1, color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
    axes.hlines(rows[known], low[known], high[known], color=BLUE, linewidth=4, alpha=0.45)
    axes.plot(value, rows, "o", color=BLUE, markersize=7, label=language.text("beside others with the same history"))
    axes.plot(
        raw, rows, "o", markerfacecolor="white", markeredgecolor=ORANGE, markeredgewidth=1.6, markersize=7,
        label=language.text("beside all others, whatever their history"),
    )  # fmt: skip
    names = [
        language.text("{role}\n({n} customers)").format(role=language.text(_ROLES[str(name)]), n=language.number(n, 0))
        for name, n in zip(roles.index, roles["customers"], strict=True)
    ]
    axes.set_yticks(rows, names, color=INK)
    axes.set_ylim(-0.6, len(roles) - 0.4)
    ends = np.concatenate([[0.0, 1.1], raw[np.isfinite(raw)] * 1.08, high[known] * 1.08, low[known]])
    axes.set_xlim(float(ends.min()), float(ends.max()))
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    number_axis(axes, which="x")
    days = language.number(found.days, 0)
    label = language.text("{value} in the {days} days after, as a multiple of what the others brought")
    axes.set_xlabel(label.format(value=language.text(found.value_kind.capitalize()), days=days))
    axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=2, labelcolor=QUIET, fontsize=8.5,
                handletextpad=0.3, borderaxespad=0.2)  # fmt: skip
    any_role = found.roles.iloc[0]
    places = {
        "ratio": language.number(float(any_role["ratio"].value), 2),
        "estimate": str(any_role["ratio"]),
        "raw": language.number(float(any_role["raw"]), 1),
        "value": language.text(found.value_kind),
        "day": language.date(found.day),
        "days": days,
    }
    headline(
        axes,
        language.text(
            "Contributors bring {raw} times as much as others, {ratio} times as much as others like them"
        ).format(**places),
    )
    return Chart(
        name="contributors",
        title=language.text(
            "Later {value} of customers who contributed by {day}, against others, in the {days} days after, with 95% "
            "intervals"
        ).format(**places),
        axes=axes,
        alt=language.text(
            "Points with intervals for each way of contributing. Those who contribute in any way brought {estimate} "
            "times the {value} of others with the same history, and {raw} times that of all others."
        ).format(**places),
        table=contributors_table(found, currency=currency),
    )


def contributors_table(found: Contributors, *, currency: str) -> Table:
    """Return the contributing customers by role, beside others like them.

    Parameters
    ----------
    found : Contributors
        The comparison.
    currency : str
        ISO code.

    Returns
    -------
    Table
        One row per role.
    """
    frame = found.roles.drop(columns="p_value")
    judged = {True: language.text("differs"), False: language.text("no difference that holds")}
    frame["holds"] = [judged[bool(holds)] for holds in frame["holds"]]
    frame["ratio"] = [str(each) for each in frame["ratio"]]
    frame.index = pd.Index([language.text(_ROLES[str(name)]) for name in frame.index], name="role")
    words = {"day": language.date(found.day), "days": language.number(found.days, 0)}
    value = found.value_kind.capitalize()
    return Table(
        name="contributors",
        title=language.text("Customers who contributed by {day}, and the {days} days after").format(**words),
        frame=frame,
        kinds={
            "customers": "count", "share": "share", "later": "money", "alike": "money", "ratio": "text",
            "raw": "number", "holds": "text",
        },
        labels={
            "share": "Share of customers", "later": f"{value} a customer", "alike": f"{value} of others like them",
            "ratio": "Ratio to others like them", "raw": "Ratio to all others", "holds": "Evidence",
        },
        currency=currency,
        note="A customer may contribute in several ways. The evidence is judged with all rows in mind (Holm). Who "
        "contributes may differ from others in more than the purchase history: the ratio is no effect of contributing.",
    )  # fmt: skip


def influence_table(found: Influence, *, currency: str) -> Table:
    """Return what contributing customers bring themselves and by those whom they brought, nobody counted twice.

    Parameters
    ----------
    found : Influence
        Values with and without recommendations.
    currency : str
        ISO code.

    Returns
    -------
    Table
        One row per part.
    """
    counts, totals = found.customers, found.totals
    together = counts["own"] + counts["brought"]
    rows = [
        ("Contributing customers themselves", counts["own"], totals["own"]),
        ("Customers whom they brought, not contributing themselves", counts["brought"], totals["brought"]),
        ("Both together", together, totals["together"]),
        ("All customers", counts["all"], totals["all"]),
    ]
    frame = pd.DataFrame(rows, columns=["part", "customers", "value"])
    frame["part"] = [language.text(part) for part in frame["part"]]
    frame["share"] = frame["value"] / totals["all"] if totals["all"] > 0 else np.nan
    words = {
        "credit": language.share(found.credit),
        "credited": language.money(totals["credited"], currency),
        "share": language.share(totals["credited"] / totals["all"]) if totals["all"] > 0 else "–",
    }
    note = language.text(
        "The first two rows share no customer. By the rule that {credit} of a customer's value is credited to whoever "
        "brought the customer, and so on up the chain, contributing customers stand for {credited}, or {share} of all. "
        "The rule is an assumption: nobody knows who would have come anyway."
    ).format(**words)
    dropped = sum(found.left_out.values())
    if dropped:
        note += " " + language.plural(
            "{n} recommendation could not be and was left out.", "{n} recommendations could not be and were left out.",
            dropped,
        )  # fmt: skip
    kinds: dict[str, Kind] = {"part": "text", "customers": "count", "value": "money", "share": "share"}
    return Table(
        name="influence",
        title="What hangs on contributing customers",
        frame=frame,
        kinds=kinds,
        labels={"part": "Part", "share": "Share of value"},
        currency=currency,
        note=note,
    )


def influencers_table(found: Influence, *, allowed: pd.Series[bool] | None, currency: str, most: int = 10) -> Table:
    """Return the customers who brought most by recommendation.

    Parameters
    ----------
    found : Influence
        Values with and without recommendations.
    allowed : Series or None
        Who agreed to be contacted, as of :func:`crm_lib.segments.contact_permission`; None where that is not recorded.
    currency : str
        ISO code.
    most : int
        Customers listed.

    Returns
    -------
    Table
        One row a customer, by the value of all whom the customer brought, directly or not.
    """
    brought = found.frame[found.frame["won"] > 0].sort_values(
        ["chain_value", "own"], ascending=False, kind="stable"
    )  # fmt: skip
    made = [name for name in ("reviews", "ideas") if name in brought and brought[name].any()]
    columns = [*made, "own", "won", "won_value", "chain", "chain_value"]
    brought = brought[columns].head(most)
    note = language.text(
        "Whoever brought one very good customer stands high up: that may be luck, and no merit that returns. A "
        "customer who was brought may stand in the chains of several rows: do not add them up."
    )
    if allowed is None:
        note += " " + language.text(UNKNOWN_PERMISSION)
    else:
        said = {True: language.text("yes"), False: language.text("no")}
        brought = brought.assign(may_contact=may_contact(brought.index, allowed).map(said))
    kinds: dict[str, Kind] = {
        "reviews": "count", "ideas": "count", "own": "money", "won": "count", "won_value": "money", "chain": "count",
        "chain_value": "money",
    }  # fmt: skip
    return Table(
        name="influencers",
        title="Customers who brought most by recommendation",
        frame=brought,
        kinds={name: kinds[name] for name in columns},
        labels={
            "customer_id": "Customer", "own": "Own value", "won": "Brought", "won_value": "Their value",
            "chain": "With those they brought in turn", "chain_value": "Value of all these",
            **({} if allowed is None else {"may_contact": "May be contacted"}),
        },
        currency=currency,
        note=note,
    )  # fmt: skip
