"""What the customers are worth under each of several models, as a table."""

from __future__ import annotations

import pandas as pd

from crm_lib import language
from crm_lib.estimate import Estimate
from crm_lib.exhibit import Table


def model_choice_table(frame: pd.DataFrame, *, currency: str) -> Table:
    """Return how far the value to come hangs on the choice of model.

    Parameters
    ----------
    frame : DataFrame
        What :func:`crm_lib.clv.value_by_model` gives.
    currency : str
        ISO code.

    Returns
    -------
    Table
        One row a model, the chosen one first.
    """
    reference = float(frame["current"].iloc[0])
    shown = pd.DataFrame(
        {
            "value": frame["current"],
            "interval": [
                _interval(*row, currency)
                for row in zip(frame["current"], frame["current_low"], frame["current_high"], strict=True)
            ],
            "against": frame["current"] / reference - 1 if reference > 0 else float("nan"),
            "purchases": frame["expected_purchases"],
            "state": [
                _state(chosen=bool(chosen), converged=bool(converged))
                for chosen, converged in zip(frame["chosen"], frame["converged"], strict=True)
            ],
        },
    )
    return Table(
        name="value_by_model",
        title="How far the value hangs on the choice of model",
        frame=shown.rename_axis("model"),
        kinds={
            "model": "text", "value": "money", "interval": "text", "against": "share", "purchases": "count",
            "state": "text",
        },
        labels={
            "value": "Value to come", "interval": "Interval, given the model", "against": "Against the chosen model",
            "purchases": "Purchases expected in the horizon", "state": "",
        },
        currency=currency,
        note=_note(frame, currency),
    )  # fmt: skip


def _interval(value: float, low: float, high: float, currency: str) -> str:
    written = str(Estimate(value=value, low=low, high=high, n=0, method="posterior", unit=currency))
    return written[written.index("[") :] if "[" in written else written


def _state(*, chosen: bool, converged: bool) -> str:
    if chosen:
        return language.text("chosen")
    return "" if converged else language.text("likelihood without a maximum")


def _note(frame: pd.DataFrame, currency: str) -> str:
    low, high = float(frame["current"].min()), float(frame["current"].max())
    wide = float(frame["current_high"].iloc[0] - frame["current_low"].iloc[0])
    places = {"low": language.money(low, currency), "high": language.money(high, currency)}
    if len(frame) < 2:
        return language.text("No other model could be fitted.")
    if high - low > wide:
        message = language.text(
            "The models lie from {low} to {high}, further apart than the interval of the chosen one is wide: the "
            "choice of model is the larger doubt, and it is in none of the intervals."
        )
    else:
        message = language.text(
            "The models lie from {low} to {high}, no further apart than the interval of the chosen one is wide. The "
            "choice of model is in none of the intervals."
        )
    return message.format(**places)
