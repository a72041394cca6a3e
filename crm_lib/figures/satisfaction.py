"""What customers think, and whether it keeps them, as charts and tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from crm_lib import satisfaction
from crm_lib.estimate import Estimate
from crm_lib.exhibit import Kind, Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.columns import table
from crm_lib.figures.forms import bars, curve, dots, grid, heat
from crm_lib.figures.forms.words import finish
from crm_lib.figures.style import BLUE, INK, QUIET, new_axes
from crm_lib.language import date, say, share, text
from crm_lib.satisfaction.kano import CLASSES
from crm_lib.satisfaction.loyalty import INTENDS, KINDS

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


def plain(name: object) -> str:
    """Return the name of a column as a reader sees it."""
    return text(str(name).replace("_", " "))


def left_out(why: Mapping[str, str]) -> str:
    """Return the sentence, behind a note, on what is left out and why."""
    told = "; ".join(f"{plain(name)} ({reason})" for name, reason in why.items())
    return " " + say("Left out: {why}.", why=told) if told else ""


def named(frame: Any, name: str) -> Any:
    """Return a table with its index as a first column of spoken names."""
    return frame.set_axis(spoken(frame.index)).rename_axis(name).reset_index()


def spoken(names: pd.Index) -> list[str]:
    """Return names that begin a line."""
    return [plain(name).capitalize() for name in names]


def ratings_chart(found: satisfaction.Measures) -> Chart:
    """Draw the share of answers at each rating, one row an item."""
    frame = found.distributions.set_axis(spoken(found.distributions.index))
    low = frame[~frame.index.str.endswith("burden")].loc[:, :5].sum(axis=1)
    best = str(low.idxmin()).lower()
    return heat(
        frame.rename(columns=str), kind="share", columns=text("Rating"), name="ratings",
        headline=say("{worst} has the most low ratings, {best} the fewest", worst=low.idxmax(), best=best),
        title=say("Share of answers at each rating, wave {wave}; of a burden 10 is the heaviest", wave=found.last),
    )  # fmt: skip


def waves_chart(found: satisfaction.Measures) -> Chart:
    """Draw the satisfaction index by wave with its interval."""
    name = "satisfaction index" if "satisfaction index" in found.now.index else str(found.now.index[0])
    rows: Any = found.waves.loc[name].reindex(list(found.survey.waves)).dropna()
    frame = ends(rows, "index", scale=100 if rows.iloc[0].unit == "share" else 1).dropna().rename_axis("wave")
    headline = say("The {name:words} is {now} of 100 in wave {wave}", name=name, now=found.now["now"][name],
                   wave=found.last)  # fmt: skip
    title = say("{name:words} by wave, with interval; waves with fewer than ten answers are left out",
                name=text(name).capitalize())  # fmt: skip
    if len(frame) == 1:  # a line needs two points
        return dots(frame, "index", kind="number", name="waves", headline=headline, title=title)
    return curve(frame, ["index"], low="low", high="high", name="waves", kind="number", headline=headline, title=title)


def measures_table(found: satisfaction.Measures) -> Table:
    """Return the measures of the last wave, of the one before, and whether the change is more than chance."""
    frame = named(found.now, "measure")
    if "holds" in frame:
        frame["holds"] = [say("yes" if each else "no") for each in frame["holds"]]
    left = "; ".join(f"{text(reason)}: {n}" for reason, n in found.survey.left_out.items())
    note = say("Satisfied: 8 or more of 10; top two boxes: 9 or 10. Net promoter score: share of 9 and 10 less that of "
               "0 to 6.")  # fmt: skip
    note += " " + say("Answers left out: {left}.", left=left) if left else ""
    message = "Measures in wave {last}, against wave {before}" if found.previous else "Measures in wave {last}"
    labels = {"now": say("Wave {w}", w=found.last), "before": say("Wave {w}", w=found.previous),
              "change": "Change", "holds": "More than chance"}  # fmt: skip
    title = say(message, last=found.last, before=found.previous)
    return table("measures", title, frame, note=note, labels={k: v for k, v in labels.items() if k in frame})


def gaps_chart(found: satisfaction.Measures) -> Chart:
    """Draw by how much each quality is perceived better or worse than customers had expected."""
    frame = ends(found.gaps, "gap").set_axis(spoken(found.gaps.index)).sort_values("gap")
    return dots(
        frame, "gap", kind="number", reference=0.0, reference_label=say("as expected"), name="gaps",
        headline=say("{worst} is perceived worst against expectation, {best} best", worst=frame.index[0],
                     best=str(frame.index[-1]).lower()),
        title=say("Perceived less expected, points of 10, wave {wave}", wave=found.last),
    )  # fmt: skip


def response_table(found: satisfaction.Response) -> Table:
    """Return how customers who answered differ from those who did not."""
    names = [text(_HABITS[str(name)]) for name in found.habits.index]
    frame = found.habits.set_axis(names).rename_axis("habit").reset_index()
    corrected = "; ".join(f"{text(name)} {one}" for name, one in found.raked.items())
    note = say("Of customers who bought in the last year, {rate} answered.", rate=found.rate)
    note += " " + say("Satisfaction index: {corrected}.", corrected=corrected) if corrected else ""
    return table("response", say("Customers who answered, and those who did not"), frame, note=note,
                 labels={"answered": "Answered", "missing": "Did not answer"},
                 kinds={"answered": "number", "missing": "number"})  # fmt: skip


def core_measures_chart(found: satisfaction.CoreSatisfaction) -> Chart:
    """Draw the measures of core customers beside those of the others."""
    frame = ends(found.frame["core"], "core")
    frame["others"] = [one.value for one in found.frame["others"]]
    frame.loc[[one.unit != "share" for one in found.frame["core"]]] /= 100
    row: Any = found.frame.loc["satisfaction index"]
    written = named(found.frame.drop(columns="holds"), "measure")
    return dots(
        frame.set_axis(spoken(frame.index)), "core", mark="others", kind="share", name="core-measures",
        headline=say("Core customers score {core}, the others {others} of 100", core=row["core"], others=row["others"]),
        title=say("Last answers of {n} core customers and {m} others; indices as a share of 100", n=found.answers[0],
                  m=found.answers[1]),
        table=table("core-measures", say("Core customers and others"), written, labels={"others": "Others"}),
    )  # fmt: skip


def dissatisfied_table(found: satisfaction.CoreSatisfaction) -> Table:
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
    return table("dissatisfied-core", title, frame, currency=found.basis.currency, rows=12,
                 labels={"satisfaction": "Rating"}, kinds={"contact": "text"})  # fmt: skip


def drivers_chart(found: satisfaction.Drivers) -> Chart:
    """Draw how much each driver has to do with satisfaction; the table says what to do."""
    frame = ends(found.frame["importance"], "importance").set_axis(spoken(found.frame.index))
    note = say("Importance by {method:words}; together the drivers explain {r2} of the differences. The ordered model "
               "treats ratings as ranks.", method=found.method, r2=found.r2)  # fmt: skip
    note, behind = note + left_out(found.left_out), named(found.frame, "driver")
    shown = frame.assign(priority=[text(str(each).partition(":")[0]) for each in found.frame["priority"]])
    return bars(
        shown, "importance", low="low", high="high", beside="priority", kind="share", name="drivers",
        headline=say("{first} matters most for satisfaction: {share} of what ratings explain", first=frame.index[0],
                     share=found.frame["importance"].iloc[0]),
        title=say("Share of the explained variance, with interval, and what to do"),
        table=table("drivers", say("Drivers, the most important first"), behind, note=note),
    )  # fmt: skip


def layers_chart(found: satisfaction.Layers) -> Chart:
    """Draw how much each layer of keeping has to do with staying."""
    frame = ends(found.importance, "importance").set_axis(spoken(found.importance.index))
    return dots(
        frame, "importance", kind="share", name="layers",
        headline=say("{best} has most to do with the intention to stay", best=str(frame["importance"].idxmax())),
        title=say("Share of what the layers explain, with interval"),
        note=say("Together the layers explain {r2} of the differences.", r2=found.r2),
    )  # fmt: skip


def value_map(found: satisfaction.DeliveredValue) -> Chart:
    """Draw the brands by what customers get and what it costs them."""
    frame = pd.DataFrame({name: [each.value for each in found.brands[name]] for name in ("total_cost", "total_value")},
                         index=found.brands.index)  # fmt: skip
    order = list(ends(found.brands["delivered"], "value").sort_values("value", ascending=False).index)
    place = order.index("own brand") + 1
    message = "The own brand delivers the most value of {n} brands" if place == 1 else (
        "{best} delivers the most value; the own brand is number {place} of {n}"
    )  # fmt: skip
    counted = ", ".join(f"{plain(name)} {share(weight)}" for name, weight in found.weights["weight"].items())
    note = say("Weights: {counted}.", counted=counted)
    left = [plain(name) for name in found.not_compared]
    note += " " + say("Rivals were not rated on {left:words}.", left=left) if left else ""
    return grid(
        frame.rename(index=text), "total_cost", "total_value", x_kind="number", y_kind="number", name="value-map",
        headline=say(message, best=order[0], place=place, n=len(order)),
        title=say("Total value against total cost, points of 10; the upper left is best for customers"),
        table=table("value-map", say("Delivered value by brand"), found.brands.rename(index=text).reset_index(),
                    note=note),
    )  # fmt: skip


def care_table(found: satisfaction.Care) -> Table:
    """Return the contacts of each phase: how long, settled or not, and followed by a purchase or not."""
    frame = named(found.phases, "phase")
    note = say("Contacts of the last year without reviews and complaints. Bought again: within 90 days.")
    labels = {"again": "Bought again, if settled", "again_unsettled": "Bought again, if not",
              "settled": "Settled at once", "cost": "Cost of a contact"}  # fmt: skip
    return table("care", say("Care before, during and after a purchase"), frame, currency=found.currency, note=note,
                 labels={k: v for k, v in labels.items() if k in frame})  # fmt: skip


def care_times_chart(found: satisfaction.Care) -> Chart:
    """Draw how many days complaints took to be closed."""
    edges = [0, 1, 3, 7, 14, 30, np.inf]
    names = ["within a day", "1 to 3 days", "3 to 7 days", "7 to 14 days", "14 to 30 days", "longer"]
    frame = pd.DataFrame({"complaints": np.histogram(found.times, edges)[0]},
                         index=pd.Index([text(name) for name in names], name="time"))  # fmt: skip
    return bars(
        frame, "complaints", name="care-times",
        headline=say("Half of the complaints were closed within {days:number1} days", days=float(found.times.median())),
        title=say("Complaints of the last year by time to closing; {n:count} closed", n=len(found.times)),
        table=table("complaints-handled", say("How complaints were handled"),
                    found.complaints.rename(text).rename_axis("measure").reset_index(name="value"),
                    labels={"measure": "Measure", "value": "Share"}),
    )  # fmt: skip


def recovery_chart(found: satisfaction.Recovery) -> Chart:
    """Draw the satisfaction of customers without, with a well-settled and with an unsettled complaint."""
    frame = ends(found.groups, "index").set_axis(spoken(found.groups.index)).assign(answers=[n.n for n in found.groups])
    return dots(
        frame, "index", kind="number", name="recovery",
        headline=say("A well-settled complaint: {paradox} points; an unsettled one: {harm}", paradox=found.paradox,
                     harm=found.harm),
        title=say("Satisfaction index by complaints of the half-year before the answer"),
    )  # fmt: skip


def own_costs_chart(costs: pd.DataFrame) -> Chart:
    """Draw what buying costs customers beside money."""
    frame = ends(costs["burden"], "burden").set_axis(spoken(costs.index))
    return dots(
        frame, "burden", kind="number", name="own-costs",
        headline=say("{first} weighs heaviest on customers", first=frame.index[0]),
        title=say("Burden of buying, 1 (none) to 10, with interval"),
        table=table("own-costs", say("Burdens, and how many points of loyalty go with a heavy one"),
                    named(costs, "item")),
    )  # fmt: skip


def kano_chart(found: pd.DataFrame) -> Chart:
    """Draw the features by how far they satisfy and how far their absence dissatisfies."""
    frame = pd.DataFrame({name: [abs(each.value) for each in found[name]] for name in ("better", "worse")},
                         index=spoken(found.index))  # fmt: skip
    must = [text(str(name)) for name in found.index[found["class"] == "must-be"]]
    shares: dict[str, Kind] = {name: "share" for name in CLASSES if name in found}
    return grid(
        frame, "worse", "better", x_kind="share", y_kind="share", x_cuts=(0.5,), y_cuts=(0.5,), name="kano",
        headline=say("Customers take {must:words} for granted", must=must) if must
        else say("No feature is a must for customers"),
        title=say("How far a feature satisfies where it is there, and dissatisfies where it is not"),
        table=table("kano", say("Features, and what to do"), named(found, "feature"), kinds=shares),
    )  # fmt: skip


def needs_table(frame: pd.DataFrame) -> Table:
    """Return what customers complain of and rate low."""
    rows = frame.reset_index()
    rows["source"] = [text(str(source)) for source in rows["source"]]
    note = say("Share of customers who complained, or who answered, in the last year.")
    return table("needs", say("What customers lack"), rows, note=note)


_PLACES = {
    "image": (0.0, 0.5), "expectation": (1.05, 0.06), "quality": (1.05, 0.94), "value": (2.1, 0.5),
    "satisfaction": (3.1, 0.5), "complaints": (4.15, 0.94), "loyalty": (4.15, 0.12),
}  # fmt: skip
"""Where the blocks of the model stand, from causes to consequences."""


def path_chart(model: satisfaction.PathModel) -> Chart:
    """Draw the blocks and the paths between them, thick where strong, grey where chance would do as well."""
    axes = new_axes(4.4)
    axes.set(xlim=(-0.5, 4.7), ylim=(-0.12, 1.14))
    axes.axis("off")
    paths: Any = model.paths["path"]
    for (source, target), one in paths.items():
        (x, y), (to_x, to_y) = _PLACES[source], _PLACES[target]
        clear = one.low > 0 or one.high < 0
        # Paths that would cross a block between their ends go round it.
        bend = {("image", "loyalty"): 0.35, ("image", "satisfaction"): 0.0}.get((source, target), 0.0)
        axes.annotate(
            "", (to_x, to_y), (x, y), zorder=1,
            arrowprops={"arrowstyle": "-|>", "color": BLUE if clear else QUIET, "linewidth": 0.8 + 5 * abs(one.value),
                        "connectionstyle": f"arc3,rad={bend}", "shrinkA": 34, "shrinkB": 34, "alpha": 0.6},
        )  # fmt: skip
        part = 0.4 if bend == 0 else 0.5
        at_x, at_y = x + part * (to_x - x), y + part * (to_y - y) - 0.85 * bend
        axes.text(
            at_x, at_y, say("{path:number2}", path=one.value), ha="center", va="center", fontsize=9, zorder=2,
            bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"},
        )  # fmt: skip
    for name, row in model.blocks.iterrows():
        r2 = f"\nR² {row['r2'].value:.2f}" if isinstance(row["r2"], Estimate) else ""
        axes.text(
            *_PLACES[str(name)], text(str(name)).capitalize() + r2, ha="center", va="center", fontsize=9.5, color=INK,
            zorder=3, bbox={"boxstyle": "round,pad=0.45", "facecolor": "#eaf2f8", "edgecolor": BLUE},
        )  # fmt: skip
    to_goal = paths.xs("satisfaction", level="target")
    best = max(to_goal.index, key=lambda source: abs(to_goal[source].value))
    told = ", ".join(f"{text(source)} → {text(target)} {one}" for (source, target), one in paths.items())
    frame = model.paths.reset_index()
    frame[["source", "target"]] = frame[["source", "target"]].map(lambda name: text(str(name)).capitalize())
    note = say("{n:count} answers. The corrected path allows for the unreliability of few items; above 1 it says that "
               "the items of a block do not measure one thing.", n=model.n)  # fmt: skip
    return finish(
        axes, frame,
        {
            "name": "paths",
            "headline": say("{best} leads to satisfaction most directly", best=text(best).capitalize()),
            "title": say("Standardised paths; grey where the interval includes 0"),
            "table": table("paths", say("Paths with intervals"), frame, note=note,
                           labels={"source": "From", "target": "To"}),
        },
        say("Paths: {told}.", told=told),
    )  # fmt: skip


def reliability_table(model: satisfaction.PathModel) -> Table:
    """Return how well the items of each block measure one thing, and what satisfaction owes to it."""
    frame = named(model.blocks, "block")
    frame["r2"] = [each.value if isinstance(each, Estimate) else np.nan for each in frame["r2"]]
    alike = [f"{text(a)} – {text(b)}" for (a, b), ratio in model.htmt.items() if ratio > 0.9]
    note = say("Usual demands: reliabilities (alpha, ρA, ρC) of 0.7, half of the variance (AVE).")
    note += " " + say("Hardly told apart (HTMT above 0.9): {alike:words}.", alike=alike) if alike else ""
    note += left_out(model.left_out)
    labels = {"alpha": "Alpha", "rho_a": "ρA", "rho_c": "ρC", "ave": "AVE", "r2": "R²",
              "performance": "Level, 0 to 100", "effect": "Effect on satisfaction"}  # fmt: skip
    return table("reliability", say("Blocks of the model"), frame, note=note, labels=labels)


def importance_performance_map(model: satisfaction.PathModel) -> Chart:
    """Draw the blocks by what a point more would mean for satisfaction, and by how they are rated now."""
    # Nobody improves what customers expect.
    rows: Any = model.blocks[model.blocks["effect"].notna()].drop(index="expectation", errors="ignore")
    frame = rows[["effect", "performance"]].set_axis(spoken(rows.index))
    frame["effect"] = [each.value for each in rows["effect"]]
    best = str(frame["effect"].idxmax())
    return grid(
        frame, "effect", "performance", x_kind="number", y_kind="number", x_cuts=(float(frame["effect"].mean()),),
        y_cuts=(float(frame["performance"].mean()),), name="importance-performance",
        headline=say("A point more of {best} goes with {effect:number2} points more of satisfaction", best=best.lower(),
                     effect=frame.loc[best, "effect"]),
        title=say("Lower right: matters much and is rated low. Dashed: means"),
    )  # fmt: skip


def loyalty_curve_chart(found: satisfaction.LoyaltyCurve) -> Chart:
    """Draw the intention to stay by satisfaction, a curve for each level of competition."""
    points: Any = found.points.loc[INTENDS]
    frame = points["curve"].unstack("level").rename_axis("rating")  # noqa: PD010 (no other aggregate)
    names = {level: f"{level} competition" for level in ("low", "medium", "high") if level in frame}
    order = list(names) or list(frame.columns)
    frame = frame[order].rename(columns=names).astype(float).interpolate(limit_area="inside")
    behind = points["seen"].unstack("level")[order].rename(columns=names).rename_axis("rating").reset_index()  # noqa: PD010
    gap = list(frame.max() - frame.min())
    several = "Under {most:words} loyalty hangs on satisfaction most, under {least:words} least"
    headline = several if len(gap) > 1 else "Loyalty by satisfaction"
    return curve(
        frame, [str(name) for name in frame], kind="number", name="loyalty-curve",
        headline=say(headline, most=frame.columns[int(np.argmax(gap))], least=frame.columns[int(np.argmin(gap))]),
        title=say("Intention to stay (1 to 10) by satisfaction: monotone curves of last answers"),
        table=table("loyalty-curve", say("Intention to stay by satisfaction, as seen"),
                    behind.map(lambda each: each if isinstance(each, (Estimate, int, float, str)) else "–")),
    )  # fmt: skip


def shapes_table(found: satisfaction.LoyaltyCurve) -> Table:
    """Return what each shape of curve explains out of sample."""
    frame: Any = found.shapes.reset_index()
    frame[["outcome", "shape"]] = frame[["outcome", "shape"]].map(lambda name: text(str(name)))
    frame["gain"] = [each if isinstance(each, Estimate) else "–" for each in frame["gain"]]
    note = say("Each level of competition has a curve of its own. Each tenth is told by curves fitted to the "
               "others; below 0 the mean does better. Intervals allow for the choice among three curves.")  # fmt: skip
    return table("shapes", say("A straight line against curves"), frame, note=note,
                 labels={"gain": "More than a straight line", "explained": "Explained"})  # fmt: skip


def false_loyalty_chart(found: satisfaction.LoyaltyCurve) -> Chart:
    """Draw how many dissatisfied customers mean to stay under each level of competition."""
    shares: Any = found.levels[INTENDS]
    behind = named(found.levels.unstack(0).rename(columns=lambda name: plain(name).capitalize()), "competition")  # noqa: PD010
    frame = ends(shares, "share").set_axis([text(f"{level} competition").capitalize() for level in shares.index])
    return dots(
        frame, "share", kind="share", name="false-loyalty",
        headline=say("Of the dissatisfied, {first:share} to {last:share} mean to stay, by competition",
                     first=frame["share"].min(), last=frame["share"].max()),
        title=say("Dissatisfied customers (below {below:number}) who mean to stay, with interval", below=found.below),
        table=table("false-loyalty", say("Dissatisfied customers who stay, in word and deed"), behind),
    )  # fmt: skip


def loyalty_kinds_chart(found: satisfaction.Loyalty) -> Chart:
    """Draw how many customers of each kind of loyalty fell silent."""
    names = [f"{text(str(kind)).capitalize()}: {text(KINDS[str(kind)][0])}" for kind in found.frame.index]
    frame = ends(found.frame["silent"], "silent").set_axis(
        [text(f"{kind} loyalty".replace("none", "no").capitalize()) for kind in found.frame.index]
    )
    behind = found.frame.set_axis(names).rename_axis("kind").reset_index()
    true: Any = found.frame["share"].get("true")
    return dots(
        frame, "silent", kind="share", name="loyalty-kinds",
        headline=say("{true} of customers who answered are truly loyal", true=true) if true is not None
        else say("Hardly any customer who answered is truly loyal"),
        title=say("Share that bought nothing in the half-year after {day:date}, by kind of loyalty", day=found.day),
        table=table("loyalty-kinds", say("Kinds of loyalty, and what to do"), behind, currency=found.currency,
                    note=say("Often: on {n:number} or more days of the year.", n=found.often_from),
                    labels={"value": "Value of the year before"}),
    )  # fmt: skip


def word_of_mouth_chart(found: satisfaction.WordOfMouth) -> Chart:
    """Draw to how many persons a hundred customers talk, by how satisfied they are."""
    frame = found.frame.set_axis(spoken(found.frame.index))
    shown = frame[["reach"]].assign(each=[say("{told} each", told=one) for one in frame["told"]])
    balance = say("Good reports less bad ones reach {n} a hundred customers.", n=found.balance)
    return bars(
        shown, "reach", kind="count", beside="each", name="word-of-mouth",
        headline=say("A dissatisfied customer tells {more} more than a satisfied one", more=found.more),
        title=say("Persons told by a hundred customers"),
        about=balance,
        table=table("word-of-mouth", say("Word of mouth"), named(found.frame, "mood"), note=balance,
                    labels={"told": "Persons told by each", "share": "Share of answers"}),
    )  # fmt: skip


def word_of_mouth_sensitivity(found: satisfaction.WordOfMouth) -> Chart:
    """Draw how m hangs on where satisfied and dissatisfied begin."""
    values: Any = found.sensitivity.map(lambda one: one.value).unstack()  # noqa: PD010 (no other aggregate)
    frame = values.set_axis([say("satisfied from {n:number}", n=n) for n in values.index]).set_axis(
        [say("below {n:number}", n=n) for n in values.columns], axis=1
    )
    holds = sum(one.low > 0 for one in found.sensitivity)
    return heat(
        frame, kind="number", middle=0.0, columns=say("dissatisfied"), name="word-of-mouth-sensitivity",
        headline=say("m is clearly above 0 in {n} of {all} ways to draw the line", n=holds, all=len(found.sensitivity)),
        title=say("m: persons a dissatisfied customer tells more, by where the moods begin"),
    )  # fmt: skip
