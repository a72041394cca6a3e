"""Warnings of decline held against the truth of a simulated company."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from crm_lib.company import Company
from crm_lib.relationships.stages.agreement import true_stages
from crm_lib.relationships.stages.decline_warning import RULES, DeclineWarning, Looks, compare_rules, pace_sign
from crm_lib.relationships.stages.histories import Floats, stage_purchases
from crm_lib.relationships.stages.life_cycle import LifeCycle
from crm_lib.segments.tables.simulated_truth import simulated_truth

_LOOKS = 26


def warnings_beside_truth(warning: DeclineWarning, cycle: LifeCycle, company: Company) -> pd.DataFrame:
    """Return how often the warnings of a simulated company were right, beside the rules of thumb.

    Parameters
    ----------
    warning : DeclineWarning
        The warning.
    cycle : LifeCycle
        Stages of the customers, of which the warning was made.
    company : Company
        The company.

    Returns
    -------
    DataFrame
        As of :func:`warning_against_truth`.

    Raises
    ------
    TooLittleData
        If the company was not simulated, or very few declines began.
    """
    truth = simulated_truth(company, "stages")
    return warning_against_truth(
        cycle, stage_purchases(company), truth, threshold=warning.threshold, false_alarm=warning.false_alarm,
        watched_from=warning.purchases,
    )  # fmt: skip


def warning_against_truth(
    cycle: LifeCycle, purchases: pd.DataFrame, truth: pd.DataFrame, *, threshold: float, false_alarm: float = 0.05,
    watched_from: int = 3, looks: int = _LOOKS,
) -> pd.DataFrame:  # fmt: skip
    """Return false alarms and detection of decline where it is known who declined, for the warning and rules of thumb.

    Parameters
    ----------
    cycle : LifeCycle
        Stages of the customers.
    purchases : DataFrame
        The purchases that it was made from.
    truth : DataFrame
        Table ``stages`` of the truth of the simulated company.
    threshold : float
        Threshold of the warning, chosen without the truth.
    false_alarm : float
        Rate of false alarms a quarter at which the rules are compared.
    watched_from : int
        Days of purchase from which on a customer is watched.
    looks : int
        Number of periods looked back on.

    Returns
    -------
    DataFrame
        As ``detection`` of :class:`DeclineWarning`: the warning with the threshold that was set, and the rules of thumb
        with thresholds that in truth give them the rate `false_alarm`, or with their usual ones.
    """
    known = looks_at_truth(cycle, purchases, truth, looks=min(looks, cycle.histories.counts.shape[1]))
    return compare_rules(
        known, false_alarm=false_alarm, purchases=watched_from, look_days=cycle.period_days, set_to=threshold
    )[1]


def looks_at_truth(cycle: LifeCycle, purchases: pd.DataFrame, truth: pd.DataFrame, *, looks: int) -> Looks:
    """Return the signs of decline at the last looks, and whether it had begun in truth.

    Parameters
    ----------
    cycle : LifeCycle
        Stages of the customers.
    purchases : DataFrame
        The purchases that it was made from.
    truth : DataFrame
        Table ``stages`` of the truth.
    looks : int
        Number of periods.

    Returns
    -------
    Looks
        One row a customer.
    """
    h, ids = cycle.histories, cycle.frame.index
    days = [cycle.as_of - dt.timedelta(days=h.period_days * back) for back in range(looks - 1, -1, -1)]
    late, silent, bought = (np.full((len(ids), looks), np.nan) for _ in range(3))
    for place, day in enumerate(days):
        stages = true_stages(truth, day=day).reindex(ids)
        codes = stages.cat.codes.to_numpy()
        late[:, place] = np.where(codes < 0, np.nan, codes >= 3)
        rows = purchases[purchases["day"] <= pd.Timestamp(day)].groupby("customer_id")["day"].agg(["max", "nunique"])
        rows = rows.reindex(ids)
        silent[:, place] = (pd.Timestamp(day) - rows["max"]).dt.days.to_numpy(dtype=np.float64)
        bought[:, place] = rows["nunique"].fillna(0.0)
    signs: dict[str, Floats] = {
        RULES[0]: cycle.filtered(looks)[..., -2:].sum(axis=2),
        RULES[1]: silent,
        RULES[2]: pace_sign(h, looks)[h.row],
    }
    return Looks(signs=signs, late=late, purchases=bought)
