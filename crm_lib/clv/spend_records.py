"""What customers spent on a repeat purchase, on average: checked, grouped, or the same for all."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from crm_lib.clv.credibility import bootstrapped_means
from crm_lib.clv.histories import Array, Distinct, distinct, numbers, refuse
from crm_lib.errors import MissingData, TooLittleData


@dataclass(frozen=True, kw_only=True, eq=False)
class SpendRecords:
    """Rows of equal frequency and mean value of a repeat purchase, both above 0, of `customers` each."""

    frequency: Array
    monetary_value: Array
    customers: Array

    def __len__(self) -> int:
        return len(self.frequency)

    @cached_property
    def total(self) -> float:
        """Number of customers."""
        return float(self.customers.sum())

    @cached_property
    def spent(self) -> Array:
        """What was spent on all repeat purchases of a row."""
        return self.frequency * self.monetary_value

    @cached_property
    def by_frequency(self) -> Distinct:
        """The different frequencies."""
        return distinct(self.frequency)


def read_spend(summary: pd.DataFrame) -> tuple[Array, Array, Array]:
    """Return frequency, monetary value (0 without repeat purchases) and number of customers of each row, checked."""
    absent = tuple(name for name in ("frequency", "monetary_value") if name not in summary)
    if absent:
        raise MissingData("customer summary", absent)
    if len(summary) == 0:
        raise TooLittleData("the customer summary is empty: a model of spend needs at least two customers")
    frequency = numbers(summary, "frequency", missing=True)
    value = numbers(summary, "monetary_value", missing=True)
    customers = numbers(summary, "customers", missing=True) if "customers" in summary else np.ones(len(summary))
    repeats = frequency > 0
    for broken, rule in (
        (~np.isfinite(frequency), "frequency is missing or infinite"),
        (frequency < 0, "frequency is negative"),
        (frequency != np.floor(frequency), "frequency is no whole number"),
        (repeats & ~np.isfinite(value), "there are repeat purchases (frequency > 0), yet no finite monetary_value"),
        (~(customers >= 0) | ~np.isfinite(customers), "the number of customers is missing or negative"),
    ):
        refuse(summary, broken, rule)
    return frequency, np.where(repeats, value, 0.0), customers


def repeat_records(summary: pd.DataFrame) -> SpendRecords:
    """Return the customers from whom a model of spend can learn, equal ones grouped."""
    frequency, value, customers = read_spend(summary)
    used = (frequency > 0) & (value > 0) & (customers > 0)
    if not used.any():
        raise TooLittleData(
            "no customer has a repeat purchase of positive value, from which a model of spend could learn"
        )
    x, z, weights = frequency[used], value[used], customers[used]
    if np.ptp(z) <= 1e-9 * z.max():
        raise TooLittleData(
            f"all {int(weights.sum())} customers with repeat purchases spend {z[0]:g} each time: without differences "
            "a model of spend has nothing to learn"
        )
    # Complex numbers are pairs that can be told apart in one go. Amounts seldom repeat, but prices of one product do.
    pairs, inverse = np.unique(x + 1j * z, return_inverse=True)
    return SpendRecords(
        frequency=np.ascontiguousarray(pairs.real),
        monetary_value=np.ascontiguousarray(pairs.imag),
        customers=np.bincount(inverse, weights=weights).astype(float),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class MeanSpend:
    """The same expected spend for all customers, where a model has nothing to learn from; with draws of it (D,)."""

    value: float
    draws: Array

    @classmethod
    def of(cls, summary: pd.DataFrame, *, draws: int, seed: int) -> MeanSpend:
        """Return the mean spend of all repeat purchases, or of the first ones where nobody has bought twice."""
        x, z, customers = read_spend(summary)
        used = (x > 0) & (customers > 0)
        if used.any():
            columns = np.column_stack([x * z * customers, x * customers])[used]
        elif {"revenue", "returns"} <= set(summary) and customers.any():
            # Revenue is net of returns; who bought once bought both together.
            first = (summary["revenue"] + summary["returns"]).to_numpy(dtype=float)
            columns = np.column_stack([first * customers, customers])[customers > 0]
        else:
            raise TooLittleData("no customer has bought twice, so that nothing tells what a purchase is worth")
        means = bootstrapped_means(columns, draws=draws, seed=seed)
        return cls(value=float(columns[:, 0].sum() / columns[:, 1].sum()), draws=means[:, 0] / means[:, 1])

    def expected_spend(self, summary: pd.DataFrame) -> pd.Series[float]:
        """Return the same number for every row."""
        return pd.Series(self.value, index=summary.index, name="expected_spend")

    def working_draws(self, count: int) -> Array:
        """Return draws (D, 1) of the one parameter."""
        return self.draws[:count, None]

    def drawn_spend(self, summary: pd.DataFrame, *, draws: Array) -> Array:
        """Return the same draws (D, N) for every row."""
        return np.repeat(draws, len(summary), axis=1)
