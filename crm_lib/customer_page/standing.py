"""Where the relation with the customer stands: its stage, and the risk that it ends."""

from __future__ import annotations

from typing import Any, cast

import pandas as pd

from crm_lib import language
from crm_lib.customer_page.section import Section
from crm_lib.customer_page.subject import Subject
from crm_lib.errors import TooLittleData
from crm_lib.exhibit import Skipped
from crm_lib.figures import stage_history_chart
from crm_lib.language import chance
from crm_lib.relationships import STAGE_ACTIONS, STAGES


def stage(subject: Subject) -> Section:
    """Return the stage of the relation with its probabilities.

    Parameters
    ----------
    subject : Subject
        The customer.

    Raises
    ------
    TooLittleData
        If stages could not be judged, or the customer has no purchase.
    """
    cycle = subject.cycle
    if isinstance(cycle, Skipped):
        raise TooLittleData(cycle.why)
    if subject.customer_id not in cycle.frame.index:
        message = language.text("the customer has no purchase up to {day}")
        raise TooLittleData(message.format(day=subject.day(subject.as_of)))
    row = cast("pd.Series[Any]", cycle.frame.loc[subject.customer_id])
    name = str(row["stage"])
    facts = [
        (language.text("Most probable stage"), language.text(name)),
        (language.text("Since about"), subject.day(row["since"])),
        *(
            (language.text("Chance of: {stage}").format(stage=language.text(each)), chance(float(row[_column(each)])))
            for each in STAGES
        ),
        (language.text("For this stage"), language.text(STAGE_ACTIONS[name])),
    ]
    charts = (stage_history_chart(cycle, subject.customer_id, customer=subject.customer_id),)
    return Section(
        key="stage",
        title="Stage of the relation",
        facts=tuple(facts),
        charts=charts if subject.with_charts else (),
        note=language.text("Judged from the customer's own purchases and nothing later than the day of this page."),
    )


def risk(subject: Subject) -> Section:
    """Return the risk that the customer buys nothing in the days to come.

    Parameters
    ----------
    subject : Subject
        The customer.

    Raises
    ------
    TooLittleData
        If the risk could not be learnt, or the customer has not bought lately enough to be told one.
    """
    silence = subject.silence
    if isinstance(silence, Skipped):
        raise TooLittleData(silence.why)
    if subject.customer_id not in silence.risk.index:
        raise TooLittleData(language.text("the customer has been silent for too long to be told a risk"))
    told = float(silence.risk[subject.customer_id])
    mean = float(silence.risk.mean())
    days = language.number(silence.horizon_days, 0)
    return Section(
        key="risk",
        title="Risk of falling silent",
        facts=(
            (language.text("Chance of no purchase in {days} days").format(days=days), chance(told)),
            (language.text("Mean of all customers told a risk"), chance(mean)),
        ),
        note=language.text(
            "Learnt from earlier days and tested on {day}: the share of pairs of customers put in the right order was "
            "{auc}. Silence is not yet leaving."
        ).format(day=language.date(silence.tested_on), auc=str(silence.auc)),
    )


def _column(stage_name: str) -> str:
    return f"p_{stage_name.replace('-', '_')}"
