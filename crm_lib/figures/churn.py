"""Who leaves, why, and at what risk: charts and tables."""

from __future__ import annotations

import pandas as pd

from crm_lib.churn import Causes, Churned, ChurnRisk, Escalation, InactivityWindow, RetentionList
from crm_lib.churn.escalation import WEEKS
from crm_lib.churn.inactivity import RULES
from crm_lib.churn.risk import MODELS, NO_SIGN, SHIFTED
from crm_lib.exhibit import Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.columns import label, table
from crm_lib.figures.forms import areas, bars, curve
from crm_lib.language import say, text
from crm_lib.segments import Segmented

_SHOWN_DAYS = (91, 182, 365, 730)
"""Days since the first purchase at which incidences are written."""
_POINTS = 120
"""Points that a line needs: a page carries no more."""


def window_chart(found: InactivityWindow) -> Chart:
    """Draw who came back after each window of silence, and the window recommended."""
    here = pd.DataFrame(
        {"x": [found.days], "y": [found.came_back.value]}, index=[say("{n:count} days", n=found.days)]
    )  # fmt: skip
    words = (
        "After {n:count} days of silence, {share:share} come back: the shortest window that keeps to {most:share}"
        if found.kept
        else "No window keeps to {most:share}: even after {n:count} days of silence, {share:share} come back"
    )
    return curve(
        found.frame, ["came_back"], low="low", high="high", marked=here, name="window",
        headline=say(words, n=found.days, share=found.came_back.value, most=found.at_most),
        title=say("Share who bought again within {days:count} days more, by days of silence", days=found.follow_up),
        note=say("A longer window is surer and notices a loss later. Customers are followed to the report's day."),
    )  # fmt: skip


def window_rules_table(found: InactivityWindow) -> Table:
    """Return one window for all beside personal windows, on an earlier day."""
    frame = found.rivals.assign(gain=[str(found.gains.get(str(name), "–")) for name in found.rivals.index])
    frame.index = pd.Index([text(RULES[name]) for name in frame.index], name="rule")
    note = "Told on {day:date} from what was known then; each rule calls as many customers gone. They are compared by "
    note += "who bought within {days:count} days after."
    return table(
        "window-rules", say("Does a personal window do better?"), frame,
        labels={"customers": say("Called gone"), "found": say("Of the lost, found"), "gain": say("Fewer came back by")},
        kinds={"gain": "text"},
        note=say(note, day=found.tested_on, days=found.follow_up),
    )  # fmt: skip


def churned_table(found: Churned) -> Table:
    """Return how customers stand: contracts, known departures, silence."""
    frame = found.table()
    gone = int(frame.loc[frame["gone"], "customers"].sum())
    frame["gone"] = [say("yes") if each else say("no") for each in frame["gone"]]
    title = say("{gone:count} of {n:count} customers are gone", gone=gone, n=len(found.frame))
    note = say("Silent: nothing bought for {days:count} days, without a contract.", days=found.days)
    return table("churned", title, frame.rename(index=text), note=note)


def incidence_chart(found: Causes) -> Chart:
    """Draw the share who have left by days since the first purchase, by cause."""
    frame = found.incidence.frame
    names = [str(name) for name in frame if name != "stayed"]
    thinned = frame.iloc[:: max(len(frame) // _POINTS, 1)].rename_axis("days_known")
    year = frame[frame.index <= 365].iloc[-1]
    rows = {}
    for day in _SHOWN_DAYS:
        until = frame.index <= day
        if until.any() and day <= frame.index[-1]:
            at = frame.index[until][-1]
            rows[day] = {name: _with_band(found, at, name) for name in names}
    shown = pd.DataFrame.from_dict(rows, orient="index").rename_axis("days_known")
    return areas(
        thinned, names, kind="share", name="incidence",
        headline=say("Within a year of the first purchase, {x:share} of customers have left", x=1 - year["stayed"]),
        title=say("Share of customers who have left, by cause"),
        table=table(
            "incidence", say("Share who have left, by cause"), shown, labels={name: label(name) for name in names},
            note=say("Intervals hold for all causes and times at once. Not known: silence, or no cause told."),
        ),
    )  # fmt: skip


def _with_band(found: Causes, at: float, name: str) -> str:
    told = found.incidence
    x, low, high = (each[name].to_dict()[at] for each in (told.frame, told.low, told.high))
    return say("{x:share1}" if pd.isna(low) else "{x:share1} [{low:share1}, {high:share1}]", x=x, low=low, high=high)


def causes_chart(found: Causes) -> Chart:
    """Draw the value lost within a year by cause of leaving, with the remedy of each in the table."""
    frame = found.table.sort_values("value", ascending=False, kind="stable")
    frame.index = pd.Index([label(str(name)) for name in frame.index], name="cause")
    top = frame.index[0]
    share = frame["value"].iloc[0] / frame["value"].sum() if frame["value"].sum() > 0 else float("nan")
    return bars(
        frame, "value", low="value_low", high="value_high", currency=found.currency, name="causes",
        headline=say("{top} took {share:share} of the {kind:words} that left for a known cause", top=top, share=share,
                     kind=found.value_kind),
        title=say("{kind:words} of the year before, of customers who left within the last year, by cause",
                  kind=found.value_kind.capitalize()),
        table=table(
            "causes", say("Causes of leaving, and the remedy"), frame, currency=found.currency,
            labels={"value": say("{kind:words} lost in a year", kind=found.value_kind.capitalize())},
            note=say("Departures and shares: all that are known. {n:count} before the first purchase are left out.",
                     n=found.left_out) if found.left_out else "",
        ),
    )  # fmt: skip


def escalation_chart(found: Escalation) -> Chart:
    """Draw the way from problem to departure, with the share that goes on at each step."""
    frame = found.path.copy()
    frame["onward"] = [
        "" if each is None else say("({share:share} of the step before)", share=each.value) for each in frame["share"]
    ]
    frame.index = pd.Index([text(str(name)) for name in frame.index], name="step")
    bad, good = found.left["bad"], found.left["good"]
    return bars(
        frame, "cases", kind="count", beside="onward", name="escalation",
        headline=say("After a complaint not settled within a week, {bad:share} left in the next quarter; after one "
                     "settled, {good:share}", bad=bad.value, good=good.value),
        title=say("From problem to departure, number of cases"),
        table=table("escalation", say("From problem to departure"), frame[["cases", "share"]],
                    note=say("Known departures only. Of complaints settled within a week: {good}.", good=good)),
    )  # fmt: skip


def hazard_chart(found: Escalation) -> Chart:
    """Draw departures a week by weeks since a complaint, settled or not."""
    rows = found.hazard.assign(ratio=["–" if pd.isna(each) else str(each) for each in found.hazard["ratio"]])
    return curve(
        found.after, ["not_settled", "settled"], kind="share", low="not_settled_low", high="not_settled_high",
        points=["settled"], name="hazard",
        headline=say("Before a complaint is settled, customers leave {x:number1} times as often as afterwards",
                     x=found.ratio.value),
        title=say("Share of customers who leave in a week, by weeks since the complaint"),
        table=table(
            "hazard", say("Departures a week, by what weighs on the customer"), rows.rename(index=text),
            labels={"weeks": say("Weeks of customers"), "ratio": say("Times the weeks without any")},
            kinds={"hazard": "share", "ratio": "text"},
            note=say("A state counts for {weeks:count} weeks. Ratios compare customers known for as long; known "
                     "departures only.", weeks=WEEKS),
        ),
    )  # fmt: skip


def risk_models_table(risk: ChurnRisk) -> Table:
    """Return the rivals on the day of the test, and which is used."""
    frame = risk.rivals.assign(taken=[say("yes") if name == risk.model else "" for name in risk.rivals.index])
    frame["behind"] = [say("the best") if each.is_exact else str(each) for each in frame["behind"]]
    frame.index = pd.Index([text(MODELS[name]) for name in frame.index], name="model")
    note = "The simplest that is not demonstrably behind the best on {chosen:date} is used; the table tests all on "
    note += "{tested:date}. Of pairs of customers, one silent since, one not, the risk orders so many rightly."
    return table(
        "risk-models", say("Which sign of leaving is best?"), frame,
        labels={"behind": say("Behind the best"), "brier": say("Squared error"), "lift": say("Lift of the top tenth")},
        kinds={"behind": "text"}, note=say(note, chosen=risk.chosen_on, tested=risk.tested_on),
    )  # fmt: skip


def risk_days_table(risk: ChurnRisk) -> Table:
    """Return how the risk did on earlier days, and the signs that have shifted since the last."""
    shifted = [text(str(name).replace("_", " ")) for name in risk.drift().query("shifted").index]
    words = (
        "Since {day:date} these have shifted: {signs:words}." if shifted else "No sign has shifted since {day:date}."
    )
    return table(
        "risk-days", say("The risk on earlier days"), risk.rolling,
        labels={"share": say("Fell silent"), "told": say("Mean risk told")}, kinds={"share": "share", "told": "share"},
        note=say(words + " Shifted: stability index of at least {x}.", day=risk.tested_on, signs=shifted, x=SHIFTED),
    )  # fmt: skip


def value_at_risk_chart(risk: ChurnRisk, segmented: Segmented) -> Chart:
    """Draw the value of the last year times the risk, by segment."""
    frame = risk.frame.assign(at_risk=risk.frame["risk"] * risk.frame["value"].clip(lower=0.0))
    frame["segment"] = segmented.rfm.frame["segment"].reindex(frame.index).astype(object).fillna(say("(not scored)"))
    by = frame.groupby("segment").agg(
        customers=("risk", "size"), mean_risk=("risk", "mean"), at_risk=("at_risk", "sum"), value=("value", "sum")
    )
    by = by.sort_index().sort_values("at_risk", ascending=False, kind="stable")
    by.index = pd.Index([text(str(name)) for name in by.index], name="segment")
    by["part"] = [
        say("{x:share} of its value", x=a / v) if v > 0 else "" for a, v in zip(by["at_risk"], by["value"], strict=True)
    ]
    kind = {"kind": risk.value_kind.capitalize()}
    return bars(
        by, "at_risk", beside="part", currency=risk.currency, name="value-at-risk",
        headline=say("{all:short} is at risk, the largest part in the segment {top}", all=float(by["at_risk"].sum()),
                     top=by.index[0], currency=risk.currency),
        title=say("{kind:words} of the last year times risk, by segment", **kind),
        table=table("value-at-risk", say("Value at risk by segment"), by.drop(columns="part"), currency=risk.currency,
                    labels={"value": say("{kind:words} of the last year", **kind)}),
    )  # fmt: skip


def risk_by_cause_table(risk: ChurnRisk, causes: Causes) -> Table:
    """Return the value at risk by cause, in the shares in which causes took value within the last year."""
    total = float((risk.frame["risk"] * risk.frame["value"].clip(lower=0.0)).sum())
    lost = causes.table["value"].clip(lower=0.0)
    frame = pd.DataFrame({"value_share": lost / lost.sum(), "at_risk": total * lost / lost.sum()}).sort_values(
        "at_risk", ascending=False, kind="stable"
    )
    frame["remedy"] = causes.table["remedy"].map(text)
    frame.index = pd.Index([label(str(name)) for name in frame.index], name="cause")
    note = say("If customers leave for the causes of the last year's known departures.")
    return table("risk-by-cause", say("Value at risk by cause, and the remedy"), frame, currency=risk.currency,
                 labels={"value_share": say("Share of value lost")}, note=note)  # fmt: skip


def list_profit_chart(found: RetentionList) -> Chart:
    """Draw profit by the number of customers contacted, expected and as it came on the day of the test."""
    curve_ = found.curve
    places = sorted({*range(0, len(curve_), max(len(curve_) // _POINTS, 1)), found.size - 1, len(curve_) - 1})
    best = float(curve_["expected"].iloc[found.size - 1])
    here = pd.DataFrame({"x": [found.size], "y": [best]}, index=[say("{n:count} contacted", n=found.size)])
    rules = found.rules.copy()
    rules.index = pd.Index([text(str(name)) for name in rules.index], name="rule")
    return curve(
        curve_.iloc[places], ["expected", "realised"], kind="money", currency=found.currency, marked=here,
        name="list-profit",
        headline=say("A list of {n:count} would have earned {realised:short}; contacting everybody {all:short}",
                     n=found.size, realised=found.realised("risk times value"),
                     all=found.realised("everybody"), currency=found.currency),
        title=say("Profit by customers contacted on {day:date}, the most promising first", day=found.tested_on),
        table=table(
            "list-profit", say("As many customers by each rule"), rules, currency=found.currency,
            labels={"realised": say("Would have earned"), "precision": say("Fell silent"), "empc": say("EMPC")},
            kinds={"realised": "money", "precision": "share", "empc": "money"},
            note=say("Earned if contacts keep the assumed share. EMPC: expected maximum profit a customer, it being "
                     "uncertain."),
        ),
    )  # fmt: skip


def reasons_chart(found: RetentionList, reasons: pd.DataFrame) -> Chart:
    """Draw how many customers of the list have each sign as their strongest."""
    counts = reasons["first"].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    signs = [name for name in counts.index if name != NO_SIGN]
    frame = counts.rename("customers").to_frame().rename_axis("reason")
    frame["customer_share"] = frame["customers"] / frame["customers"].sum()
    frame.index = pd.Index([text(str(name)) for name in frame.index], name="reason")
    people = found.frame.join(reasons["reason"]).reset_index().rename(columns={"gain": "net"})
    return bars(
        frame, "customers", name="reasons",
        headline=say("What most often raises the risk on the list: {x:words}", x=signs[0] if signs else NO_SIGN),
        title=say("Customers to contact by their strongest sign"),
        table=table(
            "retention-list", say("Whom to contact so that they stay"), people, currency=found.currency, rows=10,
            note=say("The workbook has all {n:count}.", n=len(people)),
        ),
    )  # fmt: skip
