"""Whom to win back, with which offer, at what cost: learnt from a campaign with a control group where there is one."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.linear_model import LinearRegression, LogisticRegression

from crm_lib.churn.amounts import YEAR, value_before, value_between, welch
from crm_lib.churn.definition import Churned
from crm_lib.churn.experiments import experiment
from crm_lib.churn.reasons import CAUSES, known_departures
from crm_lib.company import Company
from crm_lib.customers import Value, facts, purchase_days, value_of
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.estimate import LEVEL, Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.language import say
from crm_lib.segments.target_lists import contact_permission
from crm_lib.segments.value.tiers import TIERS, value_tiers

EFFORTS: Final = {
    "key": "Strongly: call in person, then the offer",
    "major": "Try: the offer, and a call if there is no answer",
    "ordinary": "Case by case: the offer where it pays",
    "small": "None",
}
"""The textbook's effort by tier."""
NEVER: Final = {
    "never_profitable": "never brought a profit",
    "broke_contracts": "broke a contract or was given up by the company",
    "hurt_staff": "hurt the staff",
    "harms_reputation": "would harm the company's reputation",
}
"""The four kinds never to win back; the last two are columns of the company's table of customers."""
_YES = ("true", "yes", "y", "t", "1", "1.0")
_RESAMPLES = 30
_FEWEST = 30


@dataclass(frozen=True, kw_only=True, eq=False)
class WinBackTrial:
    """The campaign to the lost: who was in which arm, and what came of it.

    `frame`, a row a customer: ``arm``, ``returned`` (bought in the outcome window), ``before`` and ``after`` (brought
    in the year up to the last purchase, and from the campaign on; money), ``profit`` (after, less cost), ``tier``,
    ``lapse`` (days of silence) and ``cause``. `effects` by tier, and of ``all``: what the best `offer` earns more than
    the control a customer, Estimates of money.
    """

    frame: pd.DataFrame
    offer: str
    effects: dict[str, Estimate]
    value_kind: Value


@dataclass(frozen=True, kw_only=True, eq=False)
class WinBackPlan:
    """Whom to win back, the most money per unit of cost first, until the budget is spent.

    `frame` by ``customer_id``: ``tier``, ``cause``, ``lapse``, ``offer``, ``chance`` to return because of it,
    ``before``, ``second`` (what a year after returning brings), ``cost``, ``gain``, ``effort`` and ``reason``.
    `left_out` by reason counts the gone who are not in it. Without a `trial`, chance is an assumption.
    """

    frame: pd.DataFrame
    left_out: pd.Series
    trial: WinBackTrial | None
    seed: int
    value_kind: Value
    as_of: dt.date
    currency: str

    @cached_property
    def gain(self) -> Estimate:
        """What the plan is expected to bring (money), with the interval of models learnt again from resamples."""
        total, n = float(self.frame["gain"].sum()), len(self.frame)
        if self.trial is None or not n:
            return Estimate.exact(total, n=n, unit=self.currency, method="assumed")
        rng, arms = np.random.default_rng(self.seed), self.trial.frame.groupby("arm")
        drawn = (arms.sample(frac=1.0, replace=True, random_state=rng) for _ in range(_RESAMPLES))
        again = [_Returning(rows).told(self.frame, self.frame["cost"] * 0.0)["gain"].sum() for rows in drawn]
        # Few resamples tell the spread less surely: Student's quantile allows for it.
        reach = float(stats.t.ppf((1 + LEVEL) / 2, _RESAMPLES - 1) * np.std(again, ddof=1))
        return Estimate(value=total, low=total - reach, high=total + reach, n=n, unit=self.currency, method="bootstrap")

    def tried(self) -> WinBackTrial:
        """Return the campaign; TooLittleData where none had a randomised control group."""
        if self.trial is None:
            raise TooLittleData(say("no campaign to win back had a randomised control group"), table="assignments")
        return self.trial


def winback_trial(company: Company) -> WinBackTrial:
    """Return what came of the company's randomised campaigns to win back that began a year ago or longer."""
    rows = experiment(company, win_back=True)
    days = (pd.Timestamp(company.as_of) - rows["assigned_at"]).dt.days
    rows = rows[days >= YEAR - 1].drop_duplicates("customer_id").reset_index(drop=True)
    few = TooLittleData(say("needs {n} returns in campaigns to win back, a year ago or longer", n=_FEWEST))
    if rows.empty:
        raise few
    bought = purchase_days(company).merge(rows[["customer_id", "assigned_at", "outcome_from", "outcome_to"]])
    earlier = bought[bought["day"] < bought["assigned_at"]].groupby("customer_id")["day"].max()
    last = rows["customer_id"].map(earlier)
    rows, last = (each[last.notna()].reset_index(drop=True) for each in (rows, last))
    inside = bought["day"].between(bought["outcome_from"], bought["outcome_to"])
    rows["returned"] = rows["customer_id"].isin(bought.loc[inside, "customer_id"])
    rows["before"] = value_before(company, rows, last)
    end = rows["assigned_at"] + pd.Timedelta(days=YEAR - 1)
    rows["after"] = value_between(company, rows, rows["assigned_at"], end)
    rows["profit"] = rows["after"] - rows["cost"]
    rows["lapse"] = (rows["assigned_at"] - last).dt.days
    rows["tier"] = _tier(company, rows["before"]).to_numpy()
    rows["cause"] = _causes(company, rows["customer_id"], rows["assigned_at"]).to_numpy()
    offers = rows[rows["arm"] != "control"].groupby("arm")["profit"].mean()
    if rows["returned"].sum() < _FEWEST or offers.empty or not (rows["arm"] == "control").any():
        raise few
    offer = str(offers.idxmax())
    groups = {"all": rows, **{tier: rows[rows["tier"] == tier] for tier in TIERS}}
    effects = {name: _effect(group, offer, company.currency) for name, group in groups.items()}
    effects = {name: each for name, each in effects.items() if np.isfinite(each.low)}
    return WinBackTrial(frame=rows, offer=offer, effects=effects, value_kind=value_of(company))


def _effect(rows: pd.DataFrame, offer: str, unit: str) -> Estimate:
    one, other = (rows.loc[rows["arm"] == arm, "profit"].to_numpy() for arm in (offer, "control"))
    return welch(one, other, unit=unit, fewest=_FEWEST)[0]


def _tier(company: Company, value: pd.Series[float]) -> pd.Series:
    """Return the tiers of values of a year, by the cut points of today's customers."""
    cuts = value_tiers(facts(company, parts=())[value_of(company)].astype(float)).cut_points
    return value_tiers(value, cut_points=cuts).frame["tier"].astype(str)


def _causes(company: Company, customers: pd.Series[str], day: pd.Series) -> pd.Series[str]:
    """Return why each customer had left by a day, as far as it was known then."""
    try:
        known = known_departures(company).dropna(subset=["cause"])
    except MissingData:
        return pd.Series("not known", index=customers.index)
    asked = pd.DataFrame({"customer_id": customers.to_numpy(), "day": day.to_numpy()})
    told = asked.reset_index().merge(known, on="customer_id")
    last = told[told["departed_at"] <= told["day"]].drop_duplicates("index", keep="last").set_index("index")["cause"]
    return last.reindex(asked.index).fillna("not known").set_axis(customers.index)


class _Returning:
    """Chance to return by offer and cause (value and silence before add nothing); second life; cost of an offer."""

    def __init__(self, rows: pd.DataFrame) -> None:
        self._offers = sorted(set(rows["arm"]) - {"control"})
        self._chance = LogisticRegression(max_iter=1000).fit(self._signs(rows, rows["arm"]), rows["returned"])
        back = rows[rows["returned"]]
        self._second = LinearRegression().fit(back[["before"]].clip(lower=0.0), back["after"])
        spent = rows.groupby(["arm", "returned"])["cost"].mean().to_dict()
        self._costs = {each: [spent.get((each, came), 0.0) for came in (False, True)] for each in self._offers}

    def _signs(self, rows: pd.DataFrame, arm: pd.Series | str) -> np.ndarray:
        arms = pd.Series(arm, index=rows.index)
        columns = [(arms == offer).astype(float) for offer in self._offers]
        columns += [(rows["cause"] == cause).astype(float) for cause in CAUSES]
        return np.column_stack(columns)

    def told(self, rows: pd.DataFrame, calls: pd.Series[float]) -> pd.DataFrame:
        """Return the best offer for each customer, with chance to return because of it, second life, cost and gain."""
        usual = self._chance.predict_proba(self._signs(rows, "control"))[:, 1]
        second = self._second.predict(rows[["before"]].clip(lower=0.0)).clip(min=0.0)
        tables = []
        for offer in self._offers:
            chance = self._chance.predict_proba(self._signs(rows, offer))[:, 1]
            stays, returns = self._costs[offer]
            cost = stays + (returns - stays) * chance + calls.to_numpy()
            each = {"offer": offer, "chance": chance - usual, "second": second, "cost": cost}
            tables.append(pd.DataFrame({**each, "gain": each["chance"] * second - cost}, index=rows.index))
        best = np.argmax([each["gain"].to_numpy() for each in tables], axis=0)
        told: pd.DataFrame = pd.concat(tables).iloc[best * len(rows) + np.arange(len(rows))]
        return told


def winback_plan(
    company: Company, churned: Churned, *, budget: float | None = None, contact_cost: float = 3.5,
    offer_cost: float = 5.0, assumed_return: float = 0.05, seed: int = 0,
) -> WinBackPlan:  # fmt: skip
    """Plan whom to win back under a budget.

    The gain of an offer is the chance to return *because of it* times what a year after returning brings, less its
    cost. Chances are learnt from the company's randomised campaign; where there is none, `assumed_return` stands for
    them, the value before for the value after, and `offer_cost` for what those who return cost.

    Parameters
    ----------
    company : Company
        The company.
    churned : Churned
        Who has left.
    budget : float, optional
        What may be spent (money); by default on whoever is worth it.
    contact_cost : float
        Cost of a call, which key customers get besides the offer (money).
    offer_cost, assumed_return : float
        Cost of an offer taken (money), and share who return because of it, where no campaign tells.
    seed : int
        Seed of the resamples behind the interval.

    Returns
    -------
    WinBackPlan
        The plan, and why others are left out.

    Raises
    ------
    TooLittleData
        If nobody is gone.
    ValueError
        If the budget or a cost is negative, or the share is none.
    """
    if min(budget or 0.0, contact_cost, offer_cost) < 0 or not 0 < assumed_return < 1:
        raise ValueError("budget and costs must not be negative, and assumed_return must lie between 0 and 1")
    gone = churned.frame.index[churned.frame["gone"]]
    if gone.empty:
        raise TooLittleData(say("nobody is gone"))
    known = facts(company, parts=()).loc[gone]
    rows = pd.DataFrame({"customer_id": gone, "lapse": known["recency"].to_numpy()}, index=gone)
    rows["before"] = value_before(company, rows, known["last_purchase"])
    rows["tier"] = _tier(company, rows["before"])
    rows["cause"] = _causes(company, rows["customer_id"], pd.Series(pd.Timestamp(company.as_of), index=gone))
    try:
        trial: WinBackTrial | None = winback_trial(company)
    except MissingData:
        trial = None
    reason = _left_out(company, churned, rows, known, trial)
    rows = rows[reason == ""]
    calls = (rows["tier"] == "key") * contact_cost
    if trial is None:
        told = pd.DataFrame({"offer": "offer", "chance": assumed_return, "second": rows["before"].clip(lower=0.0)})
        told = told.assign(cost=calls + contact_cost + offer_cost * assumed_return)
        told["gain"] = told["chance"] * told["second"] - told["cost"]
    else:
        told = _Returning(trial.frame).told(rows, calls)
    rows = rows.join(told)
    worth = rows["gain"] > 0
    reason[rows.index[~worth]] = "would cost more than it brings"
    ratio = (rows["gain"] / rows["cost"].clip(lower=1e-9))[worth]
    plan = rows.loc[ratio.sort_index().sort_values(ascending=False, kind="stable").index]
    if budget is not None:
        within = plan["cost"].cumsum() <= budget
        reason[plan.index[~within]] = "beyond the budget"
        plan = plan[within]
    words = "{x:share} return because of it{assumed} and bring {y:money} a year; costs {z:money}; silent {lapse} days"
    same = {"assumed": say(" (an assumption)") if trial is None else "", "currency": company.currency}
    told_why = [say(words, x=r.chance, y=r.second, z=r.cost, lapse=r.lapse, **same) for r in plan.itertuples()]
    plan = plan.drop(columns="customer_id").assign(effort=plan["tier"].map(EFFORTS), reason=told_why)
    return WinBackPlan(
        frame=plan.rename_axis("customer_id"), left_out=reason[reason != ""].value_counts().rename("customers"),
        seed=seed, trial=trial, value_kind=value_of(company),
        as_of=company.as_of, currency=company.currency,
    )  # fmt: skip


def _left_out(
    company: Company, churned: Churned, rows: pd.DataFrame, known: pd.DataFrame, trial: WinBackTrial | None
) -> pd.Series[str]:
    """Return why a customer is not to be won back, the gravest reason first; empty where nothing speaks against it."""
    end = pd.Series(pd.Timestamp(company.as_of), index=rows.index)
    ended = churned.frame.loc[rows.index, "state"] == "contract ended by the company"
    flags = {
        "never_profitable": value_between(company, rows, known["first_purchase"], end) <= 0,
        "broke_contracts": ended | (rows["cause"] == "given_up"),
    }
    for name in ("hurt_staff", "harms_reputation"):
        if company.has("customers", name):
            told = company.frame("customers", "customer_id", name)
            yes = told.loc[told[name].astype(str).str.strip().str.lower().isin(_YES), "customer_id"]
            flags[name] = pd.Series(rows.index.isin(yes), index=rows.index)
    allowed = contact_permission(company)
    reasons = {NEVER[name]: flags[name] for name in NEVER if name in flags}
    if allowed is not None:
        reasons["did not agree to be contacted"] = ~allowed.reindex(rows.index, fill_value=False).astype(bool)
    reasons["small customer"] = rows["tier"] == "small"
    if trial is not None:
        seen = trial.frame["lapse"]
        reasons["silent for shorter or longer than any campaign tried"] = ~rows["lapse"].between(seen.min(), seen.max())
    chosen = np.select([each.to_numpy() for each in reasons.values()], list(reasons), "")
    return pd.Series(chosen, index=rows.index, dtype=object)


def finding_winback(trial: WinBackTrial, plan: WinBackPlan) -> Finding:
    """Return whether the offer to lost customers earned more than it cost, against customers left alone."""
    back = trial.frame.groupby("arm")["returned"].mean()
    return Finding(
        key="churn.winback",
        claim="Winning back lost customers earns more than it costs.",
        source="Textbook 4.3.4: win-back",
        estimate=trial.effects["all"],
        criterion=Criterion(low=0.0),
        sentence=(
            "Of lost customers offered '{offer}', {share:share} came back, of those left alone {usual:share}: "
            "{estimate} a customer within a year, after costs."
        ),
        if_supported="Carry out the plan for {n:count} customers, the most money per cost first, with a control group.",
        if_not_supported="Do not write to lost customers at this cost; ask why they left instead.",
        if_undecided="Try the plan on a part, with a control group, before spending on all.",
        values={
            "offer": trial.offer.replace("_", " "), "share": float(back[trial.offer]), "usual": float(back["control"]),
            "n": len(plan.frame),
        },
        currency=plan.currency,
        money_at_stake=plan.gain,
        money_note="expected gain of today's plan in a year, after costs",
    )  # fmt: skip


def finding_small(trial: WinBackTrial) -> Finding:
    """Return whether small customers are not worth winning back, as the textbook says."""
    if "small" not in trial.effects:
        message = "needs {n} small customers in the offer and the control of a campaign to win back"
        raise TooLittleData(say(message, n=_FEWEST), table="assignments")
    return Finding(
        key="churn.small",
        claim="Small customers are not worth winning back.",
        source="Textbook 4.3.4: effort by tier",
        estimate=trial.effects["small"],
        criterion=Criterion(high=0.0),
        sentence="Among small customers the offer earned {estimate} a customer within a year, after costs.",
        if_supported="Leave small customers alone, as the textbook says.",
        if_not_supported="Write to small customers too, by an automatic letter: the rule of no effort costs money.",
        if_undecided="Keep small customers out of the plan until a campaign has tried more of them.",
        currency=trial.effects["small"].unit,
    )  # fmt: skip
