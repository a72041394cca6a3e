"""Whom to win back and to whom to make offers: charts and tables."""

from __future__ import annotations

import pandas as pd

from crm_lib.churn import Uplift, WinBackPlan, WinBackTrial
from crm_lib.churn.winback import NEVER
from crm_lib.exhibit import Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.columns import label, table
from crm_lib.figures.forms import bars, dots
from crm_lib.language import say, text


def winback_trial_chart(trial: WinBackTrial) -> Chart:
    """Draw what the best offer to the lost earned more than no offer, by tier."""
    effects, currency = trial.effects, trial.effects["all"].unit
    rows = {name: {"net": each.value, "low": each.low, "high": each.high, "customers": each.n}
            for name, each in effects.items()}  # fmt: skip
    frame = pd.DataFrame.from_dict(rows, orient="index").rename(index={"all": say("all customers")}).rename_axis("tier")
    arms = trial.frame.groupby("arm").agg(
        customers=("returned", "size"), came_back=("returned", "mean"), net=("profit", "mean")
    )
    arms.index = pd.Index([label(str(name)) for name in arms.index], name="group")
    return dots(
        frame, "net", currency=currency, reference=0.0, name="winback-trial",
        headline=say("The offer to lost customers earned {gain:money} a customer more than leaving them alone",
                     gain=effects["all"].value, currency=currency),
        title=say("{kind:words} of the year after, less cost, offer against control, by tier of before",
                  kind=trial.value_kind.capitalize()),
        table=table("winback-trial", say("What came of the campaign to win back"), arms, currency=currency,
                    labels={"net": say("Brought in the year after, less cost")}, kinds={"net": "money"}),
    )  # fmt: skip


def winback_chart(plan: WinBackPlan) -> Chart:
    """Draw what the plan costs and brings by tier; behind it, whom to contact."""
    by_tier = plan.frame.groupby("tier").agg(
        customers=("gain", "size"), gain=("gain", "sum"), cost=("cost", "sum"), effort=("effort", "first")
    )
    frame = by_tier.reindex([name for name in ("key", "major", "ordinary") if name in by_tier.index])
    frame["number"] = [
        say("{n:count} customers, cost {cost:short}", n=n, cost=cost, currency=plan.currency)
        for n, cost in zip(frame["customers"], frame["cost"], strict=True)
    ]
    names = ["tier", "cause", "offer", "effort", "second", "cost", "gain", "reason"]
    people = plan.frame[names].reset_index()
    people["cause"], people["offer"] = ([label(str(each)) for each in people[name]] for name in ("cause", "offer"))
    words = "Winning back {n:count} customers costs {cost:short} and is expected to bring {gain:short} after costs"
    if plan.trial is None:
        words = "If returns are as assumed, winning back {n:count} customers costs {cost:short} and brings {gain:short}"
    return bars(
        frame, "gain", beside="number", currency=plan.currency, name="winback",
        headline=say(words, n=len(plan.frame), cost=float(plan.frame["cost"].sum()), gain=plan.gain.value,
                     currency=plan.currency),
        title=say("Expected gain in a year, after costs, by tier"),
        table=table(
            "winback", say("Whom to win back, the most money per cost first"), people, currency=plan.currency, rows=10,
            labels={"second": say("Second life, a year"), "gain": say("Expected gain"), "reason": say("Why")},
            note=say("Gain of the plan: {gain}.", gain=plan.gain),
        ),
    )  # fmt: skip


def winback_audit_table(plan: WinBackPlan) -> Table:
    """Return why others who are gone are not in the plan."""
    frame = plan.left_out.to_frame().rename_axis("reason").rename(index=text)
    note = say(
        "Never won back is who {kinds}. The last two are known where the table of customers has columns hurt_staff "
        "and harms_reputation. Each customer is counted once.",
        kinds="; ".join(map(text, NEVER.values())),
    )
    return table("winback-audit", say("Gone, and not in the plan"), frame, note=note)


def uplift_chart(found: Uplift) -> Chart:
    """Draw what the offer changed, by tenth of predicted uplift."""
    frame = found.tenths.rename(columns={"uplift": "net"})
    frame.index = pd.Index([str(each) for each in frame.index], name="tenth")
    scores = found.scores.rename(index=text)
    harmed = "no tenth of customers is demonstrably better left alone"
    if found.left_alone:
        harmed = "{n:count} customers are better left alone"
    return dots(
        frame, "net", currency=found.currency, reference=0.0, name="uplift",
        headline=say("Offer '{offer}': " + harmed, offer=found.offer.replace("_", " "), n=found.left_alone),
        title=say("{kind:words} a customer, less cost, offer against control, by tenth of uplift (1: highest)",
                  kind=found.value_kind.capitalize()),
        table=table(
            "uplift", say("Customers in the order of three signs"), scores, currency=found.currency,
            labels={"qini": say("Qini"), "auuc": say("AUUC")}, kinds={"qini": "money", "auuc": "money"},
            note=say("Money a customer; Qini after Radcliffe, above the straight line of chance; AUUC: area under the "
                     "difference of means times the share."),
        ),
    )  # fmt: skip


def policies_table(found: Uplift) -> Table:
    """Return what it earns to offer to everyone, to no one, by uplift, by silence and by value."""
    frame = found.policies.rename(index=text)
    note = say("Per 1,000 customers against no offer; campaigns {names}. By silence or value: as many customers, the "
               "longest silent or most valuable first.", names=", ".join(found.campaigns))  # fmt: skip
    labels = {"treated": say("Given the offer"), "value": say("Earns")}
    return table("policies", say("To whom the offer should go"), frame, currency=found.currency, labels=labels,
                 kinds={"treated": "share", "value": "money"}, note=note)  # fmt: skip
