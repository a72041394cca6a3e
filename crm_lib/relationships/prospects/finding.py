"""Whether the best prospects can be told before they buy, as a finding."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm_lib import language
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Finding, Verdict
from crm_lib.relationships.prospects.measures import ratio_of_sums
from crm_lib.relationships.prospects.ranking import ProspectRanking
from crm_lib.relationships.prospects.validation import ProspectValidation

_DECISIONS = {
    Verdict.SUPPORTED: (
        "Spend the budget for new customers down the list, the best for their cost first, and stop where the "
        "expected value no longer covers the cost."
    ),
    Verdict.NOT_SUPPORTED: (
        "Do not pay for choosing prospects by what is known of them today: it tells too little. Ask for one thing more "
        "at the first contact."
    ),
    Verdict.UNDECIDED: (
        "Use the order for the next prospects and leave a tenth of the budget to chance, so that the next run can tell."
    ),
}


_NOT_SHOWN = {
    "channel": (
        "That it beats choosing by the channel's usual value is not shown.",
        "That it brings more for its cost than choosing by the channel's usual value is not shown.",
    ),
    "newest": (
        "That it beats calling the latest known first is not shown.",
        "That it brings more for its cost than calling the latest known first is not shown.",
    ),
}
"""What is open where the difference to the other rule may be none: by number of prospects, and by cost only."""


def finding_prospects(
    validation: ProspectValidation, ranking: ProspectRanking, *, share: float = 0.2, at_least: float = 2.0
) -> Finding:
    """Return the finding on whether the best prospects bring more than their share.

    Parameters
    ----------
    validation : ProspectValidation
        Predictions of earlier days beside what came.
    ranking : ProspectRanking
        The prospects chosen now.
    share : float
        Share of prospects looked at as the best.
    at_least : float
        The claim holds when they bring at least this many times their share.

    Returns
    -------
    Finding
        Supported when the whole interval lies above `at_least`. Where nothing shows that the order beats that of the
        channel or of the latest known, by the difference over the same prospects, the text says so. At stake is
        what the money spent on the chosen brings above what it would bring if the channel's usual value decided.
    """
    more = validation.per_cost("model", share=ranking.share_of_cost, above="channel")
    spent = ranking.spent
    stake = Estimate(
        value=more.value * spent, low=more.low * spent, high=more.high * spent, n=more.n, method=more.method,
        unit=ranking.currency, level=more.level,
    ) if spent > 0 else None  # fmt: skip
    places = {
        "share": language.share(share),
        "times": language.number(at_least),
        "days": language.number(validation.horizon_days, 0),
        "value": language.text(validation.value_kind),
        "count": language.number(len(validation.prospects), 0),
        "origins": language.plural("{n} earlier day", "{n} earlier days", len(validation.origins)),
        "spent": language.money(spent, ranking.currency),
    }
    sentence = language.text(
        "On {origins}, knowing only what was known then, the best {share} of {count} live prospects "
        "turned out to bring {{estimate}} times their share of the {value}; chosen by their channel's usual value "
        "{{channel}} times, the latest known first {{newest}} times. Over the same prospects that is {{over_channel}} "
        "and {{over_newest}} less."
    ).format(**places)
    over = {rule: lift_above(validation, rule, share=share) for rule in _NOT_SHOWN}
    by_cost = {"channel": more, "newest": validation.per_cost("model", share=ranking.share_of_cost, above="newest")}
    open_ends = []
    for rule, (at_all, for_the_cost) in _NOT_SHOWN.items():
        if not over[rule].low > 0:
            open_ends.append(language.text(at_all))
        elif spent > 0 and not by_cost[rule].low > 0:
            open_ends.append(language.text(for_the_cost))
    return Finding(
        key="segments.prospects",
        claim=language.text("The best {share} of prospects bring at least {times} times their share.").format(**places),
        source="Textbook 4.3.1, identifying potential customers",
        estimate=validation.lift(share=share),
        criterion=Criterion(low=at_least),
        sentence=" ".join([sentence, *open_ends]),
        decisions=_DECISIONS,
        more={
            **{rule: validation.lift(rule, share=share) for rule in over},
            **{f"over_{rule}": difference for rule, difference in over.items()},
        },
        money_at_stake=stake,
        money_note=language.text(
            "{value} in the first {days} days that the {spent} for the chosen bring above the same sum spent by channel"
        ).format(**places),
    )


def lift_above(validation: ProspectValidation, rule: str, *, share: float = 0.2) -> Estimate:
    """Return how much the lift of the model lies above that of another rule, over the same prospects.

    Two intervals may overlap and the difference be clear all the same, as both rules choose among the same prospects.

    Parameters
    ----------
    validation : ProspectValidation
        Predictions of earlier days beside what came.
    rule : {"channel", "newest", "chance"}
        The other rule.
    share : float
        Share of prospects looked at as the best.
    """
    rows = validation.prospects
    actual = rows["actual"].to_numpy(dtype=float)
    ahead = validation.best("model", share) - validation.best(rule, share)
    sums = pd.DataFrame({"part": actual * ahead, "whole": actual * share}).groupby(rows["prospect_id"].to_numpy()).sum()
    part, whole = (np.asarray(sums[name], dtype=float) for name in sums)
    return ratio_of_sums(part, whole, seed=validation.seed)
