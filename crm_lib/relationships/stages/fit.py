"""Maximum likelihood for the model of life-cycle stages, by the EM algorithm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import norm

from crm_lib import language
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.relationships.stages.acceleration import jump
from crm_lib.relationships.stages.histories import Floats, Histories
from crm_lib.relationships.stages.parameters import BUILDING, DECLINING, EXPLORING, StageParameters
from crm_lib.relationships.stages.posterior import MOVES, Expected, expected

FACTORS = {"exploration": EXPLORING, "build-up": BUILDING, "decline": DECLINING}
_STEEPEST = 0.7
"""Decline is defined as buying at no more than this share of the own stable rate; above, it could not be told apart."""
_RATES, _LEAVING = 10, (0.02, 0.11, 0.38, 0.8)
"""Number of classes of purchase rates; probabilities of leaving in four weeks, from hardly ever to nearly at once. From
these a fit begins; where the classes lie is estimated."""
_SLOWEST = 0.06
_FEWEST, _FEWEST_REPEATS = 50, 50
_WORTH = 50.0
"""Purchases that the prior of the factors is worth: one for exploration and build-up, a half for decline."""
_PRIOR_FACTORS = {"exploration": 1.0, "build-up": 1.0, "decline": 0.5}
_PRIOR_CHANCES = {"to_build_up": (25.0, 75.0), "to_stable": (25.0, 125.0), "to_decline": (10.0, 250.0),
                  "out_of_decline": (10.0, 50.0), "returning": (0.1, 50.0)}  # fmt: skip
"""Events, and periods of four weeks without one, that the prior is worth: where the data say little, exploration lasts
four months, build-up half a year, stability two years, and decline half a year."""
_SEASON_WORTH, _SHARE_WORTH = 5.0, 1e-3
_LEAVING_ENDS = (1e-4, 0.98)
_LEAVING_WORTH = 20.0
"""Occasions for leaving that the prior of each class of leaving is worth."""
_ROUNDS = 10
_WARM_UP, _WARM_STEPS = 5, 60
"""A first fit to a fifth of the histories costs a fifth and leaves few steps for all; it need not reach the top."""


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
    leaving = _usual_leaving(h)
    even_rates, even_leaving = np.full(_RATES, 1 / _RATES), np.full(len(leaving), 1 / len(leaving))
    chances = {name: 1 - (1 - events / (events + others)) ** scale for name, (events, others) in _PRIOR_CHANCES.items()}
    return StageParameters(
        rates=rates, leaving=leaving, trial_rates=even_rates, relation_rates=even_rates, trial_leaving=even_leaving,
        relation_leaving=even_leaving, season=np.ones(h.counts.shape[1]), **chances,
    )  # fmt: skip


def _usual_leaving(h: Histories) -> Floats:
    """Return the chances of leaving in a period that the classes begin with."""
    return 1 - (1 - np.array(_LEAVING)) ** (h.period_days / 28)


def fit_stages(
    h: Histories, *, fixed: Mapping[str, float] | None = None, sample: int = 2000, max_steps: int = 600,
    tolerance: float = 2e-5, level: float = 0.95,
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
        The fit has converged when two steps add less to the logarithm of the posterior density, a customer.
    level : float
        Of the intervals.

    Returns
    -------
    StageParameters
        With intervals from the empirical information. Priors count in them.

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
    warm = h.sample(max(sample // _WARM_UP, 2 * _FEWEST))
    p, _, _ = _climb(warm, _with(opening_parameters(h), fixed), fixed, _WARM_STEPS, tolerance)
    part = h.sample(sample)
    p, e, settled = _climb(part, p, fixed, max_steps, tolerance)
    if not settled:
        message = language.text("the stages' parameters had not settled after {steps} steps")
        raise TooLittleData(message.format(steps=max_steps))
    # Rates and season are told apart by the season's mean being 1.
    mean = float(p.season.mean())
    p = replace(p, season=p.season / mean, rates=p.rates * mean)
    covariance = _covariance(e, part, p, set(fixed))
    return replace(p, covariance=covariance, intervals=_intervals(p, covariance, p.customers, level))


def _climb(
    h: Histories, p: StageParameters, fixed: Mapping[str, float], max_steps: int, tolerance: float
) -> tuple[StageParameters, Expected, bool]:
    """Return the parameters at the top, what the histories say there, and whether the top was reached."""
    e = expected(h, p)
    height = _height(e, h, p, fixed)
    step, settled = 0, False
    while step < max_steps and not settled:
        step += 2
        one = _maximise(e, h, p, fixed)
        between = expected(h, one)
        two = _maximise(between, h, one, fixed)
        ahead = _with(_within(jump(p, one, two), h), fixed)
        e_ahead = expected(h, ahead)
        reached = _height(e_ahead, h, ahead, fixed)
        if not reached >= _height(between, h, one, fixed):
            ahead, e_ahead = two, expected(h, two)
            reached = _height(e_ahead, h, ahead, fixed)
        settled = reached - height < tolerance
        if reached >= height:
            p, e, height = ahead, e_ahead, reached
    mean = float(e.log_likelihood @ h.weight / h.weight.sum())
    p = replace(p, log_likelihood=mean, customers=int(h.weight.sum()), steps=step)
    return p, e, settled


def _within(p: StageParameters, h: Histories) -> StageParameters:
    """Return parameters inside the limits that the model sets itself."""
    factors = {**p.factors, "decline": min(p.factors["decline"], _STEEPEST)}
    slowest = _SLOWEST * h.period_days / 28
    leaving = np.clip(p.leaving, *_LEAVING_ENDS)
    return replace(p, factors=factors, rates=np.maximum(p.rates, slowest), leaving=leaving)


def _height(e: Expected, h: Histories, p: StageParameters, fixed: Mapping[str, float]) -> float:
    """Return the logarithm of the posterior density of the parameters, a customer."""
    scale, usual = h.period_days / 28, p.discounted_relation
    # The histories' likelihood holds discounts as a ratio to those of a lasting relation.
    marks = h.discounted * np.log(usual) + (h.lines - h.discounted) * np.log1p(-usual)
    total = float((e.log_likelihood + marks) @ h.weight)
    total += sum(_WORTH * (_PRIOR_FACTORS[name] * np.log(f) - f) for name, f in p.factors.items())
    for name, (events, others) in _PRIOR_CHANCES.items():
        if name not in fixed:
            chance = getattr(p, name)
            total += float(events * np.log(chance) + ((events + others) / scale - events) * np.log1p(-chance))
    before = _usual_leaving(h)
    total += _LEAVING_WORTH * float((before * np.log(p.leaving) + (1 - before) * np.log1p(-p.leaving)).sum())
    for shares in (p.trial_rates, p.relation_rates, p.trial_leaving, p.relation_leaving):
        total += _SHARE_WORTH * float(np.log(shares).sum())
    total += _SEASON_WORTH * float((np.log(p.season) - p.season).sum())
    total += sum(0.5 * float(np.log(d) + np.log1p(-d)) for d in (p.discounted_trial, p.discounted_relation))
    return float(total / h.weight.sum())


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


def _maximise(e: Expected, h: Histories, p: StageParameters, fixed: Mapping[str, float]) -> StageParameters:
    """Return the parameters that make the expected counts most likely."""
    w, scale = h.weight, h.period_days / 28
    chances: dict[str, Any] = {}
    for name, (events, occasions) in _events(e).items():
        if name in fixed:
            continue
        prior, others = _PRIOR_CHANCES[name]
        chances[name] = float((events @ w + prior) / (occasions @ w + (prior + others) / scale))
    first, rates, leaving = e.first @ w, e.rates @ w + _SHARE_WORTH, e.leaving @ w + _SHARE_WORTH
    usual = _usual_leaving(h)
    stayed, left = e.left @ w + _LEAVING_WORTH * np.stack([1 - usual, usual])
    marks: dict[str, Any] = {
        name: float((h.discounted * w @ e.first[at] + 0.5) / (h.lines * w @ e.first[at] + 1))
        for at, name in enumerate(("discounted_trial", "discounted_relation"))
    }
    found = replace(
        _paced(e, h, p, fixed), leaving=np.clip(left / (left + stayed), *_LEAVING_ENDS),
        trial=float(first[0] / first.sum()), trial_rates=rates[0] / rates[0].sum(),
        relation_rates=rates[1] / rates[1].sum(), trial_leaving=leaving[0] / leaving[0].sum(),
        relation_leaving=leaving[1] / leaving[1].sum(), **chances, **marks,
    )  # fmt: skip
    return _with(found, fixed)


def _paced(e: Expected, h: Histories, p: StageParameters, fixed: Mapping[str, float]) -> StageParameters:
    """Return rates, factors and season: the mean is their product, so that each is set in turn, the others given."""
    bought, spent = e.spent
    rates, factors, season = p.rates, p.state_factors, p.season.copy()
    seen = bought.shape[-1]
    for _ in range(_ROUNDS):
        season[:seen] = (bought.sum(axis=(0, 1)) + _SEASON_WORTH) / (
            np.einsum("srt,s,r->t", spent, factors, rates) + _SEASON_WORTH
        )
        due = np.einsum("srt,s,t->r", spent, factors, season[:seen])
        rates = np.maximum(bought.sum(axis=(0, 2)) / np.maximum(due, 1e-9), _SLOWEST * h.period_days / 28)
        for name, at in FACTORS.items():
            due = spent[at] @ season[:seen] @ rates + _WORTH
            factors[at] = fixed.get(name, float((bought[at].sum() + _WORTH * _PRIOR_FACTORS[name]) / due))
        if "decline" not in fixed:
            factors[DECLINING] = min(factors[DECLINING], _STEEPEST)
    named = {name: float(factors[at]) for name, at in FACTORS.items()}
    return replace(p, rates=rates, factors=named, season=season)


def _covariance(e: Expected, h: Histories, p: StageParameters, fixed: set[str]) -> pd.DataFrame:
    """Return the inverse of the information in the scores of the rows (Fisher's identity) and in the priors."""
    scores: dict[str, Floats] = {}
    prior: dict[str, float] = {}
    for name, at in FACTORS.items():
        scores[name], prior[name] = e.bought[at] - p.factors[name] * e.due[at], _WORTH * p.factors[name]
    for name, (events, occasions) in _events(e).items():
        chance = getattr(p, name)
        scores[name] = events - chance * occasions
        prior[name] = sum(_PRIOR_CHANCES[name]) * chance * (1 - chance)
    scores["trial"], prior["trial"] = e.first[0] - p.trial, 0.0
    if h.lines.any():
        for at, name in enumerate(("discounted_trial", "discounted_relation")):
            scores[name] = e.first[at] * (h.discounted - getattr(p, name) * h.lines)
            prior[name] = 0.25
    names = [name for name in scores if name not in fixed]
    nuisance = [
        joint[at] - shares[:, None] * e.first[at]
        for joint, weights in (
            (e.rates, (p.trial_rates, p.relation_rates)),
            (e.leaving, (p.trial_leaving, p.relation_leaving)),
        )
        for at, shares in enumerate(weights)
    ]
    stayed, left = e.left
    gone = left - p.leaving[:, None] * (left + stayed)
    nuisance += [e.paced[0] - e.paced[1], gone, e.seasonal]
    score = np.vstack([*(scores[name] for name in names), *nuisance])
    information = (score * h.weight) @ score.T
    known = np.zeros(len(score))
    known[: len(names)] = [prior[name] for name in names]
    ends = np.cumsum([len(p.leaving), len(e.seasonal)])
    known[len(known) - ends[1] : len(known) - len(e.seasonal)] = _LEAVING_WORTH * p.leaving * (1 - p.leaving)
    known[len(known) - len(e.seasonal) :] = _SEASON_WORTH * p.season[: len(e.seasonal)]
    information[np.diag_indices(len(score))] += known
    # Each on its own scale, so that what few customers tell is not taken for nothing beside what many tell.
    size = np.sqrt(np.maximum(np.diag(information), 1e-12))
    inverse = np.linalg.pinv(information / np.outer(size, size), rcond=1e-9, hermitian=True) / np.outer(size, size)
    return pd.DataFrame(inverse[: len(names), : len(names)], index=names, columns=names)


def _intervals(p: StageParameters, covariance: pd.DataFrame, n: int, level: float) -> dict[str, Estimate]:
    z = norm.ppf((1 + level) / 2)
    found = {}
    for name, variance in zip(covariance.index, np.diag(covariance), strict=True):
        factor = name in FACTORS
        value = p.factors[name] if factor else float(getattr(p, name))
        to, back = (np.log, np.exp) if factor else (logit, expit)
        reach = np.array([-z, z]) * np.sqrt(max(float(variance), 0.0))
        low, high = back(to(value) + reach) if value > 0 else (0.0, 1.0)
        if name == "decline":
            high = max(min(high, _STEEPEST), value)
        found[name] = Estimate(
            value=value, low=float(low), high=float(high), n=n, level=level, method="empirical information",
            unit="" if factor else "share",
        )  # fmt: skip
    return found
