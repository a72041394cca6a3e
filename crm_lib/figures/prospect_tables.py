"""Tables of prospects: the list, the rules compared, and the six principles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crm_lib import language
from crm_lib.exhibit import Table
from crm_lib.relationships import PROSPECT_REASONS, PrincipleCheck, ProspectRanking, ProspectValidation

_RULES = {
    "model": "expected value",
    "channel": "usual value of the channel",
    "newest": "the latest known first",
    "chance": "at random",
    "boosted": "boosted trees",
}


def prospects_table(ranking: ProspectRanking) -> Table:
    """Return the list of live prospects, the best for their cost first, ready to be handed on.

    Parameters
    ----------
    ranking : ProspectRanking
        The ranking.

    Returns
    -------
    Table
        One row a prospect, without names: expected value with its interval, cost, and why it was chosen or not.
    """
    frame = ranking.frame[["rank", "chance", "value", "cost", "expected", "low", "high", "chosen", "reason"]].copy()
    frame["chosen"] = np.where(frame["chosen"], language.text("yes"), language.text("no"))
    frame["reason"] = [language.text(PROSPECT_REASONS[key]) for key in ranking.frame["reason"]]
    model = ranking.model
    training = model.training_
    note = language.text(
        "Expected value is the chance to buy within {soon} days times the {value} of the first {days} days, less the "
        "cost of winning. The interval is that of the mean of prospects like this one; a single one may bring far more "
        "or nothing. {stale} who have been known for more than {live} days without buying are left out."
    ).format(
        soon=language.number(model.conversion_days, 0),
        value=language.text(model.value_kind),
        days=language.number(training.horizon_days, 0),
        stale=language.plural("{n} prospect", "{n} prospects", training.stale),
        live=language.number(training.live_days, 0),
    )
    if "contact_allowed" not in training.prospects:
        note += " " + language.text(
            "The company does not record which prospects agreed to be contacted: make sure before anybody is."
        )
    return Table(
        name="prospects",
        title="Prospects in order of expected value for their cost",
        frame=frame,
        kinds={
            "rank": "count", "chance": "share",
            **dict.fromkeys(("value", "cost", "expected", "low", "high"), "money"),
        },
        labels={
            "prospect_id": "Prospect", "chance": "Chance to buy", "value": "Value if won", "cost": "Cost of winning",
            "expected": "Expected, less cost", "low": "From", "high": "To",
        },
        currency=ranking.currency,
        note=note,
        rows_shown=15,
    )  # fmt: skip


def prospect_rules_table(validation: ProspectValidation, *, share: float = 0.2) -> Table:
    """Return what the best prospects of earlier days brought, by the rule that put them in order.

    Parameters
    ----------
    validation : ProspectValidation
        Predictions of earlier days beside what came.
    share : float
        Share of the prospects, and of the cost of winning them all, that is looked at.

    Returns
    -------
    Table
        One row a rule.
    """
    frame = validation.prospect_measures(share=share)
    frame.index = pd.Index([language.text(_RULES[str(rule)]) for rule in frame.index], name="rule")
    places = {
        "share": language.share(share),
        "cases": language.number(len(validation.prospects), 0),
        "won": language.number(int(validation.prospects["converted"].sum()), 0),
        "origins": language.plural("{n} earlier day", "{n} earlier days", len(validation.origins)),
    }
    return Table(
        name="prospect_rules",
        title=language.text("What the best prospects of earlier days brought, by the rule that chose them"),
        frame=frame,
        labels={
            "rule": "Chosen by",
            "lift": language.text("Best {share}: times their share of the money").format(**places),
            "per_cost": language.text("Money for each unit spent, {share} of the cost being spent").format(**places),
        },
        note=language.text(
            "{cases} live prospects on {origins}, of whom {won} bought in time; on each day only that was "
            "used which was known then. A prospect that was live on several days counts in each; the intervals allow "
            "for that."
        ).format(**places),
    )


def prospect_value_table(validation: ProspectValidation, *, share: float = 0.2) -> Table:
    """Return how well the value of new customers was foretold from what was known when they were won.

    Parameters
    ----------
    validation : ProspectValidation
        Predictions of earlier days beside what came.
    share : float
        Share of customers looked at as the best.

    Returns
    -------
    Table
        One row a rule.
    """
    frame = validation.value_measures(share=share)
    frame.index = pd.Index([language.text(_RULES[str(rule)]) for rule in frame.index], name="rule")
    chosen = sorted({value for value, _ in validation.rules.values()})
    used = [language.text(word) for key, word in _TAKEN.items() if key in chosen]
    return Table(
        name="prospect_value",
        title=language.text("How well the value of {n} new customers was foretold").format(
            n=language.number(len(validation.customers), 0)
        ),
        frame=frame,
        labels={
            "rule": "Foretold by", "rank_correlation": "Rank correlation",
            "lift": language.text("Best {share}: times their share of the money").format(share=language.share(share)),
            "slope": "Slope (1 is right)", "total": "Money that came over money foretold",
        },
        note=language.text(
            "On each day the simplest rule was in force that no other demonstrably beat on what was known; it went: "
            "{used}. The boosted trees only show whether more could be had from the same attributes."
        ).format(used=", ".join(used)),
    )  # fmt: skip


_TAKEN = {"alike": "everybody alike", "channel": "by channel", "all": "by all that is known"}


def principles_table(checks: Sequence[PrincipleCheck]) -> Table:
    """Return the six principles with the evidence for each.

    Parameters
    ----------
    checks : sequence of PrincipleCheck
        The checks.

    Returns
    -------
    Table
        One row a principle.
    """
    frame = pd.DataFrame(
        {
            "principle": [check.principle for check in checks],
            "measured": [_capital(check.measured) + (f" ({check.note})" if check.note else "") for check in checks],
            "evidence": [str(check.evidence) for check in checks],
            "kept_if": [check.kept_if for check in checks],
            "verdict": [language.text(check.verdict.value) for check in checks],
            "meaning": [check.words for check in checks],
        }
    )
    return Table(
        name="prospect_principles",
        title="The ranking of prospects against the six principles",
        frame=frame,
        labels={"measured": "What is measured", "meaning": "What follows"},
        note="Intervals are wide enough to hold together with 95%; points are percentage points. The verdict is on "
        "whether the ranking keeps to the principle.",
    )


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
