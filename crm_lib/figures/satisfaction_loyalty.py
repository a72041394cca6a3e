"""From satisfaction to loyalty: the path model, the curve, the kinds of loyalty and word of mouth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crm_lib.estimate import Estimate
from crm_lib.exhibit import Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.columns import table
from crm_lib.figures.forms import bars, curve, dots, grid, heat
from crm_lib.figures.forms.words import finish
from crm_lib.figures.satisfaction import ends, spoken
from crm_lib.figures.style import BLUE, INK, QUIET, new_axes
from crm_lib.language import say, text
from crm_lib.satisfaction import Loyalty, LoyaltyCurve, PathModel, WordOfMouth
from crm_lib.satisfaction.loyalty import INTENDS, KINDS

_PLACES = {
    "image": (0.0, 0.5), "expectation": (1.05, 0.06), "quality": (1.05, 0.94), "value": (2.1, 0.5),
    "satisfaction": (3.1, 0.5), "complaints": (4.15, 0.94), "loyalty": (4.15, 0.12),
}  # fmt: skip
"""Where the blocks of the model stand, from causes to consequences."""


def path_chart(model: PathModel) -> Chart:
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


def reliability_table(model: PathModel) -> Table:
    """Return how well the items of each block measure one thing, and what satisfaction owes to it."""
    frame: Any = model.blocks.set_axis(spoken(model.blocks.index)).rename_axis("block").reset_index()
    frame["r2"] = [each.value if isinstance(each, Estimate) else np.nan for each in frame["r2"]]
    alike = [f"{text(a)} – {text(b)}" for (a, b), ratio in model.htmt.items() if ratio > 0.9]
    note = say("Usual demands: reliabilities (alpha, ρA, ρC) of 0.7, half of the variance (AVE).")
    if alike:
        note += " " + say("Hardly told apart (HTMT above 0.9): {alike:words}.", alike=alike)
    if model.left_out:
        why = "; ".join(f"{text(name)} ({reason})" for name, reason in model.left_out.items())
        note += " " + say("Left out: {why}.", why=why)
    labels = {"alpha": "Alpha", "rho_a": "ρA", "rho_c": "ρC", "ave": "AVE", "r2": "R²",
              "performance": "Level, 0 to 100", "effect": "Effect on satisfaction"}  # fmt: skip
    return table("reliability", say("Blocks of the model"), frame, note=note, labels=labels)


def importance_performance_map(model: PathModel) -> Chart:
    """Draw the blocks by what a point more would mean for satisfaction, and by how they are rated now."""
    # Nobody improves what customers expect.
    rows: Any = model.blocks[model.blocks["effect"].notna()].drop(index="expectation", errors="ignore")
    frame = pd.DataFrame({"effect": [each.value for each in rows["effect"]], "level": rows["performance"].to_numpy()},
                         index=spoken(rows.index)).rename(columns={"level": "performance"})  # fmt: skip
    best = str(frame["effect"].idxmax())
    return grid(
        frame, "effect", "performance", x_kind="number", y_kind="number", x_cuts=(float(frame["effect"].mean()),),
        y_cuts=(float(frame["performance"].mean()),), name="importance-performance",
        headline=say("A point more of {best} goes with {effect:number2} points more of satisfaction", best=best.lower(),
                     effect=frame.loc[best, "effect"]),
        title=say("Lower right: matters much and is rated low. Dashed: means"),
    )  # fmt: skip


def loyalty_curve_chart(found: LoyaltyCurve) -> Chart:
    """Draw the intention to stay by satisfaction, a curve for each level of competition."""
    points: Any = found.points.loc[INTENDS]
    frame = points["curve"].unstack("level").rename_axis("rating")  # noqa: PD010 (no other aggregate)
    names = {level: f"{level} competition" for level in ("low", "medium", "high") if level in frame}
    order = list(names) or list(frame.columns)
    frame = frame[order].rename(columns=names).astype(float).interpolate(limit_area="inside")
    behind = points["seen"].unstack("level")[order].rename(columns=names).rename_axis("rating").reset_index()  # noqa: PD010
    gap = [frame[name].max() - frame[name].min() for name in frame]
    headline = "Under {most:words} loyalty hangs on satisfaction most, under {least:words} least"
    if len(gap) == 1:
        headline = "Loyalty by satisfaction"
    return curve(
        frame, [str(name) for name in frame], kind="number", name="loyalty-curve",
        headline=say(headline, most=frame.columns[int(np.argmax(gap))], least=frame.columns[int(np.argmin(gap))]),
        title=say("Intention to stay (1 to 10) by satisfaction: monotone curves of last answers"),
        table=table("loyalty-curve", say("Intention to stay by satisfaction, as seen"),
                    behind.map(lambda each: each if isinstance(each, (Estimate, int, float, str)) else "–")),
    )  # fmt: skip


def shapes_table(found: LoyaltyCurve) -> Table:
    """Return what each shape of curve explains out of sample."""
    frame: Any = found.shapes.reset_index()
    frame[["outcome", "shape"]] = frame[["outcome", "shape"]].map(lambda name: text(str(name)))
    frame["gain"] = [each if isinstance(each, Estimate) else "–" for each in frame["gain"]]
    note = say("Each level of competition has a curve of its own. Each tenth is told by curves fitted to the "
               "others; below 0 the mean does better. Intervals allow for the choice among three curves.")  # fmt: skip
    return table("shapes", say("A straight line against curves"), frame, note=note,
                 labels={"gain": "More than a straight line", "explained": "Explained"})  # fmt: skip


def false_loyalty_chart(found: LoyaltyCurve) -> Chart:
    """Draw how many dissatisfied customers mean to stay under each level of competition."""
    shares: Any = found.levels[INTENDS]
    behind = found.levels.unstack(0).rename(columns=lambda name: text(str(name)).capitalize())  # noqa: PD010
    behind = behind.rename_axis("competition").reset_index()
    frame = ends(shares, "share").set_axis([text(f"{level} competition").capitalize() for level in shares.index])
    return dots(
        frame, "share", kind="share", name="false-loyalty",
        headline=say("Of the dissatisfied, {first:share} to {last:share} mean to stay, by competition",
                     first=frame["share"].min(), last=frame["share"].max()),
        title=say("Dissatisfied customers (below {below:number}) who mean to stay, with interval", below=found.below),
        table=table("false-loyalty", say("Dissatisfied customers who stay, in word and deed"), behind),
    )  # fmt: skip


def loyalty_kinds_chart(found: Loyalty) -> Chart:
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


def word_of_mouth_chart(found: WordOfMouth) -> Chart:
    """Draw to how many persons a hundred customers talk, by how satisfied they are."""
    frame = found.frame.set_axis(spoken(found.frame.index))
    shown = frame[["reach"]].assign(each=[say("{told} each", told=one) for one in frame["told"]])
    balance = say("Good reports less bad ones reach {n} a hundred customers.", n=found.balance)
    return bars(
        shown, "reach", kind="count", beside="each", name="word-of-mouth",
        headline=say("A dissatisfied customer tells {more} more than a satisfied one", more=found.more),
        title=say("Persons told by a hundred customers"),
        about=balance,
        table=table("word-of-mouth", say("Word of mouth"), frame.rename_axis("mood").reset_index(), note=balance,
                    labels={"told": "Persons told by each", "share": "Share of answers"}),
    )  # fmt: skip


def word_of_mouth_sensitivity(found: WordOfMouth) -> Chart:
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
