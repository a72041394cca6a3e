"""What the doubt about the model's parameters does to numbers that are computed with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import expit, logit

from crm_lib.relationships.stages.histories import Floats
from crm_lib.relationships.stages.parameters import StageParameters

ROWS = 1000
"""Customers who suffice to see how a number hangs on the parameters."""
_STEP = 0.5
"""Standard errors by which a parameter is moved to see what happens."""


def parameter_doubt(statistic: Callable[[StageParameters], Floats], p: StageParameters) -> Floats:
    """Return the covariance of some numbers that comes from the parameters being estimated (delta method).

    Parameters
    ----------
    statistic : callable
        Takes parameters and returns the numbers, shape (k,).
    p : StageParameters
        The parameters; those without a covariance count as known.

    Returns
    -------
    ndarray (k, k)
        Covariance of the numbers. Shares of the classes of customers, their rates and the season count as known.
    """
    centre = statistic(p)
    names = [name for name in p.covariance.index if 0 < p.covariance.loc[name, name] < np.inf and _value(p, name) > 0]
    if not names:
        return np.zeros((len(centre), len(centre)))
    covariance = p.covariance.loc[names, names].to_numpy()
    errors = np.sqrt(np.diag(covariance))
    slopes = np.stack(
        [
            (statistic(_moved(p, name, _STEP * error)) - statistic(_moved(p, name, -_STEP * error))) / (2 * _STEP)
            for name, error in zip(names, errors, strict=True)
        ],
        axis=1,
    )
    return np.asarray(slopes @ (covariance / np.outer(errors, errors)) @ slopes.T)


def _value(p: StageParameters, name: str) -> float:
    return float(p.factors[name] if name in p.factors else getattr(p, name))


def _moved(p: StageParameters, name: str, by: float) -> StageParameters:
    if name in p.factors:
        return replace(p, factors={**p.factors, name: float(np.exp(np.log(p.factors[name]) + by))})
    moved: dict[str, Any] = {name: float(expit(logit(getattr(p, name)) + by))}
    return replace(p, **moved)
