"""What the models of contracts have in common: retention, survival and what is still to come, with intervals."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from crm_lib.clv.discounting import check_periods, check_tenure, discounted_periods, log_survival
from crm_lib.clv.histories import Array, Units
from crm_lib.clv.intervals import draw_blocks, equal_tails
from crm_lib.clv.model import Model
from crm_lib.clv.special import log_gamma_ratio
from crm_lib.clv.survivors import Survivors, read_survivors
from crm_lib.errors import TooLittleData


@dataclasses.dataclass(kw_only=True, eq=False)
class ContractModel(Model[Survivors]):
    """A model of when contracts that are renewed period by period end.

    Every contract has a probability of leaving that is beta distributed over contracts; one with probability
    :math:`\\theta` makes at least t renewals with probability :math:`(1 - \\theta)^{t^c}`. Renewal t is decided at the
    end of period t; a contract that is not renewed then has lasted t periods. The *tenure* of a running contract is the
    period it is in: 1 in the first, one more than the renewals it has made. Point values are those at the maximum of
    the likelihood; with ``interval=True``, ``value`` is the posterior median beside ``low`` and ``high``.

    It is fitted to counts of cohorts (``period``, ``survivors`` and, for several, ``cohort``) or to one row a contract
    (``duration``, ``ended`` and, if need be, ``customers``), as
    :func:`crm_lib.clv.survivors.read_survivors` describes them.
    """

    least_renewals: ClassVar[int] = 2
    """Number of different renewals that must have been observed for the parameters to be told apart."""

    @abstractmethod
    def _shape(self, theta: Array) -> tuple[Array, Array, Array]:
        """Return the two parameters of the beta distribution and the power c, each of shape (D, 1)."""

    # Estimation

    def _read(self, data: pd.DataFrame) -> Survivors:
        return read_survivors(data)

    def _standardised(self, data: Survivors) -> tuple[Survivors, Units]:
        return data, Units()

    def _check(self, data: Survivors) -> None:
        seen = int((data.at_risk > 0).sum())
        if seen < self.least_renewals:
            raise TooLittleData(
                f"needs contracts up for {self.least_renewals} different renewals, as {type(self).__name__} has as "
                f"many parameters; there were some up for {seen}",
                table="contracts",
            )

    def _reason(self, data: Survivors) -> str:
        if not data.losses.any():
            return "nobody left at any renewal observed, so that no rate of leaving is too small"
        if not (data.at_risk - data.losses).any():
            return "everybody left at the first renewal observed, so that no rate of leaving is too large"
        return "retention does not rise in the way the model says, so that one rate for all fits as well"

    def _log_likelihoods(self, theta: Array, data: Survivors) -> Array:
        kept, lost = data.at_risk - data.losses, data.losses > 0
        parts = []
        for some in draw_blocks(theta, len(kept)):
            retained = self._log_retention(some, data.renewals)
            with np.errstate(divide="ignore"):
                left = np.log(-np.expm1(retained[:, lost]))
            parts.append(retained @ kept + left @ data.losses[lost])
        return np.concatenate(parts)

    def _log_survival(self, theta: Array, times: Array) -> Array:
        leave, stay, power = self._shape(theta)
        with np.errstate(over="ignore", invalid="ignore"):
            return log_survival(leave, stay, times**power)

    def _log_retention(self, theta: Array, renewals: Array) -> Array:
        leave, stay, power = self._shape(theta)
        with np.errstate(over="ignore", invalid="ignore"):
            after = log_gamma_ratio(stay + renewals**power, leave)
            before = log_gamma_ratio(stay + (renewals - 1) ** power, leave)
            return np.asarray(np.minimum(before - after, 0.0))

    def _discounted(self, theta: Array, tenures: Array, discount: float) -> Array:
        return np.concatenate(
            [
                discounted_periods(partial(self._log_survival, some), tenures, discount)
                for some in draw_blocks(theta, int(tenures.max()))
            ]
        )

    # What users ask

    def retention_rates(self, renewals: ArrayLike, *, interval: bool = False) -> pd.Series[float] | pd.DataFrame:
        """Return the share of contracts up for renewals (K,), 1 for the first, that make them; indexed by renewal."""
        numbers = check_tenure(renewals)
        index = pd.Index(numbers.astype(int), name="renewal")
        return self._answer(lambda theta: np.exp(self._log_retention(theta, numbers)), index, interval)

    def survival(self, periods: ArrayLike, *, interval: bool = False) -> pd.Series[float] | pd.DataFrame:
        """Return the share of new contracts that make numbers of renewals (K,), of 0 all; indexed by period."""
        index = pd.Index([check_periods(period, "periods") for period in np.atleast_1d(periods)], name="period")
        times = index.to_numpy(dtype=float)
        return self._answer(lambda theta: np.exp(self._log_survival(theta, times)), index, interval)

    def simulate(self, age: ArrayLike, *, seed: int, horizon: int = 0) -> pd.DataFrame:
        """Simulate contracts that are observed for numbers of periods (N,), if they do not end before.

        The table has the columns ``duration`` and ``ended``, as :meth:`fit` reads them, and what nobody could observe:
        ``future``, the number of renewals made in the horizon.
        """
        ages = np.array([check_periods(each, "age") for each in np.atleast_1d(age)])
        rng = np.random.default_rng(seed)
        leave, stay, power = (each[0, 0] for each in self._shape(self._fit_.theta[None, :]))
        chance = rng.beta(leave, stay, len(ages))
        with np.errstate(divide="ignore", over="ignore"):
            renewals = np.floor((rng.standard_exponential(len(ages)) / -np.log1p(-chance)) ** (1 / power))
        ended = renewals < ages
        return pd.DataFrame(
            {
                "duration": np.where(ended, renewals + 1, ages).astype(np.int64),
                "ended": ended,
                "future": np.clip(renewals - ages, 0, check_periods(horizon, "horizon")).astype(np.int64),
            }
        )

    def _answer(
        self, expectation: Callable[[Array], Array], index: pd.Index, interval: bool
    ) -> pd.Series[float] | pd.DataFrame:
        if not interval:
            return pd.Series(expectation(self._fit_.theta[None, :])[0], index=index, name="value")
        sample = expectation(self._drawn.working)
        low, high = equal_tails(sample)
        columns = {"value": np.median(sample, axis=0), "low": low, "high": high}
        return pd.DataFrame(columns, index=index)
