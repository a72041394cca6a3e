"""Which prospects to win with a given budget, and whether the ranking keeps to good principles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from statsmodels.regression.linear_model import OLS

from crm_lib.errors import MissingData, TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Verdict
from crm_lib.language import say
from crm_lib.relationships.prospect_data import LIVE_DAYS
from crm_lib.relationships.prospect_model import Floats, ProspectModel
from crm_lib.relationships.prospect_replay import ProspectReplay

REASONS: Final = {
    "chosen": "brings most for its cost",
    "loss": "costs more than it is expected to bring",
    "budget": "the budget goes to better ones",
    "no contact": "has not agreed to be contacted",
    "no cost": "the cost of winning is not known",
}
"""Why a prospect was chosen or not, and what a reader is told."""
FEW_ALIKE: Final = 30
"""Past customers below which a category says little."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ProspectRanking:
    """Prospects in order, the best first, and those chosen under the budget.

    `frame` by ``prospect_id``: ``rank``, ``chosen``, ``reason`` (key of :data:`REASONS`), and the columns of
    :meth:`ProspectModel.predict`. `spent` is what winning the chosen costs, `expected` what they are expected to bring
    less cost, corrected by how such choices turned out on earlier days. `principles` by ``principle``: ``measured``
    (what the number is), ``evidence`` (Estimate) and ``kept_to`` ("yes", "no" or "open").
    """

    frame: pd.DataFrame
    spent: float
    expected: Estimate
    principles: pd.DataFrame
    currency: str

    @property
    def chosen(self) -> pd.DataFrame:
        """The chosen prospects, the best first."""
        return self.frame[self.frame["chosen"]]


def rank_prospects(model: ProspectModel, replay: ProspectReplay, *, budget: float | None = None) -> ProspectRanking:
    """Put the live prospects in order and choose those to be won under a budget.

    Parameters
    ----------
    model : ProspectModel
        The fitted model; the live prospects are those of its data.
    replay : ProspectReplay
        Predictions of earlier days, by which the total is corrected.
    budget : float, optional
        What may be spent; by default whoever is expected to bring more than the cost is chosen.

    Returns
    -------
    ProspectRanking
        All live prospects in order.

    Raises
    ------
    MissingData
        If no prospect's cost is known.
    TooLittleData
        If there is no live prospect.
    ValueError
        If the budget is negative.

    Notes
    -----
    Taking prospects in order of value for each unit of cost while they bring more than they cost is optimal if
    fractions of prospects could be had (Dantzig 1957, Operations Research 5, 266-288); whole ones are taken in this
    order, passing over those that no longer fit. The chosen have the highest predictions, and of these more are too
    high than too low; so the total is multiplied by money that came over money predicted for such choices on earlier
    days.
    """
    if budget is not None and budget < 0:
        raise ValueError(f"budget must not be negative, and is {budget}")
    rows = model.data_.live
    if rows.empty:
        message = "needs prospects who became known in the last {days} days and have not bought yet"
        raise TooLittleData(say(message, days=LIVE_DAYS), table="prospects")
    if rows["cost"].isna().all():
        raise MissingData("prospects", ("acquisition_cost",))
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
    left = np.inf if budget is None else float(budget) * (1 + 1e-12)
    for place in order[reason[order] == "budget"]:
        if costs[place] <= left:
            reason[place], left = "chosen", left - costs[place]
    frame = found.assign(reason=reason, chosen=reason == "chosen").iloc[order]
    frame.insert(0, "rank", np.arange(1, len(frame) + 1))
    chosen = frame[frame["chosen"]]
    spent, all_cost = float(chosen["cost"].sum()), float(np.nansum(costs))
    share = spent / all_cost if all_cost > 0 else len(chosen) / len(rows)
    expected = _corrected(float(chosen["gross"].sum()), spent, share, replay)
    principles = _principles(chosen, expected, replay)
    return ProspectRanking(frame=frame, spent=spent, expected=expected, principles=principles, currency=replay.currency)


def _corrected(gross: float, spent: float, share: float, replay: ProspectReplay) -> Estimate:
    method, unit = "prediction times money that came over money predicted on earlier days", replay.currency
    if gross <= 0 or share <= 0:
        return Estimate(value=np.nan, low=-np.inf, high=np.inf, n=0, method=method, unit=unit)
    kept = replay.kept(share)
    value, low, high = (gross * end - spent for end in (kept.value, kept.low, kept.high))
    return Estimate(value=value, low=low, high=high, n=kept.n, method=method, unit=unit)


def _principles(chosen: pd.DataFrame, expected: Estimate, replay: ProspectReplay) -> pd.DataFrame:
    """Return whether the ranking keeps to four principles of looking for customers, a number each."""
    careful = float((chosen["alike"] < FEW_ALIKE).mean()) if len(chosen) else np.nan
    uncertain = Estimate(
        value=careful, low=np.nan_to_num(careful), high=np.nan_to_num(careful, nan=1.0), n=len(chosen), method="count",
        unit="share",
    )  # fmt: skip
    slope = _slope(replay.values)
    rows = {
        "Give up the average customer": ("times their share that the best brought", replay.lift(), Criterion(low=1.0)),
        "Look for lasting characteristics": ("of the differences told, part that came", slope, Criterion(low=0.5)),
        "Take the finances seriously": ("expected from the chosen, less cost", expected, Criterion(low=0.0)),
        "Know when to be careful": ("of the chosen, part with few alike in the past", uncertain, Criterion(high=0.2)),
    }
    words = {Verdict.SUPPORTED: "yes", Verdict.NOT_SUPPORTED: "no", Verdict.UNDECIDED: "open"}
    told = {
        name: {"measured": measured, "evidence": evidence, "kept_to": words[criterion.verdict(evidence)]}
        for name, (measured, evidence, criterion) in rows.items()
    }
    return pd.DataFrame.from_dict(told, orient="index").rename_axis("principle")


def _slope(values: pd.DataFrame) -> Estimate:
    """Return how much more new customers brought for each unit more that was told of them on an earlier day (HC3)."""
    told, was = values["told"].to_numpy(float), values["was"].to_numpy(float)
    n, method = len(values), "least squares, HC3 errors"
    if n < 3 or np.ptp(told) <= 1e-9 * abs(told).max():
        return Estimate(value=np.nan, low=-np.inf, high=np.inf, n=n, method=method)
    design: Floats = np.column_stack([np.ones(n), told])
    fit = OLS(was, design).fit(cov_type="HC3", use_t=True)
    low, high = fit.conf_int()[1]
    return Estimate(value=float(fit.params[1]), low=float(low), high=float(high), n=n, method=method)
