"""What the model of life-cycle stages knows of customers in general."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crm_lib.estimate import Estimate

Floats = NDArray[np.float64]

STAGES = ("exploration", "build-up", "stable", "decline", "gone")
"""The stages of a relationship, in their order."""

TRIAL, EXPLORING, BUILDING, STABLE, DECLINING, GONE = range(6)
"""The model's states: customers who never get past exploration and those who will share the stage "exploration"."""
STAGE_OF = np.array([0, 0, 1, 2, 3, 4])
"""The stage of each state."""


def as_stages(codes: NDArray[np.int64]) -> pd.Categorical:
    """Return stages as ordered categories from their numbers.

    Parameters
    ----------
    codes : ndarray of int
        0 for exploration to 4 for gone.
    """
    return pd.Categorical(np.array(STAGES, dtype=object)[codes], categories=list(STAGES), ordered=True)


@dataclass(frozen=True, kw_only=True)
class StageParameters:
    """Parameters of the model of life-cycle stages; times are in periods.

    Parameters
    ----------
    rates : ndarray (R,)
        Purchase rates of the classes of customers, days of purchase in a period of the stable stage.
    leaving : ndarray (H,)
        Probabilities of leaving in a period, of the classes of customers.
    trial_rates, trial_leaving, relation_rates, relation_leaving : ndarray (R,), (H,), (R,), (H,)
        Shares of the classes, among the customers who never get past exploration and among the others.
    trial : float
        Share of the customers who never get past exploration.
    factors : mapping of str to float
        Purchase rate in exploration, build-up and decline against that in the stable stage.
    to_build_up, to_stable, to_decline, out_of_decline : float
        Probabilities, in a period, of those who do not leave: of going from exploration to build-up, from build-up to
        stability (if not to decline) and from either of these two to decline; and of going from decline to gone.
    returning : float
        Probability, in a period, that one who is gone comes back and begins anew.
    discounted_trial, discounted_relation : float
        Share of order lines bought on discount among the customers who never get past exploration, and the others.
    season : ndarray (T,)
        Purchase rate of all customers in each period against the mean, the last period first.
    intervals : mapping of str to Estimate
        The parameters that have a name, with intervals where they were estimated.
    covariance : DataFrame
        Of these, on the scale of logarithms (factors) or logits (probabilities), by their names both ways; empty
        where nothing was estimated.
    log_likelihood : float
        Of the fitted histories, a customer.
    customers : int
        Number of customers fitted.
    steps : int
        Number of steps of the fit.
    """

    rates: Floats
    leaving: Floats
    trial_rates: Floats
    trial_leaving: Floats
    relation_rates: Floats
    relation_leaving: Floats
    trial: float = 0.5
    factors: Mapping[str, float] = field(default_factory=lambda: {"exploration": 0.9, "build-up": 1.1, "decline": 0.5})
    to_build_up: float = 0.25
    to_stable: float = 0.17
    to_decline: float = 0.03
    out_of_decline: float = 0.1
    returning: float = 0.0
    discounted_trial: float = 0.4
    discounted_relation: float = 0.2
    season: Floats = field(default_factory=lambda: np.ones(1))
    intervals: Mapping[str, Estimate] = field(default_factory=dict)
    covariance: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False, compare=False)
    log_likelihood: float = float("nan")
    customers: int = 0
    steps: int = 0

    def __post_init__(self) -> None:
        for name in ("trial", "to_build_up", "to_stable", "to_decline", "out_of_decline", "returning"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a probability, not {getattr(self, name)}")
        if set(self.factors) != {"exploration", "build-up", "decline"}:
            raise ValueError(f"factors are of exploration, build-up and decline, not of {list(self.factors)}")

    @property
    def state_factors(self) -> Floats:
        """Factor of the purchase rate in each state."""
        of = self.factors
        return np.array([1.0, of["exploration"], of["build-up"], 1.0, of["decline"], 0.0])

    @property
    def classes(self) -> Floats:
        """Share of each class of rate and leaving, shape (2, R, H): never past exploration, and the others."""
        trial = self.trial * np.outer(self.trial_rates, self.trial_leaving)
        return np.stack([trial, (1 - self.trial) * np.outer(self.relation_rates, self.relation_leaving)])

    def season_of(self, back: NDArray[np.int64]) -> Floats:
        """Return the season's factor so many periods before the last; 1 where it is not known.

        Parameters
        ----------
        back : ndarray of int
            How many periods before the last.
        """
        inside = back < len(self.season)
        return np.where(inside, self.season[np.minimum(back, len(self.season) - 1)], 1.0)
