"""Maximum likelihood for the model of life-cycle stages, by the EM algorithm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm

from crm_lib import language
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.segments.stages.histories import Floats, Histories
from crm_lib.segments.stages.parameters import BUILDING, DECLINING, EXPLORING, StageParameters
from crm_lib.segments.stages.posterior import MOVES, Expected, expected

FACTORS = {"exploration": EXPLORING, "build-up": BUILDING, "decline": DECLINING}
_STEEPEST = 0.7
"""Decline is defined as buying at no more than this share of the own stable rate; above, it could not be told apart."""
_RATES, _LEAVING = 10, (0.02, 0.11, 0.38, 0.8)
"""Number of classes of purchase rates; probabilities of leaving in four weeks, from hardly ever to nearly at once."""
_SLOWEST = 0.06
_FEWEST, _FEWEST_REPEATS = 50, 50
_WORTH = 200.0
"""Purchases that the prior of the factors is worth: one for exploration and build-up, a half for decline."""
_PRIOR_FACTORS = {"exploration": 1.0, "build-up": 1.0, "decline": 0.5}
_PRIOR_CHANCES = {"to_build_up": (25.0, 75.0), "to_stable": (25.0, 125.0), "to_decline": (10.0, 250.0),
                  "out_of_decline": (10.0, 50.0), "returning": (0.1, 50.0)}  # fmt: skip
"""Events, and periods of four weeks without one, that the prior is worth: where the data say little, exploration lasts
four months, build-up half a year, stability two years, and decline half a year."""
_SEASON_WORTH = 5.0
_WARM_UP = 5
"""A first fit to a fifth of the histories costs a fifth and leaves few steps for all."""


def opening_parameters(h: Histories) -> StageParameters:
    """Return parameters from which a fit starts: classes of equal size that span what was seen.

    Parameters
    ----------
    h : Histories
        The histories.
    """
    mean = h.counts.sum(axis=1) / h.periods
    ranks = np.argsort(mean)
    busiest = mean[ranks][np.searchsorted(np.cumsum(h.weight[ranks]), 0.999 * h.weight.sum())]
    scale = h.period_days / 28
    rates = np.geomspace(_SLOWEST * scale, max(2 * float(busiest), scale), _RATES)
    leaving = 1 - (1 - np.array(_LEAVING)) ** scale
    even_rates, even_leaving = np.full(_RATES, 1 / _RATES), np.full(len(leaving), 1 / len(leaving))
    chances = {name: 1 - (1 - events / (events + others)) ** scale for name, (events, others) in _PRIOR_CHANCES.items()}
    return StageParameters(
        rates=rates, leaving=leaving, trial_rates=even_rates, relation_rates=even_rates, trial_leaving=even_leaving,
        relation_leaving=even_leaving, season=np.ones(h.counts.shape[1]), **chances,
    )  # fmt: skip


def fit_stages(
    h: Histories, *, fixed: Mapping[str, float] | None = None, sample: int = 2000, max_steps: int = 200,
    tolerance: float = 1e-4, level: float = 0.95,
) -> StageParameters:  # fmt: skip
    """Return the parameters that make the histories most likely, priors of small weight included.

    Parameters
    ----------
    h : Histories
        The histories.
    fixed : mapping of str to float, optional
        Parameters not to estimate: those of :class:`StageParameters` that are probabilities of moves, "trial", and
        "exploration", "build-up" and "decline" for the factors. Where discounts are not known, "trial" is 0 unless it
        is given.
    sample : int
        Number of customers from which on a sample of so many, at equal steps along the sorted histories, is fitted.
    max_steps : int
        Number of EM steps after which to give up.
    tolerance : float
        The fit has converged when a step adds less to the log-likelihood of a customer.
    level : float
        Of the intervals.

    Returns
    -------
    StageParameters
        With intervals from the empirical information. Priors count in them, and the season is taken as known: in
        simulations those of the purchase rates in exploration and build-up are too narrow.

    Raises
    ------
    TooLittleData
        If there are fewer than 50 customers or 50 repeat purchases, or no convergence.
    ValueError
        If a fixed parameter is not known.
    """
    fixed = dict(fixed or {})
    if not h.lines.any():
        # Nothing else tells who never gets past exploration from who is stable: both keep their rate.
        fixed.setdefault("trial", 0.0)
    unknown = sorted(set(fixed) - set(FACTORS) - set(_PRIOR_CHANCES) - {"trial"})
    if unknown:
        known = sorted([*FACTORS, *_PRIOR_CHANCES, "trial"])
        raise ValueError(f"no parameter to fix is called {unknown}; there are {known}")
    if h.weight.sum() < _FEWEST or (h.counts.sum(axis=1) * h.weight).sum() < _FEWEST_REPEATS:
        message = language.text("stages need at least {customers} customers and {purchases} repeat purchases")
        raise TooLittleData(message.format(customers=_FEWEST, purchases=_FEWEST_REPEATS))
    p = _with(opening_parameters(h), fixed)
    for size in (max(sample // _WARM_UP, 2 * _FEWEST), sample):
        part = h.sample(size)
        p, e = _climb(part, p, fixed, max_steps, tolerance)
    return replace(p, intervals=_intervals(e, part, p, set(fixed), level))


def _climb(
    h: Histories, p: StageParameters, fixed: Mapping[str, float], max_steps: int, tolerance: float
) -> tuple[StageParameters, Expected]:
    before = -np.inf
    for step in range(1, max_steps + 1):
        e = expected(h, p)
        mean = float(e.log_likelihood @ h.weight / h.weight.sum())
        if mean - before < tolerance:
            return replace(p, log_likelihood=mean, customers=int(h.weight.sum()), steps=step), e
        before, p = mean, _with(_maximise(e, h, p), fixed)
    message = language.text("the stages' parameters had not settled after {steps} steps")
    raise TooLittleData(message.format(steps=max_steps))


def _with(p: StageParameters, fixed: Mapping[str, float]) -> StageParameters:
    factors = {name: fixed.get(name, value) for name, value in p.factors.items()}
    others: dict[str, Any] = {name: value for name, value in fixed.items() if name not in FACTORS}
    return replace(p, factors=factors, **others)


def _events(e: Expected) -> dict[str, tuple[Floats, Floats]]:
    """Return for each probability the expected events of each row and the occasions for them."""
    of = dict(zip(MOVES, e.moves, strict=True))
    build, settle = e.explored[1], of["build-up", "stable"]
    slip = of["build-up", "decline"] + of["stable", "decline"]
    stayed = settle + of["build-up", "build-up"]
    return {
        "to_build_up": (build, e.explored.sum(axis=0)),
        "to_stable": (settle, stayed),
        "to_decline": (slip, slip + stayed + of["stable", "stable"]),
        "out_of_decline": (of["decline", "gone"], of["decline", "gone"] + of["decline", "decline"]),
        "returning": (of["gone", "exploration"], of["gone", "exploration"] + of["gone", "gone"]),
    }


def _maximise(e: Expected, h: Histories, p: StageParameters) -> StageParameters:
    w, scale = h.weight, h.period_days / 28
    factors = {
        name: float((e.bought[at] @ w + _WORTH * _PRIOR_FACTORS[name]) / (e.due[at] @ w + _WORTH))
        for name, at in FACTORS.items()
    }
    factors["decline"] = min(factors["decline"], _STEEPEST)
    chances: dict[str, Any] = {}
    for name, (events, occasions) in _events(e).items():
        prior, others = _PRIOR_CHANCES[name]
        # Part of a first period counts as part of an occasion, so that with few data events may outnumber occasions.
        happened = events @ w + prior
        chances[name] = float(happened / max(occasions @ w + (prior + others) / scale, happened + 1e-9))
    first, rates, leaving = e.first @ w, e.rates @ w + 1e-3, e.leaving @ w + 1e-3
    season = (e.season[0] + _SEASON_WORTH) / (e.season[1] + _SEASON_WORTH)
    known = np.ones_like(p.season)
    known[: len(season)] = season / season.mean()
    marks: dict[str, Any] = {
        name: float((h.discounted * w @ e.first[at] + 0.5) / (h.lines * w @ e.first[at] + 1))
        for at, name in enumerate(("discounted_trial", "discounted_relation"))
    }
    return replace(
        p, factors=factors, trial=float(first[0] / first.sum()), season=known,
        trial_rates=rates[0] / rates[0].sum(), relation_rates=rates[1] / rates[1].sum(),
        trial_leaving=leaving[0] / leaving[0].sum(), relation_leaving=leaving[1] / leaving[1].sum(),
        **chances, **marks,
    )  # fmt: skip


def _intervals(e: Expected, h: Histories, p: StageParameters, fixed: set[str], level: float) -> dict[str, Estimate]:
    """Return intervals from the scores of the rows (Fisher's identity), on the scale of logits and logarithms."""
    names, scores, prior = [], [], []
    for name, at in FACTORS.items():
        names.append(name)
        scores.append(e.bought[at] - p.factors[name] * e.due[at])
        prior.append(_WORTH * p.factors[name])
    for name, (events, occasions) in _events(e).items():
        chance = getattr(p, name)
        names.append(name)
        scores.append(events - chance * occasions)
        prior.append(sum(_PRIOR_CHANCES[name]) * chance * (1 - chance))
    names.append("trial")
    scores.append(e.first[0] - p.trial)
    prior.append(0.0)
    if h.lines.any():
        for at, name in enumerate(("discounted_trial", "discounted_relation")):
            names.append(name)
            scores.append(e.first[at] * (h.discounted - getattr(p, name) * h.lines))
            prior.append(0.25)
    keep = [place for place, name in enumerate(names) if name not in fixed]
    nuisance = [
        joint[at] - shares[:, None] * e.first[at]
        for joint, weights in (
            (e.rates, (p.trial_rates, p.relation_rates)),
            (e.leaving, (p.trial_leaving, p.relation_leaving)),
        )
        for at, shares in enumerate(weights)
    ]
    score = np.vstack([np.stack([scores[place] for place in keep]), *nuisance])
    information = (score * h.weight) @ score.T
    information[np.arange(len(keep)), np.arange(len(keep))] += np.array([prior[place] for place in keep])
    variance = np.diag(np.linalg.pinv(information, rcond=1e-9, hermitian=True))[: len(keep)]
    z, n = norm.ppf((1 + level) / 2), int(h.weight.sum())
    found = {}
    for place, spread in zip(keep, np.sqrt(np.maximum(variance, 0.0)), strict=True):
        name = names[place]
        value = p.factors[name] if name in FACTORS else float(getattr(p, name))
        to, back = (np.log, np.exp) if name in FACTORS else (logit, expit)
        low, high = back(to(value) + np.array([-z, z]) * spread) if value > 0 else (0.0, 1.0)
        found[name] = Estimate(
            value=value, low=float(low), high=float(high), n=n, level=level, method="empirical information",
            unit="" if name in FACTORS else "share",
        )  # fmt: skip
    return found
