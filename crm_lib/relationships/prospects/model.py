"""The expected value of a prospect: the chance to be won in time, times what one alike brings, less the cost."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from scipy.stats import norm

from crm_lib.customers.window import Value
from crm_lib.estimate import Estimate
from crm_lib.relationships.prospects.parts import (
    LATE,
    RULES,
    Part,
    channel_columns,
    days_in_bands,
    learn_conversion,
    learn_value,
)
from crm_lib.relationships.prospects.training import ProspectTraining
from crm_lib.statistics.resampling import Floats

_BLOCK = 50_000


@dataclass(frozen=True, kw_only=True, eq=False)
class _Predicted:
    """Chance, value and the slopes of the logarithm of their product in the coefficients of both halves."""

    chance: Floats
    value: Floats
    value_slopes: Floats
    chance_slopes: Floats
    steepness: Floats
    unseen: Floats


class ProspectModel:
    """Expected value of prospects from what is known before the first purchase.

    Parameters
    ----------
    conversion_days : int
        Days within which a prospect must become a customer to count.
    rule : {"auto", "alike", "channel", "all"}
        What predictions rest on: nothing, the acquisition channel, or all attributes. ``"auto"`` takes for each half
        the simplest rule that no other demonstrably beats on later cases than it had learned from.
    late_share : float
        Share of the past cases, the latest, on which rules are tried.
    level : float
        Coverage of the intervals.

    Attributes
    ----------
    value_, conversion_ : Part
        The two halves.
    training_ : ProspectTraining
        What was learned from.
    as_of_ : date
        Last day that was known.

    Notes
    -----
    A prospect known for *a* days becomes a customer within the next *C* days with the chance :math:`P = 1 -
    \\exp(-\\int_a^{a+C} h(u, x)\\,du)`; *h* is constant within bands of days known and has an effect for each category
    of each attribute, and for each channel another from the fifth week on. Who is won brings :math:`V = \\exp(\\beta_0
    + \\sum_f b_f)` on average over the days counted. The expected value is :math:`P V - c`, with *c* the cost of
    winning, spent whether or not the prospect buys. Both halves draw rare categories towards the mean of all (see
    :func:`~crm_lib.segments.pooled_rates.pooled_rates`); both are set to the level of the latest cases as far as these
    are many. The interval holds the *expected* value of prospects like this one; what a single one brings scatters far
    more widely.

    That prospects of some kind are won more often does not say that addressing them wins them.

    References
    ----------
    Friedman, M. (1982). Piecewise exponential models for survival data with covariates. Annals of Statistics 10(1),
    101-113.
    """

    value_: Part
    conversion_: Part
    training_: ProspectTraining
    as_of_: dt.date

    def __init__(
        self, *, conversion_days: int = 90, rule: str = "auto", late_share: float = 0.5, level: float = 0.95
    ) -> None:
        self.conversion_days = conversion_days
        self.rule = rule
        self.late_share = late_share
        self.level = level

    def fit(self, training: ProspectTraining) -> Self:
        """Learn from past acquisitions and prospects.

        Parameters
        ----------
        training : ProspectTraining
            As :func:`prospect_training` made it.

        Returns
        -------
        ProspectModel
            Itself.

        Raises
        ------
        ValueError
            If a setting is out of range.
        """
        if self.conversion_days < 1:
            raise ValueError(f"conversion_days must be at least 1, not {self.conversion_days}")
        if self.rule not in ("auto", *RULES):
            raise ValueError(f"rule is {self.rule!r}; it can be 'auto', {', '.join(map(repr, RULES))}")
        if not 0 < self.late_share < 1 or not 0 < self.level < 1:
            raise ValueError(f"late_share ({self.late_share}) and level ({self.level}) must lie between 0 and 1")
        self.value_ = learn_value(training.customers, training.attributes, rule=self.rule, late_share=self.late_share)
        self.conversion_ = learn_conversion(
            training.prospects, training.attributes, rule=self.rule, late_share=self.late_share
        )
        self.training_ = training
        self.as_of_ = training.as_of
        return self

    @property
    def value_kind(self) -> Value:
        """Whether values are margin or revenue."""
        return self.training_.value_kind

    def predict(self, prospects: pd.DataFrame) -> pd.DataFrame:
        """Return what each prospect is expected to bring.

        Parameters
        ----------
        prospects : DataFrame
            The attributes, ``waited`` (days known) and ``cost``, such as :attr:`ProspectTraining.open`.

        Returns
        -------
        DataFrame
            With the index that came in: ``chance`` to be won in time, ``value`` if won, ``gross`` (their product) with
            ``gross_low`` and ``gross_high``, ``cost``, ``expected`` (gross less cost) with ``low`` and ``high``,
            ``alike`` (past customers in the rarest of the prospect's categories) and ``outside`` (unlike the past in
            some attribute; a category never seen counts as the mean of all).
        """
        blocks = [self._block(prospects.iloc[at : at + _BLOCK]) for at in range(0, max(len(prospects), 1), _BLOCK)]
        return pd.concat(blocks)

    def _block(self, rows: pd.DataFrame) -> pd.DataFrame:
        found = self._predicted(rows)
        gross = found.chance * found.value
        variance = (
            self.value_.rates.variance(found.value_slopes)
            + self.conversion_.rates.variance(found.chance_slopes * found.steepness[:, None])
            + self.value_.level_variance
            + found.steepness**2 * self.conversion_.level_variance
            + found.unseen
        )
        reach = float(norm.ppf((1 + self.level) / 2)) * np.sqrt(variance)
        low, high = gross * np.exp(-reach), gross * np.exp(reach)
        cost = rows["cost"].to_numpy(dtype=float)
        return pd.DataFrame(
            {
                "chance": found.chance,
                "value": found.value,
                "gross": gross,
                "gross_low": low,
                "gross_high": high,
                "cost": cost,
                "expected": gross - cost,
                "low": low - cost,
                "high": high - cost,
                "alike": self.value_.coding.alike(rows)
                if self.value_.coding.attributes
                else len(self.training_.customers),
                "outside": self.value_.coding.outside(rows) | self.conversion_.coding.outside(rows),
            },
            index=rows.index,
        )

    def total(self, prospects: pd.DataFrame, *, unit: str = "") -> Estimate:
        """Return what prospects are expected to bring together, before costs.

        Parameters
        ----------
        prospects : DataFrame
            As for :meth:`predict`.
        unit : str
            ISO code of the currency.

        Notes
        -----
        Errors of the effects are shared by all prospects of a category; the interval adds them up before it squares.
        """
        total, steep = 0.0, 0.0
        by_value = np.zeros(len(self.value_.rates.coefficients))
        by_chance = np.zeros(len(self.conversion_.rates.coefficients))
        for at in range(0, len(prospects), _BLOCK):
            found = self._predicted(prospects.iloc[at : at + _BLOCK])
            gross = found.chance * found.value
            total += float(gross.sum())
            steep += float(gross @ found.steepness)
            by_value += gross @ found.value_slopes
            by_chance += (gross * found.steepness) @ found.chance_slopes
        variance = (
            self.value_.rates.variance(by_value[None, :])[0]
            + self.conversion_.rates.variance(by_chance[None, :])[0]
            + total**2 * self.value_.level_variance
            + steep**2 * self.conversion_.level_variance
        )
        reach = float(norm.ppf((1 + self.level) / 2)) * np.sqrt(variance) / total if total > 0 else 0.0
        return Estimate(
            value=total, low=total * np.exp(-reach), high=total * np.exp(reach), n=len(prospects), level=self.level,
            method="delta method with robust errors of the effects", unit=unit,
        )  # fmt: skip

    def _predicted(self, rows: pd.DataFrame) -> _Predicted:
        design = self.value_.coding.design(rows)
        value = np.exp(self.value_.rates.log_mean(design) + self.value_.level)
        attributes = self.conversion_.coding.design(rows)
        waited = rows["waited"].to_numpy(dtype=float)
        days = days_in_bands(waited, waited + self.conversion_days)
        late = attributes[:, channel_columns(self.conversion_.coding)]
        beta, further, bands = np.split(
            self.conversion_.rates.coefficients, np.cumsum([attributes.shape[1], late.shape[1]])
        )
        logs = (attributes @ beta)[:, None] + (late @ further)[:, None] * LATE + bands
        by_band = days * np.exp(logs + self.conversion_.level)
        hazard = by_band.sum(axis=1)
        chance = -np.expm1(-hazard)
        safe = np.maximum(hazard, 1e-300)
        parts = by_band / safe[:, None]
        return _Predicted(
            chance=chance,
            value=value,
            value_slopes=design,
            chance_slopes=np.concatenate([attributes, late * parts[:, LATE].sum(axis=1)[:, None], parts], axis=1),
            steepness=np.where(hazard > 0, safe * np.exp(-safe) / np.maximum(chance, 1e-300), 1.0),
            unseen=self.value_.unseen(rows) + self.conversion_.unseen(rows),
        )
