"""What the models of contracts have in common: retention, survival and what is still to come, with intervals."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from crm_lib.clv.contract_process import ContractProcess
from crm_lib.clv.contract_terms import check_periods, check_tenure, check_wait, discounted_count, period_discount
from crm_lib.clv.histories import Array
from crm_lib.clv.intervals import Interval, check_interval, equal_tails, posterior_estimate
from crm_lib.estimate import Estimate

Answer: TypeAlias = "float | Estimate | pd.Series[float] | pd.DataFrame"
"""A number or an Estimate for one argument, a Series or a DataFrame (value, low, high) for several."""


@dataclasses.dataclass(kw_only=True, eq=False)
class ContractModel(ContractProcess):
    """A model of when contracts that are renewed period by period end.

    Renewal t is decided at the end of period t; a contract that is not renewed then has lasted t periods. The *tenure*
    of a running contract is the period it is in: 1 in the first, one more than the renewals it has made. Point values
    are those at the maximum of the likelihood, intervals come from the posterior draws.
    """

    def retention_rates(
        self, renewals: ArrayLike, *, interval: Interval | None = None, level: float = 0.9, customers: int | None = None
    ) -> Answer:
        """Return the share of contracts up for a renewal that make it.

        Parameters
        ----------
        renewals : int or array_like (K,)
            Numbers of the renewals, 1 for the first.
        interval : {"mean", "outcome"} or None
            "mean" adds the posterior interval of the rate, "outcome" that of the share observed among `customers`.
        level : float
            Coverage of the interval.
        customers : int, optional
            Number of contracts up for the renewal, needed for the outcome.

        Returns
        -------
        float, Estimate, Series or DataFrame
            A number for one renewal, an Estimate with an interval; for several a Series or a DataFrame (``value``,
            ``low``, ``high``), indexed by renewal.
        """
        index = pd.Index(np.atleast_1d(np.asarray(renewals)), name="renewal")
        numbers = check_tenure(renewals)
        return self._share(
            lambda theta: np.exp(self._log_retention(theta, numbers)), renewals, index, interval, level, customers
        )

    def survival(
        self, periods: ArrayLike, *, interval: Interval | None = None, level: float = 0.9, customers: int | None = None
    ) -> Answer:
        """Return the share of new contracts that make a number of renewals.

        Parameters
        ----------
        periods : int or array_like (K,)
            Numbers of renewals; of 0 the share is 1.
        interval : {"mean", "outcome"} or None
            "mean" adds the posterior interval of the share, "outcome" that of the share observed of `customers`.
        level : float
            Coverage of the interval.
        customers : int, optional
            Number of new contracts, needed for the outcome.

        Returns
        -------
        float, Estimate, Series or DataFrame
            As of :meth:`retention_rates`, indexed by period.
        """
        index = pd.Index(np.atleast_1d(np.asarray(periods)), name="period")
        numbers = np.array([check_periods(period, "periods") for period in index], dtype=float)
        return self._share(
            lambda theta: np.exp(self._log_survival(theta, numbers)), periods, index, interval, level, customers
        )

    def expected_remaining(
        self, tenure: ArrayLike, horizon: int, *, interval: Interval | None = None, level: float = 0.9
    ) -> Answer:
        """Return how many of the next renewals a contract is expected to make.

        Parameters
        ----------
        tenure : int or array_like (N,)
            Period that each contract is in, 1 for the first.
        horizon : int
            Number of renewals looked at.
        interval : {"mean", "outcome"} or None
            "mean" adds the posterior interval of the expectation, "outcome" that of the number of one contract.
        level : float
            Coverage of the interval.

        Returns
        -------
        float, Estimate, Series or DataFrame
            A number for one tenure, an Estimate with an interval; for several a Series or a DataFrame (``value``,
            ``low``, ``high``) with the index of `tenure`, or indexed by tenure if that has none.
        """
        ahead = check_periods(horizon, "horizon")
        return self._per_contract(
            tenure,
            lambda theta, tenures: self._remaining(theta, tenures, ahead),
            lambda renewals: np.minimum(renewals, ahead),
            np.ones(1),
            interval,
            level,
            whole=True,
        )

    def discounted_expected_residual_lifetime(
        self,
        tenure: ArrayLike,
        annual_rate: float,
        *,
        periods_per_year: float = 1.0,
        until_renewal: ArrayLike = 0.0,
        interval: Interval | None = None,
        level: float = 0.9,
    ) -> Answer:
        """Return the discounted number of all renewals that a contract is still expected to make.

        Times the margin of a period, paid at its beginning, it is the residual value of the contract.

        Parameters
        ----------
        tenure : int or array_like (N,)
            Period that each contract is in, 1 for the first.
        annual_rate : float
            Interest of a year, such as 0.1; positive.
        periods_per_year : float
            12 for monthly contracts.
        until_renewal : float or array_like (N,)
            Time until the next renewal, as a share of a period. 0, the default, is the convention of Fader & Hardie:
            the renewal at the end of the period is just due, and counts in full if it is made. 1 is just after the
            renewal that began the period.
        interval : {"mean", "outcome"} or None
            "mean" adds the posterior interval of the expectation, "outcome" that of the discounted number of one
            contract.
        level : float
            Coverage of the interval.

        Returns
        -------
        float, Estimate, Series or DataFrame
            As of :meth:`expected_remaining`.

        Notes
        -----
        With *n* the tenure, *d* the interest of a period and *u* the time until the renewal,
        :math:`(1 + d)^{-u} \\sum_{k=0}^\\infty \\frac{S(n + k)}{S(n - 1)} (1 + d)^{-k}`.

        References
        ----------
        Fader, P. S., Hardie, B. G. S. (2010). Customer-Base Valuation in a Contractual Setting: The Perils of Ignoring
        Heterogeneity. Marketing Science 29(1), 85–93.
        """
        discount = period_discount(annual_rate, periods_per_year)
        return self._per_contract(
            tenure,
            lambda theta, tenures: self._discounted(theta, tenures, discount),
            lambda renewals: discounted_count(renewals, discount),
            discount ** check_wait(until_renewal, tenure),
            interval,
            level,
        )

    def future_survivors(
        self,
        data: pd.DataFrame,
        horizon: int,
        *,
        interval: Interval | None = None,
        level: float = 0.9,
        by_cohort: bool = True,
    ) -> pd.DataFrame:
        """Return how many of the contracts still running are expected to survive the renewals to come.

        Parameters
        ----------
        data : DataFrame
            Contracts, as for :meth:`fit`; their last counts are carried on.
        horizon : int
            Number of renewals to look ahead.
        interval : {"mean", "outcome"} or None
            "mean" adds the posterior interval of the expected number, "outcome" that of the number itself.
        level : float
            Coverage of the interval.
        by_cohort : bool
            Whether to give a number for each cohort, or one for all together.

        Returns
        -------
        DataFrame
            Columns ``cohort`` (unless all together), ``ahead`` (1 … `horizon` renewals from now) and ``value``, with an
            interval ``low`` and ``high``.
        """
        check_interval(interval)
        ahead = check_periods(horizon, "horizon")
        running = self._read(data).running
        names = running["cohort"] if by_cohort else pd.Series("all", index=running.index)
        cohort, labels = pd.factorize(names, sort=True)
        made = running["renewals"].to_numpy(dtype=float)
        contracts = running["contracts"].to_numpy(dtype=float)
        groups = (cohort[:, None] == np.arange(len(labels))).astype(float)

        def totals(theta: Array, rng: np.random.Generator | None) -> Array:  # numpydoc ignore=GL08
            sums = np.zeros((len(theta), len(labels), ahead))
            for step, left in enumerate(self._survivor_paths(theta, made, contracts, ahead, rng)):
                sums[:, :, step] = left @ groups
            return sums.reshape(len(theta), -1)

        columns = {"cohort": np.repeat(np.asarray(labels), ahead)} if by_cohort else {}
        columns["ahead"] = np.tile(np.arange(1, ahead + 1), len(labels))
        columns["value"] = totals(self._fit_.theta[None, :], None)[0]
        if interval is not None:
            outcome = interval == "outcome"
            rng = self._generator("survivors") if outcome else None
            low, high = equal_tails(totals(self._drawn.working, rng), level, whole=outcome)
            columns |= {"low": low, "high": high}
        return pd.DataFrame(columns)

    def _share(
        self,
        expectation: Callable[[Array], Array],
        asked: ArrayLike,
        index: pd.Index,
        interval: Interval | None,
        level: float,
        customers: int | None,
    ) -> Answer:
        check_interval(interval)
        value = expectation(self._fit_.theta[None, :])[0]
        ends = None
        if interval is not None:
            sample = expectation(self._drawn.working)
            if interval == "outcome":
                if customers is None or customers < 1:
                    raise ValueError("the outcome is a share of a number of customers: give customers, at least 1")
                sample = self._generator("share").binomial(customers, sample) / customers
            ends = equal_tails(sample, level, whole=interval == "outcome")
        return self._reply(value, ends, asked, index, interval, level)

    def _per_contract(
        self,
        tenure: ArrayLike,
        expectation: Callable[[Array, Array], Array],
        of_renewals: Callable[[Array], Array],
        factor: Array,
        interval: Interval | None,
        level: float,
        *,
        whole: bool = False,
    ) -> Answer:
        check_interval(interval)
        tenures = check_tenure(tenure)
        distinct, place = np.unique(tenures, return_inverse=True)
        value = expectation(self._fit_.theta[None, :], distinct)[0][place] * factor
        ends = None
        if interval is not None:
            theta = self._drawn.working
            if interval == "outcome":
                sample = of_renewals(self._draw_renewals(theta, distinct, self._generator("contract")))
            else:
                sample = expectation(theta, distinct)
            low, high = equal_tails(sample, level, whole=whole and interval == "outcome")
            ends = low[place] * factor, high[place] * factor
        index = tenure.index if isinstance(tenure, pd.Series) else pd.Index(np.atleast_1d(tenure), name="tenure")
        return self._reply(value, ends, tenure, index, interval, level)

    def _reply(
        self,
        value: Array,
        ends: tuple[Array, Array] | None,
        asked: ArrayLike,
        index: pd.Index,
        interval: Interval | None,
        level: float,
    ) -> Answer:
        if ends is None:
            return float(value[0]) if np.ndim(asked) == 0 else pd.Series(value, index=index, name="value")
        low, high = ends
        if interval == "mean":
            low, high = np.minimum(low, value), np.maximum(high, value)
        if np.ndim(asked) == 0:
            return posterior_estimate(
                value[0], low[0], high[0], n=self.customers_, method=self._drawn.method, level=level
            )
        return pd.DataFrame({"value": value, "low": low, "high": high}, index=index)
