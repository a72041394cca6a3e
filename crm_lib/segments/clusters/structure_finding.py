"""The finding on whether customers fall into kinds."""

from __future__ import annotations

from crm_lib import language
from crm_lib.finding import Criterion, Finding, Verdict
from crm_lib.segments.clusters.structure import StructureCheck, listed


def finding_structure(check: StructureCheck) -> Finding:
    """Return the finding on whether customers fall into kinds.

    Parameters
    ----------
    check : StructureCheck
        The check.

    Returns
    -------
    Finding
        Supported when the p-value, with the interval that simulation leaves, lies below the accepted rate of false
        alarms.
    """
    places = {
        "n": language.number(check.customers, 0),
        "level": language.share(check.level),
        "along": listed(check.weights.index),
        "measures": check.measures,
    }
    decisions = {
        Verdict.SUPPORTED: (
            "Look at the clusters as kinds of customers: name those that are stable, and ask what makes them so."
        ),
        Verdict.NOT_SUPPORTED: (
            "Do not name kinds of customers by these measures; others may show some. Segments may still be useful: "
            "choose the cuts by what is to be done with them, such as value tiers or RFM, and keep them fixed."
        ),
        Verdict.UNDECIDED: "Treat clusters as mere cuts until the check is clearer; do not name them.",
    }
    sentence = language.text(
        "Among {n} customers the deepest valley, along {along}, would be as deep by chance with probability "
        "{{estimate}}; {level} was accepted."
    ).format(**places)
    if check.by_rank:
        sentence += " " + ranks_note(check)
    return Finding(
        key="segments.structure",
        claim=language.text("By {measures} customers fall into kinds, with few customers between them.").format(
            **places
        ),
        source="Textbook 4.2.2, stage 6: data mining",
        estimate=check.p_value,
        criterion=Criterion(high=check.level),
        sentence=sentence,
        decisions={verdict: language.text(words) for verdict, words in decisions.items()},
    )


def ranks_note(check: StructureCheck) -> str:
    """Return in words along what no valley could show.

    Parameters
    ----------
    check : StructureCheck
        A check into which some features entered by rank.
    """
    words = language.text(
        "By rank only entered: {names} (where many customers share one value, or the calendar makes heaps). Along such "
        "a measure alone no valley can show here."
    )
    return words.format(names=", ".join(listed([name]) for name in check.by_rank))
