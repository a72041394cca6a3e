"""What to do next about a customer: rules in the order of their urgency, plain, and each with its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from crm_lib.customer_page.customer import Customer, known
from crm_lib.customer_page.sections import Section, renewal_day
from crm_lib.errors import MissingData
from crm_lib.exhibit import Table
from crm_lib.language import plural, say, text

RECENT_DAYS = 90
"""Complaints, contacts and answers of so many days still call for something."""
RENEWAL_DAYS = 45
"""So long before a membership is renewed one should talk of it."""
NEW_DAYS = 30
"""A customer whose only purchase is not older is new."""
BEST = 0.8
"""The best customers, by the value of the past or of what they could add, are those above this quantile."""
DOUBTFUL, GONE = 0.5, 0.1
"""Below these probabilities of being a customer still, one is in doubt, or probably gone."""
UNHAPPY, DELIGHTED = 4.0, 9.0
"""Satisfaction up to the first calls for a talk; a recommendation from the second for a request."""
_AFTER_LEAVING = {
    "natural": "Let the customer go in peace; take the address off the lists.",
    "own_fault": "Say sorry and make it good first; only then ask the customer back.",
    "competition": "Ask what the rival does better, and come back only with an answer to it.",
    "given_up": "Leave it at that unless the customer's value has changed.",
}
"""What to do after a departure, by its cause."""
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Rule:
    """One rule: what to do, why, from which table, and when."""

    key: str
    what: str
    """Template of :func:`crm_lib.language.say`."""
    why: str
    """Template of the reason."""
    data: str
    """Table it rests on."""
    applies: Callable[[Customer], Values | None]
    """From a customer to the values of the templates; None where there is nothing to do."""
    approach: bool = True
    """Whether the company would turn to the customer of its own accord, which takes the customer's consent."""


def _complaints(state: str, customer: Customer) -> pd.DataFrame:
    """Complaints of a state; closed ones only if that is not long ago."""
    rows = customer.rows("complaints")
    rows = rows[rows["state"] == state]
    if state == "open" or rows.empty:
        return rows
    return rows[[customer.days_since(day) <= RECENT_DAYS for day in rows["closed_at"]]]


def _unsettled(state: str) -> Callable[[Customer], Values | None]:
    def applies(customer: Customer) -> Values | None:
        rows = _complaints(state, customer)
        if rows.empty:
            return None
        topics = sorted(set(rows["topic"].dropna().astype(str))) if "topic" in rows else []
        day = rows["opened_at"].min() if state == "open" else rows["closed_at"].max()
        n = len(rows)
        return {
            "opened": plural("{n} complaint is open", "{n} complaints are open", n),
            "closed": plural("{n} complaint was closed unsettled", "{n} complaints were closed unsettled", n),
            "age": plural("the oldest for {n} day", "the oldest for {n} days", customer.days_since(day)),
            "day": day,
            "topics": f": {', '.join(topics)}" if topics else "",
        }

    return applies


def _no_consent(customer: Customer) -> Values | None:
    return {} if customer.consent() is False else None


def _ask_again(customer: Customer) -> Values | None:
    rows = _complaints("settled", customer)
    told = [name for name in ("satisfied", "followed_up") if name in rows]
    rows = rows[rows[told].eq(False).all(axis=1)] if told else rows[:0]
    return None if rows.empty else {"day": rows["closed_at"].max()}


def _unresolved_contact(customer: Customer) -> Values | None:
    rows = customer.rows("interactions")
    resolved = known(rows, "resolved")
    if resolved is None or resolved or customer.days_since(rows["occurred_at"].iloc[0]) > RECENT_DAYS:
        return None
    return {"kind": known(rows, "kind") or text("a contact"), "day": rows["occurred_at"].iloc[0]}


def _answer(column: str, low: float, high: float, days: float) -> Callable[[Customer], Values | None]:
    def applies(customer: Customer) -> Values | None:
        rows = customer.rows("surveys")
        points, day = known(rows, column), known(rows, "responded_at")
        if points is None or not low <= points <= high or customer.days_since(day) > days:
            return None
        return {"points": points, "day": day}

    return applies


def _departed(customer: Customer) -> Values | None:
    rows = customer.rows("departures")
    day, cause = known(rows, "departed_at"), str(known(rows, "cause") or "")
    bought = customer.rows("transactions").query("revenue >= 0")["ordered_at"]
    if day is None or (bought > day).any():
        return None
    return {
        "advice": _AFTER_LEAVING.get(cause, "Ask once why the customer left, and learn from it."),
        "day": day,
        "cause": f": {text(cause.replace('_', ' '))}" if cause else "",
        "approach": cause != "natural",
    }


def _slipping(low: float, high: float) -> Callable[[Customer], Values | None]:
    def applies(customer: Customer) -> Values | None:
        row = customer.score()
        best = row["historical"] >= customer.all_scores()["historical"].quantile(BEST)
        if not best or not low <= row["probability_alive"] < high:
            return None
        return {**row, "best": 1 - BEST}

    return applies


def _renewal(customer: Customer) -> Values | None:
    due = renewal_day(customer.rows("memberships"), customer.as_of)
    return None if due is None or (due - customer.as_of).days > RENEWAL_DAYS else {"day": due}


def _second_purchase(customer: Customer) -> Values | None:
    lines = customer.lines()
    days = lines.loc[~lines["back"], "ordered_at"].dt.normalize().unique()
    return {"day": days[0]} if len(days) == 1 and customer.days_since(days[0]) <= NEW_DAYS else None


def _thank(customer: Customer) -> Values | None:
    brought = len(customer.rows("customers", "referred_by"))
    return {"came": plural("{n} customer came by it", "{n} customers came by it", brought)} if brought else None


def _room_to_grow(customer: Customer) -> Values | None:
    row, potential = customer.score(), customer.all_scores()["potential"]
    return dict(row) if row["probability_alive"] >= DOUBTFUL and row["potential"] > potential.quantile(BEST) else None


RULES: tuple[Rule, ...] = (
    Rule("open_complaint", "Settle the open complaint before anything else; send no offer until then.",
         "{opened}, {age}{topics}", "complaints", _unsettled("open"), approach=False),
    Rule("unsettled_complaint", "Take up the unsettled complaint again before anything else; send no offer until then.",
         "{closed}, the last on {day:date}{topics}", "complaints", _unsettled("closed unsettled"), approach=False),
    Rule("no_consent", "Do not write or call for advertising; answer what the customer asks.",
         "the customer has not agreed to be contacted", "customers", _no_consent, approach=False),
    Rule("ask_again", "Ask whether the matter is settled, and make it good if it is not.",
         "nobody asked again after the complaint closed on {day:date}", "complaints", _ask_again, approach=False),
    Rule("unresolved_contact", "Take up the matter of the last contact.",
         "it was not settled: {kind}, {day:date}", "interactions", _unresolved_contact, approach=False),
    Rule("unhappy_answer", "Thank for the answer and say what will be done about it.",
         "satisfaction was {points:number} of 10 on {day:date}", "surveys",
         _answer("satisfaction", 0, UNHAPPY, RECENT_DAYS)),
    Rule("departed", "{advice:words}", "left on {day:date}{cause}", "departures", _departed),
    Rule("personal_word", "A personal word now: ask what has changed.",
         "still a customer with {probability_alive:share}; with {historical:money} so far among the best {best:share}",
         "transactions", _slipping(GONE, DOUBTFUL)),
    Rule("won_back_once", "Try once to win the customer back; plan no further budget.",
         "still a customer with {probability_alive:share}; with {historical:money} so far among the best {best:share}",
         "transactions", _slipping(0, GONE)),
    Rule("renewal", "Speak of the membership before it is renewed: is it used, does it fit?",
         "a new period begins on {day:date}", "memberships", _renewal),
    Rule("second_purchase", "Welcome the customer and make the second purchase easy.",
         "the only purchase so far was on {day:date}", "transactions", _second_purchase),
    Rule("thank", "Thank for the recommendation.", "{came}", "customers", _thank),
    Rule("ask_to_recommend", "Ask for a review or a recommendation.",
         "would recommend the company: {points:number} of 10 on {day:date}", "surveys",
         _answer("recommendation", DELIGHTED, 10, 365)),
    Rule("room_to_grow", "Show what similar customers buy and this one has not tried.",
         "similar customers bring more: {potential:money} could be added", "transactions", _room_to_grow),
)  # fmt: skip
"""The rules, the most urgent first; one whose data the company lacks is passed over."""


def next_actions(customer: Customer) -> pd.DataFrame:
    """Return what to do, the most urgent first, indexed by the key of the rule: ``what``, ``why``, ``data``."""
    # Where the company asks for consent, none given is none.
    held = customer.company.has("customers", "contact_allowed") and customer.consent() is not True
    rows = {}
    for rule in RULES:
        try:
            values = rule.applies(customer)
        except MissingData:
            continue
        if values is not None:
            values = {"currency": customer.company.currency, "approach": rule.approach, **values}
            what = say(rule.what, **values)
            if values["approach"] and held:
                what = f"{what} ({text('when the customer turns to us')})"
            rows[rule.key] = (what, say(rule.why, **values), rule.data)
    return pd.DataFrame.from_dict(rows, orient="index", columns=["what", "why", "data"])


def actions(customer: Customer) -> Section:
    """What to do next, and why."""
    found = next_actions(customer)
    if found.empty:
        return Section(note=text("Nothing calls for an action: serve the customer as usual."))
    table = Table(
        name="customer_actions",
        title="Next actions, the most urgent first",
        frame=found.set_index(pd.RangeIndex(1, len(found) + 1, name="place")),
        kinds={"place": "count", "what": "text", "why": "text", "data": "text"},
        labels={"place": "No.", "what": "What to do", "why": "Why", "data": "Data"},
        note="Rules, not forecasts of an effect: whether an action pays is for an experiment to say.",
    )
    return Section(tables=(table,))
