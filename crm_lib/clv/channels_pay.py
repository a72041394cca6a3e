"""Whether every acquisition channel earns back what its customers cost."""

from __future__ import annotations

import numpy as np

from crm_lib import language
from crm_lib.clv.acquisition import Acquisition
from crm_lib.clv.intervals import equal_tails
from crm_lib.clv.potential import NOT_KNOWN
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Finding, Verdict


def finding_channels_pay(acquisition: Acquisition) -> Finding:
    """Return the finding on whether every channel earns back what its customers cost.

    Parameters
    ----------
    acquisition : Acquisition
        New customers by channel.

    Returns
    -------
    Finding
        On the lowest ratio of value to cost among the channels. Its interval runs from the lowest lower to the lowest
        upper end of intervals that hold together (Bonferroni), so that picking the worst of many channels does not
        count as evidence. At stake is what the customers whom that channel won in the last year bring beyond their
        cost.

    Raises
    ------
    TooLittleData
        If no channel has a known cost above 0.
    """
    frame = acquisition.frame
    known = frame[frame["cost"].gt(0) & frame["ratio"].notna()].drop(index=NOT_KNOWN, errors="ignore")
    if known.empty:
        raise TooLittleData("no acquisition channel has a known cost above 0", table="customers")
    together = 1 - (1 - acquisition.level) / len(known)
    low, high = equal_tails(acquisition.draws["ratio"][list(known.index)].to_numpy(), together)
    worst = str(known["ratio"].idxmin())
    value = float(known["ratio"].min())
    customers = int(known["customers"].sum())
    estimate = Estimate(
        value=value,
        low=min(float(low.min()), value),
        high=max(float(high.min()), value),
        n=customers,
        method=f"joint posterior draws, Bonferroni over {len(known)} channels",
        level=acquisition.level,
    )
    places = {"channel": worst.replace("{", "{{").replace("}", "}}")}
    decisions = {
        Verdict.SUPPORTED: (
            "Every channel pays. Move money towards those with the highest ratio only as far as further customers "
            "there cost no more than these did."
        ),
        Verdict.NOT_SUPPORTED: (
            "Stop paying for customers through {channel} at this price: bid at most what such a customer is worth."
        ),
        Verdict.UNDECIDED: ("Put no more money into {channel} until it is known to pay; the other channels are safer."),
    }
    return Finding(
        key="clv.channels_pay",
        claim="Every acquisition channel earns back what its customers cost.",
        source="Textbook 4.1, cost of winning and of keeping",
        estimate=estimate,
        criterion=Criterion(low=1.0),
        sentence=language.text(
            "The lowest of {number} channels is {channel}: a new customer is worth {{clv}} and costs {{cost}}, "
            "{{estimate}} times."
        ).format(number=language.number(len(known), 0), **places),
        decisions={verdict: language.text(words).format(**places) for verdict, words in decisions.items()},
        more={
            "clv": _money(acquisition, "clv", worst),
            "cost": _money(acquisition, "cost", worst),
        },
        money_at_stake=_stake(acquisition, worst),
        money_note=language.text("value less cost of the customers won in the last year by: {channel}").format(
            channel=worst
        ),
    )


def _money(acquisition: Acquisition, name: str, channel: str) -> Estimate:
    return Estimate(
        value=_number(acquisition, name, channel),
        low=_number(acquisition, f"{name}_low", channel),
        high=_number(acquisition, f"{name}_high", channel),
        n=int(_number(acquisition, "customers", channel)),
        method="joint posterior draws",
        level=acquisition.level,
        unit=acquisition.currency,
    )


def _number(acquisition: Acquisition, column: str, channel: str) -> float:
    return float(acquisition.frame[column].astype(float)[channel])


def _stake(acquisition: Acquisition, channel: str) -> Estimate:
    won = int(acquisition.won_last_year[channel])
    value = (_number(acquisition, "clv", channel) - _number(acquisition, "cost", channel)) * won
    gain = (acquisition.draws["clv"][channel] - acquisition.draws["cost"][channel]).to_numpy() * won
    low, high = equal_tails(gain[:, None], acquisition.level)
    return Estimate(
        value=value,
        low=float(np.minimum(low[0], value)),
        high=float(np.maximum(high[0], value)),
        n=won,
        method="joint posterior draws",
        level=acquisition.level,
        unit=acquisition.currency,
    )
