"""Longer steps for the EM algorithm: parameters as a vector without limits, and the jump that two steps point to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import expit, logit

from crm_lib.relationships.stages.histories import Floats
from crm_lib.relationships.stages.parameters import StageParameters

_CHANCES = (
    "trial", "to_build_up", "to_stable", "to_decline", "out_of_decline", "returning", "discounted_trial",
    "discounted_relation",
)  # fmt: skip
_SHARES = ("trial_rates", "relation_rates", "trial_leaving", "relation_leaving")
_EDGE = 1e-12


def jump(start: StageParameters, one: StageParameters, two: StageParameters) -> StageParameters:
    """Return where two EM steps lead to when followed on (squared extrapolation, scheme S3).

    Parameters
    ----------
    start, one, two : StageParameters
        The parameters, and those after one and after two steps from there.

    References
    ----------
    Varadhan, R. & Roland, C. (2008). Simple and globally convergent methods for accelerating the convergence of any EM
    algorithm. Scandinavian Journal of Statistics 35, 335-353.
    """
    first, second, third = (_vector(p) for p in (start, one, two))
    step = second - first
    bend = third - second - step
    length = float(np.linalg.norm(bend))
    far = max(float(np.linalg.norm(step)) / length, 1.0) if length > 0 else 1.0
    return _parameters(first + 2 * far * step + far**2 * bend, two)


def _vector(p: StageParameters) -> Floats:
    chances = np.clip(np.r_[[getattr(p, name) for name in _CHANCES], p.leaving], _EDGE, 1 - _EDGE)
    positive = np.concatenate([list(p.factors.values()), p.rates, p.season])
    return np.concatenate([logit(chances), np.log(positive), *(getattr(p, name) for name in _SHARES)])


def _parameters(vector: Floats, like: StageParameters) -> StageParameters:
    sizes = [len(_CHANCES), len(like.leaving), len(like.factors), len(like.rates), len(like.season)]
    sizes += [len(getattr(like, name)) for name in _SHARES]
    chances, leaving, factors, rates, season, *shares = np.split(vector, np.cumsum(sizes)[:-1])
    # What two steps left at its limit, or was fixed, stays there.
    found: dict[str, Any] = {
        name: float(value) if _EDGE < getattr(like, name) < 1 - _EDGE else getattr(like, name)
        for name, value in zip(_CHANCES, expit(chances), strict=True)
    }
    for name, share in zip(_SHARES, shares, strict=True):
        positive = np.maximum(share, _EDGE)
        found[name] = positive / positive.sum()
    seasonal = np.exp(season)
    return replace(
        like, factors=dict(zip(like.factors, np.exp(factors).tolist(), strict=True)), rates=np.exp(rates),
        leaving=expit(leaving), season=seasonal, **found,
    )  # fmt: skip
