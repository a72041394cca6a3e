"""Early warning of decline: an alarm with a stated rate of false ones, beside the usual rules of thumb."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import beta

from crm_lib import language
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.relationships.stages.filter import filtered
from crm_lib.relationships.stages.histories import Floats, Histories
from crm_lib.relationships.stages.life_cycle import LifeCycle
from crm_lib.relationships.stages.parameters import DECLINING
from crm_lib.relationships.stages.simulation import simulate_stages

QUARTER = 3
"""Looks in a quarter: periods of four weeks."""
RULES = ("life cycle", "silence", "pace")
"""Signs of decline that are compared: the probability of decline or gone; days since the last purchase; and purchases
of the last quarter, against those that the customer's own mean so far would give (fewer are worse)."""
USUAL = {"silence": 90.0, "pace": -0.5}
"""Thresholds in general use: no purchase for 90 days; last quarter below half of the own mean."""
_LOOKS = 26
_AFTER = 7
"""Looks after an onset that are seen: half a year."""
_FEWEST = 50
_MORE = (1, 4, 16)
"""Times the customers asked for that are simulated until so many declines began: they are rare in short histories."""


@dataclass(frozen=True, kw_only=True)
class Looks:
    """Signs of decline at the ends of some periods, and what was really so.

    Parameters
    ----------
    signs : mapping of str to ndarray (n, K)
        For each rule its sign at each look, the more the worse; not-a-number before the first purchase.
    late : ndarray (n, K)
        1 where the relation was declining or gone, 0 where it was not, not-a-number where that is not known.
    purchases : ndarray (n, K)
        Days of purchase up to each look.
    """

    signs: Mapping[str, Floats]
    late: Floats
    purchases: Floats

    def false_alarms(self, purchases: int) -> tuple[Mapping[str, Floats], int]:
        """Return the worst sign in each quarter in which a customer with so many purchases was not late at its end.

        Parameters
        ----------
        purchases : int
            Days of purchase from which on a customer is watched.
        """
        ends = range(self.late.shape[1] - 1, QUARTER - 1, -QUARTER)
        worst: dict[str, list[Floats]] = {rule: [] for rule in self.signs}
        for end in ends:
            who = (self.late[:, end] == 0) & (self.purchases[:, end - QUARTER] >= purchases)
            for rule, sign in self.signs.items():
                worst[rule].append(sign[who, end - QUARTER + 1 : end + 1].max(axis=1))
        found = {rule: np.concatenate(parts) for rule, parts in worst.items()}
        return found, len(found[RULES[0]])

    def onsets(self, purchases: int) -> Mapping[str, Floats]:
        """Return the signs at the onset of decline or departure and at the looks after it, shape (onsets, 7).

        Parameters
        ----------
        purchases : int
            Days of purchase from which on a customer is watched.
        """
        began = (self.late[:, 1:] == 1) & (self.late[:, :-1] == 0) & (self.purchases[:, :-1] >= purchases)
        who, look = np.nonzero(began[:, : max(began.shape[1] - _AFTER + 1, 0)])
        return {
            rule: np.column_stack([sign[who, look + 1 + after] for after in range(_AFTER)])
            for rule, sign in self.signs.items()
        }


@dataclass(frozen=True, kw_only=True)
class DeclineWarning:
    """Customers under warning, and how good the warning is.

    Parameters
    ----------
    frame : DataFrame
        Indexed by ``customer_id``, those with enough purchases: ``probability`` of decline or gone, ``warned``, and
        ``new`` (warned now and at no look up to a quarter ago).
    threshold : float
        Probability above which there is a warning.
    false_alarm : float
        The rate of false alarms a quarter that it was chosen for.
    curve : DataFrame
        ``rule``, ``false_alarm`` (rate a quarter), ``threshold`` and ``detected`` (share of the declines and departures
        that are warned of within a quarter), from customers simulated by the fitted model.
    detection : DataFrame
        Indexed by ``rule`` and ``setting``: ``threshold``, ``false_alarms`` and ``detected`` (Estimates), and
        ``median_days`` (from onset to warning; infinite where less than half are warned of within half a year).
        Settings are "warning", "same false alarms" for silence, "usual" for the rules of thumb with their usual
        thresholds, and, for the life cycle, "like silence" and "like pace" with as many false alarms as those.
    purchases : int
        Days of purchase from which on a customer is watched.
    as_of : date
        The day.
    """

    frame: pd.DataFrame
    threshold: float
    false_alarm: float
    curve: pd.DataFrame
    detection: pd.DataFrame
    purchases: int
    as_of: dt.date


def decline_warning(
    cycle: LifeCycle, *, false_alarm: float = 0.05, purchases: int = 3, simulated: int = 6000, seed: int = 0
) -> DeclineWarning:
    """Return the customers whose relation has probably begun to decline or ended.

    Parameters
    ----------
    cycle : LifeCycle
        Stages of the customers.
    false_alarm : float
        Share of the customers not in decline who may be under warning at some look of a quarter.
    purchases : int
        Days of purchase from which on a customer is watched: of one who bought once there is no pace to fall behind.
    simulated : int
        Number of customers simulated to find the threshold; up to 16 times as many where few declines begin.
    seed : int
        Seed of the random numbers.

    Returns
    -------
    DeclineWarning
        Warnings, their threshold, and the rates of false alarms and of detection beside the rules of thumb.

    Raises
    ------
    TooLittleData
        If the histories are too short, or too few customers have enough purchases.
    ValueError
        If `false_alarm` does not lie between 0 and 1, or `purchases` is less than 2.

    Notes
    -----
    There is a look at the end of each period. A customer is warned of when the probability of decline or gone exceeds
    a threshold. It is that which, among customers simulated from the fitted model who were neither declining nor gone
    at the end of a quarter, is exceeded at one of its three looks or more by the share `false_alarm`. The rules of
    thumb get the same rate, so that rules are compared by what they detect.
    """
    if not 0 < false_alarm < 1:
        raise ValueError(f"false_alarm must lie between 0 and 1, not {false_alarm}")
    if purchases < 2:
        raise ValueError(f"purchases must be at least 2, not {purchases}: one purchase has no pace")
    h, p = cycle.histories, cycle.parameters
    needed = QUARTER + _AFTER
    if h.counts.shape[1] < needed:
        message = language.text("warnings need histories of {days} days")
        raise TooLittleData(message.format(days=needed * h.period_days))
    last = min(_LOOKS, h.counts.shape[1])
    for times in _MORE:
        made = simulate_stages(h, p, customers=times * simulated, seed=seed)
        looks = Looks(
            signs=_signs(made.histories, filtered(made.histories, p, last=last), np.random.default_rng((seed, 1))),
            late=_late(made.histories, made.states.astype(np.float64), last), purchases=_bought(made.histories, last),
        )  # fmt: skip
        if len(looks.onsets(purchases)[RULES[0]]) >= _FEWEST:
            break
    curve, detection = compare_rules(looks, false_alarm=false_alarm, purchases=purchases, look_days=h.period_days)
    threshold = float(detection["threshold"].loc[(RULES[0], "warning")])
    watched = cycle.frame["purchases"] >= purchases
    sign = cycle.filtered(QUARTER + 1)[watched.to_numpy()][..., -2:].sum(axis=2)
    over = sign > threshold
    frame = pd.DataFrame(
        {"probability": sign[:, -1], "warned": over[:, -1], "new": over[:, -1] & ~over[:, 0]},
        index=cycle.frame.index[watched],
    )
    return DeclineWarning(
        frame=frame, threshold=threshold, false_alarm=false_alarm, curve=curve, detection=detection,
        purchases=purchases, as_of=cycle.as_of,
    )  # fmt: skip


def compare_rules(
    looks: Looks, *, false_alarm: float, purchases: int, look_days: int = 28, set_to: float | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the curve of detection against false alarms for each rule, and rates at some settings.

    Parameters
    ----------
    looks : Looks
        Signs and truth.
    false_alarm : float
        Rate of false alarms a quarter.
    purchases : int
        Days of purchase from which on a customer is watched.
    look_days : int
        Days between looks.
    set_to : float, optional
        A threshold of the warning that was chosen before; by default the one with that rate of false alarms.

    Returns
    -------
    tuple of DataFrame
        As in :class:`DeclineWarning`.

    Raises
    ------
    TooLittleData
        If fewer than 50 quarters or onsets are there to judge from.
    """
    worst, quarters = looks.false_alarms(purchases)
    onsets = looks.onsets(purchases)
    began = len(onsets[RULES[0]])
    if min(quarters, began) < _FEWEST:
        message = language.text("only {quarters} quarters and {onsets} declines to judge warnings from; 50 are needed")
        raise TooLittleData(message.format(quarters=quarters, onsets=began))
    rates = np.unique(np.r_[np.linspace(0.005, 0.6, 120), false_alarm])
    curves = []
    for rule in looks.signs:
        levels = np.quantile(worst[rule], 1 - rates, method="higher")
        strongest = np.sort(onsets[rule][:, :QUARTER].max(axis=1))
        detected = 1 - np.searchsorted(strongest, levels, side="right") / began
        # Where many signs are equal, a rule cannot be set to every rate.
        real = 1 - np.searchsorted(np.sort(worst[rule]), levels, side="right") / quarters
        curves.append(pd.DataFrame({"rule": rule, "false_alarm": real, "threshold": levels, "detected": detected}))
    settings = {(RULES[0], "warning"): _threshold(worst[RULES[0]], false_alarm) if set_to is None else set_to}
    settings["silence", "same false alarms"] = _threshold(worst["silence"], false_alarm)
    for rule, level in USUAL.items():
        settings[rule, "usual"] = level
        settings[RULES[0], f"like {rule}"] = _threshold(worst[RULES[0]], float((worst[rule] > level).mean()))
    rows = [_judged(worst[rule], onsets[rule], level, look_days) for (rule, _), level in settings.items()]
    index = pd.MultiIndex.from_tuples(settings, names=["rule", "setting"])
    return pd.concat(curves, ignore_index=True), pd.DataFrame(rows, index=index)


def _threshold(worst: Floats, rate: float) -> float:
    return float(np.quantile(worst, 1 - rate, method="higher"))


def _judged(worst: Floats, onsets: Floats, level: float, look_days: int) -> dict[str, object]:
    over = onsets > level
    delay = np.where(over.any(axis=1), over.argmax(axis=1) * float(look_days), np.inf)
    return {
        "threshold": level,
        "false_alarms": _share(int((worst > level).sum()), len(worst)),
        "detected": _share(int(over[:, :QUARTER].any(axis=1).sum()), len(onsets)),
        "median_days": float(np.median(delay)),
    }


def _share(events: int, n: int, level: float = 0.95) -> Estimate:
    tails = ((1 - level) / 2, (1 + level) / 2)
    low = float(beta.ppf(tails[0], events + 0.5, n - events + 0.5)) if events else 0.0
    high = float(beta.ppf(tails[1], events + 0.5, n - events + 0.5)) if events < n else 1.0
    return Estimate(value=events / n, low=low, high=high, n=n, level=level, method="Jeffreys", unit="share")


def _signs(h: Histories, chances: Floats, rng: np.random.Generator) -> dict[str, Floats]:
    """Return the signs of all rules; within a period the day of the last purchase is drawn."""
    last = chances.shape[1]
    # The latest of k days spread evenly lies the minimum of k even draws before the end of the period.
    gap = h.period_days * (1 - rng.random(h.counts.shape) ** (1 / np.maximum(h.counts, 1)))
    running = h.period_days * h.part
    every = np.full(h.counts.shape, np.nan)
    for step, rows in enumerate(h.active):
        length = h.part[:rows] if step == 0 else 1.0
        bought = h.counts[:rows, step] > 0
        before = running[:rows] if step == 0 else running[:rows] + h.period_days
        running[:rows] = np.where(bought, gap[:rows, step] * length, before)
        every[:rows, step] = running[:rows]
    silent = _aligned(h, every, last, np.nan)
    return {RULES[0]: chances[..., -2:].sum(axis=2), RULES[1]: silent, RULES[2]: pace_sign(h, last)}


def pace_sign(h: Histories, last: int) -> Floats:
    """Return purchases of the last quarter against the own mean, with a changed sign, at each of the last looks.

    Parameters
    ----------
    h : Histories
        The histories.
    last : int
        How many looks.
    """
    ages = np.arange(h.counts.shape[1])[None, :] + h.part[:, None]
    total = np.cumsum(h.counts, axis=1, dtype=np.float64)
    before = np.pad(total, ((0, 0), (QUARTER, 0)))[:, : total.shape[1]]
    quarter = total - before
    own = total / np.maximum(ages, 0.25) * np.minimum(QUARTER, np.maximum(ages, 0.25))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(own > 0, quarter / own, 1.0)
    return _aligned(h, -ratio, last, np.nan)


def _late(h: Histories, states: Floats, last: int) -> Floats:
    return _aligned(h, (states >= DECLINING).astype(np.float64), last, np.nan)


def _bought(h: Histories, last: int) -> Floats:
    return _aligned(h, 1.0 + np.cumsum(h.counts, axis=1, dtype=np.float64), last, 0.0)


def _aligned(h: Histories, values: Floats, last: int, before: float) -> Floats:
    """Return the last columns of each row, with `before` where there was no period yet."""
    columns = h.periods[:, None] - last + np.arange(last)[None, :]
    found = np.take_along_axis(values, np.maximum(columns, 0), axis=1)
    return np.where(columns >= 0, found, before)
