"""The market's half of the 3C analysis: gaps, the map of brands, the frontier, switching, equity and competition."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.patches import Ellipse

from crm_lib import environment
from crm_lib.environment.competence import TESTS
from crm_lib.estimate import Estimate
from crm_lib.exhibit import Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.columns import table
from crm_lib.figures.forms import dots, flows, heat
from crm_lib.figures.forms.cells import name_points
from crm_lib.figures.forms.words import finish, shorten
from crm_lib.figures.satisfaction import ends, plain
from crm_lib.figures.style import BLUE, ORANGE, QUIET, new_axes
from crm_lib.language import number, say, share, text
from crm_lib.satisfaction.answers import BURDENS

_WRITTEN = 3
"""Rivals up to which intervals find room in the cells of a map of gaps."""


def _item(name: str) -> str:
    return plain(name).capitalize()


def _good_at(name: str) -> str:
    return say("low {burden:words}", burden=plain(name)) if name in BURDENS else plain(name)


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def _decided(one: Any) -> bool:
    return isinstance(one, Estimate) and (one.low > 0 or one.high < 0)


def _in_a_cell(one: Any, *, near: bool) -> str:
    if not isinstance(one, Estimate):
        return "–"
    return str(one).partition("]")[0] + "]" if near else say("{x:number1}", x=one.value) + "*" * _decided(one)


def benchmark_gaps_chart(found: environment.Gaps) -> Chart:
    """Draw by how much customers rate the own brand above each rival, what matters most first."""
    known = [name for name in found.importance.index if name in found.frame.index.get_level_values("item")]
    items = known + [name for name in found.frame.index.unique("item") if name not in known]
    gaps: Any = found.frame["gap"].unstack("brand").loc[items]  # noqa: PD010 (estimates do not pivot)
    values, decided = gaps.map(lambda one: getattr(one, "value", np.nan)), gaps.map(_decided)
    near = len(values.columns) <= _WRITTEN
    ahead, behind = int((decided & (values > 0)).sum().sum()), int((decided & (values < 0)).sum().sum())
    shown = found.frame.reset_index().assign(
        item=lambda rows: [_item(name) for name in rows["item"]],
        importance=[found.importance.get(name, "–") for name, _ in found.frame.index],
    )
    names = [_item(name) for name in items]
    note = say("All intervals hold at once in 95 of 100 surveys; {n:count} answers on the own brand. Of burdens, less "
               "is better. Importance: share of what explains satisfaction.", n=found.answers)  # fmt: skip
    return heat(
        values.set_axis(names), kind="number", middle=0.0, name="gaps",
        written=gaps.map(lambda one: _in_a_cell(one, near=near)).set_axis(names),
        headline=say("Customers rate the company above a rival in {ahead} of {all} comparisons, below in {behind}",
                     ahead=ahead, behind=behind, all=int(values.notna().sum().sum())),
        title=say("Lead over each rival, points of a scale of ten, last year's answers")
        + ("" if near else say(" (*: beyond chance)")),
        table=table("gaps", say("Ratings of the own brand and of rivals"), shown, note=note, rows=60,
                    labels={"own": say("Own brand"), "rival": say("Rival"), "gap": say("Ahead by")},
                    kinds={"own": "number", "rival": "number"}),
    )  # fmt: skip


def best_practice_table(found: environment.BestPractice) -> Table:
    """Return who leads in each measure of the benchmarks, and how far the company is behind."""
    frame = found.frame.assign(
        led=[say("{n} of {times}", n=n, times=times) for _, n, times in found.frame[["led", "times"]].itertuples()],
    )[["own", "best", "unit", "leader", "behind", "led"]]  # fmt: skip
    parts = frame["unit"].astype(str).str.startswith("share")
    for name in ("own", "best"):
        frame[name] = [share(x, 1) if part else number(x) for x, part in zip(frame[name], parts, strict=True)]
    note = say("Last values known on {day:date}; a single number has no interval. Behind: the difference as a share of "
               "the leader's value.", day=found.as_of)  # fmt: skip
    if found.without_direction:
        note += " " + say("Not told which side is better: {names:words}.", names=list(found.without_direction))
    labels = {"own": say("Own brand"), "best": say("Leader's value"), "leader": say("Leader"), "unit": say("Unit"),
              "behind": say("Behind by"), "led": say("Company led")}  # fmt: skip
    kinds: Any = {"own": "text", "best": "text", "behind": "share", "led": "text"}
    return table("best-practice", say("Who leads in what was measured"), frame.fillna({"unit": "–"}), note=note,
                 labels=labels, kinds=kinds, rows=40)  # fmt: skip


def perceptual_map_chart(found: environment.PerceptualMap) -> Chart:
    """Draw brands, each with its ellipse, and items on the two axes of the map."""
    axes = new_axes(5.2)
    brands: Any = found.brands
    items = found.items
    for name, covariance in found.ellipses.items():
        size, turned = np.linalg.eigh(covariance)
        wide, high = 2 * np.sqrt(np.maximum(size[::-1], 0.0) * found.reach)
        angle = float(np.degrees(np.arctan2(turned[1, 1], turned[0, 1])))
        place = brands.loc[name, [1, 2]].to_numpy(dtype=float)
        axes.add_patch(Ellipse(place, wide, high, angle=angle, facecolor=BLUE, alpha=0.14, edgecolor=BLUE))
    axes.axhline(0, color=QUIET, linewidth=0.8)
    axes.axvline(0, color=QUIET, linewidth=0.8)
    axes.scatter(brands[1], brands[2], s=52, color=BLUE, zorder=3, label=text("Brand, with its 95% ellipse"))
    axes.scatter(items[1], items[2], s=44, color=ORANGE, marker="^", zorder=3, label=text("What it is rated good at"))
    both = pd.concat([brands[[1, 2]], items[[1, 2]].set_axis([_good_at(name).capitalize() for name in items.index])])
    # Names are placed by the limits, which are those of a field twice as wide as high: a unit is as long on both axes.
    middle, reach = (both.max() + both.min()) / 2, (both.max() - both.min()) / 2
    half = max(1.35 * reach[1], 2.6 * reach[2])
    axes.set(xlim=(middle[1] - half, middle[1] + 1.25 * half), ylim=(middle[2] - 0.57 * half, middle[2] + 0.57 * half))
    axes.set_aspect("equal")
    axes.legend(loc="lower right", edgecolor="none")
    axes.set_xlabel(say("Axis 1: {x:share} of the differences", x=found.inertia[0]))
    axes.set_ylabel(say("Axis 2: {x:share}", x=found.inertia[1]))
    name_points(axes, [_capital(shorten(text(str(name)), 24)) for name in both.index], both.to_numpy(float),
                np.full(len(both), 52.0))  # fmt: skip
    apart = [name for name in brands.index if brands.loc[name, "apart"]]
    first = max(apart, key=lambda name: float(np.hypot(*brands.loc[name, [1, 2]].astype(float))), default="")
    told = say("No brand stands apart beyond chance") if not first else say(
        "{brand} stands apart most: it is known for {item:words}", brand=_capital(text(first)),
        item=_good_at(found.close[first]))  # fmt: skip
    behind = (100 * found.shares).round(1).rename(columns=lambda name: _good_at(name).capitalize()).add_suffix(" (%)")
    behind[["answers", "quality"]] = brands[["answers", "quality"]]
    note = say("Shares who rate each brand 8 or more (burdens: 3 or less). The map compares profiles: a brand that is "
               "better in everything alike stands at the centre. Distances between a brand and an item are not to be "
               "read; directions from the centre are. Shown: how much of a brand's difference the two axes "
               "hold.")  # fmt: skip
    spoken = say("Brands: {places}.", places="; ".join(
        say("{brand} ({x:number2}, {y:number2}), known for {item:words}", brand=_capital(text(str(name))),
            x=float(row[1]), y=float(row[2]), item=_good_at(found.close[str(name)])) for name, row in brands.iterrows()
    ))  # fmt: skip
    shown = table("perceptual-map", say("Who is rated good at what"), behind, note=note, kinds={"quality": "share"},
                  labels={"quality": say("Shown"), "answers": say("Answers")})  # fmt: skip
    title = say("Brands by what they are rated good at, answers of the year to {day:date}", day=found.as_of)
    return finish(axes, behind, {"name": "perceptual-map", "headline": told, "title": title, "table": shown}, spoken)


def switching_flows_chart(found: environment.Switching) -> Chart:
    """Draw from which brand to which a thousand buyers go at their next purchase."""
    frame = 1000 * found.flows / found.flows.to_numpy().sum()
    won, lost = frame[found.own].drop(found.own).sum(), frame.loc[found.own].drop(found.own).sum()
    note = say("A panel of {n:count} buyers since {day:date}; {left:count} rows of the company's own customers are "
               "left out: they are no sample of all buyers.", n=found.buyers, day=found.since,
               left=found.left_out)  # fmt: skip
    return flows(
        frame, sides=(text("Bought before"), text("Buy now")), focus=found.own, name="switching",
        headline=say("Of a thousand buyers {won:count} come to {own} from rivals, and {lost:count} leave it for one",
                     won=won, lost=lost, own=found.own),
        title=say("From brand to brand, of 1,000 buyers (blue: won, orange: lost)"),
        table=table("switching", say("Who buys which brand next, of each brand's buyers"),
                    found.matrix.rename_axis("brand").reset_index(), note=note,
                    labels={str(name): str(name) for name in found.matrix}),
    )  # fmt: skip


def switching_table(found: environment.Switching) -> Table:
    """Return whom the company wins from and loses to, and the shares to which switching leads."""
    frame = found.shares.join(found.net).astype(object).fillna("–")
    frame["change"] = [replace(one, unit="") for one in found.shares["change"]]
    note = say("Won, lost, net: shares of all buyers from one purchase to the next; nets hold for all rivals at once. "
               "Leads to: the shares if buyers went on switching as now; no forecast.")  # fmt: skip
    labels = {"now": say("Buyers today"), "steady": say("Leads to"), "change": say("Change, points"),
              "won": say("Won from it"), "lost": say("Lost to it"), "net": say("Net")}  # fmt: skip
    return table("switching-shares", say("Whom the company wins from and loses to"), frame, note=note, labels=labels)


def brand_equity_chart(found: environment.BrandEquity) -> Chart:
    """Draw each brand's share of what today's buyers will bring, beside its share of buyers."""
    frame = ends(found.frame["share"], "share_of_equity")
    frame["buyers_today"] = [one.value for one in found.frame["now"]]
    behind, here = found.frame.join(found.levers).reset_index(), frame.loc[found.own].to_dict()
    note = say("Equity: what a buyer of the market brings over {years:number} years, discounted; valued by {measure}. "
               "Worth: the rise of the company's equity, a thousand buyers of the market, if one point more of this "
               "brand's buyers bought the company's next.", years=found.years,
               measure=found.measure or text("purchases, which count alike"))  # fmt: skip
    return dots(
        frame, "share_of_equity", mark="buyers_today", kind="share", name="brand-equity",
        headline=say("{own} holds {equity:share} of what buyers will bring, and {now:share} of buyers today",
                     own=found.own, equity=here["share_of_equity"], now=here["buyers_today"]),
        title=say("Share of customer equity, beside the share of buyers today"),
        table=table("brand-equity", say("Customer equity by brand"), behind, currency=found.currency, note=note,
                    labels={"equity": say("Equity of a buyer"), "share": say("Share of equity"),
                            "now": say("Buyers today"), "worth": say("One point more is worth")}),
    )  # fmt: skip


def frontier_chart(found: environment.Frontier) -> Chart:
    """Draw with which share of its means the best practice would reach what each brand does."""
    frame = found.frame.rename(columns={"variable": "efficiency"}).sort_values("efficiency", kind="stable")
    frame[["low", "high"]] = np.nan
    frame.loc[found.own_brand, ["low", "high", "efficiency"]] = found.own.low, found.own.high, found.own.value
    behind = found.frame.join(found.slacks.add_suffix(" ")).replace({"peers": {"": "–"}}).reset_index()
    left = say("Not taken: {names:words}.", names=list(found.left_out)) if found.left_out else ""
    note = say("Means: {inputs:words}. Ends: {outputs:words}. {n} brands and days count as units. Columns of measures: "
               "what could be saved or gained besides. Values count as exact. ", inputs=list(found.inputs),
               outputs=list(found.outputs), n=found.units) + left  # fmt: skip
    labels = {"variable": say("Variable returns"), "constant": say("Constant returns"),
              "peers": say("Measured against"), **{f"{name} ": str(name) for name in found.slacks}}  # fmt: skip
    chart = dots(
        frame, "efficiency", kind="share", reference=1.0, reference_label=text("On the frontier"), name="frontier",
        headline=say("The best practice would reach what {own} does with {x:share} of its means", own=found.own_brand,
                     x=found.own.value),
        title=say("Efficiency under variable returns (the company's corrected for bias, with its interval)"),
        table=table("frontier", say("Efficiency of the brands on their last day"), behind, note=note, labels=labels,
                    kinds={"variable": "share", "constant": "share"}),
    )  # fmt: skip
    # Near the frontier an axis of its own would write the same percentage again and again.
    chart.axes.set_xlim(min(0.75, float(np.nanmin(frame[["low", "efficiency"]].to_numpy(float))) - 0.05), 1.02)
    return chart


def competition_table(found: environment.Competition, switching: environment.Switching | None = None) -> Table:
    """Return how hard competition is by region, and below it how concentrated the market is."""
    labels = {"region": say("Region"), "near": say("Rivals near: high"), "left": say("Left for a rival in a year"),
              "price": say("Asked for prices first")}  # fmt: skip
    note = say("Customers who bought in the year before last; all regions' intervals hold at once.")
    if found.small:
        note += " " + say("{n:count} customers in smaller regions are left out.", n=found.small)
    if isinstance(switching, environment.Switching):  # not one that was left out
        note += " " + say("Of the panel's buyers {x} changed the brand; concentration (Herfindahl-Hirschman, 1 for one "
                          "brand) is {index}.", x=switching.changed,
                          index=switching.concentration)  # fmt: skip
    return table("competition", say("Level of competition by region"), found.frame, note=note, labels=labels)


def competence_table(found: environment.Competence) -> Table:
    """Return each item's four answers, each with its evidence."""
    frame = pd.DataFrame({"item": [_item(str(name)) for name in found.frame.index]})
    for test in TESTS:
        pairs = zip(found.frame[test], found.frame[f"{test}_evidence"], strict=True)
        frame[test] = ["–" if one is None else f"{text(answer)}: {one}" for answer, one in pairs]
    frame["core"] = [say("yes") if each else say("no") for each in found.frame["core"]]
    note = say("Valued: share of what explains satisfaction, above an equal part. Rare: lead over the best rival. Hard "
               "to copy: that lead a year earlier. Organised: the area behind it against its target, in points. –: the "
               "tables have no source for it.")  # fmt: skip
    labels = {"value": say("Valued"), "rarity": say("Rare"), "imitability": say("Hard to copy"),
              "organisation": say("Organised"), "core": say("Core competence")}  # fmt: skip
    return table("competence", say("What could be a core competence"), frame, note=note, labels=labels,
                 kinds=dict.fromkeys(labels, "text"))  # fmt: skip
