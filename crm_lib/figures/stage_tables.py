"""Tables of the life cycle of relationships: stages with actions, time in stage, agreement with the truth, warnings."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from crm_lib import language
from crm_lib.exhibit import Kind, Table
from crm_lib.figures.decisions import UNKNOWN_PERMISSION
from crm_lib.relationships import STAGES, DeclineWarning, LifeCycle, stage_sizes, time_in_stage
from crm_lib.segments import SMALLEST_GROUP, may_contact
from crm_lib.segments.predictive import in_points


def stages_table(cycle: LifeCycle, value: pd.Series, *, currency: str, value_label: str) -> Table:
    """Return the stages with size, value and what to do.

    Parameters
    ----------
    cycle : LifeCycle
        Stages of the customers.
    value : Series
        Value of each customer (money).
    currency : str
        ISO code.
    value_label : str
        What the value is: "margin" or "revenue".

    Returns
    -------
    Table
        One row a stage.
    """
    frame = stage_sizes(cycle, value)
    few = [estimate.value < SMALLEST_GROUP for estimate in frame["expected"]]
    frame.loc[few, ["value", "value_share"]] = float("nan")
    frame["action"] = [language.text(words) for words in frame["action"]]
    frame.index = _named(frame.index)
    return Table(
        name="stages",
        title="The stages: size, value, action",
        frame=frame,
        kinds={"judged": "count", "value": "money", "value_share": "share"},
        labels={
            "judged": "Customers (most probable)",
            "expected": "Customers (expected)",
            "value": value_label.capitalize(),
            "value_share": f"Share of {value_label}",
        },
        currency=currency,
        note=language.text(
            "Each customer counts in every stage with its probability; a stage that is seldom the most probable one is "
            "larger than the list of customers judged to be in it. The {value} is that of the window looked at; those "
            "now gone brought it before they went."
        ).format(value=language.text(value_label)),
    )


def time_in_stage_table(cycle: LifeCycle) -> Table:
    """Return how long relations stay in each stage and where they go from it.

    Parameters
    ----------
    cycle : LifeCycle
        Stages of the customers.

    Returns
    -------
    Table
        One row a stage.
    """
    frame = time_in_stage(cycle)
    leading = [f"to_{name}" for name in STAGES[1:]]
    frame = frame[["days", "moves", *leading]]
    frame.index = _named(frame.index)
    return Table(
        name="time_in_stage",
        title="How long relations stay in a stage, and what follows",
        frame=frame,
        kinds={"moves": "count", **dict.fromkeys(leading, "share")},
        labels={
            "days": "Mean stay",
            "moves": "Moves seen (expected)",
            **{f"to_{name}": language.text("To {stage}").format(stage=language.text(name)) for name in STAGES[1:]},
        },
        note="Stays that are not over count for the days seen of them.",
    )


def stage_parameters_table(cycle: LifeCycle) -> Table:
    """Return what the model of stages learned, with intervals.

    Parameters
    ----------
    cycle : LifeCycle
        Stages of the customers.

    Returns
    -------
    Table
        One row a parameter.
    """
    rows = [
        {"what": language.text(_PARAMETERS[name]), "estimate": estimate}
        for name, estimate in cycle.parameters.intervals.items()
    ]
    return Table(
        name="stage_parameters",
        title="What the model learned of the stages",
        frame=pd.DataFrame(rows, columns=["what", "estimate"]),
        kinds={"what": "text"},
        labels={"what": "Parameter"},
        note=language.text("Fitted to {n} customers. Chances of a change are those within {days} days.").format(
            n=language.number(cycle.parameters.customers, 0), days=language.number(cycle.period_days, 0)
        ),
    )


def agreement_table(agreement: pd.DataFrame) -> Table:
    """Return how well judged stages agree with the true ones.

    Parameters
    ----------
    agreement : DataFrame
        As :func:`crm_lib.segments.stage_agreement` returns it.

    Returns
    -------
    Table
        One row a way of judging.
    """
    frame = agreement[["accuracy", "balanced_accuracy", "kappa"]].copy()
    for name in ("accuracy", "balanced_accuracy"):
        # The last row is a difference of shares.
        frame[name] = frame[name].where(frame.index != "model less rule", frame[name].map(in_points))
    frame.index = pd.Index([language.text(_METHODS[str(name)]) for name in frame.index], name="method")
    return Table(
        name="stage_agreement",
        title="Stages judged against the truth",
        frame=frame,
        labels={
            "method": "Judged by",
            "accuracy": "Judged right",
            "balanced_accuracy": "Judged right, mean of the stages",
            "kappa": "Cohen's kappa",
        },
        note="Kappa is 0 where agreement is no better than chance and 1 where it is perfect.",
    )


def warned_customers_table(
    warning: DeclineWarning,
    cycle: LifeCycle,
    value: pd.Series,
    *,
    allowed: pd.Series[bool] | None,
    currency: str,
    value_label: str,
) -> Table:
    """Return the customers newly warned of, the most valuable first: a list to act on.

    Parameters
    ----------
    warning : DeclineWarning
        The warning.
    cycle : LifeCycle
        Stages of the customers.
    value : Series
        Value of each customer (money).
    allowed : Series or None
        Who agreed to be contacted, as of :func:`crm_lib.segments.contact_permission`; None where that is not recorded.
    currency : str
        ISO code.
    value_label : str
        What the value is: "margin" or "revenue".

    Returns
    -------
    Table
        One row for each customer who may be contacted; the others are counted.
    """
    everybody = warning.frame[warning.frame["new"]]
    new = everybody[may_contact(everybody.index, allowed).to_numpy(dtype=bool)]
    own = cycle.frame.loc[new.index]
    frame = pd.DataFrame(
        {
            "value": value.reindex(new.index).fillna(0.0),
            "probability": new["probability"],
            "purchases": own["purchases"],
            "silent_days": own["silent_days"],
            "rate": own["rate"],
        }
    )
    frame = frame.sort_values(["value", "probability"], ascending=False, kind="stable")
    kinds: Mapping[str, Kind] = {"value": "money", "probability": "share", "purchases": "count", "silent_days": "count"}
    return Table(
        name="warned_customers",
        title="Customers newly warned of, the most valuable first",
        frame=frame,
        kinds=kinds,
        labels={
            "customer_id": "Customer",
            "value": value_label.capitalize(),
            "probability": "Probability of decline or gone",
            "silent_days": "Days since last purchase",
            "rate": "Customer's own rate, purchases a year",
        },
        currency=currency,
        note=language.text(UNKNOWN_PERMISSION)
        if allowed is None
        else language.plural(
            "{n} more was newly warned of, and did not agree to be contacted.",
            "{n} more were newly warned of, and did not agree to be contacted.",
            len(everybody) - len(new),
        ),
        rows_shown=10,
    )


_METHODS = {
    "model": "Life-cycle model",
    "commonest stage": "Everybody in the commonest stage",
    "rule of thumb": "Rule of thumb: silence and tenure",
    "model less rule": "Model less rule of thumb",
}
_PARAMETERS = {
    "exploration": "Purchase rate in exploration against the stable stage",
    "build-up": "Purchase rate in build-up against the stable stage",
    "decline": "Purchase rate in decline against the stable stage",
    "to_build_up": "Chance of going from exploration to build-up",
    "to_stable": "Chance of going from build-up to the stable stage",
    "to_decline": "Chance of going into decline",
    "out_of_decline": "Chance that a declining relation ends",
    "returning": "Chance of coming back when gone",
    "trial": "Share of customers who never get past exploration",
    "discounted_trial": "Their share of lines bought on discount",
    "discounted_relation": "Share of lines bought on discount by the others",
}


def _named(index: pd.Index) -> pd.Index:
    return pd.Index([language.text(str(name)) for name in index], name="stage")
