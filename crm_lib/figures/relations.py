"""Price or relation, and value against the risk of leaving: charts and tables."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd

from crm_lib.exhibit import Kind, Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.columns import table
from crm_lib.figures.forms import bars, calibration, dots
from crm_lib.language import say, text
from crm_lib.relationships import Kinds, KindValue, SilenceRisk, Switching

_HABITS = {
    "share": "Share of customers",
    "discounted_lines_ever": "Lines bought on discount",
    "other_channel_ever": "Orders outside the usual channel",
    "reviews_ever": "Orders reviewed",
    "ever_member": "Ever a member",
}


def kinds_table(kinds: Kinds) -> Table:
    """Return what tells transactional from relational customers."""
    rows = kinds.habits.reindex([name for name in _HABITS if name in kinds.habits.index])
    frame = rows.set_axis([text(_HABITS[name]) for name in rows.index]).rename_axis("habit").reset_index()
    note = say("Habits remove {part:share} of the doubt about who is which kind.", part=kinds.separation)
    shares: dict[str, Kind] = {"transactional": "share", "relational": "share"}
    return table(
        "kinds",
        say("What tells the two kinds apart"),
        frame,
        note=note,
        kinds=shares,
        labels={"relational": "Relational"},
    )


def kinds_chart(kinds: Kinds) -> Chart:
    """Draw how certain the kinds are: customers by probability of being relational."""
    p = kinds.frame["relational"]
    edges = np.linspace(0, 1, 11)
    counts = np.histogram(p, edges)[0]
    names = [say("{low:share} to {high:share}", low=low, high=high) for low, high in pairwise(edges)]
    frame = pd.DataFrame({"customers": counts}, index=pd.Index(names, name="relational"))
    clear = float(((p < 0.2) | (p > 0.8)).mean())
    return bars(
        frame, "customers", name="kinds-certainty",
        headline=say("{clear:share} of customers are clearly of one kind, {relational:share} are relational on average",
                     clear=clear, relational=p.mean()),
        title=say("Customers by probability of being relational"),
    )  # fmt: skip


def kinds_check_table(check: pd.DataFrame) -> Table:
    """Return how well the kinds of a simulated company were told."""
    return table("kinds-check", say("Kinds told rightly, against the simulated truth"), check.rename(index=text))


def kind_value_chart(found: KindValue) -> Chart:
    """Draw what a customer of each kind brings."""
    told = {"transactional": found.transactional, "relational": found.relational}
    rows = {name: {"mean_value": each.value, "low": each.low, "high": each.high} for name, each in told.items()}
    kinds = found.kinds
    return dots(
        pd.DataFrame.from_dict(rows, orient="index").rename_axis("group"), "mean_value", currency=kinds.currency,
        name="kind-value",
        headline=say("A transactional customer brings {part:share} of a relational one's {kind:words}",
                     part=found.ratio.value, kind=kinds.value_kind),
        title=say("{kind:words} of a customer in the last year, with interval", kind=kinds.value_kind.capitalize()),
    )  # fmt: skip


def silence_test_table(risk: SilenceRisk) -> Table:
    """Return how well the risk told who fell silent, beside days of silence alone."""
    rows = {"the risk": risk.auc, "days of silence alone": risk.auc_recency, "difference": risk.gain}
    frame = pd.DataFrame({"method": [text(name) for name in rows], "auc": list(rows.values())})
    message = "Predicted on {day:date} from what was known then, and compared with the {days} days after."
    title = say("How often a customer who fell silent had the higher risk than one who did not")
    return table("silence-test", title, frame, note=say(message, day=risk.tested_on, days=risk.horizon_days))


def silence_chart(risk: SilenceRisk) -> Chart:
    """Draw whether the risk of falling silent was what it said."""
    found = risk.reliability
    message = "{told:share} predicted on average, {was:share} observed; {inside:count} of {n:count} groups agree"
    headline = say(message, told=found.told, was=found.was, inside=found.inside, n=len(found.frame))
    message = "Risk of buying nothing in {days} days, predicted on {day:date} and observed"
    title = say(message, days=risk.horizon_days, day=risk.tested_on)
    return calibration(found.frame, name="silence-reliability", headline=headline, title=title)


def switching_chart(classes: Switching) -> Chart:
    """Draw the value at risk in each class of value and risk."""
    frame = classes.table()
    looking = frame.loc["valuable and looking around"]
    shown = frame.assign(number=[say("{n:count} customers", n=n) for n in frame["customers"]])
    return bars(
        shown.fillna({"at_risk": 0.0}), "at_risk", beside="number", currency=classes.currency, name="switching",
        headline=say(
            "{n:count} valuable customers are looking around, with {money:short} at risk", n=looking["customers"],
            money=np.nan_to_num(looking["at_risk"]), currency=classes.currency,
        ),
        title=say("{kind:words} of the last year times risk, by class", kind=classes.value_kind.capitalize()),
        about=say("A class is looking around from a risk of {risk:share}.", risk=classes.risk_from),
        table=table(
            "switching", say("Value against risk"), frame.reset_index(), currency=classes.currency,
            note=say("Below {value:money} a contact cannot pay. Gain is that of one contact to each.",
                     value=classes.value_from, currency=classes.currency),
        ),
    )  # fmt: skip
