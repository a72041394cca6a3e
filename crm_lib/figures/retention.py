"""Did keeping customers pay: cohorts, projection, the bridge between two periods, and money."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from crm_lib.clv import RetentionCosts
from crm_lib.errors import TooLittleData
from crm_lib.estimate import LEVEL, Estimate
from crm_lib.exhibit import Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.columns import label, table
from crm_lib.figures.forms import bars, curve, dots, heat
from crm_lib.figures.style import BLUE, GREEN, ORANGE
from crm_lib.language import say, share, short_money, text
from crm_lib.retention import Bridge, Cohorts, LoyaltyChange, Projection, ReadOut, RetentionValue
from crm_lib.retention.cohorts import Measure
from crm_lib.retention.projection import MODELS

_SINCE = {"month": "months_since_winning", "quarter": "quarters_since_winning", "year": "years_since_winning"}

_GROUPS = 5
"""Groups that a chart can hold."""
_SHORT = {"sbg": "sBG", "bdw": "BdW", "exponential": "exponential", "line": "straight line"}


def cohort_chart(found: Cohorts, *, measure: Measure = "active") -> Chart:
    """Draw the triangle of cohorts; the period that is not over stands on grey."""
    frame, open_ = found.triangle(measure), found.triangle(measure, unfinished=True)
    money = measure != "active"
    both = frame.fillna(open_)
    written = both.map(lambda x: "" if np.isnan(x) else short_money(x, "") if money else share(x))
    frame.index = written.index = pd.Index(
        [say("{cohort} ({n:count})", cohort=name, n=found.sizes[name]) for name in frame.index], name="cohort"
    )
    name = "contract-cohorts" if found.contracts else f"cohorts-{measure}"
    at = found.curve().iloc[1]
    if money:
        per = found.averaged[measure].groupby("age").sum() / found.curve()["customers"]
        headline = say("A customer won brings {first:short} in the first {period:words} and {next:short} in the next",
                       first=per[0], next=per[1], period=found.period, currency=found.currency)  # fmt: skip
        title = say("{what} a customer won ({currency}), by {period:words}", what=label(measure), period=found.period,
                    currency=found.currency)  # fmt: skip
    else:
        words = (
            "{share:share} of customers with a contract still have one at the end of the next {period:words}"
            if found.contracts
            else "{share:share} of customers buy in the {period:words} after the one in which they were won"
        )
        headline = say(words, share=at["share"], period=found.period)
        what = "Share with a running contract" if found.contracts else "Share who bought"
        title = say(what + ", by {period:words} of winning (customers)", period=found.period)
    unfinished = say(" Grey: not over yet, and in no average.") if open_.notna().any(axis=None) else ""
    note = say("Whoever was a customer before the data begin is in the first row.") + unfinished
    return heat(
        frame, kind="money" if money else "share", written=written, rows="", columns=label(_SINCE[found.period]),
        currency=found.currency, name=name, headline=headline, title=title,
        table=table(name, title, both.rename(columns=str), currency=found.currency, rows=40, note=note,
                    kinds=dict.fromkeys(map(str, both), "money" if money else "share")),
    )  # fmt: skip


def cohort_curve_chart(found: Cohorts) -> Chart:
    """Draw the share still active by time since customers were won, over cohorts that have lived through it."""
    frame = found.curve()
    frame.index.name = _SINCE[found.period]
    last = frame.iloc[-1]
    return curve(
        frame[["share", "low", "high", "cohorts", "customers"]], ["share"], low="low", high="high",
        name="contract-curve" if found.contracts else "cohort-curve",
        headline=say("After {n:count} {since:words}, {share:share} are left", n=frame.index[-1], share=last["share"],
                     since={"month": "months", "quarter": "quarters", "year": "years"}[found.period]),
        title=say("Share with a running contract, all cohorts" if found.contracts else "Share who bought, all cohorts"),
        note=say("Each point rests on the cohorts that have wholly lived through it, the last on {n:count} alone. The "
                 "first, with whoever was a customer before the data begin, is left out if there are others.",
                 n=int(last["cohorts"])),
    )  # fmt: skip


def cohort_groups_chart(groups: dict[str, Cohorts], by: str) -> Chart:
    """Draw the share still active in the largest groups of customers, by time since they were won."""
    found = next(iter(groups.values()))
    thirds = {"1": say("largest third"), "2": say("middle third"), "3": say("smallest third")}
    names = {key: thirds[key] if by == "first_value" else key for key in list(groups)[:_GROUPS]}
    frame = pd.DataFrame({name: groups[key].curve()["share"] for key, name in names.items()})
    frame = frame.rename_axis(_SINCE[found.period])
    at = frame.iloc[1].sort_values()
    what = say("what customers brought first") if by == "first_value" else label(by).lower()
    return curve(
        frame, list(names.values()), kind="share", name=f"cohorts-by-{by.replace('_', '-')}",
        headline=say("{best}: {most:share} buy in the next {period:words}; {worst}: {least:share}",
                     best=str(at.index[-1]).capitalize(), most=at.iloc[-1], worst=at.index[0], least=at.iloc[0],
                     period=found.period),
        title=say("Share who bought, all cohorts, by {what:words}", what=what),
        table=table("cohort-groups", say("Share who bought, by {what:words}", what=what), frame,
                    kinds=dict.fromkeys(map(str, frame), "share"),
                    note=say("Groups of customers won together; the latest points rest on few cohorts. Groups differ "
                             "in more than their name: this is no effect.")),
    )  # fmt: skip


def loyalty_chart(found: LoyaltyChange) -> Chart:
    """Draw how long newer and older customers stay, at the same ages, and the groups that differ in the table."""
    frame = found.curves.rename_axis("days_known")
    thin = frame.iloc[:: max(len(frame) // 120, 1)]
    half, whole = frame[frame.index <= 182].iloc[-1], frame.index[-1] >= 182
    begins = say("Half a year") if whole else say("{n:count} days", n=frame.index[-1])
    return curve(
        thin, ["older", "newer"], kind="share", steps=True, name="loyalty",
        headline=say("{begins} after winning, {new:share} of newer and {old:share} of older customers are left",
                     begins=begins, new=half["newer"], old=half["older"]),
        title=say("Share who have stayed, customers won until and after {day:date}", day=found.split_on),
        note=say("Left: silent for {n:count} days. Customers won in the first tenth of the time are left out.",
                 n=found.lives.days),
    )  # fmt: skip


def loyalty_groups_table(found: LoyaltyChange) -> Table:
    """Return whether groups of customers differ in how long they stay."""
    if found.groups.empty:
        raise TooLittleData(
            say("needs two groups of 50 customers of a known channel, region or kind"), table="customers"
        )
    frame = found.groups.rename(index=label).drop(columns="p_value", errors="ignore")
    frame["q_value"] = [say("below 0.001") if q < 0.001 else f"{q:.3f}" for q in frame.get("q_value", [])]
    return table(
        "loyalty-groups", say("Do groups of customers stay for different times?"), frame,
        labels={"best": say("Stay longest"), "best_share": say("… left after half a year"),
                "worst": say("Stay shortest"), "worst_share": say("… of these")},
        kinds={"best": "text", "best_share": "share", "worst": "text", "worst_share": "share",
               "q_value": "text"},
        note=say("Log-rank test; q-values are corrected for several questions (Holm). Groups differ in more than their "
                 "name: this is no effect."),
    )  # fmt: skip


def bridge_chart(found: Bridge) -> Chart:
    """Draw the way from what the earlier period brought to what the later one did."""
    before, now = found.totals
    steps = found.table.loc[found.table["change"] != 0, "change"]
    rows = [(say("{days:count} days before", days=found.days), 0.0, before, BLUE)]
    level = before
    for name, change in steps.items():
        rows.append((text(str(name).capitalize()), level, change, GREEN if change > 0 else ORANGE))
        level += change
    rows.append((say("Last {days:count} days", days=found.days), 0.0, now, BLUE))
    frame = pd.DataFrame(rows, columns=["step", "begins", "amount", "colour"]).set_index("step")
    counts = found.table["customers"].drop("returns only", errors="ignore")
    bought = counts.drop(["won", "returned"], errors="ignore").sum(), counts.drop("lost", errors="ignore").sum()
    numbers = [bought[0], *(found.table["customers"][name] for name in steps.index), bought[1]]
    frame["note"] = [say("{n:count} customers", n=n) for n in numbers]
    return bars(
        frame, "amount", start="begins", beside="note", currency=found.currency, name="bridge",
        colours=dict(zip(map(str, frame.index), frame["colour"], strict=True)),
        headline=say("{kind:words} went from {before:short} to {now:short}: {won:short} came with new customers, "
                     "{lost:short} left with lost ones", kind=found.value_kind.capitalize(), before=before, now=now,
                     won=steps.get("won", 0.0), lost=-steps.get("lost", 0.0), currency=found.currency),
        title=say("{kind:words} of two periods, by what became of customers",
                  kind=found.value_kind.capitalize()),
        table=table(
            "bridge", say("Where the change came from"), found.table.rename(index=text), currency=found.currency,
            labels={"became": say("Customers"), "customers": say("Number"), "before": say("Brought before"),
                    "now": say("Bring now"), "change": say("Change")},
            kinds={"before": "money", "now": "money", "change": "money"},
            note=say("Less returns; the changes sum to the difference to the cent."),
        ),
    )  # fmt: skip


def retention_rates_table(found: Bridge) -> Table:
    """Return the rates of retention, of customers and of value."""
    rows = [
        (say("Customers kept"), found.kept, say("bought before, and again")),
        (say("Customers lost"), _rest(found.kept), say("bought before, and not again")),
        (say("Net value retention"), found.net, say("brought now by customers of before, over what they brought")),
        (say("Gross value retention"), found.gross, say("the same, nobody counted above what they brought before")),
        (say("Value lost"), _rest(found.gross), say("gone with lost customers and with those who buy less")),
        (say("Returned"), found.returned, say("silent before, and bought again")),
    ]  # fmt: skip
    frame = pd.DataFrame([(name, str(each), how) for name, each, how in rows], columns=["measure", "share", "basis"])
    return table(
        "retention-rates", say("Retention of the last {days:count} days, in rates", days=found.days),
        frame.set_index("measure"), labels={"basis": say("Counted as")}, kinds={"share": "text"},
        note=say("Value is {kind:words}.", kind=found.value_kind),
    )  # fmt: skip


def keeping_costs_chart(found: RetentionCosts) -> Chart:
    """Draw what keeping a customer costs in a year by the channel that won them, beside what winning one cost there."""
    rows = found.channels
    if rows.empty:
        raise TooLittleData(say("needs a channel with 50 customers kept and 50 won at a known cost"), table="customers")
    ends = {part: [getattr(each, part) for each in rows["keeping"]] for part in ("value", "low", "high")}
    frame = pd.DataFrame(ends, index=rows.index).rename(columns={"value": "keeping"})
    frame["winning"] = [each.value for each in rows["winning"]]
    cheaper = int(sum(each.high < 1 for each in rows["ratio"]))
    return dots(
        frame.sort_values("winning", ascending=False), "keeping", kind="money", mark="winning",
        currency=found.keeping.unit, name="keeping-costs",
        headline=say("In {n:words} of {all:count} channels keeping a customer for a year costs less than winning one",
                     n=str(cheaper or "none"), all=len(rows)),
        title=say("Cost of keeping a customer for a year, and of winning one, by channel of winning"),
        table=table("keeping-costs", say("Keeping and winning, by channel"), rows.map(str),
                    labels={"keeping": say("Keeping, a year"), "winning": say("Winning"),
                            "ratio": say("Keeping over winning")},
                    kinds=dict.fromkeys(["keeping", "winning", "ratio"], "text"),
                    note=say("Cost of contacts and campaigns for each customer kept; fixed costs of campaigns are "
                             "spread over all customers. Channels with 50 customers kept and 50 won in the year.")),
    )  # fmt: skip


def elasticity_chart(found: RetentionValue) -> Chart:
    """Draw by how many per cent profit rises with one per cent of each lever, beside the textbook's formula."""
    rows = found.elasticities
    frame = pd.DataFrame(
        {
            name: [getattr(each, part) for each in rows["here"]]
            for name, part in (("sbg", "value"), ("low", "low"), ("high", "high"))
        },
        index=pd.Index([text(str(name).capitalize()) for name in rows.index], name="lever"),
    )
    frame["formula"] = rows["formula"].to_numpy(float)
    here = rows["here"]
    basis = say("{kind:words} less the cost of winning" if found.cost_known else "{kind:words}", kind=found.value_kind)
    return dots(
        frame, "sbg", kind="number", mark="formula", reference=0.0, name="elasticity",
        headline=say("One per cent more retention adds {x:number2} per cent to the profit of a new customer, one "
                     "per cent more margin {y:number2}", x=here["retention"].value, y=here["margin"].value),
        title=say("Per cent of a new customer's profit for one per cent of each lever"),
        table=table(
            "elasticity", say("What moves the profit of a new customer"),
            frame.assign(sbg=[str(each) for each in rows["here"]])[["sbg", "formula"]],
            labels={"formula": say("Textbook's formula, all alike")}, kinds={"sbg": "text", "formula": "number"},
            note=say("Profit of a new customer: {profit}, {basis:words}, at {rate:share1} a year. Gupta, Lehmann and "
                     "Stuart (2004) report 5 for retention, 1 for margin and 0.1 for the cost of winning.",
                     profit=found.profit, basis=basis, rate=found.annual_rate),
        ),
    )  # fmt: skip


def retention_value_table(found: RetentionValue) -> Table:
    """Return what better retention adds, here and by the textbook's formula, and when a programme breaks even."""
    even = found.break_even
    rows = [
        (say("5 more of 100 new customers stay the year"), str(found.points), share(found.formula_points)),
        (say("5% more of those who do"), str(found.relative), share(found.formula_relative)),
    ]
    frame = pd.DataFrame(rows, columns=["step", "value", "formula"]).set_index("step")
    words = (
        "A programme of {cost:money} a customer and year pays if {even} more of the new customers stay the first year."
        if np.isfinite(even.value)
        else "A programme of {cost:money} a customer and year cannot pay, however many it keeps."
    )
    return table(
        "retention-value", say("What better retention adds to the profit of a new customer"), frame,
        labels={"step": say("If"), "value": say("Customers differ"), "formula": say("Textbook's formula")},
        kinds={"value": "text", "formula": "text"},
        note=say("{year} stay the first year. ", year=found.year)
        + say(words, cost=found.programme_cost, even=even, currency=found.currency),
    )  # fmt: skip


def projection_chart(found: Projection) -> Chart:
    """Draw who stayed beside what each model, having seen the first renewals only, expected."""
    names = ["seen", *found.errors.dropna().sort_values().index]
    best, line = str(found.errors.dropna().idxmin()), float(found.errors["line"])
    purchases = found.name == "purchases"
    errors = found.errors.rename(index={key: text(words) for key, words in MODELS.items()}).sort_values()
    return curve(
        found.frame[names].rename_axis(_unit(found)), names, kind="share", points=["seen"],
        name="projection" if purchases else "contract-projection",
        headline=say("Told from {n:count} periods, the model {best} misses the later ones by {a:number1} points, a "
                     "straight line by {b:number1}", n=found.fitted, a=100 * found.errors[best],
                     best=_SHORT[best], b=100 * line),
        title=say("Share of customers who have stayed" if purchases else "Share of contracts renewed, plan '{plan}'",
                  plan=found.name),
        table=table(
            "projection" if purchases else "contract-projection", say("Mean error over the periods held out"),
            errors.to_frame().rename_axis("model"), kinds={"mae": "share"},
            note=say("Models saw the first {n:count} of {m:count} periods. A new customer is expected to stay {life} "
                     "of the next ten years.", n=found.fitted, m=len(found.frame) - 1, life=found.lifetime),
        ),
    )  # fmt: skip


def sorting_chart(found: Projection) -> Chart:
    """Draw retention by period as seen, and as it is if customers differ and nobody changes."""
    frame = found.rates.rename_axis(_unit(found))
    frame["all_alike"] = (frame["seen"] * frame["customers"]).sum() / frame["customers"].sum()
    first, last = frame["seen"].iloc[[0, -1]]
    return curve(
        frame[["seen", "sbg", "all_alike", "customers"]], ["seen", "sbg", "all_alike"], kind="share", points=["seen"],
        name="sorting" if found.name == "purchases" else "contract-sorting",
        headline=say("Retention rises from {first:share} to {last:share}; that needs no customer to change",
                     first=first, last=last)
        if last > first else say("Retention goes from {first:share} to {last:share}", first=first, last=last),
        title=say("Share of the customers still there who stay for one more period"),
        note=say("Customers likely to leave go first, so that those left are loyal ones: the model holds everybody's "
                 "own chance constant."),
    )  # fmt: skip


def campaigns_chart(found: ReadOut) -> Chart:
    """Draw what each offer changed against its control group, cost taken off, with the checks in the table."""
    rows = found.frame
    frame = pd.DataFrame(
        {part: [getattr(each, part) for each in rows["value"]] for part in ("value", "low", "high")},
        index=pd.Index([f"{campaign} · {arm}" for campaign, arm in rows.index], name="campaign"),
    )
    frame["chance"] = (rows["q_value"] >= 1 - LEVEL).to_numpy()
    shown = frame[["value"]].assign(
        customers=rows["customers"].to_numpy(), buyers=list(rows["buyers"].map(str)),
        value=list(rows["value"].map(str)), plain=list(rows["plain"].map(str)),
        purchase=list(rows["purchase"].map(str)), q_value=rows["q_value"].to_numpy(),
    )  # fmt: skip
    split = (
        say("Arms of {names:words} differ in size by more than chance, if equal ones were meant: distrust them.",
            names=found.suspect)
        if found.suspect else say("Arms are of equal size, but for chance.")
    )  # fmt: skip
    cost = "" if found.costs_known else say(" Costs are not known and not taken off.")
    real = int((~frame["chance"]).sum())
    return dots(
        frame, "value", kind="money", reference=0.0, hollow="chance", currency=found.currency, name="campaigns",
        headline=say("{real:count} of {n:count} offers changed what customers bring by more than chance", real=real,
                     n=len(frame)),
        title=say("{kind:words} a customer, offer less control group, cost taken off (hollow: chance)",
                  kind=found.value_kind.capitalize()),
        table=table(
            "campaigns", say("Randomised campaigns, read out"), shown, currency=found.currency,
            labels={"campaign": say("Campaign and offer"), "buyers": say("More buyers by"), "value": say("Value"),
                    "plain": say("Without the year before"), "purchase": say("Value a purchase")},
            kinds=dict.fromkeys(["value", "plain", "buyers", "purchase"], "text"),
            note=split + cost + say(" Value a purchase is before cost. Intervals are the wider of Welch's and of one "
                                    "that allows for few buyers in a small arm; q-values are corrected for several "
                                    "offers (Holm)."),
        ),
    )  # fmt: skip


def _unit(found: Projection) -> str:
    return "renewals" if found.name != "purchases" else "months" if found.period_days < 90 else "quarters"


def _rest(kept: Estimate) -> Estimate:
    return replace(kept, value=1 - kept.value, low=1 - kept.high, high=1 - kept.low)
