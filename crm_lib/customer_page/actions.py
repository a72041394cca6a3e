"""What to do next about a customer, the most urgent first."""

from __future__ import annotations

import pandas as pd

from crm_lib import language
from crm_lib.customer_page.action import Action, Limits, Rule, consent
from crm_lib.customer_page.rules import RULES
from crm_lib.customer_page.section import Section
from crm_lib.customer_page.subject import Subject
from crm_lib.errors import MissingData
from crm_lib.exhibit import Table


def next_actions(
    subject: Subject, *, rules: tuple[Rule, ...] = RULES, limits: Limits | None = None
) -> tuple[Action, ...]:
    """Return what to do about the customer, the most urgent first.

    Parameters
    ----------
    subject : Subject
        The customer.
    rules : tuple of callable
        From customer and limits to an action or None; a rule whose data the company lacks is passed over.
    limits : Limits, optional
        From where the rules apply.
    """
    found = []
    for rule in rules:
        try:
            action = rule(subject, limits or Limits())
        except MissingData:
            continue
        if action is not None:
            found.append(action)
    return tuple(found)


def actions(subject: Subject) -> Section:
    """Return the next actions as a part of the page.

    Parameters
    ----------
    subject : Subject
        The customer.
    """
    found = next_actions(subject)
    if not found:
        calm = language.text("Nothing calls for an action: serve the customer as usual.")
        return Section(key="actions", title="What to do next", note=calm)
    # Where the company asks for consent, none given is none.
    recorded = subject.company.has("customers", "contact_allowed")
    held = recorded and consent(subject) is not True
    wait = language.text("when the customer turns to us")
    whats = [f"{each.what} ({wait})" if each.approach and held else each.what for each in found]
    labels = {"what": "What to do", "why": "Why", "data": "Data"}
    frame = pd.DataFrame(
        {"what": whats, "why": [each.why for each in found], "data": [each.data for each in found]},
        index=pd.RangeIndex(1, len(found) + 1, name="place"),
    )
    return Section(
        key="actions",
        title="What to do next",
        tables=(
            Table(
                name="customer_actions",
                title="Next actions, the most urgent first",
                frame=frame,
                kinds={"place": "count", "what": "text", "why": "text", "data": "text"},
                labels={"place": "No.", **labels},
                note="Rules, not forecasts of an effect: whether an action pays is for an experiment to say.",
            ),
        ),
    )
