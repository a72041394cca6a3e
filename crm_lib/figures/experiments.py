"""Experiments: how large they must be, how often one may look, and whom an offer changed more than others."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm_lib.estimate import LEVEL
from crm_lib.exhibit import Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.columns import label, table
from crm_lib.figures.forms import curve, dots
from crm_lib.language import number, say, share, text
from crm_lib.retention import ChosenCampaigns, DailyReading, Design, Scorecard, Staying
from crm_lib.retention.design import POWER
from crm_lib.retention.looks import look_table
from crm_lib.retention.scorecard import MEASURES


def design_chart(found: Design) -> Chart:
    """Draw the chance of seeing an effect by customers an arm, with the customers needed by outcome window."""
    row = found.frame.loc[found.days]
    return curve(
        found.curve(), ["power_value", "power_buyers"], name="power",
        headline=say("To see {effect:share} more {kind:words}, an arm needs {need:count} customers; there are "
                     "{free:count} in all, enough for {least:share} more", effect=found.effect, kind=found.value_kind,
                     need=row["for_value"], free=found.available, least=found.detectable),
        title=say("Chance to see a rise of {effect:share} within {days:count} days", effect=found.effect,
                  days=found.days),
        table=table(
            "design", say("Customers an arm for a chance of {power:share}", power=POWER), found.frame,
            currency=found.currency, labels={"share": say("Buy"), "mean": say("Value a customer"),
                                             "spread": say("Its spread"), "for_buyers": say("For more buyers"),
                                             "for_value": say("For more value")},
            kinds={"share": "share", "mean": "money", "spread": "money", "explained": "share", "for_buyers": "count",
                   "for_value": "count"},
            note=say("By customers of the last year and {kind:words}; the year before is taken into account, the "
                     "season is not.", kind=found.value_kind),
        ),
    )  # fmt: skip


def looks_table() -> Table:
    """Return what looking early does to false alarms, and the bounds that pay for it."""
    frame = look_table()
    return table(
        "looks", say("Ten looks at 1.96 find an effect where there is none in {alarms:share} of trials",
                     alarms=frame["false_alarm"][10]), frame,
        labels={"looks": say("Looks"), "false_alarm": say("False alarms at 1.96"), "pocock": say("Pocock's bound"),
                "first_look": say("O'Brien–Fleming, first look"), "last_look": say("… last look")},
        kinds={"false_alarm": "share", **dict.fromkeys(["pocock", "first_look", "last_look"], "number")},
        note=say("A bound is the difference over its standard error beyond which a look may call an effect, so that "
                 "all looks together raise a false alarm in 5% of trials."),
    )  # fmt: skip


def day_by_day_chart(found: DailyReading) -> Chart:
    """Draw what an offer had changed by each day, with the band that holds on all days, and its cost."""
    frame = found.frame.rename(columns={"value": "changed_by"}).assign(cost=found.cost).rename_axis("campaign_days")
    called, alone = (
        frame.index[(frame[low] > 0) | (frame[high] < 0)]
        for low, high in (("low", "high"), ("alone_low", "alone_high"))
    )
    headline = say("'{arm}' of {campaign} can be told from chance from day {day:count} on", arm=found.arm,
                   campaign=found.campaign, day=called[0]) if len(called) else say(
        "On no day can '{arm}' of {campaign} be told from chance", arm=found.arm, campaign=found.campaign)  # fmt: skip
    return curve(
        frame[["changed_by", "cost", "low", "high"]], ["changed_by", "cost"], kind="money", low="low", high="high",
        currency=found.currency, name="day-by-day", headline=headline,
        title=say("{kind:words} a customer until each day, offer less control group, and what the offer cost",
                  kind=found.value_kind.capitalize()),
        note=say("The band holds on all days at once ({bound:number2} standard errors). Each day alone, without an "
                 "effect, {alarm:share} of campaigns would be called on some day; here {n:count} of {days:count} days "
                 "would.", bound=found.bound, alarm=found.false_alarm, n=len(alone), days=len(frame)),
    )  # fmt: skip


def group_effects_table(frame: pd.DataFrame) -> Table:
    """Return whether an offer changed some groups of customers more than the others."""
    told = frame.droplevel(["campaign", "arm"]).reset_index().sort_values("q_value", kind="stable", ignore_index=True)
    told.insert(0, "group", told.pop("attribute").map(label) + ": " + told.pop("group"))
    told[["inside", "others"]] = told[["inside", "others"]].map(str)
    real = int((told["q_value"] < 1 - LEVEL).sum())
    return table(
        "group-effects", say("{real:count} of {n:count} groups were changed otherwise than the rest", real=real,
                             n=len(told)), told.set_index("group"),
        labels={"inside": say("Changed by"), "others": say("The rest by")}, kinds={"inside": "text", "others": "text"},
        note=say("'{arm}' of {campaign}, the campaign with most customers. Of the groups told apart at a q-value, at "
                 "most this share are false alarms (Benjamini and Hochberg).", campaign=frame.index[0][0],
                 arm=frame.index[0][1]),
    )  # fmt: skip


def chosen_chart(found: ChosenCampaigns) -> Chart:
    """Draw what campaigns to chosen customers seem to have changed, plainly and with like compared with like."""
    rows = found.frame
    frame = pd.DataFrame({
        "like_with_like": [each.value for each in rows["alike"]], "low": [each.low for each in rows["alike"]],
        "high": [each.high for each in rows["alike"]], "plain": [each.value for each in rows["plain"]],
        "unsound": (~rows["sound"].astype(bool)).to_numpy(),
    }, index=rows.index)  # fmt: skip
    names = ["plain", "alike", "placebo", "trend", "trend_placebo"]
    shown = rows[["customers", *names, "overlap", "apart", "busy"]].assign(**rows[names].map(str))
    sound = rows[rows["sound"].astype(bool)]
    real = sum(each.low > 0 or each.high < 0 for each in sound["alike"])
    return dots(
        frame, "like_with_like", kind="money", mark="plain", reference=0.0, hollow="unsound", currency=found.currency,
        name="chosen-campaigns",
        headline=say("{sound:count} of {n:count} comparisons pass their checks; {real:words} of them tell a change",
                     sound=len(sound), n=len(rows), real=str(real or "none"))
        if len(sound) else say("No comparison passes its checks: what campaigns to chosen customers changed is open"),
        title=say("{kind:words} a customer, chosen less others, cost taken off (hollow: fails a check)",
                  kind=found.value_kind.capitalize()),
        table=table(
            "chosen-campaigns", say("Campaigns whose customers were chosen"), shown, currency=found.currency, rows=30,
            labels={"alike": say("Like with like"), "placebo": say("The same, before the campaign"),
                    "trend": say("By their trends"), "trend_placebo": say("The same, before"),
                    "overlap": say("Have others like them"),
                    "apart": say("Still apart by"), "busy": say("In other campaigns too")},
            kinds={**dict.fromkeys(names, "text"), "overlap": "share", "busy": "share"},
            note=say("Before the campaign nothing can have changed: what is found there is an error of the method. "
                     "Still apart: the largest difference left, in standard deviations. Others like the chosen "
                     "may still differ in what the tables do not hold: this is no proof of an effect. Left out for too "
                     "few customers or too little past: {n:count}.", n=found.left_out),
        ),
    )  # fmt: skip


_INFLUENCES = {"tenure": "Known for", "recency": "Last bought", "contract": "Contract"}


def staying_chart(found: Staying) -> Chart:
    """Draw by how many points customers in each state bought again more often, all else alike."""
    rows = found.frame
    names = [f"{text(_INFLUENCES.get(influence, label(influence)))}: {text(state)}" for influence, state in rows.index]
    ends = {part: [getattr(each, part) for each in rows["points"]] for part in ("value", "low", "high")}
    frame = pd.DataFrame(ends, index=pd.Index(names, name="state"))
    frame["chance"] = (rows["q_value"] >= 1 - LEVEL).to_numpy()
    shown = rows[["base", "customers", "q_value"]].assign(points=rows["points"].map(str)).set_axis(frame.index)
    return dots(
        frame, "value", kind="number", reference=0.0, hollow="chance", name="staying",
        headline=say("{stayed:share} of customers bought again in half a year; {n:count} of {all:count} states go with "
                     "a difference", stayed=found.stayed, n=int((~frame["chance"]).sum()), all=len(frame)),
        title=say("Points more who bought again than in the base (hollow: chance)"),
        table=table(
            "staying", say("What goes with staying"), shown, labels={"base": say("Against"), "points": say("Points")},
            kinds={"base": "text", "points": "text"},
            note=say("{n:count} customers active in the year to {day:date}, all influences at once; q-values after "
                     "Holm. This is no effect: customers differ in more than these.", n=found.customers, day=found.day),
        ),
    )  # fmt: skip


_LIGHTS = {"met": "● met", "missed": "▲ missed", "open": "○ open", "": "–"}


def scorecard_table(found: Scorecard) -> Table:
    """Return the measures with their change and target; a light only where the interval decides."""
    frame = found.frame.rename(index={name: text(words) for name, words in MEASURES.items()})
    shown = pd.DataFrame({
        "now": frame["now"].map(str), "then": [str(each) if each else "–" for each in frame["then"]],
        "change": [str(each) if each else "–" for each in frame["change"]],
        "holds": [say("yes") if q < 1 - LEVEL else say("no") for q in frame["q_value"]],
        "target": [_target(x, now.unit) for x, now in zip(frame["target"], frame["now"], strict=True)],
        "light": [text(_LIGHTS[each]) for each in frame["light"]],
    }, index=frame.index)  # fmt: skip
    lights = {name: int((frame["light"] == name).sum()) for name in ("met", "missed", "open")}
    title = say("Targets: {met:count} met, {missed:count} missed, {open:count} open", **lights)
    if not sum(lights.values()):
        title = say("{n:count} of {all:count} measures have changed by more than chance", all=len(frame),
                    n=int((frame["q_value"] < 1 - LEVEL).sum()))  # fmt: skip
    return table(
        "scorecard", title, shown, kinds=dict.fromkeys(map(str, shown), "text"),
        labels={"now": say("Last {days:count} days", days=found.days), "then": say("To {day:date}", day=found.before),
                "change": say("Change"), "holds": say("More than chance"), "target": say("Target"),
                "light": say("Light")},
        note=say("Bought again, net value retention and contracts: of customers of the {days:count} days before. A "
                 "light is lit only where the whole interval lies on one side of the target; changes are corrected for "
                 "the number of measures (Holm).", days=found.days),
    )  # fmt: skip


def campaign_truth_chart(frame: pd.DataFrame, currency: str) -> Chart:
    """Draw what was told of a simulated company's campaigns beside the truth."""
    held = int(((frame["low"] <= frame["truth"]) & (frame["truth"] <= frame["high"])).sum())
    return dots(
        frame, "value", kind="money", mark="truth", reference=0.0, currency=currency, name="campaign-truth",
        headline=say("{held:count} of {n:count} intervals hold the truth", held=held, n=len(frame)),
        title=say("What campaigns changed a customer, cost taken off: told and true"),
    )  # fmt: skip


def _target(target: float, unit: str) -> str:
    return "–" if np.isnan(target) else share(target) if unit == "share" else number(target)
