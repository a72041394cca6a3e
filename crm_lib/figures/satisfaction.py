"""What customers think: measures, core customers, drivers, delivered value, care and needs as charts and tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crm_lib.exhibit import Kind, Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.columns import table
from crm_lib.figures.forms import bars, curve, dots, grid, heat
from crm_lib.language import date, say, share, text
from crm_lib.satisfaction import (
    Care,
    CoreSatisfaction,
    DeliveredValue,
    Drivers,
    Layers,
    Measures,
    Recovery,
    Response,
)
from crm_lib.satisfaction.kano import CLASSES

_HABITS = {
    "purchase_days": "Purchase days in the year",
    "margin": "Margin of the year",
    "revenue": "Revenue of the year",
    "recency": "Days since the last purchase",
    "tenure": "Days since the first purchase",
}


def ends(estimates: Any, value: str, *, scale: float = 1.0) -> pd.DataFrame:
    """Return a column of estimates as rows with `value`, ``low`` and ``high``; open ends are missing."""
    rows = {name: {value: one.value, "low": one.low, "high": one.high} for name, one in estimates.items()}
    return pd.DataFrame.from_dict(rows, orient="index").replace([np.inf, -np.inf], np.nan) * scale


def _plain(name: object) -> str:
    return text(str(name).replace("_", " "))


def spoken(names: pd.Index) -> list[str]:
    """Return names of columns as a reader sees them."""
    return [_plain(name).capitalize() for name in names]


def ratings_chart(found: Measures) -> Chart:
    """Draw the share of answers at each rating, one row an item."""
    frame = found.distributions.set_axis(spoken(found.distributions.index))
    burdens = [name for name in frame.index if name.lower().endswith("burden")]
    low = frame.loc[:, :5].sum(axis=1).drop(burdens)
    best, worst = str(low.idxmin()), str(low.idxmax())
    return heat(
        frame.rename(columns=str), kind="share", columns=text("Rating"), name="ratings",
        headline=say("{worst} has the most low ratings, {best} the fewest", worst=worst, best=best.lower()),
        title=say("Share of answers at each rating, wave {wave}; of a burden 10 is the heaviest", wave=found.last),
    )  # fmt: skip


def waves_chart(found: Measures) -> Chart:
    """Draw the satisfaction index by wave with its interval."""
    name = "satisfaction index" if "satisfaction index" in found.now.index else str(found.now.index[0])
    rows: Any = found.waves.loc[name].reindex(list(found.survey.waves)).dropna()
    frame = ends(rows, "index", scale=100 if rows.iloc[0].unit == "share" else 1).dropna().rename_axis("wave")
    now: Any = found.now.loc[name, "now"]
    return curve(
        frame, ["index"], low="low", high="high", name="waves", kind="number",
        headline=say("The {name:words} is {now} of 100 in wave {wave}", name=name, now=now, wave=found.last),
        title=say("{name:words} by wave, with interval; waves with fewer than ten answers are left out",
                  name=text(name).capitalize()),
    )  # fmt: skip


def measures_table(found: Measures) -> Table:
    """Return the measures of the last wave, of the one before, and whether the change is more than chance."""
    frame = found.now.set_axis(spoken(found.now.index)).rename_axis("measure").reset_index()
    if "holds" in frame:
        frame["holds"] = [say("yes" if each else "no") for each in frame["holds"]]
    left = "; ".join(f"{text(reason)}: {n}" for reason, n in found.survey.left_out.items())
    note = say("Satisfied: 8 or more of 10; top two boxes: 9 or 10. Net promoter score: share of 9 and 10 less that of "
               "0 to 6.")  # fmt: skip
    if left:
        note += " " + say("Answers left out: {left}.", left=left)
    title = say("Measures in wave {last}, against wave {before}", last=found.last, before=found.previous or "–")
    labels = {"now": say("Wave {w}", w=found.last), "before": say("Wave {w}", w=found.previous),
              "change": "Change", "holds": "More than chance"}  # fmt: skip
    return table("measures", title, frame, note=note, labels={k: v for k, v in labels.items() if k in frame})


def gaps_chart(found: Measures) -> Chart:
    """Draw by how much each quality is perceived better or worse than customers had expected."""
    frame = ends(found.gaps, "gap").set_axis(spoken(found.gaps.index)).sort_values("gap")
    return dots(
        frame, "gap", kind="number", reference=0.0, reference_label=say("as expected"), name="gaps",
        headline=say("{worst} is perceived worst against expectation, {best} best", worst=frame.index[0],
                     best=str(frame.index[-1]).lower()),
        title=say("Perceived less expected, points of 10, wave {wave}", wave=found.last),
    )  # fmt: skip


def response_table(found: Response) -> Table:
    """Return how customers who answered differ from those who did not."""
    names = [text(_HABITS[str(name)]) for name in found.habits.index]
    frame = found.habits.set_axis(names).rename_axis("habit").reset_index()
    corrected = "; ".join(f"{text(name)} {one}" for name, one in found.raked.items())
    note = say("Of customers who bought in the last year, {rate} answered.", rate=found.rate)
    if corrected:
        note += " " + say("Satisfaction index: {corrected}.", corrected=corrected)
    shown: dict[str, Kind] = {"answered": "number", "missing": "number"}
    labels = {"answered": "Answered", "missing": "Did not answer"}
    title = say("Customers who answered, and those who did not")
    return table("response", title, frame, note=note, labels=labels, kinds=shown)


def core_measures_chart(found: CoreSatisfaction) -> Chart:
    """Draw the measures of core customers beside those of the others."""
    frame = ends(found.frame["core"], "core")
    frame["others"] = [one.value for one in found.frame["others"]]
    frame.loc[[one.unit != "share" for one in found.frame["core"]]] /= 100
    row: Any = found.frame.loc["satisfaction index"]
    written = found.frame.drop(columns="holds").set_axis(spoken(found.frame.index)).rename_axis("measure").reset_index()
    return dots(
        frame.set_axis(spoken(frame.index)), "core", mark="others", kind="share", name="core-measures",
        headline=say("Core customers score {core}, the others {others} of 100", core=row["core"], others=row["others"]),
        title=say("Last answers of {n} core customers and {m} others; indices as a share of 100", n=found.answers[0],
                  m=found.answers[1]),
        table=table("core-measures", say("Core customers and others"), written, labels={"others": "Others"}),
    )  # fmt: skip


def dissatisfied_table(found: CoreSatisfaction) -> Table:
    """Return the dissatisfied core customers, the most valuable first, with the reason and the last contact."""
    rows: Any = found.dissatisfied.reset_index()
    rows["contact"] = [
        "–" if pd.isna(day) else f"{date(day)}, {text(str(kind))}"
        for day, kind in zip(rows["contact"], rows["contact_kind"], strict=True)
    ]
    frame = rows[["customer_id", "value", "satisfaction", "reason", "contact"]]
    if "may_contact" in rows:
        frame = frame.assign(may_contact=[say("yes" if may else "no") for may in rows["may_contact"]])
    title = say("{n:count} core customers who rated satisfaction below {below:number}", n=len(frame), below=found.below)
    return table(
        "dissatisfied-core",
        title,
        frame,
        currency=found.basis.currency,
        rows=12,
        labels={"satisfaction": "Rating"},
        kinds={"contact": "text"},
    )


def drivers_chart(found: Drivers) -> Chart:
    """Draw how much each driver has to do with satisfaction; the table says what to do."""
    frame = ends(found.frame["importance"], "importance").set_axis(spoken(found.frame.index))
    note = say("Importance by {method:words}; together the drivers explain {r2} of the differences. The ordered model "
               "treats ratings as ranks.", method=found.method, r2=found.r2)  # fmt: skip
    if found.left_out:
        why = "; ".join(f"{_plain(name)} ({reason})" for name, reason in found.left_out.items())
        note += " " + say("Left out: {why}.", why=why)
    behind = found.frame.set_axis(frame.index).rename_axis("driver").reset_index()
    shown = frame.assign(priority=[text(str(each).partition(":")[0]) for each in found.frame["priority"]])
    return bars(
        shown, "importance", low="low", high="high", beside="priority", kind="share", name="drivers",
        headline=say("{first} matters most for satisfaction: {share} of what ratings explain", first=frame.index[0],
                     share=found.frame["importance"].iloc[0]),
        title=say("Share of the explained variance, with interval, and what to do"),
        table=table("drivers", say("Drivers, the most important first"), behind, note=note),
    )  # fmt: skip


def layers_chart(found: Layers) -> Chart:
    """Draw how much each layer of keeping has to do with staying."""
    frame = ends(found.importance, "importance").set_axis(spoken(found.importance.index))
    return dots(
        frame, "importance", kind="share", name="layers",
        headline=say("{best} has most to do with the intention to stay", best=str(frame["importance"].idxmax())),
        title=say("Share of what the layers explain, with interval"),
        note=say("Together the layers explain {r2} of the differences.", r2=found.r2),
    )  # fmt: skip


def value_map(found: DeliveredValue) -> Chart:
    """Draw the brands by what customers get and what it costs them."""
    frame = pd.DataFrame({name: [each.value for each in found.brands[name]] for name in ("total_cost", "total_value")},
                         index=found.brands.index)  # fmt: skip
    order = ends(found.brands["delivered"], "value")["value"].sort_values(ascending=False)
    place = list(order.index).index("own brand") + 1
    message = "The own brand delivers the most value of {n} brands" if place == 1 else (
        "{best} delivers the most value; the own brand is number {place} of {n}"
    )  # fmt: skip
    counted = ", ".join(
        f"{name} {share(weight)}" for name, weight in found.weights["weight"].rename(index=_plain).items()
    )
    note = say("Weights: {counted}.", counted=counted)
    if found.not_compared:
        note += " " + say("Rivals were not rated on {left:words}.", left=[_plain(name) for name in found.not_compared])
    columns = found.brands.rename(index=text).reset_index()
    return grid(
        frame.rename(index=text), "total_cost", "total_value", x_kind="number", y_kind="number", name="value-map",
        headline=say(message, best=str(order.index[0]), place=place, n=len(order)),
        title=say("Total value against total cost, points of 10; the upper left is best for customers"),
        table=table("value-map", say("Delivered value by brand"), columns, note=note),
    )  # fmt: skip


def care_table(found: Care) -> Table:
    """Return the contacts of each phase: how long, settled or not, and followed by a purchase or not."""
    frame = found.phases.set_axis(spoken(found.phases.index)).rename_axis("phase").reset_index()
    note = say("Contacts of the last year without reviews and complaints. Bought again: within 90 days.")
    labels = {"again": "Bought again, if settled", "again_unsettled": "Bought again, if not",
              "settled": "Settled at once",
              "cost": "Cost of a contact"}  # fmt: skip
    return table("care", say("Care before, during and after a purchase"), frame, currency=found.currency, note=note,
                 labels={k: v for k, v in labels.items() if k in frame})  # fmt: skip


def care_times_chart(found: Care) -> Chart:
    """Draw how many days complaints took to be closed."""
    edges = [0, 1, 3, 7, 14, 30, np.inf]
    names = ["within a day", "1 to 3 days", "3 to 7 days", "7 to 14 days", "14 to 30 days", "longer"]
    counts = np.histogram(found.times, edges)[0]
    frame = pd.DataFrame({"complaints": counts}, index=pd.Index([text(name) for name in names], name="time"))
    return bars(
        frame, "complaints", name="care-times",
        headline=say("Half of the complaints were closed within {days:number1} days", days=float(found.times.median())),
        title=say("Complaints of the last year by time to closing; {n:count} closed", n=len(found.times)),
        table=table("complaints-handled", say("How complaints were handled"),
                    found.complaints.rename(text).rename_axis("measure").reset_index(name="value"),
                    labels={"measure": "Measure", "value": "Share"}),
    )  # fmt: skip


def recovery_chart(found: Recovery) -> Chart:
    """Draw the satisfaction of customers without, with a well-settled and with an unsettled complaint."""
    frame = ends(found.groups, "index").set_axis(spoken(found.groups.index))
    frame["answers"] = [each.n for each in found.groups]
    return dots(
        frame, "index", kind="number", name="recovery",
        headline=say("A well-settled complaint: {paradox} points; an unsettled one: {harm}", paradox=found.paradox,
                     harm=found.harm),
        title=say("Satisfaction index by complaints of the half-year before the answer"),
    )  # fmt: skip


def own_costs_chart(costs: pd.DataFrame) -> Chart:
    """Draw what buying costs customers beside money."""
    frame = ends(costs["burden"], "burden").set_axis(spoken(costs.index))
    behind = costs.set_axis(frame.index).rename_axis("item").reset_index()
    return dots(
        frame, "burden", kind="number", name="own-costs",
        headline=say("{first} weighs heaviest on customers", first=frame.index[0]),
        title=say("Burden of buying, 1 (none) to 10, with interval"),
        table=table("own-costs", say("Burdens, and how many points of loyalty go with a heavy one"), behind),
    )  # fmt: skip


def kano_chart(found: pd.DataFrame) -> Chart:
    """Draw the features by how far they satisfy and how far their absence dissatisfies."""
    frame = pd.DataFrame({name: [abs(each.value) for each in found[name]] for name in ("better", "worse")},
                         index=spoken(found.index))  # fmt: skip
    must = [text(str(name)) for name in found.index[found["class"] == "must-be"]]
    shares: dict[str, Kind] = {name: "share" for name in CLASSES if name in found}
    behind = found.set_axis(frame.index).rename_axis("feature").reset_index()
    return grid(
        frame, "worse", "better", x_kind="share", y_kind="share", x_cuts=(0.5,), y_cuts=(0.5,), name="kano",
        headline=say("Customers take {must:words} for granted", must=must) if must
        else say("No feature is a must for customers"),
        title=say("How far a feature satisfies where it is there, and dissatisfies where it is not"),
        table=table("kano", say("Features, and what to do"), behind, kinds=shares),
    )  # fmt: skip


def needs_table(frame: pd.DataFrame) -> Table:
    """Return what customers complain of and rate low."""
    rows = frame.reset_index()
    rows["source"] = [text(str(source)) for source in rows["source"]]
    note = say("Share of customers who complained, or who answered, in the last year.")
    return table("needs", say("What customers lack"), rows, note=note, kinds={"unsettled": "share"})
