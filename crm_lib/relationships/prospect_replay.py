"""Do the expected values of prospects hold? The whole procedure repeated on earlier days, against what came after."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from crm_lib.company import Company
from crm_lib.customers import Value
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.language import say
from crm_lib.relationships.prospect_data import CHANNEL, ProspectData, prospect_data
from crm_lib.relationships.prospect_model import CONVERSION_DAYS, Floats, ProspectModel
from crm_lib.statistics.resampling import studentised

RULES: Final = {
    "model": "expected value", "channel": "the channel's usual value", "newest": "the latest known first",
    "chance": "at random",
}  # fmt: skip
"""How prospects may be put in order, and what a reader calls it."""
FOLDS: Final = 4
AT_LEAST: Final = 2.0
_FEWEST = 50
_GROUPS = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class ProspectReplay:
    """Predictions of earlier `days` beside what came after.

    `frame`, one row a live prospect and day: ``day``, ``prospect_id``, ``cost``, ``actual`` (money that came of it),
    and by which each rule puts prospects in order: ``model`` (money expected), ``channel`` and ``newest``. `values`,
    one row a customer won after such a day: ``told`` and ``was`` (money). The `share` of prospects, or of the cost of
    winning them all, is looked at as the best.
    """

    frame: pd.DataFrame
    values: pd.DataFrame
    days: tuple[dt.date, ...]
    share: float
    horizon_days: int
    value_kind: Value
    currency: str
    seed: int

    def table(self) -> pd.DataFrame:
        """Return, by rule, ``lift`` (share of the money over share of prospects) and ``per_cost`` of the best."""
        rows = {name: {"lift": self.lift(name), "per_cost": self.per_cost(name)} for name in RULES}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("rule")

    def lift(self, rule: str = "model") -> Estimate:
        """Return the share of the money that the best prospects brought, over their share of prospects."""
        if rule == "chance":
            return Estimate.exact(1.0, n=len(self.frame), method="by definition")
        actual = self.frame["actual"]
        return self._ratio(actual * self.best(rule, self.share), actual * self.share, highest=1 / self.share)

    def per_cost(self, rule: str = "model") -> Estimate:
        """Return the money that came for each unit spent on winning the best, as far as the share of all cost goes."""
        best, cost = self.best(rule, self.share, by_cost=True), self.frame["cost"].fillna(0.0)
        return self._ratio(self.frame["actual"] * best, cost * best)

    def kept(self, share: float) -> Estimate:
        """Return the money that came over the money predicted, of those whom a share of all cost would have chosen.

        Who is chosen for a high prediction tends to have been predicted too high; this ratio has that in it.
        """
        best = self.best("model", share, by_cost=True)
        return self._ratio(self.frame["actual"] * best, self.frame["model"] * best)

    def groups(self) -> pd.DataFrame:
        """Return what was told and what came by group of predictions, lowest first, with intervals of what came."""
        place = np.ceil(self.frame["model"].rank() * min(_GROUPS, len(self.frame) // _GROUPS) / len(self.frame))
        rows = []
        for _, rows_of in self.frame.groupby(place):
            mean = self._ratio(rows_of["actual"], pd.Series(1.0, index=rows_of.index))
            told = {"prospects": len(rows_of), "told": rows_of["model"].mean(), "was": mean.value}
            rows.append({**told, "low": mean.low, "high": mean.high})
        return pd.DataFrame(rows, index=pd.RangeIndex(1, len(rows) + 1, name="tenth"))

    def best(self, rule: str, share: float, *, by_cost: bool = False) -> pd.Series[float]:
        """Return who was among the best of each day, as weights; those with the score at the edge share it."""
        rows = self.frame
        if rule == "chance":
            return pd.Series(share, index=rows.index)
        score, size = rows[rule], pd.Series(1.0, index=rows.index)
        if by_cost and rows["cost"].gt(0).all():
            size = rows["cost"]
            score = score if rule == "newest" else score / size
        held = size.groupby([rows["day"], -score]).sum()
        wanted = share * size.groupby(rows["day"]).sum()
        before = held.groupby(level=0).cumsum() - held
        part = ((wanted.reindex(held.index, level=0) - before) / held).clip(0.0, 1.0)
        return pd.Series(part.reindex(pd.MultiIndex.from_arrays([rows["day"], -score])).to_numpy(), index=rows.index)

    def _ratio(self, part: pd.Series[float], whole: pd.Series[float], *, highest: float = np.inf) -> Estimate:
        """Return the ratio of two sums; prospects, who may be live on several days, are the units drawn again."""
        ids = self.frame.loc[part.index, "prospect_id"]
        sums = pd.DataFrame({"part": part, "whole": whole}).groupby(ids.to_numpy()).sum().to_numpy()
        return ratio_of_sums(sums, highest=highest, seed=self.seed)


def ratio_of_sums(sums: Floats, *, highest: float = np.inf, seed: int = 0) -> Estimate:
    """Return the ratio of the sums of two columns with a studentised bootstrap interval over the rows."""
    n, method = len(sums), "studentised bootstrap over prospects"
    if n == 0 or sums[:, 1].sum() <= 0:
        return Estimate(value=np.nan, low=-np.inf, high=np.inf, n=n, method=method)

    def statistic(weights: Floats) -> tuple[Floats, Floats]:
        top, bottom = (weights @ sums).T
        bottom = np.where(bottom > 0, bottom, np.nan)
        ratio = top / bottom
        products = np.column_stack([sums[:, 0] ** 2, sums[:, 0] * sums[:, 1], sums[:, 1] ** 2])
        squares = (weights @ products * np.column_stack([np.ones_like(ratio), -2 * ratio, ratio**2])).sum(axis=1)
        # Rounding leaves a trace of spread where all rows have the same ratio.
        squares = np.where(squares > 1e-12 * top**2, squares, 0.0)
        return ratio[:, None], (np.sqrt(squares) / bottom)[:, None]

    value, low, high = (float(end[0]) for end in studentised(statistic, n, seed=seed))
    floor = 0.0 if sums[:, 0].min() >= 0 else -np.inf
    return Estimate(
        value=value, low=max(low, min(floor, value)), high=max(min(high, highest), value), n=n, method=method
    )


def replay_prospects(company: Company, now: ProspectData, *, share: float = 0.2, seed: int = 0) -> ProspectReplay:
    """Repeat the whole procedure on four earlier days and set its predictions beside what came after.

    On each day only that is used which was known on it; the model is fitted anew and predicts for the prospects then
    live. Beside it stand the rules of the trade: the channel's usual value, the latest known first, and chance.

    Parameters
    ----------
    company : Company
        The company.
    now : ProspectData
        What is known today, and with it what came after the earlier days.
    share : float
        Share of prospects, or of the cost of winning them all, looked at as the best.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    ProspectReplay
        Predictions and what came.

    Raises
    ------
    MissingData
        If prospects lack ``customer_id``, without which nobody can tell what a prospect brought.
    TooLittleData
        If there is no day of prediction with enough known before and enough time after.
    """
    if "customer_id" not in now.prospects:
        raise MissingData("prospects", ("customer_id",))
    prospects, values, days, horizon_days = [], [], [], now.horizon_days
    for fold in range(1, FOLDS + 1):
        day = company.as_of - dt.timedelta(days=horizon_days - 1 + CONVERSION_DAYS * fold)
        try:
            known = prospect_data(company, horizon_days=horizon_days, ending=day)
        except TooLittleData:
            break
        model = ProspectModel().fit(known)
        started = now.customers["started"]
        won = now.customers[(started > pd.Timestamp(day)) & (started <= _end(day))]
        days.append(day)
        values.append(pd.DataFrame({"told": model.value(won), "was": won["value"]}))
        prospects.append(_beside(model, known, now))
    if sum(map(len, prospects)) < _FEWEST:
        message = "needs at least {n} prospects live on days more than {days} days ago"
        raise TooLittleData(say(message, n=_FEWEST, days=horizon_days + CONVERSION_DAYS), table="prospects")
    return ProspectReplay(
        frame=pd.concat(prospects, ignore_index=True), values=pd.concat(values), days=tuple(days), share=share,
        horizon_days=horizon_days, value_kind=now.value_kind, currency=now.currency, seed=seed,
    )  # fmt: skip


def _beside(model: ProspectModel, known: ProspectData, now: ProspectData) -> pd.DataFrame:
    """Return the prospects live on a day with what each rule says of them, and what came of them in time."""
    live, day = known.live, known.as_of
    later = now.prospects.reindex(live.index)
    bought = later["seen"] + pd.to_timedelta(later["waited"] - 1, unit="D")
    won = later["converted"].eq(True) & (bought <= _end(day))
    came = later["customer_id"].map(now.customers["value"]).fillna(0.0)
    # Whether a channel's prospects are won is told by those long enough known.
    old = known.prospects[known.prospects["seen"] <= pd.Timestamp(day) - pd.Timedelta(days=CONVERSION_DAYS)]
    usual = _usual(old, old["converted"].astype(float), live) * _usual(known.customers, known.customers["value"], live)
    return pd.DataFrame(
        {
            "day": pd.Timestamp(day), "prospect_id": live.index, "cost": live["cost"].to_numpy(),
            "actual": np.where(won, came, 0.0), "model": model.predict(live)["gross"].to_numpy(), "channel": usual,
            "newest": -live["waited"].to_numpy(float),
        }
    )  # fmt: skip


def _end(day: dt.date) -> pd.Timestamp:
    return pd.Timestamp(day) + pd.Timedelta(days=CONVERSION_DAYS)


def _usual(past: pd.DataFrame, outcome: pd.Series[float], rows: pd.DataFrame) -> Floats:
    """Return the plain mean of the channel; of all, where the channel has no past."""
    overall = float(outcome.mean()) if len(outcome) else 0.0
    if CHANNEL not in past:
        return np.full(len(rows), overall)
    return np.asarray(rows[CHANNEL].map(outcome.groupby(past[CHANNEL]).mean()).fillna(overall), dtype=float)


def finding_prospects(replay: ProspectReplay, expected: Estimate | None = None) -> Finding:
    """Return whether the best prospects bring twice their share: at stake is what those chosen now are to bring."""
    return Finding(
        key="segments.prospects",
        claim="The best {share:share} of prospects bring at least {times:number0} times their share.",
        source="Textbook 4.3.1, identifying potential customers",
        estimate=replay.lift(),
        criterion=Criterion(low=AT_LEAST),
        sentence=(
            "On {days} earlier days the best {share:share} of {n:count} prospects brought {estimate} times their "
            "share of {kind:words}; chosen by channel {channel}, newest first {newest}."
        ),
        if_supported=(
            "Spend the budget for new customers down the list, best value for cost first; stop where the expected "
            "value no longer covers the cost."
        ),
        if_not_supported=(
            "Do not pay to select prospects by what is known today: it says too little. Ask one more question at first "
            "contact."
        ),
        if_undecided="Use this order for the next prospects and leave a tenth of the budget to chance as a comparison.",
        values={
            "share": replay.share, "times": AT_LEAST, "days": len(replay.days), "n": len(replay.frame),
            "kind": replay.value_kind, "channel": replay.lift("channel"), "newest": replay.lift("newest"),
        },
        currency=replay.currency,
        money_at_stake=expected,
        money_note="{kind:words} that the prospects chosen now are expected to bring, less the cost of winning them",
    )  # fmt: skip
