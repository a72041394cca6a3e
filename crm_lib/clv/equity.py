"""Customer equity by group, by year to come and by model; and the most one may pay for a customer."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
import pandas as pd

from crm_lib.clv.acquisition import Acquisition
from crm_lib.clv.beta_geometric import BGNBD, MBGNBD
from crm_lib.clv.forecasters import model_label
from crm_lib.clv.future_value import mean_and_ends
from crm_lib.clv.histories import Array
from crm_lib.clv.model import ConvergenceWarning
from crm_lib.clv.pareto_nbd import ParetoNBD
from crm_lib.clv.potential import NOT_KNOWN
from crm_lib.clv.value import CustomerValue
from crm_lib.customers import UNIT_DAYS
from crm_lib.errors import TooLittleData

SMALL_GROUPS = "(small groups)"
_YEARS = (1, 2, 3, 5, 10)


def equity_by(value: CustomerValue, groups: pd.Series[str], *, smallest_group: int = 10) -> pd.DataFrame:
    """Add up what customers are worth by group, with intervals.

    Parameters
    ----------
    value : CustomerValue
        Value of every customer.
    groups : Series
        Group of each customer, indexed by ``customer_id``; customers that it leaves out, or whose group is missing,
        count as ``"(not known)"``, and those it has in excess do not count.
    smallest_group : int
        Groups with fewer customers are pooled as ``"(small groups)"``: they say little, and name persons.

    Returns
    -------
    DataFrame
        Indexed by group in order, the pooled and the unknown last: ``customers``, ``historical``, ``current`` and
        ``potential`` with ``_low`` and ``_high``, and ``value_share`` (of the current value of all). The groups add up
        to the totals; ``attrs`` tell the currency.

    Raises
    ------
    ValueError
        If a customer is in two groups.
    """
    labels = group_labels(groups, value.frame.index, smallest_group=smallest_group)
    names = list(labels.cat.categories)
    drawn = value.future.by_group(labels.cat.codes.to_numpy().astype(np.intp), len(names))
    table = pd.DataFrame(
        {
            "customers": labels.value_counts(sort=False).astype("int64"),
            "historical": value.frame["historical"].groupby(labels, observed=False).sum(),
        }
    )
    for part in ("current", "potential"):
        table[part], table[f"{part}_low"], table[f"{part}_high"] = mean_and_ends(getattr(drawn, part))
    total = value.totals["current"].value
    table["value_share"] = table["current"] / total if total > 0 else np.nan
    table.index = pd.Index(names, name="group")
    table.attrs["currency"] = value.currency
    return table


def acquisition_cohorts(value: CustomerValue) -> pd.Series[str]:
    """Return the year of each customer's first purchase, for :func:`equity_by`.

    Parameters
    ----------
    value : CustomerValue
        Value of every customer.
    """
    cohorts: pd.Series[str] = value.future.summary["first_purchase"].dt.year.astype(str)
    return cohorts


def value_by_year(value: CustomerValue) -> pd.DataFrame:
    """Return how much of the current value is expected within 1, 2, 3, 5 and 10 years, as far as value is given.

    Parameters
    ----------
    value : CustomerValue
        Value of every customer.

    Returns
    -------
    DataFrame
        Indexed by ``years``: ``value``, the part of the current value that arises until then; its ``share``; and
        ``observed``, whether the data cover as long a time, so that the model was seen to hold over it.

    Raises
    ------
    TooLittleData
        If there is no value to come, or it is not given for a year.
    """
    model, customers, horizon = value.future.model, value.future.summary, value.future.horizon
    worth = value.frame["value_per_purchase"].to_numpy()
    rate = value.annual_rate
    total = float(model.discounted_expected_purchases(customers, rate, horizon=horizon).to_numpy() @ worth)
    if not total > 0:
        raise TooLittleData("needs value to come; customers are not expected to bring any")
    length = UNIT_DAYS["Y"] / UNIT_DAYS[model.unit]
    years = [year for year in _YEARS if horizon is None or year * length <= horizon]
    if not years:
        raise TooLittleData("needs purchases over five weeks or more to tell years to come apart")
    sums = [
        model.discounted_expected_purchases(customers, rate, horizon=year * length).to_numpy() @ worth for year in years
    ]
    share = np.array(sums) / total
    frame = pd.DataFrame(
        {"value": share * value.totals["current"].value, "share": share}, pd.Index(years, name="years")
    )
    frame["observed"] = frame.index <= float(customers["age"].max()) / length
    frame.attrs["currency"] = value.currency
    return frame


def value_by_model(value: CustomerValue) -> pd.DataFrame:
    """Return the customer equity under Pareto/NBD, BG/NBD and MBG/NBD, all else equal.

    The interval of a value holds how well the parameters of *one* model are known. Models that fit the past about
    equally well may still disagree on the far future: where their values lie further apart than the interval is wide,
    the choice of model is the larger doubt.

    Parameters
    ----------
    value : CustomerValue
        What the customers are worth under the chosen model.

    Returns
    -------
    DataFrame
        Indexed by ``model``, the chosen one first: ``current``, the value of all customers; ``current_low`` and
        ``current_high``, its interval under the chosen model; ``expected_purchases`` of all in the horizon. A model
        whose likelihood has no maximum is left out.
    """
    chosen, customers, current = value.future.model, value.future.summary, value.totals["current"]
    worth = value.frame["value_per_purchase"].to_numpy()
    unit, rate, horizon = chosen.unit, value.annual_rate, value.future.horizon
    rows: dict[str, tuple[float, float]] = {}
    for model in (chosen, ParetoNBD(unit=unit), BGNBD(unit=unit), MBGNBD(unit=unit)):
        if model_label(model) in rows:
            continue
        fitted = model
        if model is not chosen:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                fitted = copy.copy(model).fit(customers)
            if not fitted.converged_:
                continue
        worth_of_each = fitted.discounted_expected_purchases(customers, rate, horizon=horizon).to_numpy() * worth
        expected = fitted.expected_purchases(customers, value.horizon_days / UNIT_DAYS[unit])
        rows[model_label(model)] = (float(worth_of_each.sum()), float(expected.sum()))
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=["current", "expected_purchases"])
    # Point values compare the models; the chosen one's is the posterior mean that stands elsewhere.
    point = float(frame["current"].iloc[0])
    frame["current"] *= current.value / point if point > 0 else 1.0
    for name, end in (("current_low", current.low), ("current_high", current.high)):
        frame[name] = [end, *[np.nan] * (len(frame) - 1)]
    frame.attrs["currency"] = value.currency
    return frame[["current", "current_low", "current_high", "expected_purchases"]].rename_axis("model")


def group_labels(groups: pd.Series[str], index: pd.Index, *, smallest_group: int) -> pd.Series[Any]:
    """Return the group of each customer as ordered categories, small ones pooled and missing ones named."""
    if not groups.index.is_unique:
        twice = groups.index[groups.index.duplicated()][:3].tolist()
        raise ValueError(f"each customer must be in one group; given twice: {twice}")
    found = groups.reindex(index).astype(object)
    labels = found.where(found.notna(), NOT_KNOWN).map(str)
    sizes = labels.value_counts()
    small = sizes.index[(sizes < smallest_group) & (sizes.index != NOT_KNOWN)]
    if len(small) and len(sizes) > 1:
        labels = labels.where(~labels.isin(small), SMALL_GROUPS)
    last = [name for name in (SMALL_GROUPS, NOT_KNOWN) if (labels == name).any()]
    return labels.astype(pd.CategoricalDtype(sorted(set(labels) - set(last)) + last))


ALL = "(all)"
"""Row of all channels together."""


def spending_limits(value: CustomerValue, acquisition: Acquisition) -> pd.DataFrame:
    """Return the most one may pay for a customer, so that interest at the yearly rate is still earned.

    *To win* a customer one may pay what a new one is worth. *To keep* one, what is lost if they leave: the mean current
    value of those who are still customers. *To win back* one who has left, what a returned customer is worth; little is
    known of these, and they are assumed to be worth what a new one is. It is not the price of an attempt, but of a
    success that would not have come by itself. No limit lies below 0.

    Parameters
    ----------
    value : CustomerValue
        Value of every customer.
    acquisition : Acquisition
        New customers by channel.

    Returns
    -------
    DataFrame
        Indexed by channel, all together in the last row: ``customers``; ``win`` (also to win back) and ``keep``, each
        with ``_low`` and ``_high``.

    Raises
    ------
    ValueError
        If the two were computed in different money.
    """
    if (value.basis, value.annual_rate) != (acquisition.basis, acquisition.annual_rate):
        raise ValueError("value and acquisition must be computed with the same yearly rate and basis")
    labels = group_labels(acquisition.channels, value.frame.index, smallest_group=1)
    names = list(labels.cat.categories)
    channels = [name for name in names if name in acquisition.frame.index]
    places = [names.index(name) for name in channels]
    drawn = value.future.by_group(labels.cat.codes.to_numpy().astype(np.intp), len(names))
    customers = acquisition.frame.loc[channels, "customers"].to_numpy(dtype=float)
    new = acquisition.draws["clv"][channels].to_numpy()
    limits = {
        "win": np.column_stack([new, new @ (customers / customers.sum())]),
        "keep": _with_sum(drawn.current, places) / np.maximum(_with_sum(drawn.alive, places), 1e-12),
    }
    table = pd.DataFrame(
        {"customers": np.append(customers, customers.sum()).astype("int64")}, pd.Index([*channels, ALL], name="channel")
    )
    for name, sample in limits.items():
        table[name], table[f"{name}_low"], table[f"{name}_high"] = mean_and_ends(np.maximum(sample, 0.0))
    table.attrs["currency"] = value.currency
    return table


def _with_sum(columns: Array, places: list[int]) -> Array:
    return np.column_stack([columns[:, places], columns.sum(axis=1)])
