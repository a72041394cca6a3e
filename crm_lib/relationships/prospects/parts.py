"""The two halves of a prospect's expected value: what a new customer brings, and who becomes one in time."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t as student

from crm_lib.relationships.prospects.coding import Coding, learn_coding
from crm_lib.relationships.prospects.training import CHANNEL
from crm_lib.statistics.pooled_rates import Ints, PooledRates, closeness, pooled_rates
from crm_lib.statistics.resampling import Floats

Bools = NDArray[np.bool_]

RULES = {"alike": "everybody alike", "channel": "by channel", "all": "by all that is known"}
"""The rules from the simplest to the one that uses most, and what a reader calls them."""
BANDS = np.array([0.0, 1.0, 7.0, 14.0, 28.0, 42.0, 63.0, 91.0, 126.0, 182.0, 364.0, np.inf])
"""Days known: within each band the rate of conversion is taken as constant."""
LATE = BANDS[:-1] >= 28.0
"""Bands in which the effect of the channel may be another: whoever of a poor channel would buy has bought by then."""
MOST_ROWS = 100_000
"""Of more past cases than this the latest are learned from."""
_VALUE_POWER = 2.0
"""What customers bring scatters in proportion to its mean."""
_LEVEL_SHARE = 0.25
"""Share of the cases, the latest, whose level counts."""
_DRIFT = 0.1
"""Standard deviation, as a logarithm, that the level of the latest cases is thought to have about that of all."""
_LEVEL = 0.95


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """A fitted half: rates by category and the level of the latest cases.

    Parameters
    ----------
    coding : Coding
        The attributes it uses.
    rates : PooledRates
        Effects of their categories.
    level, level_variance : float
        Logarithm of the factor by which the latest cases lie above, and its variance.
    rule : str
        Key of `RULES`.
    trials : DataFrame
        The rules tried on later cases than they had learned from: ``closeness``, its gain on the rule in force with
        ``low`` and ``high``, and whether the rule was ``taken``.
    """

    coding: Coding
    rates: PooledRates
    level: float
    level_variance: float
    rule: str
    trials: pd.DataFrame

    def unseen(self, frame: pd.DataFrame) -> Floats:
        """Return the variance that categories never seen add to the logarithm of each row's mean.

        Parameters
        ----------
        frame : DataFrame (n rows)
            The attributes.
        """
        more = np.zeros(len(frame))
        for number, attribute in enumerate(self.coding.attributes):
            more += np.where(attribute.codes(frame[attribute.name]) < 0, self.rates.spread[number] ** 2, 0.0)
        return more


@dataclass(frozen=True, kw_only=True, eq=False)
class _Cases:
    """Cases in order of time: one row a case, or a row for each case and band of waiting."""

    frame: pd.DataFrame
    row: Ints
    band: Ints | None
    outcome: Floats
    exposure: Floats
    power: float
    dispersion: float | None

    def part(self, kept: Bools) -> _Cases:
        rows = kept[self.row]
        places = np.cumsum(kept) - 1
        return dataclasses.replace(
            self,
            frame=self.frame[kept],
            row=places[self.row[rows]],
            band=None if self.band is None else self.band[rows],
            outcome=self.outcome[rows],
            exposure=self.exposure[rows],
        )

    def fit(self, names: Sequence[str]) -> tuple[Coding, PooledRates]:
        coding = learn_coding(self.frame, names)
        rates = pooled_rates(
            self.design(coding), self.outcome, self.groups(coding),
            offset=np.log(self.exposure), power=self.power, dispersion=self.dispersion,
        )  # fmt: skip
        return coding, rates

    def design(self, coding: Coding) -> Floats:
        design = coding.design(self.frame)[self.row]
        if self.band is None:
            return design
        later = design[:, channel_columns(coding)] * LATE[self.band][:, None]
        return np.concatenate([design, later, np.eye(len(BANDS) - 1)[self.band]], axis=1)

    def groups(self, coding: Coding) -> Ints:
        groups = coding.groups
        if self.band is None:
            return groups
        for columns in (int(channel_columns(coding).sum()), len(BANDS) - 1):
            groups = np.concatenate([groups, np.full(columns, groups.max() + 1)])
        return groups

    def mean(self, coding: Coding, rates: PooledRates) -> Floats:
        return self.exposure * np.exp(rates.log_mean(self.design(coding)))


def learn_value(customers: pd.DataFrame, attributes: Sequence[str], *, rule: str, late_share: float) -> Part:
    """Learn what a new customer brings from past ones.

    Parameters
    ----------
    customers : DataFrame
        The attributes, ``started`` and ``value``.
    attributes : sequence of str
        The attributes that may be used.
    rule : str
        Key of `RULES`, or ``"auto"`` for the simplest that no other demonstrably beats.
    late_share : float
        Share of the cases, the latest, on which rules are tried.

    Returns
    -------
    Part
        The mean value by category.
    """
    ordered = _latest(customers, "started")
    cases = _Cases(
        frame=ordered, row=np.arange(len(ordered)), band=None, outcome=ordered["value"].to_numpy(dtype=float),
        exposure=np.ones(len(ordered)), power=_VALUE_POWER, dispersion=None,
    )  # fmt: skip
    return _learn(cases, ordered["started"], attributes, rule, late_share)


def learn_conversion(prospects: pd.DataFrame, attributes: Sequence[str], *, rule: str, late_share: float) -> Part:
    """Learn at which rate prospects become customers, from all that are or were one.

    Parameters
    ----------
    prospects : DataFrame
        The attributes, ``seen``, ``waited`` and ``converted``.
    attributes : sequence of str
        The attributes that may be used; how long a prospect has been known always is.
    rule : str
        As for :func:`learn_value`.
    late_share : float
        As for :func:`learn_value`.

    Returns
    -------
    Part
        The rate of conversion a day by category and by band of days known; the channel has further effects in the late
        bands. Prospects who are still open count with the
        days so far, neither as won nor as lost.
    """
    ordered = _latest(prospects, "seen")
    waited = ordered["waited"].to_numpy(dtype=float)
    exposure = days_in_bands(np.zeros(len(ordered)), waited)
    last = np.searchsorted(BANDS, waited, side="left") - 1
    row, band = np.nonzero(exposure > 0)
    cases = _Cases(
        frame=ordered, row=row, band=band,
        outcome=(ordered["converted"].to_numpy()[row] & (band == last[row])).astype(float),
        exposure=exposure[row, band], power=1.0, dispersion=1.0,
    )  # fmt: skip
    return _learn(cases, ordered["seen"], attributes, rule, late_share)


def channel_columns(coding: Coding) -> Bools:
    """Return which columns of the design mark the channel.

    Parameters
    ----------
    coding : Coding
        The attributes.
    """
    names = [attribute.name for attribute in coding.attributes]
    return np.asarray(coding.groups == names.index(CHANNEL)) if CHANNEL in names else coding.groups < -1


def days_in_bands(after: Floats, until: Floats) -> Floats:
    """Return how many of the days after one day known, up to another, fall into each band.

    Parameters
    ----------
    after, until : array (n,)
        Days known.

    Returns
    -------
    array (n, bands)
        Days.

    Examples
    --------
    >>> days_in_bands(np.array([5.0]), np.array([20.0]))[0, :4].tolist()
    [0.0, 2.0, 7.0, 6.0]
    """
    low, high = BANDS[:-1], BANDS[1:]
    return np.asarray(np.maximum(np.minimum(until[:, None], high) - np.maximum(after[:, None], low), 0.0))


def _latest(frame: pd.DataFrame, day: str) -> pd.DataFrame:
    if len(frame) > MOST_ROWS:
        frame = frame[frame[day] >= frame[day].sort_values().iloc[-MOST_ROWS]]
    # Equal days are put in order by what was seen, so that neither the order of rows nor names bear on the result.
    ordered = frame.sort_values(
        [day, *(name for name in frame.columns if name not in (day, "customer_id"))], kind="stable"
    )
    return ordered.iloc[-MOST_ROWS:]


def _learn(cases: _Cases, days: pd.Series[pd.Timestamp], attributes: Sequence[str], rule: str, share: float) -> Part:
    late = _among_latest(days, share)
    sets = {"alike": [], "channel": [name for name in attributes if name == CHANNEL], "all": list(attributes)}
    if not sets["channel"] or len(attributes) == 1:
        del sets["all" if sets["channel"] else "channel"]
    if rule not in sets and rule != "auto":
        raise ValueError(f"rule is {rule!r}; with these attributes it can be 'auto', {', '.join(map(repr, sets))}")
    chosen, trials = _tried(cases, late, sets) if late.any() and not late.all() else ("alike", _no_trials(sets))
    if rule != "auto":
        chosen = rule
    coding, rates = cases.fit(sets[chosen])
    level, variance = _drift(cases, _among_latest(days, _LEVEL_SHARE), coding, rates)
    trials["taken"] = trials.index == chosen
    return Part(coding=coding, rates=rates, level=level, level_variance=variance, rule=chosen, trials=trials)


def _among_latest(days: pd.Series[pd.Timestamp], share: float) -> Bools:
    return (days > days.iloc[max(int((1 - share) * len(days)) - 1, 0)]).to_numpy()


def _tried(cases: _Cases, late: Bools, sets: dict[str, list[str]]) -> tuple[str, pd.DataFrame]:
    early, later = cases.part(~late), cases.part(late)
    n = len(later.frame)
    scores, chosen, rows = {}, "", []
    for name, attributes in sets.items():
        mean = later.mean(*early.fit(attributes))
        fit = closeness(later.outcome, mean, power=cases.power)
        scores[name] = np.bincount(later.row, weights=fit, minlength=n)
        gain = scores[name] - scores[chosen or name]
        # Only the lower end decides: with two further rules the chance to take a useless one is 5 % in all.
        reach = float(student.ppf((1 + _LEVEL) / 2, max(n - 1, 1)))
        half = reach * float(gain.std(ddof=1)) / np.sqrt(n) if n > 1 else np.inf
        rows.append(
            (float(scores[name].mean()), float(gain.mean()), float(gain.mean()) - half, float(gain.mean()) + half)
        )
        if not chosen or rows[-1][2] > 0:
            chosen = name
    table = pd.DataFrame(rows, columns=["closeness", "gain", "low", "high"], index=pd.Index(sets, name="rule"))
    table.iloc[0, 1:] = np.nan
    return chosen, table


def _no_trials(sets: dict[str, list[str]]) -> pd.DataFrame:
    columns = ["closeness", "gain", "low", "high"]
    return pd.DataFrame(np.nan, columns=columns, index=pd.Index(sets, name="rule"))


def _drift(cases: _Cases, late: Bools, coding: Coding, rates: PooledRates) -> tuple[float, float]:
    """Return the logarithm of the latest cases' level, drawn towards 0, and the variance that is left."""
    rows = late[cases.row]
    mean, was = cases.mean(coding, rates)[rows], cases.outcome[rows]
    if mean.sum() <= 0 or was.sum() <= 0:
        return 0.0, _DRIFT**2
    noise = float(((was - mean) ** 2).sum()) / float(mean.sum()) ** 2
    believed = _DRIFT**2 / (_DRIFT**2 + noise)
    return believed * float(np.log(was.sum() / mean.sum())), believed * noise
