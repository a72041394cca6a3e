"""How well judged stages agree with the true ones, where a company is simulated, against chance and a rule of thumb."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from crm_lib import language
from crm_lib.company import Company
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.relationships.stages.histories import Floats, Ints
from crm_lib.relationships.stages.life_cycle import LifeCycle
from crm_lib.relationships.stages.parameters import STAGES, as_stages
from crm_lib.segments.tables.simulated_truth import simulated_truth

MEASURES = ("accuracy", "balanced_accuracy", "macro_f1", "kappa")
"""Share judged right; mean of the shares of each true stage judged right; mean F1 of the stages; Cohen's kappa."""
_UNITS = ("share", "share", "", "")
_FEWEST = 30


def stage_by_rule(
    frame: pd.DataFrame,
    *,
    exploration_days: int = 90,
    build_up_days: int = 270,
    decline_days: int = 90,
    gone_days: int = 180,
) -> pd.Series:
    """Return stages by the usual rule of thumb: silence first, then tenure.

    Parameters
    ----------
    frame : DataFrame
        As in :class:`LifeCycle`: ``silent_days``, ``tenure_days`` and ``purchases``.
    exploration_days : int
        Up to this tenure, or with a single purchase, a customer explores.
    build_up_days : int
        Up to this tenure a relation is built up; from then on it is stable.
    decline_days, gone_days : int
        A customer silent for longer is in decline, or gone.

    Returns
    -------
    Series
        Ordered categories, with the index of `frame`.

    Examples
    --------
    >>> told = {"silent_days": [10, 10, 100, 200], "tenure_days": [50, 300, 400, 900], "purchases": [3, 4, 5, 6]}
    >>> stage_by_rule(pd.DataFrame(told)).tolist()
    ['exploration', 'stable', 'decline', 'gone']
    """
    silent, tenure = frame["silent_days"], frame["tenure_days"]
    codes = np.select(
        [
            silent > gone_days,
            silent > decline_days,
            (tenure <= exploration_days) | (frame["purchases"] < 2),
            tenure <= build_up_days,
        ],
        [4, 3, 0, 1],
        default=2,
    )
    return pd.Series(as_stages(codes), index=frame.index, name="stage")


def true_stages(truth: pd.DataFrame, *, day: dt.date) -> pd.Series:
    """Return the true stage of each simulated customer on a day.

    Parameters
    ----------
    truth : DataFrame
        Table ``stages`` of the truth of a simulated company: ``customer_id``, ``stage``, ``begins_at``, ``ends_at``.
    day : date
        The day.

    Returns
    -------
    Series
        Ordered categories indexed by ``customer_id``, of the customers won by then. Who left and came back stays gone,
        as in the table.
    """
    moment = pd.Timestamp(day)
    now = truth[(truth["begins_at"] <= moment) & ~(truth["ends_at"] <= moment)].drop_duplicates(
        "customer_id", keep="last"
    )
    names = now["stage"].astype(str).str.replace("_", "-")
    stages = pd.Categorical(names, categories=list(STAGES), ordered=True)
    return pd.Series(stages, index=pd.Index(now["customer_id"], name="customer_id"), name="stage")


def stages_beside_truth(cycle: LifeCycle, company: Company, *, seed: int = 0) -> pd.DataFrame:
    """Return how well the stages of a simulated company were judged, against chance and a rule of thumb.

    Parameters
    ----------
    cycle : LifeCycle
        Judged stages.
    company : Company
        The company.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    DataFrame
        As of :func:`stage_agreement`, with the rule of :func:`stage_by_rule`.

    Raises
    ------
    TooLittleData
        If the company was not simulated, or very few customers were judged.
    """
    truth = true_stages(simulated_truth(company, "stages"), day=company.as_of)
    return stage_agreement(cycle.frame["stage"], truth, rule=stage_by_rule(cycle.frame), seed=seed)


def stage_agreement(
    judged: pd.Series,
    truth: pd.Series,
    *,
    rule: pd.Series | None = None,
    resamples: int = 999,
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Return how well judged stages agree with the true ones.

    Parameters
    ----------
    judged : Series
        Judged stages, indexed by customer.
    truth : Series
        True ones, as :func:`true_stages` gives them.
    rule : Series, optional
        Stages by a rule of thumb, such as :func:`stage_by_rule`.
    resamples : int
        Number of bootstrap resamples.
    level : float
        Of the intervals.
    seed : int
        Seed of the random numbers.

    Returns
    -------
    DataFrame
        Indexed by ``method``: "model", "commonest stage" (everybody is said to be in the stage that most are in) and,
        with a rule, "rule of thumb" and "model less rule". Columns ``accuracy``, ``balanced_accuracy``, ``macro_f1``
        and ``kappa``, each an Estimate with a percentile bootstrap interval over customers.

    Raises
    ------
    TooLittleData
        If fewer than 30 customers have both a judged and a true stage.

    References
    ----------
    Cohen, J. (1960). A Coefficient of Agreement for Nominal Scales. Educational and Psychological Measurement 20(1).
    """
    both = judged.index.intersection(truth.index)
    if len(both) < _FEWEST:
        message = language.text("only {n} customers have a judged and a true stage; {fewest} are needed")
        raise TooLittleData(message.format(n=len(both), fewest=_FEWEST), table="truth")
    codes = [_codes(series.loc[both]) for series in (truth, judged, judged if rule is None else rule)]
    cells = np.bincount(np.ravel_multi_index(tuple(codes), (5, 5, 5)), minlength=125)
    n = len(both)
    rng = np.random.default_rng(seed)
    tables = np.vstack([cells, rng.multinomial(n, cells / n, size=resamples)]).reshape(-1, 5, 5, 5).astype(np.float64)
    tables /= n
    model, by_rule = tables.sum(axis=3), tables.sum(axis=2)
    commonest = np.zeros_like(model)
    commonest[:, :, int(model[0].sum(axis=1).argmax())] = model.sum(axis=2)
    found = {"model": _measures(model), "commonest stage": _measures(commonest)}
    if rule is not None:
        found["rule of thumb"] = _measures(by_rule)
        found["model less rule"] = found["model"] - found["rule of thumb"]
    rows = {
        method: [_estimate(column, n, level, unit) for column, unit in zip(values.T, _UNITS, strict=True)]
        for method, values in found.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(MEASURES)).rename_axis("method")


def _codes(stages: pd.Series) -> Ints:
    codes = np.asarray(pd.Categorical(stages, categories=list(STAGES)).codes, dtype=np.int64)
    if (codes < 0).any():
        raise ValueError(f"stages must be of {list(STAGES)}")
    return codes


def _measures(table: Floats) -> Floats:
    """Return the measures of tables of shares, shape (resamples, truth, judged)."""
    right = np.einsum("rss->rs", table)
    true, said = table.sum(axis=2), table.sum(axis=1)
    accuracy = right.sum(axis=1)
    there = true > 0
    recall = np.where(there, right / np.where(there, true, 1.0), 0.0).sum(axis=1) / there.sum(axis=1)
    f1 = np.where(there, 2 * right / np.where(there, true + said, 1.0), 0.0).sum(axis=1) / there.sum(axis=1)
    chance = (true * said).sum(axis=1)
    kappa = np.where(chance < 1, (accuracy - chance) / np.where(chance < 1, 1 - chance, 1.0), 0.0)
    # Digits beyond these are rounding of sums; an agreement of exactly 0 is to be written as 0.
    return np.round(np.column_stack([accuracy, recall, f1, kappa]), 12)


def _estimate(values: Floats, n: int, level: float, unit: str) -> Estimate:
    value = float(values[0])
    low, high = np.quantile(values[1:], [(1 - level) / 2, (1 + level) / 2]) if len(values) > 1 else (-np.inf, np.inf)
    return Estimate(
        value=value, low=min(float(low), value), high=max(float(high), value), n=n, level=level,
        method="bootstrap over customers", unit=unit,
    )  # fmt: skip
