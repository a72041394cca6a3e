"""Who the customers are: concentration, tiers, core customers, RFM, and what hangs on the analyst's choices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.exhibit import Kind, Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.columns import label, table
from crm_lib.figures.forms import bars, curve, heat
from crm_lib.figures.style import BLUE, QUIET
from crm_lib.language import number, plural, say, share, short_money, text
from crm_lib.segments import RFM, SMALLEST_GROUP, Concentration, CoreComparison, Segmented, Sensitivity, tier_shares

_BASES = ("customers", "orders", "answers")
_TIERS_END = {
    "value": "Tiers end where the best together bring {ends} of the value.",
    "count": "Tiers end at the best {ends} of the customers.",
}
_SCORED = {
    "buyers": "Scored are the {n:count} customers who bought in the {days} days up to {day}.",
    "known": "Scored are all {n:count} customers who ever bought, by orders and money of the {days} days up to {day}.",
}


def concentration_chart(measured: Concentration) -> Chart:
    """Draw the cumulative share of value by share of customers, with the interval at the share looked at."""
    top, basis = measured.top_share, measured.basis
    words = {"share": measured.share, "top": top, "kind": basis.kind, "n": measured.customers, "day": basis.ending}
    frame = measured.curve.rename(columns={"customers": "customer_share", "value": "value_share"})
    known = np.isfinite(top.value)
    here = say("the top {share:share} bring {top}", **words)
    return curve(
        frame.set_index("customer_share"),
        ["value_share"],
        diagonal=True,
        marked=pd.DataFrame({"x": [measured.share], "y": [top.value]}, index=[here]) if known else None,
        name="concentration",
        headline=say(
            "The top {share:share} of customers bring {value:share} of the {kind:words}", value=top.value, **words
        ),
        title=say(
            "Share of {kind:words} by share of customers, the best first; {n:count} customers, to {day}", **words
        ),
        about=say("The top {share:share} bring {top}; the Gini coefficient is {gini}.", gini=measured.gini, **words),
        table=table(
            "concentration",
            "Share of value by share of customers",
            frame.iloc[np.unique(np.r_[:11, 15:101:5])].reset_index(drop=True),
            rows=40,
            kinds={"customer_share": "share"},
        ),
    )


def tiers_chart(segmented: Segmented, *, seed: int = 0) -> Chart:
    """Draw each tier's share of the value with its interval, its share of the customers beside it."""
    shares = tier_shares(segmented.tiers, seed=seed)
    frame = pd.DataFrame([_ends(one) for one in shares["value_share"]], index=shares.index)
    frame = frame.rename(columns={"value": "value_share"})
    of_customers = [say("by {share:share1} of customers", share=one.value) for one in shares["customer_share"]]
    key: dict[str, Any] = {str(name): one for name, one in shares.loc["key"].items()}
    words = {"kind": segmented.basis.kind, "few": key["customer_share"].value, "much": key["value_share"].value}
    open_ended = not np.isfinite(frame[["low", "high"]].to_numpy()).all()
    return bars(
        frame.assign(beside=of_customers),
        "value_share",
        low="" if open_ended else "low",
        high="" if open_ended else "high",
        beside="beside",
        name="tiers",
        headline=say("{few:share1} of customers are key and bring {much:share} of the {kind:words}", **words),
        title=say("Share of the {kind:words} by value tier", **words),
        about=say("Key customers are {customer_share} of the customers and bring {value_share}.", **key),
        table=tiers_table(segmented),
    )


def tiers_table(segmented: Segmented) -> Table:
    """Return size, value and concentration of each tier, best first; nothing of single customers in small ones."""
    tiers = segmented.tiers
    frame = tiers.table().reset_index()
    frame.loc[frame["customers"] < SMALLEST_GROUP, ["mean_value", "top_share", "gini"]] = float("nan")
    frame["from"] = frame["from"].replace(float("inf"), float("nan"))
    frame["tier"] = [text(str(name)).capitalize() for name in frame["tier"]]
    notes = [text("Customers of equal value are always in one tier.")]
    if tiers.shares is None:
        notes.append(text("The amounts from which a tier begins were given."))
    else:
        notes.append(say(_TIERS_END[tiers.by], ends=", ".join(share(each) for each in tiers.shares)))
    losing = int(frame["losing"].sum())
    if losing:
        words = ("{n} small customer cost more than was brought.", "{n} small customers cost more than they brought.")
        notes.append(plural(*words, losing))
    labels = _value_labels(segmented.basis.kind)
    kinds: dict[str, Kind] = {"from": "money", "top_share": "share", "losing": "count"}
    return table(
        "tiers",
        "Value tiers",
        frame,
        currency=segmented.basis.currency,
        note=" ".join(notes),
        labels=labels,
        kinds=kinds,
    )


def core_chart(found: CoreComparison) -> Chart:
    """Draw the core customers' share of customers, orders, complaints and dissatisfied answers."""
    shares: dict[str, Estimate] = {str(name): one for name, one in found.frame["share"].items()}
    frame = pd.DataFrame([_ends(one) for one in shares.values()], index=pd.Index(shares)).rename(
        columns={"value": "share"}
    )
    frame["beside"] = [_multiples(row) for _, row in found.frame.iterrows()]
    frame[["low", "high"]] = frame[["low", "high"]].where(np.isfinite(frame[["low", "high"]]))
    words = {name.replace(" ", "_"): one.value for name, one in shares.items()} | {
        "n": found.core,
        "days": found.basis.days,
    }
    told = "Core customers ({customers:share}) place {orders:share} of orders"
    if np.isfinite(words.get("complaints", np.nan)):
        told += " and make {complaints:share} of complaints"
    return bars(
        frame,
        "share",
        low="low",
        high="high",
        beside="beside",
        colours={name: QUIET if name in _BASES else BLUE for name in shares},
        reference=shares["customers"].value,
        name="core_customers",
        headline=say(told, **words),
        title=say("Share of {n:count} core customers, last {days} days (dashed: their share of customers)", **words),
        table=core_table(found),
    )


def core_table(found: CoreComparison) -> Table:
    """Return the core customers' shares and multiples, one row per measure."""
    multiples = ["by_customer", "by_order", "by_answer"]
    frame = found.frame.drop(columns=[name for name in multiples if found.frame[name].isna().all()])
    frame.index = pd.Index([label(str(name)) for name in frame.index], name="measure")
    note = say(
        "Multiples are the core's rate divided by the others'; a customer with several complaints counts as one. "
        "Answers are on the own brand, weighted; dissatisfied is a satisfaction below {points}.",
        points=found.dissatisfied_below,
    )
    if found.elsewhere:
        note += " " + say("Complaints of customers without a purchase in the window left out: {n}.", n=found.elsewhere)
    labels = {"total": "In all", "core": "Core customers", "by_customer": "Times, per customer",
              "by_order": "Times, per order", "by_answer": "Times, per answer"}  # fmt: skip
    kinds: dict[str, Kind] = {"total": "number", "core": "number"}
    shown = {name: words for name, words in labels.items() if name in frame}
    return table("core_customers", "What falls to core customers", frame, note=note, labels=shown, kinds=kinds)


def handling_table(found: CoreComparison) -> Table:
    """Return how complaints of core customers and of others were handled, with the difference and its interval."""
    if found.handling is None:
        raise TooLittleData(text("it is not known when complaints were closed"), table="complaints")
    frame, outcomes = found.handling.copy(), ("settled in time", "satisfied in time", "days to the closing")
    for side in ("core", "others"):
        written = [number(value, 1) if name == "days" else share(value, 1) for name, value in frame[side].items()]
        frame[side] = written
    named = dict(zip(("settled", "satisfied", "days"), outcomes, strict=True))
    frame.index = pd.Index([text(named[str(name)]).capitalize() for name in frame.index], name="outcome")
    note = say(
        "Complaints opened at least {days} days before the last day, so that all were watched equally long. In time is "
        "within {days} days; a complaint still open then counts with {days} days to the closing.",
        days=found.settle_days,
    )
    kinds: dict[str, Kind] = {"core": "text", "others": "text"}
    labels = {"core": "Core customers"}
    return table("core_handling", "How complaints were handled", frame, note=note, kinds=kinds, labels=labels)


def rfm_map(segmented: Segmented) -> Chart:
    """Draw the mean value of a customer by recency and frequency score, the number of customers written in."""
    rfm, basis = segmented.rfm, segmented.basis
    valued = rfm.frame.assign(value=segmented.value.reindex(rfm.frame.index))
    grouped = valued.groupby(["recency_score", "frequency_score"])
    cells = grouped.agg(customers=("value", "size"), mean_value=("value", "mean"))
    # The mean of a handful says little, and may name a person.
    cells["mean_value"] = cells["mean_value"].where(cells["customers"] >= SMALLEST_GROUP)
    if cells["mean_value"].isna().all():
        raise TooLittleData(say("needs {fewest} customers with the same scores", fewest=SMALLEST_GROUP))
    scores = range(1, rfm.levels + 1)
    shade = cells["mean_value"].unstack().reindex(index=scores[::-1], columns=scores)  # noqa: PD010
    sizes = cells["customers"].unstack().reindex(index=scores[::-1], columns=scores)  # noqa: PD010
    written = pd.DataFrame(index=shade.index, columns=shade.columns, dtype=object)
    for row in shade.index:
        for column in shade.columns:
            n, mean = sizes.loc[row, column], shade.loc[row, column]
            worth = "" if np.isnan(n) else text("few") if np.isnan(mean) else short_money(mean, basis.currency)
            written.loc[row, column] = f"{worth}\n{number(n, 0)}" if worth else "–"
    best = cells.dropna().sort_index().iloc[-1]
    words = {"kind": basis.kind, "best": best["mean_value"], "n": best["customers"], "currency": basis.currency}
    return heat(
        shade,
        kind="money",
        rows=text("Recency score (most recent at the top)"),
        columns=text("Frequency score (more orders to the right)"),
        written=written,
        name="rfm_map",
        headline=say("The most recent and frequent bring {best:short} of {kind:words} each", **words),
        title=say("Mean {kind:words} of a customer and number of customers, by score", **words),
        about=say(
            "In the corner of the most recent and frequent, {n:count} customers bring {best:short} each.", **words
        ),
        currency=basis.currency,
        table=table("rfm_map", "Customers and mean value by score", cells, currency=basis.currency, rows=25),
    )


def cut_points_table(segmented: Segmented) -> Table:
    """Return the cut points of the scores, as ranges of values: one row per measure and score."""
    rfm, currency = segmented.rfm, segmented.basis.currency
    frame = rfm.cut_table()
    for end in ("from", "to"):
        forms = ["{x:money2}" if measure == "monetary" else "{x:count}" for measure in frame["measure"]]
        written = [say(form, x=value, currency=currency) for form, value in zip(forms, frame[end], strict=True)]
        frame[end] = written
    names = {"recency": "Days since last purchase", "frequency": "Orders", "monetary": segmented.definitions.monetary}
    frame["measure"] = [text(names[name]).capitalize() for name in frame["measure"]]
    note = text("Equal values have equal scores; where many are equal, a score may stay empty.") + " " + _base(rfm)
    kinds: dict[str, Kind] = {"score": "count", "from": "text", "to": "text"}
    return table("rfm_cut_points", "What the scores mean", frame, note=note, kinds=kinds)


def segments_table(segmented: Segmented) -> Table:
    """Return the segments with size, value and what to do, best first."""
    frame, basis = segmented.rfm.segment_table(segmented.value), segmented.basis
    frame["action"] = [text(words) for words in frame["action"]]
    frame.index = pd.Index([text(str(name)) for name in frame.index], name="segment")
    labels = {**_value_labels(basis.kind), "median_recency": "Days since last purchase (median)"}
    title = "The segments: size, value, action"
    kinds: dict[str, Kind] = {"median_recency": "count"}
    return table("rfm_segments", title, frame, currency=basis.currency, labels=labels, kinds=kinds)


def sensitivity_table(tried: Sensitivity) -> Table:
    """Return the share of customers who would be in another segment under other reasonable rules."""
    frame = tried.table()
    title = "{moved:share} of the customers would be in another segment under some other rule"
    title = say(title, moved=float(frame["moved_share"]["any of these"]))
    frame.index = pd.Index([text(str(name)) for name in frame.index], name="rule")
    notes = [text("Far means two bands of recency or of weight away, or without a segment at all.")]
    notes += [say("Not tried: {rule:words}, as {why}.", rule=rule, why=why) for rule, why in tried.left_out.items()]
    labels = {"rule": "Other rule", "moved": "Customers elsewhere", "moved_share": "Share of customers",
              "not_scored": "Without a segment", "moved_far": "Share far away"}  # fmt: skip
    kinds: dict[str, Kind] = {"moved": "count", "moved_share": "share", "not_scored": "count", "moved_far": "share"}
    return table("rfm_sensitivity", title, frame, note=" ".join(notes), labels=labels, kinds=kinds)


def stable_segments_table(tried: Sensitivity) -> Table:
    """Return which segments keep their customers whatever the rule, best first."""
    frame = tried.by_segment()
    frame.index = pd.Index([text(str(name)) for name in frame.index], name="segment")
    labels = {"stable": "Same under every rule", "stable_share": "Share of the segment"}
    kinds: dict[str, Kind] = {"stable": "count", "stable_share": "share"}
    title = "Customers who are in their segment under every rule tried"
    return table("rfm_stable", title, frame, labels=labels, kinds=kinds)


def _base(rfm: RFM) -> str:
    return say(_SCORED[rfm.base], n=len(rfm.frame), days=rfm.window_days, day=rfm.as_of) if rfm.window_days else ""


def _ends(one: Estimate) -> dict[str, float]:
    return {"value": one.value, "low": one.low, "high": one.high}


def _multiples(row: pd.Series[Any]) -> str:
    """Return the core's rate as a multiple of the others', by customer and by order or answer."""
    bases = {"by_customer": "customer", "by_order": "order", "by_answer": "answer"}
    told: dict[str, Estimate] = {bases[name]: row[name] for name in bases if isinstance(row[name], Estimate)}
    form = "{x:number2}× per {base:words}"
    return ", ".join(say(form, x=one.value, base=base) for base, one in told.items() if np.isfinite(one.value))


def _value_labels(kind: str) -> dict[str, str]:
    word = kind.capitalize()
    labels = {"value": word, "value_share": f"Share of {kind}", "mean_value": f"{word} per customer"}
    return labels | {"from": "From", "top_share": "Share of the tier's best fifth", "gini": "Gini within the tier",
                     "losing": "Of negative value"}  # fmt: skip
