"""How many customers are in each stage, what they are worth, and what to do for them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm

from crm_lib.estimate import Estimate
from crm_lib.relationships.stages.filter import filtered
from crm_lib.relationships.stages.histories import Floats, Histories
from crm_lib.relationships.stages.life_cycle import LifeCycle
from crm_lib.relationships.stages.parameter_doubt import ROWS, parameter_doubt
from crm_lib.relationships.stages.parameters import STAGES, StageParameters

STAGE_ACTIONS = {
    "exploration": "Make the first purchases go well: answer fast, ask how it was, suggest one thing that fits.",
    "build-up": "Show more of the range and keep every promise; offer membership once a pace has formed.",
    "stable": "Keep the service level and thank; no discounts for what they buy anyway.",
    "decline": "Ask what has changed, the most valuable first; mend it before offering anything.",
    "gone": "One well-timed invitation to return, by value and cause; otherwise no cost.",
}
"""What to do for customers in each stage."""


def stage_sizes(cycle: LifeCycle, value: pd.Series | None = None, *, level: float = 0.95) -> pd.DataFrame:
    """Return number, value and action by stage.

    Parameters
    ----------
    cycle : LifeCycle
        Stages of the customers.
    value : Series, optional
        Value of each customer in money, indexed by ``customer_id``; customers not in it count as 0.
    level : float
        Of the intervals.

    Returns
    -------
    DataFrame
        Indexed by ``stage``: ``judged`` (customers for whom it is the most probable), ``expected`` (Estimate: sum of
        their probabilities), with a value ``value`` (expected: each customer's, times the probability) and
        ``value_share``, and ``action``.

    Notes
    -----
    The expected number is what to count with: stages that are rarely the most probable are judged too rarely. Its
    interval is normal, with the variance of independent customers and that which comes from estimated parameters.
    """
    chances = cycle.frame[[f"p_{name.replace('-', '_')}" for name in STAGES]].to_numpy()
    few = cycle.histories.sample(ROWS)
    doubt = np.diag(parameter_doubt(lambda p: _shares(few, p), cycle.parameters)) * len(chances) ** 2
    mean, spread = chances.sum(axis=0), np.sqrt((chances * (1 - chances)).sum(axis=0) + doubt)
    z, n = float(norm.ppf((1 + level) / 2)), len(chances)
    expected = [
        Estimate(
            value=float(m), low=max(float(m - z * s), 0.0), high=min(float(m + z * s), float(n)), n=n, level=level,
            method="sum of probabilities",
        )
        for m, s in zip(mean, spread, strict=True)
    ]  # fmt: skip
    frame = pd.DataFrame(
        {"judged": cycle.frame["stage"].value_counts().reindex(list(STAGES)).to_numpy(), "expected": expected},
        index=pd.Index(STAGES, name="stage"),
    )
    if value is not None:
        amounts = value.reindex(cycle.frame.index).fillna(0.0).to_numpy(dtype=np.float64)
        frame["value"] = amounts @ chances
        frame["value_share"] = frame["value"] / amounts.sum() if amounts.sum() > 0 else np.nan
    return frame.assign(action=[STAGE_ACTIONS[name] for name in STAGES])


def _shares(h: Histories, p: StageParameters) -> Floats:
    """Return the share of the customers in each stage today."""
    return np.asarray(h.weight @ filtered(h, p)[:, 0] / h.weight.sum())
