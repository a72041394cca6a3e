"""Tables of how much the segments hang on the analyst's choices."""

from __future__ import annotations

from crm_lib import language
from crm_lib.exhibit import Table
from crm_lib.segments import Sensitivity


def sensitivity_table(tried: Sensitivity) -> Table:
    """Return the share of customers who would be in another segment under other reasonable rules.

    Parameters
    ----------
    tried : Sensitivity
        Segments under several rules.

    Returns
    -------
    Table
        One row per rule, the strongest first, and all of them together.
    """
    frame = tried.table()
    share = language.share(float(frame["moved_share"]["any of these"]))
    frame.index = frame.index.map(_rule)
    notes = [
        language.text(
            "Counts of the company's customers, and exact. Far means two bands of recency or of weight away, or "
            "without a segment at all."
        )
    ]
    notes += [
        language.text("Not tried: {rule}, as {why}.").format(rule=_rule(rule), why=why)
        for rule, why in tried.left_out.items()
    ]
    return Table(
        name="rfm_sensitivity",
        title=language.text("{share} of the customers would be in another segment under some other rule").format(
            share=share
        ),
        frame=frame,
        kinds={"moved": "count", "moved_share": "share", "not_scored": "count", "moved_far": "share"},
        labels={
            "rule": "Other rule", "moved": "Customers elsewhere", "moved_share": "Share of customers",
            "not_scored": "Without a segment", "moved_far": "Share far away",
        },
        note=" ".join(notes),
    )  # fmt: skip


def stable_segments_table(tried: Sensitivity) -> Table:
    """Return which segments keep their customers whatever the rule.

    Parameters
    ----------
    tried : Sensitivity
        Segments under several rules.

    Returns
    -------
    Table
        One row per segment, best first.
    """
    frame = tried.by_segment()
    frame.index = frame.index.map(lambda name: language.text(str(name)))
    return Table(
        name="rfm_stable",
        title="Customers who are in their segment under every rule tried",
        frame=frame,
        kinds={"customers": "count", "stable": "count", "stable_share": "share"},
        labels={"stable": "Same under every rule", "stable_share": "Share of the segment"},
    )


def _rule(name: str) -> str:
    return language.text(str(name))
