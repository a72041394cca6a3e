"""Does the customer base gain or lose by movement, as a finding."""

from __future__ import annotations

import numpy as np

from crm_lib import language
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Finding, Verdict
from crm_lib.segments.rfm.movement import Movement

_DECISIONS = {
    Verdict.SUPPORTED: (
        "Keep doing what brings customers up, and find out what it is: ask those who rose, and those who came."
    ),
    Verdict.NOT_SUPPORTED: (
        "Ask those who moved down or left why, {first}, and look at winning and keeping together: heads alone do not "
        "say which of them pays."
    ),
    Verdict.UNDECIDED: (
        "Moves up and down balance as far as the data can tell: treat the base as steady, and look at single segments "
        "whose net change stands out."
    ),
}


def finding_movement(moved: Movement, *, currency: str) -> Finding:
    """Return the finding on whether more customers move up than down.

    Parameters
    ----------
    moved : Movement
        Segments on two days.
    currency : str
        ISO code.

    Returns
    -------
    Finding
        Supported when the whole interval of the share of upward moves lies above one half; not supported when all of
        it lies below. Coming into the base counts as a move up, leaving it as a move down. At stake is what the
        customers who moved down or left brought less than in the window before; the change of the whole base stands
        beside it, as heads and money may go different ways.
    """
    flows = moved.flows()
    lost = max(-float(flows.loc[["down", "left"], "change"].sum()), 0.0)
    counts = flows["customers"]
    rising, falling = (int(counts[ways].sum()) for ways in (["up", "came"], ["down", "left"]))
    net = round(float(flows["change"].sum()), 2)
    places = {
        "rising": language.number(rising, 0),
        "falling": language.number(falling, 0),
        "earlier": language.date(moved.earlier),
        "later": language.date(moved.later),
        "value": language.text(moved.value_kind),
        "amount": _amount(net, float(flows["value_before"].sum()), currency),
        "first": _first(moved),
    }
    changed = language.text("The sizes of the segments changed by more than chance would have it")
    same = language.text("No change in the sizes of the segments can be told from chance")
    tested = language.text("{words} (Stuart-Maxwell, {n} degrees of freedom, p {p}).").format(
        words=changed if moved.balance.p_value < _ALPHA else same,
        n=language.number(moved.balance.degrees, 0),
        p=_p_value(moved.balance.p_value),
    )
    sentence = language.text(_HEADS[int(np.sign(rising - falling))]).format(**places)
    agree = (rising - falling) * net >= 0
    money = language.text(_MONEY[(int(np.sign(net)), agree)]).format(**places)
    return Finding(
        key="segments.movement",
        claim=language.text("More customers move up, or come, than move down, or leave."),
        source="Textbook 4.2.2, stage 6: core, former and new customers; 4.1, the customer cycle",
        estimate=moved.net_up,
        criterion=Criterion(low=0.5),
        sentence=" ".join([sentence, money, tested, *_season(moved)]),
        decisions={verdict: language.text(words).format(**places) for verdict, words in _DECISIONS.items()},
        money_at_stake=Estimate.exact(
            lost, n=int(counts[["down", "left"]].sum()), unit=currency, method="sum over customers"
        ),
        money_note=language.text(
            "{value} that those who moved down or left brought less in {days} days than in the {days} before; of the "
            "whole base it {changed}"
        ).format(
            days=language.number(moved.definitions.window_days, 0),
            changed=language.text(_CHANGED[int(np.sign(net))]).format(**places),
            **places,
        ),
    )


def _season(moved: Movement) -> list[str]:
    """Say where the two windows lie in different seasons."""
    days = moved.definitions.window_days
    shift = (moved.later - moved.earlier).days % 365
    if min(shift, 365 - shift) <= _SAME_SEASON:
        return []
    words = language.text("The two windows of {days} days lie in different seasons, which counts as movement here.")
    return [words.format(days=language.number(days, 0))]


_ALPHA = 0.05
_SAME_SEASON = 21
"""Days by which windows may be shifted against a whole year."""
_HEADS = {
    1: "From {earlier} to {later} more customers moved up or came ({rising}) than moved down or left ({falling}): "
    "{{estimate}} of the moves led up.",
    0: "From {earlier} to {later} as many customers moved up or came ({rising}) as moved down or left ({falling}): "
    "{{estimate}} of the moves led up.",
    -1: "From {earlier} to {later} more customers moved down or left ({falling}) than moved up or came ({rising}): "
    "{{estimate}} of the moves led up.",
}
_MONEY = {
    (1, True): "The {value} rose by {amount}.",
    (1, False): "Yet the {value} rose by {amount}.",
    (0, True): "The {value} did not change.",
    (-1, True): "The {value} fell by {amount}.",
    (-1, False): "Yet the {value} fell by {amount}.",
}
_CHANGED = {1: "rose by {amount}", 0: "did not change", -1: "fell by {amount}"}


def _amount(change: float, before: float, currency: str) -> str:
    """Write by how much the value of the base changed, with the share of what it was before."""
    amount = str(Estimate.exact(abs(change), n=1, unit=currency))
    return f"{amount} ({language.share(abs(change) / before)})" if before > 0 else amount


def _first(moved: Movement) -> str:
    """Say where to begin: with those who moved down from the segment that lost most value by it."""
    fell = moved.frame[moved.frame["way"] == "down"]
    lost = (fell["value_before"] - fell["value_after"]).groupby(fell["before"]).sum().reindex(moved.segments).dropna()
    if lost.empty or lost.max() <= 0:
        return language.text("the most valuable first")
    return language.text("those who fell from {segment} first").format(segment=language.text(str(lost.idxmax())))


def _p_value(value: float) -> str:
    return language.text("below 0.001") if value < 0.001 else language.number(value, 3)
