"""Which prospects to win with a given budget: by expected value for each unit of cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib import language
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.relationships.prospects.model import ProspectModel
from crm_lib.relationships.prospects.validation import ProspectValidation
from crm_lib.statistics.resampling import Floats

REASONS = {
    "chosen": "brings most for its cost",
    "loss": "costs more than it is expected to bring",
    "budget": "the budget is spent on better ones",
    "no contact": "did not agree to be contacted",
    "no cost": "the cost of winning is not known",
}
"""Why a prospect was chosen or not, and what a reader is told."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ProspectRanking:
    """Prospects in order, and those chosen under the budget, as :func:`rank_prospects` made them.

    Parameters
    ----------
    frame : DataFrame
        Indexed by ``prospect_id``, the best first: ``rank`` from 1, ``chosen``, ``reason`` (key of `REASONS`),
        ``expected`` (value less cost, money) with ``low`` and ``high``, ``gross``, ``cost``, ``chance``, ``value``,
        ``alike`` and ``outside`` as of :meth:`ProspectModel.predict`.
    budget : float
        What may be spent; infinite for no limit.
    spent : float
        What winning the chosen costs.
    share_of_cost : float
        The same over the cost of winning all live prospects.
    promised : Estimate
        Money the chosen are expected to bring less cost, by the model alone.
    expected : Estimate
        The same, corrected by how predictions for prospects chosen in this way turned out on earlier days; missing
        without validation.
    bound : float
        More than this no choice within the budget can be expected to bring, by the model.
    model : ProspectModel
        The model.
    currency : str
        ISO code.
    cost : float or None
        Cost of winning any prospect that was given instead of that of the table.
    """

    frame: pd.DataFrame
    budget: float
    spent: float
    share_of_cost: float
    promised: Estimate
    expected: Estimate
    bound: float
    model: ProspectModel
    currency: str
    cost: float | None = None

    @property
    def chosen(self) -> pd.DataFrame:
        """The chosen prospects, the best first."""
        return self.frame[self.frame["chosen"]]


def rank_prospects(
    model: ProspectModel,
    validation: ProspectValidation | None = None,
    *,
    currency: str,
    budget: float | None = None,
    cost: float | None = None,
) -> ProspectRanking:
    """Put the live prospects in order and choose those to be won under a budget.

    Parameters
    ----------
    model : ProspectModel
        The fitted model; the live prospects are those it was fitted beside.
    validation : ProspectValidation, optional
        Predictions of earlier days beside what came, by which the total is corrected.
    currency : str
        ISO code.
    budget : float, optional
        What may be spent on winning; by default whoever is expected to bring more than the cost is chosen.
    cost : float, optional
        Cost of winning any prospect, where it is not that of the table.

    Returns
    -------
    ProspectRanking
        All live prospects in order.

    Raises
    ------
    MissingData
        If no prospect's cost is known and none is given.
    TooLittleData
        If there is no live prospect.
    ValueError
        If the budget or the cost is negative.

    Notes
    -----
    Under a budget *B* the choice maximises :math:`\\sum (P_i V_i - c_i)` with :math:`\\sum c_i \\le B`. If fractions of
    prospects could be had, taking them in order of :math:`P_i V_i / c_i` while they bring more than they cost would be
    optimal (Dantzig); that optimum is the bound. Whole prospects are taken in the same order, passing over those that
    no longer fit; with equal costs this is optimal, otherwise it falls short of the bound by less than one prospect's
    expected value.

    The chosen are those with the highest predictions, and of these more are too high than too low (the winner's
    curse). So the corrected total multiplies what they are predicted to bring by the ratio of money that came to money
    predicted for those that the same share of the cost would have chosen on earlier days.

    References
    ----------
    Dantzig, G. B. (1957). Discrete-variable extremum problems. Operations Research 5(2), 266-288.
    """
    if (budget is not None and budget < 0) or (cost is not None and cost < 0):
        raise ValueError(f"budget ({budget}) and cost ({cost}) must not be negative")
    rows = model.training_.open
    if rows.empty:
        message = language.text("no prospect became known in the last {days} days who has not bought yet")
        raise TooLittleData(message.format(days=model.training_.live_days), table="prospects")
    if cost is not None:
        rows = rows.assign(cost=float(cost))
    if rows["cost"].isna().all():
        raise MissingData("prospects", ("acquisition_cost",))
    limit = np.inf if budget is None else float(budget)
    found = model.predict(rows)
    gross, costs = found["gross"].to_numpy(), found["cost"].to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(costs > 0, gross / costs, np.where(costs == 0, np.inf, -np.inf))
    # Equal ratios: the larger value first, then by number, so that the order of rows does not matter.
    order = np.lexsort([rows.index.to_numpy(dtype=object).astype(str), -gross, -ratio])
    reason = np.where(ratio > 1, "budget", "loss").astype(object)
    if "contact_allowed" in rows:
        # Who did not answer did not agree.
        reason[~rows["contact_allowed"].eq(True).fillna(value=False).to_numpy(dtype=bool)] = "no contact"
    reason[~np.isfinite(costs)] = "no cost"
    eligible = order[reason[order] == "budget"]
    taken = eligible[_greedy(costs[eligible], limit)]
    reason[taken] = "chosen"
    frame = found.assign(chosen=reason == "chosen", reason=reason).iloc[order]
    frame.insert(0, "rank", np.arange(1, len(frame) + 1))
    names = [
        "rank",
        "chosen",
        "reason",
        "expected",
        "low",
        "high",
        "gross",
        "cost",
        "chance",
        "value",
        "alike",
        "outside",
    ]
    spent, all_cost = float(costs[taken].sum()), float(np.nansum(costs))
    share = spent / all_cost if all_cost > 0 else len(taken) / len(rows)
    total = model.total(rows.iloc[taken])
    return ProspectRanking(
        frame=frame[names],
        budget=limit,
        spent=spent,
        share_of_cost=share,
        promised=_less(total, spent, currency),
        expected=corrected_total(total.value, spent, share, validation, currency=currency),
        bound=_bound(gross[eligible], costs[eligible], limit),
        model=model,
        currency=currency,
        cost=cost,
    )


def corrected_total(
    gross: float,
    spent: float,
    share: float,
    validation: ProspectValidation | None,
    *,
    currency: str,
    level: float = 0.95,
) -> Estimate:
    """Return what chosen prospects are expected to bring less cost, corrected by how such choices turned out.

    Parameters
    ----------
    gross : float
        Money they are predicted to bring.
    spent : float
        Cost of winning them.
    share : float
        The same over the cost of winning all live prospects.
    validation : ProspectValidation or None
        Predictions of earlier days beside what came.
    currency : str
        ISO code.
    level : float
        Nominal coverage.

    Returns
    -------
    Estimate
        Missing without validation, or if nobody is chosen.
    """
    method = "prediction times money that came over money predicted for such choices on earlier days"
    if validation is None or gross <= 0 or share <= 0:
        return Estimate(value=np.nan, low=-np.inf, high=np.inf, n=0, method=method, unit=currency, level=level)
    kept = validation.kept_promise(share=share, level=level)
    value, low, high = (gross * end - spent for end in (kept.value, kept.low, kept.high))
    return Estimate(value=value, low=low, high=high, n=kept.n, method=method, unit=currency, level=level)


def _less(total: Estimate, spent: float, currency: str) -> Estimate:
    ends = {"value": total.value - spent, "low": total.low - spent, "high": total.high - spent}
    return Estimate(**ends, n=total.n, method=total.method, unit=currency, level=total.level)


def _greedy(costs: Floats, budget: float) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the places taken in order while they fit, passing over those that do not."""
    fits = np.cumsum(costs) <= budget * (1 + 1e-12)
    first = len(costs) if fits.all() else int(np.argmin(fits))
    taken = list(range(first))
    left, place = budget - float(costs[:first].sum()), first
    while place < len(costs):
        smaller = np.flatnonzero(costs[place:] <= left)
        if smaller.size == 0:
            break
        place += int(smaller[0])
        taken.append(place)
        left -= float(costs[place])
        place += 1
    return np.array(taken, dtype=np.int64)


def _bound(gross: Floats, costs: Floats, budget: float) -> float:
    """Return the value less cost of the best choice if fractions could be had; the order is that of the ratio."""
    before = np.cumsum(costs) - costs
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(costs > 0, np.clip((budget - before) / costs, 0.0, 1.0), 1.0)
    return float((part * (gross - costs)).sum())
