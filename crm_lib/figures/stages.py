"""Life-cycle stages and the warning of decline: charts and tables."""

from __future__ import annotations

import pandas as pd

from crm_lib.exhibit import Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.columns import table
from crm_lib.figures.forms import bars, flows
from crm_lib.language import say, text
from crm_lib.relationships import DeclineWarning, Stages
from crm_lib.relationships.warning import FALSE_ALARM

_SIGNS = {
    "p_alive": "P(alive)",
    "silence": "Days of silence",
    "against_rhythm": "Silence over own rhythm",
}


def stages_chart(stages: Stages) -> Chart:
    """Draw what customers in each stage bring."""
    frame = stages.table()
    shown = frame.assign(number=[say("{n:count} customers", n=n) for n in frame["customers"]])
    stable = frame.loc["stable"]
    return bars(
        shown, "value", beside="number", currency=stages.currency, name="stages",
        headline=say("{n:share} of customers are in a stable relationship and bring {value:share} of the {kind:words}",
                     n=stable["customer_share"], value=stable["value_share"], kind=stages.value_kind),
        title=say("{kind:words} of the last year by stage", kind=stages.value_kind.capitalize()),
        table=table("stages", say("Stages, and what to do"), frame.reset_index(), currency=stages.currency),
    )  # fmt: skip


def stage_moves_chart(stages: Stages) -> Chart:
    """Draw where customers of each stage a quarter ago are now."""
    moves = stages.moves()
    others = moves.drop(index="gone"), moves.drop(columns="gone")
    lost, back = others[0]["gone"].sum(), others[1].loc["gone"].sum()
    moves.loc["gone", "gone"] = 0
    return flows(
        moves, sides=(say("a quarter ago"), say("today")), name="stage-moves",
        headline=say("{lost:count} customers left in the last quarter, {back:count} came back", lost=lost, back=back),
        title=say("Stage a quarter ago and today, of customers known then; those gone on both days are left out"),
    )  # fmt: skip


def stages_check_table(found: pd.DataFrame) -> Table:
    """Return how often stages of a simulated company were judged rightly."""
    frame = found.rename(index=text).rename_axis("rule").reset_index()
    return table("stages-check", say("Stages judged rightly, against the simulated truth"), frame)


def warning_table(warning: DeclineWarning) -> Table:
    """Return how well each sign told who stopped buying, at equal shares of false alarms."""
    frame = warning.rules.assign(rule=[text(_SIGNS[name]) for name in warning.rules.index])
    frame["taken"] = [say("yes") if name == warning.rule else "" for name in warning.rules.index]
    note = say(
        "Threshold today: {limit}. It lets {rate:share} of customers who buy again be warned of.",
        limit=warning.threshold_words, rate=FALSE_ALARM,
    )  # fmt: skip
    title = say("Signs of decline, tested on {day:date}", day=warning.tested_on)
    return table("warning", title, frame.set_index("rule")[["auc", "false_alarms", "found", "taken"]], note=note)


def warning_check_table(found: pd.DataFrame) -> Table:
    """Return what each sign finds of the true declines of a simulated company."""
    frame = found.set_axis([text(_SIGNS[name]) for name in found.index]).rename_axis("rule")
    labels = {"found": say("Found of declines of the last quarter"), "found_all": say("Found of all declines")}
    title = say("True declines found at {rate:share} false alarms", rate=FALSE_ALARM)
    return table("warning-check", title, frame, labels=labels)


def warned_table(warning: DeclineWarning) -> Table:
    """Return the customers newly warned of, most valuable first."""
    new = warning.frame[warning.frame["newly_warned"]].sort_values("value", ascending=False, kind="stable")
    frame = new.reset_index()[["customer_id", "value", "p_alive", "silence", "against_rhythm"]]
    title = say(
        "{n:count} customers newly warned of, by {kind:words} of the last year", n=len(new), kind=warning.value_kind
    )
    note = say("Silence over own rhythm: days of silence over the customer's usual days between purchases.")
    return table("warned", title, frame, currency=warning.currency, note=note)
