"""The rules for what to do next, in the order of their urgency: plain, and each with its reason."""

from __future__ import annotations

import pandas as pd

from crm_lib import language
from crm_lib.clv import CustomerValue
from crm_lib.customer_page.action import Action, Limits, Rule, consent
from crm_lib.customer_page.purchases import told_lines
from crm_lib.customer_page.relations import contracts, own_answers, renewal_day
from crm_lib.customer_page.service import OPEN, SETTLED, UNSETTLED, told_complaints
from crm_lib.customer_page.subject import Subject, rows_of
from crm_lib.language import chance

_AFTER_LEAVING = {
    "natural": "Let the customer go in peace; take the address off the lists.",
    "own_fault": "Say sorry and make it good first; only then ask the customer back.",
    "competition": "Ask what the rival does better, and come back only with an answer to it.",
    "given_up": "Leave it at that unless the customer's value has changed.",
}
"""What to do after a departure, by its cause."""


def _open_complaint(subject: Subject, limits: Limits) -> Action | None:
    """A complaint that is open, or was lately closed unsettled, comes before everything else."""
    rows = told_complaints(subject)
    if "closed_at" not in rows:
        return None
    is_open = rows["state"] == OPEN
    shut = (rows["state"] == UNSETTLED) & (_days_closed(subject, rows) <= limits.recent_days)
    if not (is_open | shut).any():
        return None
    reasons = []
    if is_open.any():
        days = subject.days_since(rows.loc[is_open, "opened_at"].min())
        counted = language.plural("{n} complaint is open", "{n} complaints are open", int(is_open.sum()))
        reasons.append(f"{counted}, {language.plural('the oldest for {n} day', 'the oldest for {n} days', days)}")
    if shut.any():
        counted = language.plural(
            "{n} complaint was closed unsettled", "{n} complaints were closed unsettled", int(shut.sum())
        )
        last = language.text("the last on {day}").format(day=subject.day(rows.loc[shut, "closed_at"].max()))
        reasons.append(f"{counted}, {last}")
    topics = sorted(set(rows.loc[is_open | shut, "topic"].dropna().astype(str))) if "topic" in rows else []
    return Action(
        key="open_complaint",
        what=language.text("Settle the open complaint before anything else; send no offer until then.")
        if is_open.any()
        else language.text("Take up the unsettled complaint again before anything else; send no offer until then."),
        why="; ".join(reasons) + (f": {', '.join(topics)}" if topics else ""),
        data="complaints",
    )


def _days_closed(subject: Subject, rows: pd.DataFrame) -> pd.Series[int]:
    days: pd.Series[int] = (pd.Timestamp(subject.as_of) - rows["closed_at"].dt.normalize()).dt.days
    return days


def _no_consent(subject: Subject, limits: Limits) -> Action | None:
    """Who did not agree to be contacted is not written to."""
    del limits
    if consent(subject) is not False:
        return None
    return Action(
        key="no_consent",
        what=language.text("Do not write or call for advertising; answer what the customer asks."),
        why=language.text("the customer has not agreed to be contacted"),
        data="customers",
    )


def _ask_again(subject: Subject, limits: Limits) -> Action | None:
    """A complaint settled without satisfaction, or never asked about again, is not over."""
    rows = told_complaints(subject)
    if "closed_at" not in rows or not {"satisfied", "followed_up"} & set(rows):
        return None
    rows = rows[(rows["state"] == SETTLED) & (_days_closed(subject, rows) <= limits.recent_days)]
    no = pd.Series(True, index=rows.index)
    unhappy = rows["satisfied"].eq(False) if "satisfied" in rows else no
    silent = rows["followed_up"].eq(False) if "followed_up" in rows else no
    left = rows[unhappy & silent]
    if left.empty:
        return None
    day = subject.day(left["closed_at"].max())
    return Action(
        key="ask_again",
        what=language.text("Ask whether the matter is settled, and make it good if it is not."),
        why=language.text("a complaint closed on {day} left the customer dissatisfied, and nobody asked again").format(
            day=day
        )
        if "satisfied" in rows
        else language.text("nobody asked again after the complaint closed on {day}").format(day=day),
        data="complaints",
    )


def _unresolved_contact(subject: Subject, limits: Limits) -> Action | None:
    """What was not settled in the last contact is waiting."""
    rows = subject.rows("interactions")
    if "resolved" not in rows or rows.empty:
        return None
    last = rows.sort_values("occurred_at", kind="stable").iloc[-1]
    days = subject.days_since(last["occurred_at"])
    if pd.isna(last["resolved"]) or last["resolved"] or days > limits.recent_days:
        return None
    kind = str(last["kind"]) if "kind" in rows and pd.notna(last["kind"]) else language.text("a contact")
    return Action(
        key="unresolved_contact",
        what=language.text("Take up the matter of the last contact."),
        why=language.text("it was not settled: {kind}, {day}").format(kind=kind, day=subject.day(last["occurred_at"])),
        data="interactions",
    )


def _unhappy_answer(subject: Subject, limits: Limits) -> Action | None:
    """Who said to be dissatisfied expects to hear what comes of it."""
    rows = own_answers(subject)
    if "satisfaction" not in rows or rows.empty:
        return None
    newest = rows.iloc[0]
    recent = subject.days_since(newest["responded_at"]) <= limits.recent_days
    if not recent or pd.isna(newest["satisfaction"]) or newest["satisfaction"] > limits.unhappy:
        return None
    points = language.number(float(newest["satisfaction"]))
    return Action(
        key="unhappy_answer",
        what=language.text("Thank for the answer and say what will be done about it."),
        why=language.text("satisfaction was {points} of 10 on {day}").format(
            points=points, day=subject.day(newest["responded_at"])
        ),
        data="surveys",
        approach=True,
    )


def _departed(subject: Subject, limits: Limits) -> Action | None:
    """Who is known to have left is dealt with by the cause."""
    del limits
    rows = subject.rows("departures")
    if rows.empty:
        return None
    last = rows.sort_values("departed_at", kind="stable").iloc[-1]
    lines = told_lines(subject) if len(subject.rows("transactions")) else None
    if lines is not None and (lines.loc[~lines["back"], "ordered_at"] > last["departed_at"]).any():
        return None
    cause = str(last["cause"]) if "cause" in rows and pd.notna(last["cause"]) else ""
    told = language.text("left on {day}").format(day=subject.day(last["departed_at"]))
    return Action(
        key="departed",
        what=language.text(_AFTER_LEAVING.get(cause, "Ask once why the customer left, and learn from it.")),
        why=told + (f": {language.text(cause.replace('_', ' '))}" if cause else ""),
        data="departures",
        approach=cause != "natural",
    )


def _slipping_away(subject: Subject, limits: Limits) -> Action | None:
    """A valuable customer in doubt gets a personal word; who is probably gone gets one attempt."""
    row, value = subject.valued(), subject.value
    assert isinstance(value, CustomerValue)  # noqa: S101 - valued() has raised otherwise
    alive = float(row["probability_alive"])
    if alive >= limits.doubtful or row["historical"] < value.frame["historical"].quantile(limits.valuable):
        return None
    places = {
        "chance": chance(alive),
        "value": language.money(float(row["historical"]), value.currency),
        "best": language.share(1 - limits.valuable),
    }
    gone = alive < limits.gone
    return Action(
        key="won_back_once" if gone else "personal_word",
        what=language.text("Try once to win the customer back; plan no further budget.")
        if gone
        else language.text("A personal word now: ask what has changed."),
        why=language.text("still a customer with {chance}; with {value} so far among the best {best}").format(**places),
        data="transactions",
        approach=True,
    )


def _renewal(subject: Subject, limits: Limits) -> Action | None:
    """Before a membership is renewed there should have been a talk."""
    due = renewal_day(contracts(subject), subject.as_of)
    if due is None or (due - subject.as_of).days > limits.renewal_days:
        return None
    return Action(
        key="renewal",
        what=language.text("Speak of the membership before it is renewed: is it used, does it fit?"),
        why=language.text("a new period begins on {day}").format(day=language.date(due)),
        data="memberships",
        approach=True,
    )


def _second_purchase(subject: Subject, limits: Limits) -> Action | None:
    """After the first purchase the second decides."""
    lines = told_lines(subject)
    days = lines.loc[~lines["back"], "ordered_at"].dt.normalize().unique()
    if len(days) != 1 or subject.days_since(days[0]) > limits.new_days:
        return None
    return Action(
        key="second_purchase",
        what=language.text("Welcome the customer and make the second purchase easy."),
        why=language.text("the only purchase so far was on {day}").format(day=subject.day(days[0])),
        data="transactions",
        approach=True,
    )


def _thank(subject: Subject, limits: Limits) -> Action | None:
    """Who brings customers is thanked."""
    del limits
    brought = len(rows_of(subject.company, "customers", "referred_by", subject.customer_id))
    if not brought:
        return None
    return Action(
        key="thank",
        what=language.text("Thank for the recommendation."),
        why=language.plural("{n} customer came by it", "{n} customers came by it", brought),
        data="customers",
        approach=True,
    )


def _ask_to_recommend(subject: Subject, limits: Limits) -> Action | None:
    """Who would recommend the company may be asked to."""
    rows = own_answers(subject)
    if "recommendation" not in rows or rows.empty or pd.isna(rows.iloc[0]["recommendation"]):
        return None
    points = float(rows.iloc[0]["recommendation"])
    if points < limits.delighted:
        return None
    return Action(
        key="ask_to_recommend",
        what=language.text("Ask for a review or a recommendation."),
        why=language.text("would recommend the company: {points} of 10 on {day}").format(
            points=language.number(points), day=subject.day(rows.iloc[0]["responded_at"])
        ),
        data="surveys",
        approach=True,
    )


def _room_to_grow(subject: Subject, limits: Limits) -> Action | None:
    """Where similar customers bring much more, show what this one has not tried."""
    row, value = subject.valued(), subject.value
    assert isinstance(value, CustomerValue)  # noqa: S101 - valued() has raised otherwise
    likely = row["probability_alive"] >= limits.doubtful
    if not likely or row["potential"] <= value.frame["potential"].quantile(limits.valuable):
        return None
    return Action(
        key="room_to_grow",
        what=language.text("Show what similar customers buy and this one has not tried."),
        why=language.text("similar customers bring more: {value} could be added").format(
            value=language.money(float(row["potential"]), value.currency)
        ),
        data="transactions",
        approach=True,
    )


RULES: tuple[Rule, ...] = (
    _open_complaint, _no_consent, _ask_again, _unresolved_contact, _unhappy_answer, _departed, _slipping_away, _renewal,
    _second_purchase, _thank, _ask_to_recommend, _room_to_grow,
)  # fmt: skip
"""The rules in the order of their urgency."""
