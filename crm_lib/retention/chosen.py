"""Campaigns whose customers were chosen, not drawn: like compared with like in two ways, each with a placebo."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from crm_lib.churn.amounts import value_between
from crm_lib.churn.experiments import CONTROLS, FEWEST
from crm_lib.company import Company
from crm_lib.customers import Value, facts, value_of
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.estimate import LEVEL, Estimate
from crm_lib.language import say
from crm_lib.relationships.truth import simulated_truth
from crm_lib.retention.arms import skewed_difference
from crm_lib.retention.read_out import ReadOut

_FOLDS, _ALIKE, _MOST = 5, 0.1, 0.95
"""Largest standardised difference of customers called alike, and chance of being chosen up to which others are."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ChosenCampaigns:
    """What campaigns to chosen customers seem to have changed in these, in their outcome window, costs taken off.

    `frame` by ``campaign``: ``customers`` chosen; Estimates of value a customer: ``plain`` (chosen less others),
    ``trend`` (difference-in-differences), ``alike`` (doubly robust, against others as likely to be chosen), and
    ``placebo`` and ``trend_placebo``, the same two of the days before the campaign, when it can have changed nothing;
    ``overlap`` (share of the chosen like whom there are others), ``apart_before`` and ``apart`` (largest standardised
    difference before and after weighting), ``busy`` (share of the chosen in another campaign at the time), ``sound``.
    `left_out` campaigns had too few customers or too little past.
    """

    frame: pd.DataFrame
    left_out: int
    value_kind: Value
    currency: str
    as_of: dt.date


def chosen_campaigns(company: Company, *, seed: int = 0) -> ChosenCampaigns:
    """Compare chosen customers with others of the same history, campaign by campaign.

    Parameters
    ----------
    company : Company
        The company.
    seed : int
        Seed of the folds.

    Returns
    -------
    ChosenCampaigns
        Comparisons, with what tells against them.

    Raises
    ------
    MissingData
        If there are no assignments with outcome windows.
    TooLittleData
        If no campaign that is over has 50 chosen customers and 50 others who had bought before, and three times its
        length of data before it.

    Notes
    -----
    Others are the control arm, else all who had bought before and are not in the campaign. A comparison is `sound` if
    nine tenths of the chosen have others like them, weighting leaves no difference above a tenth of a standard
    deviation, placebos find nothing, and both ways agree. Where customers were chosen by the very days of the placebo,
    it warns without need. Even a sound comparison may miss what the tables do not hold.
    """
    needed = ("campaign_id", "customer_id", "assigned_at", "arm", "outcome_from", "outcome_to")
    if not company.has("assignments", *needed):
        raise MissingData("assignments", needed)
    rows = company.table("assignments")
    drawn = rows.randomised.fill_null(False) if company.has("assignments", "randomised") else False
    cost = rows.cost.fill_null(0.0) if company.has("assignments", "cost") else 0.0
    frame: pd.DataFrame = rows.select(*needed, drawn=drawn, cost=cost).execute()
    days = ["assigned_at", "outcome_from", "outcome_to"]
    frame[days] = frame[days].apply(pd.to_datetime)
    frame["control"] = frame["arm"].str.strip().str.lower().isin(CONTROLS)
    over = frame[~frame["drawn"].astype(bool) & (frame["outcome_to"] <= pd.Timestamp(company.as_of))]
    told = {}
    for campaign, part in over.sort_values("assigned_at", kind="stable").groupby("campaign_id", sort=False):
        if (~part["control"]).sum() >= FEWEST:
            found = _compared(company, part, frame[frame["campaign_id"] != campaign], seed)
            told.update({} if found is None else {str(campaign): found})
    if not told:
        message = "needs a campaign that is over, to {n} chosen customers with a past thrice its length, and {n} others"
        raise TooLittleData(say(message, n=FEWEST), table="assignments")
    return ChosenCampaigns(
        frame=pd.DataFrame.from_dict(told, orient="index").rename_axis("campaign"), as_of=company.as_of,
        left_out=over["campaign_id"].nunique() - len(told), value_kind=value_of(company), currency=company.currency,
    )  # fmt: skip


def campaigns_beside_truth(company: Company, campaigns: ReadOut, chosen: ChosenCampaigns) -> pd.DataFrame:
    """Return what was told of a simulated company's campaigns beside what they changed.

    Parameters
    ----------
    company : Company
        The simulated company.
    campaigns : ReadOut
        Its randomised campaigns.
    chosen : ChosenCampaigns
        Those to chosen customers.

    Returns
    -------
    DataFrame
        By ``campaign``, with the arm: ``value``, ``low``, ``high`` and ``truth`` (money a customer, cost taken off).

    Raises
    ------
    TooLittleData
        If the company is not simulated.
    """
    truth, keys = simulated_truth(company, "uplift"), ["campaign_id", "arm"]
    true = truth.groupby(keys)["profit"].mean()
    told = [(" · ".join(map(str, key)), campaigns.frame["value"][key], true[key]) for key in campaigns.frame.index]
    drawn = company.frame("assignments", "customer_id", *keys).merge(truth, on=["customer_id", *keys])
    for name, each in chosen.frame["alike"].items():
        own = drawn[(drawn["campaign_id"] == name) & ~drawn["arm"].isin(CONTROLS)]
        told.append((say("{campaign}, chosen", campaign=name), each, own["profit"].mean()))
    rows = [(name, each.value, each.low, each.high, was) for name, each, was in told]
    return pd.DataFrame(rows, columns=["campaign", "value", "low", "high", "truth"]).set_index("campaign")


def _compared(company: Company, part: pd.DataFrame, rest: pd.DataFrame, seed: int) -> dict[str, Any] | None:
    first, last = part["outcome_from"].min(), part["outcome_to"].max()
    length = last - first + pd.Timedelta(days=1)
    # Spans of one length: the campaign's, and three before it.
    begins = [min(part["assigned_at"].min(), first) - number * length for number in (1, 2, 3)]
    if begins[-1] < pd.Timestamp(company.table("transactions").ordered_at.date().min().execute()):
        return None  # without a past there is nothing to compare by
    signs = {number: _signs(company, begins[number] + length) for number in (0, 1)}
    treated = part[~part["control"]].set_index("customer_id")
    others = signs[1].index.difference(treated.index)
    if part["control"].any():
        others = others.intersection(part.loc[part["control"], "customer_id"])
    chosen = signs[1].index.intersection(treated.index)
    if min(len(chosen), len(others)) < FEWEST:
        return None
    who = pd.DataFrame({"customer_id": chosen.append(others)})
    inside = np.repeat([True, False], [len(chosen), len(others)])
    spans = [(first, last), *((begin, begin + length - pd.Timedelta(days=1)) for begin in begins)]
    now, before, earlier, earliest = (
        value_between(company, who, *(pd.Series(day, who.index) for day in span)).to_numpy() for span in spans
    )
    profit = now - np.where(inside, treated["cost"].reindex(who["customer_id"]).fillna(0.0), 0.0)
    unit = company.currency
    x = [signs[number].loc[who["customer_id"]].to_numpy() for number in (0, 1)]
    pasts = ([before, earlier], [earlier, earliest])
    lagged = [np.column_stack([each, *past]) for each, past in zip(x, pasts, strict=True)]
    alike, overlap, apart = doubly_robust(lagged[0], profit, inside, seed=seed, unit=unit)
    placebo = doubly_robust(lagged[1], before, inside, seed=seed, unit=unit)[0]
    trend, back = (skewed_difference(y[inside], y[~inside], unit=unit)[0] for y in (profit - before, before - earlier))
    met = (rest["outcome_from"] <= last) & (rest["outcome_to"] >= first) & ~rest["control"]
    return {
        "customers": len(chosen), "plain": skewed_difference(profit[inside], profit[~inside], unit=unit)[0],
        "trend": trend, "alike": alike, "placebo": placebo, "trend_placebo": back, "overlap": overlap,
        "apart_before": apart[0], "apart": apart[1], "busy": float(chosen.isin(rest.loc[met, "customer_id"]).mean()),
        "sound": overlap >= 1 - _ALIKE and apart[1] <= _ALIKE and all(
            each.low <= at <= each.high
            for each, at in ((placebo, 0.0), (back, 0.0), (alike, trend.value), (trend, alike.value))
        ),
    }  # fmt: skip


def _signs(company: Company, day: pd.Timestamp) -> pd.DataFrame:
    """Return what was known of the customers on the day before, as normal as logarithms make it."""
    known = facts(company, (day - pd.Timedelta(days=1)).date(), parts=())
    names = ["recency", "rhythm", "tenure", "purchase_days_ever", "purchase_days", "spend"]
    return known[names].astype(float).clip(lower=0).transform(np.log1p)


def doubly_robust(
    x: np.ndarray, y: np.ndarray, treated: np.ndarray, *, seed: int = 0, unit: str = ""
) -> tuple[Estimate, float, tuple[float, float]]:
    """Return the mean effect on the treated, the share of them with others alike, and differences before and after.

    Augmented inverse probability weighting (Robins, Rotnitzky & Zhao 1994), cross-fitted (Chernozhukov et al. 2018):
    right if either the chance of being chosen or the expected outcome of the others is. Who is chosen almost surely has
    nobody to be compared with and is left out.
    """
    from sklearn.linear_model import LogisticRegression, RidgeCV
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler

    bent = StandardScaler(), PolynomialFeatures(2, include_bias=False), StandardScaler()
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
    chance = cross_val_predict(
        make_pipeline(*bent, LogisticRegression(max_iter=1000)), x, treated, cv=folds, method="predict_proba"
    )[:, 1]
    usual = np.empty(y.size)
    for learn, rest in folds.split(x, treated):
        learn = learn[~treated[learn]]
        model = make_pipeline(*bent, RidgeCV(alphas=np.logspace(-1, 4, 6)))
        usual[rest] = model.fit(x[learn], y[learn]).predict(x[rest])
    met = chance <= _MOST
    overlap = float(met[treated].mean())
    x, y, treated, chance, usual = x[met], y[met], treated[met], chance[met], usual[met]
    weight = np.where(treated, 1.0, -chance / (1 - chance))
    weight[~treated] *= treated.sum() / -weight[~treated].sum()
    value = float((weight * (y - usual)).sum() / treated.sum())
    influence = (weight * (y - usual) - treated * value) / treated.mean()
    reach = float(stats.norm.ppf((1 + LEVEL) / 2) * influence.std(ddof=1) / np.sqrt(y.size))
    spread = np.where((s := x[treated].std(axis=0)) > 0, s, 1.0)
    plain, left = x[treated].mean(axis=0) - x[~treated].mean(axis=0), weight @ x / treated.sum()
    return Estimate(
        value=value, low=value - reach, high=value + reach, n=y.size, unit=unit, method="cross-fitted AIPW, treated",
    ), overlap, (float(np.abs(plain / spread).max()), float(np.abs(left / spread).max()))  # fmt: skip
