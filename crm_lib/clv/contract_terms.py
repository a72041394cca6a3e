"""Tenures, horizons and discounts of contracts: checked, and in one convention."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from crm_lib.clv.histories import Array


def check_tenure(tenure: ArrayLike) -> Array:
    """Return tenures as an array of whole numbers from 1.

    Parameters
    ----------
    tenure : array_like
        What a user gave.

    Raises
    ------
    ValueError
        If a tenure is no whole number from 1.
    """
    tenures = np.atleast_1d(np.asarray(tenure, dtype=float))
    if tenures.ndim != 1 or tenures.size == 0 or not (np.isfinite(tenures) & (tenures >= 1)).all():
        raise ValueError("tenure is the period a contract is in: 1 in the first, never less, and nowhere missing")
    if (tenures != np.floor(tenures)).any():
        raise ValueError("tenure counts periods and must be a whole number; tell the rest by until_renewal")
    return tenures


def check_periods(periods: float, name: str) -> int:
    """Return a number of periods as an integer.

    Parameters
    ----------
    periods : float
        What a user gave.
    name : str
        Name of the argument.

    Raises
    ------
    ValueError
        If it is negative or not whole.
    """
    if not np.isfinite(periods) or periods < 0 or periods != int(periods):
        raise ValueError(f"{name} counts renewals and must be a whole number that is not negative, not {periods}")
    return int(periods)


def check_wait(until_renewal: ArrayLike, tenure: ArrayLike) -> Array:
    """Return the shares of a period until the next renewal.

    Parameters
    ----------
    until_renewal : array_like
        What a user gave.
    tenure : array_like
        The contracts that they belong to.

    Raises
    ------
    ValueError
        If one lies outside 0 to 1, or there are neither one nor as many as contracts.
    """
    wait = np.asarray(until_renewal, dtype=float)
    if not ((wait >= 0) & (wait <= 1)).all():
        raise ValueError("until_renewal is a share of a period, from 0 (the renewal is due) to 1 (just renewed)")
    if wait.ndim and wait.shape != np.shape(tenure):
        raise ValueError("until_renewal must be one number, or one for each tenure")
    return wait


def period_discount(annual_rate: float, periods_per_year: float) -> float:
    """Return the discount factor of one period.

    Parameters
    ----------
    annual_rate : float
        Interest of a year; positive.
    periods_per_year : float
        Such as 12 for monthly contracts.

    Raises
    ------
    ValueError
        If one of them is not positive.
    """
    if not (np.isfinite(annual_rate) and annual_rate > 0):
        raise ValueError(f"annual_rate must be positive, such as 0.1 for 10 % a year, not {annual_rate}")
    if not (np.isfinite(periods_per_year) and periods_per_year > 0):
        raise ValueError(f"periods_per_year must be positive, such as 12 for monthly contracts, not {periods_per_year}")
    return float((1 + annual_rate) ** (-1 / periods_per_year))


def discounted_count(renewals: Array, discount: float) -> Array:
    """Return the sum of the discount factors of renewals of which the first is due now.

    Parameters
    ----------
    renewals : array
        Numbers of renewals.
    discount : float
        Factor for one period.
    """
    return np.asarray(np.expm1(np.log(discount) * renewals) / (discount - 1))
