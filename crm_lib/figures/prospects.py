"""Contributing customers and prospects: charts and tables."""

from __future__ import annotations

import pandas as pd

from crm_lib.exhibit import Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.columns import table
from crm_lib.figures.forms import calibration, curve, dots
from crm_lib.language import say, text
from crm_lib.relationships import Contributors, Influence, ProspectRanking, ProspectReplay
from crm_lib.relationships.contributors import OUTCOME_DAYS, ROLES
from crm_lib.relationships.prospect_ranking import REASONS
from crm_lib.relationships.prospect_replay import RULES


def contributors_chart(found: Contributors) -> Chart:
    """Draw what contributors brought beside others like them, and beside all others."""
    roles = found.roles
    ends = pd.DataFrame(
        [{"times_alike": each.value, "low": each.low, "high": each.high} for each in roles["times_alike"]]
    )
    frame = ends.assign(times_all=roles["times_all"].to_numpy()).set_index(
        pd.Index([text(ROLES[role]) for role in roles.index])
    )
    shown = roles.assign(holds=roles["holds"].map({True: "yes", False: "no"}))
    first = roles.loc["any"]
    return dots(
        frame, "times_alike", mark="times_all", reference=1.0, reference_label=say("as much as others"),
        name="contributors",
        headline=say(
            "Contributors bring {all:number1} times as much as others, {alike:number2} times as much as their like",
            all=first["times_all"], alike=first["times_alike"].value,
        ),
        title=say("{kind:words} in the {days} days after {day:date}, times that of others",
                  kind=found.value_kind.capitalize(), days=OUTCOME_DAYS, day=found.day),
        table=table("contributors", say("Contributing customers beside others"),
                    shown.rename(index=ROLES).rename(index=text).reset_index(), currency=found.currency),
    )  # fmt: skip


def influence_table(found: Influence) -> Table:
    """Return what contributors and the customers they brought bring together."""
    note = say("Nobody is counted twice. Value is the {kind:words} of the last year.", kind=found.value_kind)
    frame = found.totals.rename(index=text).reset_index()
    return table("influence", say("What depends on contributors"), frame, currency=found.currency, note=note)


def influencers_table(found: Influence) -> Table:
    """Return the customers who, with those they brought, bring most."""
    frame = found.frame.head(100).reset_index()
    note = say("The same value may appear in several rows: do not add them up.")
    title = say("Customers who brought others, by the value of both")
    return table("influencers", title, frame, currency=found.currency, note=note, rows=10)


def prospect_rules_table(replay: ProspectReplay) -> Table:
    """Return what the best prospects of earlier days brought, by the rule that put them in order."""
    frame = replay.table().rename(index=RULES).rename(index=text).reset_index()
    title = say("What the best {share:share} of prospects brought, by rule", share=replay.share)
    note = say(
        "{n:count} live prospects on {days} earlier days. Lift is their share of the money over their share of "
        "prospects; per cost is money for each unit spent on winning.",
        n=len(replay.frame), days=len(replay.days),
    )  # fmt: skip
    return table("prospect-rules", title, frame, note=note)


def prospect_calibration_chart(replay: ProspectReplay) -> Chart:
    """Draw what prospects were told to bring, and what came."""
    frame = replay.groups()
    finite = frame.assign(high=frame["high"].where(frame["high"] < 4 * frame["was"].max(), frame["was"].max() * 1.5))
    ratio = replay.kept(1.0)
    return calibration(
        finite.assign(high=finite[["was", "high"]].max(axis=1)), kind="money", currency=replay.currency,
        name="prospect-calibration",
        headline=say("Prospects brought {ratio:share} of the {kind:words} predicted for them", ratio=ratio.value,
                     kind=replay.value_kind),
        title=say("{kind:words} of a prospect in {days} days, predicted on earlier days and observed",
                  kind=replay.value_kind.capitalize(), days=replay.horizon_days),
        table=table("prospect-calibration", say("Prospects by predicted value"), frame.reset_index(),
                    currency=replay.currency, kinds={"told": "money", "was": "money"}),
    )  # fmt: skip


def prospect_ranking_chart(ranking: ProspectRanking) -> Chart:
    """Draw what winning prospects in order is expected to bring, less the cost."""
    ranked = ranking.frame.dropna(subset=["cost"])
    frame = pd.DataFrame({"gross": ranked["gross"].cumsum().to_numpy(), "cost": ranked["cost"].cumsum().to_numpy()})
    frame["net"] = frame["gross"] - frame["cost"]
    frame.index = pd.RangeIndex(1, len(frame) + 1, name="rank")
    chosen = ranking.chosen
    return curve(
        frame[["net", "cost"]], ["net", "cost"], currency=ranking.currency, name="prospect-ranking",
        headline=say("Winning {n:count} of {all:count} prospects for {cost:short} should bring {total:short} net",
                     n=len(chosen), all=len(ranking.frame), cost=ranking.spent, total=ranking.expected.value,
                     currency=ranking.currency),
        title=say("Expected value less cost, and cost, of the best prospects so far"),
        table=table("prospect-ranking", say("Live prospects by reason"),
                    ranking.frame.groupby("reason").agg(customers=("cost", "size"), gross=("gross", "sum"),
                                                        cost=("cost", "sum"))
                    .rename(index=REASONS).rename(index=text).reset_index(),
                    currency=ranking.currency, labels={"customers": say("Prospects")}),
    )  # fmt: skip


def prospects_table(ranking: ProspectRanking) -> Table:
    """Return the chosen prospects, best value for cost first."""
    columns = ["prospect_id", "net", "cost", "chance", "value", "alike"]
    title = say("{n:count} prospects to win, best value for cost first", n=len(ranking.chosen))
    note = say("Value is that of a customer won; alike are past customers in the prospect's rarest category.")
    frame = ranking.chosen.reset_index()[columns]
    return table("prospects", title, frame, currency=ranking.currency, note=note)


def principles_table(ranking: ProspectRanking) -> Table:
    """Return whether the ranking keeps to the principles of looking for customers."""
    frame = ranking.principles.rename(index=text).reset_index()
    for name in ("measured", "kept_to"):
        frame[name] = frame[name].map(text)
    return table("principles", say("Principles of looking for customers, in numbers"), frame)
