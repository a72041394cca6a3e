"""What customers spent on a repeat purchase, on average: checked, and without those who cannot tell."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from crm_lib.clv.histories import Array, Distinct
from crm_lib.errors import MissingData, TooLittleData


@dataclass(frozen=True, kw_only=True, eq=False)
class SpendRecords:
    """Repeat purchases and their mean value, of the customers from whom a model of spend can learn.

    Parameters
    ----------
    frequency : array (H,)
        Number of repeat purchases, above 0.
    monetary_value : array (H,)
        Mean value of a repeat purchase, above 0.
    customers : array (H,)
        Number of customers with the row.
    without_repeats, not_positive : float
        Numbers of customers left out: without a repeat purchase, or with a mean that is not positive.
    """

    frequency: Array
    monetary_value: Array
    customers: Array
    without_repeats: float
    not_positive: float

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
        codes, values = pd.factorize(self.frequency)
        return Distinct(values=np.asarray(values), codes=codes)


def read_spend(summary: pd.DataFrame) -> tuple[Array, Array, Array]:
    """Check frequency and monetary value of each customer.

    Parameters
    ----------
    summary : DataFrame (N rows)
        Columns ``frequency`` and ``monetary_value``, such as :func:`crm_lib.customers.customer_summary` gives, and
        ``customers`` where a row stands for several.

    Returns
    -------
    frequency, monetary_value, customers : array (N,)
        As in the table, but a monetary value without repeat purchases is 0.

    Raises
    ------
    MissingData
        If a column is absent.
    TooLittleData
        If the table is empty.
    ValueError
        If a number is missing that should be there, infinite, or negative where it cannot be.
    """
    absent = tuple(name for name in ("frequency", "monetary_value") if name not in summary)
    if absent:
        raise MissingData("customer summary", absent)
    if len(summary) == 0:
        raise TooLittleData("the customer summary is empty: a model of spend needs at least two customers")
    frequency = _numbers(summary, "frequency")
    value = _numbers(summary, "monetary_value")
    customers = _numbers(summary, "customers") if "customers" in summary else np.ones(len(summary))
    repeats = frequency > 0
    for broken, rule in (
        (~np.isfinite(frequency), "frequency is missing or infinite"),
        (frequency < 0, "frequency is negative"),
        (frequency != np.floor(frequency), "frequency is no whole number"),
        (repeats & ~np.isfinite(value), "there are repeat purchases (frequency > 0), yet no finite monetary_value"),
        (~(customers >= 0) | ~np.isfinite(customers), "the number of customers is missing or negative"),
    ):
        if broken.any():
            _refuse(summary, broken, rule)
    return frequency, np.where(repeats, value, 0.0), customers


def repeat_records(summary: pd.DataFrame) -> SpendRecords:
    """Return the customers from whom a model of spend can learn, equal ones grouped, and how many were left out.

    Parameters
    ----------
    summary : DataFrame (N rows)
        As for :func:`read_spend`.

    Returns
    -------
    SpendRecords
        Customers with repeat purchases of a positive mean value.

    Raises
    ------
    TooLittleData
        If nobody is left, or all spent the same.
    """
    frequency, value, customers = read_spend(summary)
    repeats, positive = frequency > 0, value > 0
    used = repeats & positive & (customers > 0)
    if not used.any():
        raise TooLittleData(
            "no customer has a repeat purchase of positive value, from which a model of spend could learn"
        )
    x, z, weights = frequency[used], value[used], customers[used]
    if np.ptp(z) <= 1e-9 * z.max():
        raise TooLittleData(
            f"all {int(weights.sum())} customers with repeat purchases spend {z[0]:g} each time: without differences "
            "a model of spend has nothing to learn; customer_value(spend=None) takes the mean for all"
        )
    # Complex numbers are pairs that can be told apart in one go. Amounts seldom repeat, but prices of one product do.
    pairs, inverse = np.unique(x + 1j * z, return_inverse=True)
    return SpendRecords(
        frequency=np.ascontiguousarray(pairs.real),
        monetary_value=np.ascontiguousarray(pairs.imag),
        customers=np.bincount(inverse, weights=weights).astype(float),
        without_repeats=float(customers[~repeats].sum()),
        not_positive=float(customers[repeats & ~positive].sum()),
    )


def _numbers(summary: pd.DataFrame, name: str) -> Array:
    try:
        return np.asarray(summary[name].to_numpy(dtype=float, na_value=np.nan))
    except (TypeError, ValueError):
        raise ValueError(f"column {name!r} must hold numbers, not {summary[name].dtype}") from None


def _refuse(summary: pd.DataFrame, broken: npt.NDArray[np.bool_], rule: str) -> None:
    rows = ", ".join(str(label) for label in summary.index[broken][:3])
    more = f" and {int(broken.sum()) - 3} more" if broken.sum() > 3 else ""
    raise ValueError(f"{rule} in {int(broken.sum())} of {len(summary)} rows of the customer summary: {rows}{more}")
