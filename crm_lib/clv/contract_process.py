"""What a model of contracts must supply, and how it is fitted, drawn from and simulated."""

from __future__ import annotations

import dataclasses
import warnings
import zlib
from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from crm_lib.clv.beta_survival import log_gamma_ratio, log_survival
from crm_lib.clv.contract_terms import check_periods, check_tenure, check_wait, discounted_count, period_discount
from crm_lib.clv.histories import Array
from crm_lib.clv.intervals import draw_blocks
from crm_lib.clv.model import ConvergenceWarning, Model
from crm_lib.clv.renewal_sums import discounted_periods, remaining_periods
from crm_lib.clv.survivors import Survivors, read_survivors
from crm_lib.errors import TooLittleData


@dataclasses.dataclass(kw_only=True, eq=False)
class ContractProcess(Model[Survivors]):
    """How contracts end, as far as computations need it; users meet :class:`ContractModel`.

    Every contract has a probability of leaving that is beta distributed over contracts; a contract with probability
    :math:`\\theta` makes at least t renewals with probability :math:`(1 - \\theta)^{t^c}`.
    """

    least_renewals: ClassVar[int] = 2
    """Number of different renewals that must have been observed for the parameters to be told apart."""

    @abstractmethod
    def _shape(self, theta: Array) -> tuple[Array, Array, Array]:
        """Return the two parameters of the beta distribution and the power c, each of shape (D, 1)."""

    def _read(self, data: pd.DataFrame) -> Survivors:
        return read_survivors(data)

    def _typical_scale(self, data: Survivors) -> dict[str, float]:
        del data
        return {}

    def fit(self, data: pd.DataFrame) -> Self:
        """Estimate the parameters by maximum likelihood.

        Parameters
        ----------
        data : DataFrame
            Counts of cohorts (``period``, ``survivors`` and, for several, ``cohort``) or one row a contract
            (``duration``, ``ended`` and, if need be, ``entry``, ``customers``, ``cohort``), as
            :func:`crm_lib.clv.survivors.read_survivors` describes them.

        Returns
        -------
        ContractModel
            The model itself, with the attributes whose names end in ``_``.

        Raises
        ------
        TooLittleData
            If fewer renewals were observed than the model has parameters.

        Warns
        -----
        ConvergenceWarning
            If the likelihood has no maximum, with the reason; ``converged_`` is then False and the standard errors are
            missing.
        """
        observed = self._read(data)
        seen = int((observed.at_risk > 0).sum())
        if seen < self.least_renewals:
            raise TooLittleData(
                f"{type(self).__name__} has {self.least_renewals} parameters and needs contracts that were up for at "
                f"least as many different renewals; there were some up for {seen}. {_extreme(observed)}".rstrip(),
                table="contracts",
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            self._fit(observed)
        if not self.converged_:
            values = ", ".join(f"{name} = {value:.3g}" for name, value in self.params_.items())
            warnings.warn(
                f"{type(self).__name__}: the likelihood has no maximum; the search ended at {values}. "
                f"{_reason(observed)} Intervals from posterior() still hold, as they rest on the priors as well.",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    def _log_likelihoods(self, theta: Array, data: Survivors) -> Array:
        kept = data.at_risk - data.losses
        lost = data.losses > 0
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

    def _remaining(self, theta: Array, tenures: Array, horizon: int) -> Array:
        return remaining_periods(lambda times: self._log_survival(theta, times), tenures, horizon)

    def _discounted(self, theta: Array, tenures: Array, discount: float) -> Array:
        return discounted_periods(lambda times: self._log_survival(theta, times), tenures, discount)

    def _draw_renewals(self, theta: Array, tenures: Array, rng: np.random.Generator) -> Array:
        """Draw how many further renewals contracts of these tenures make, shape (D, K)."""
        leave, stay, power = self._shape(theta)
        passed = (tenures - 1) ** power
        leaving = rng.beta(leave, stay + passed)
        with np.errstate(divide="ignore", over="ignore"):
            lasts = (passed + rng.standard_exponential(leaving.shape) / -np.log1p(-leaving)) ** (1 / power)
        return np.asarray(np.maximum(np.floor(lasts) - (tenures - 1), 0.0))

    def _survivor_paths(
        self, theta: Array, made: Array, contracts: Array, ahead: int, rng: np.random.Generator | None
    ) -> Iterator[Array]:
        """Yield the contracts left after each renewal to come, shape (D, G): expected, or drawn with a generator."""
        left = np.repeat(contracts[None, :], len(theta), axis=0)
        for step in range(1, ahead + 1):
            rate = np.exp(self._log_retention(theta, made + step))
            left = left * rate if rng is None else rng.binomial(left.astype(np.int64), rate).astype(float)
            yield left

    def drawn(
        self,
        quantity: Literal["remaining", "discounted"],
        tenure: ArrayLike,
        *,
        horizon: int | None = None,
        annual_rate: float | None = None,
        periods_per_year: float = 1.0,
        until_renewal: ArrayLike = 0.0,
        outcome: bool = False,
        draws: int = 400,
    ) -> Array:
        """Return a quantity of each contract for each of the posterior draws, for whoever computes further with it.

        Parameters
        ----------
        quantity : {"remaining", "discounted"}
            Renewals in the `horizon`, or all further renewals discounted at the `annual_rate`.
        tenure : array_like (N,)
            Period that each contract is in, 1 for the first.
        horizon : int
            Number of renewals looked at, for "remaining".
        annual_rate : float
            Interest of a year, for "discounted".
        periods_per_year : float
            12 for monthly contracts.
        until_renewal : float or array_like (N,)
            As for :meth:`ContractModel.discounted_expected_residual_lifetime`.
        outcome : bool
            Whether to simulate what happens instead of its expectation; every contract is drawn by itself.
        draws : int
            Number of posterior draws D.

        Returns
        -------
        array (D, N)
            The same draws, in the same order, whatever the quantity.

        Raises
        ------
        ValueError
            If `horizon` or `annual_rate` is absent where it is needed.
        """
        tenures = check_tenure(tenure)
        theta = self._drawn.some(draws)
        distinct, place = np.unique(tenures, return_inverse=True)
        rng = self._generator(f"{quantity}{tenures.size}")
        if quantity == "remaining":
            if horizon is None:
                raise ValueError("remaining renewals need a horizon")
            ahead = check_periods(horizon, "horizon")
            if outcome:
                return np.minimum(self._draw_renewals(theta, tenures, rng), ahead)
            return self._remaining(theta, distinct, ahead)[:, place]
        if annual_rate is None:
            raise ValueError("discounted renewals need an annual_rate")
        discount = period_discount(annual_rate, periods_per_year)
        wait = discount ** check_wait(until_renewal, tenure)
        if outcome:
            return wait * discounted_count(self._draw_renewals(theta, tenures, rng), discount)
        return wait * self._discounted(theta, distinct, discount)[:, place]

    def simulate(self, age: ArrayLike, *, seed: int, horizon: int = 0) -> pd.DataFrame:
        """Simulate contracts by the model's parameters.

        Parameters
        ----------
        age : array_like (N,)
            Number of periods for which each contract is observed, if it does not end before.
        seed : int
            Seed of the random numbers.
        horizon : int
            Further renewals for which what happens next is simulated.

        Returns
        -------
        DataFrame
            ``duration`` and ``ended``, one row a contract as :meth:`fit` reads them, and what nobody could observe:
            ``future``, the number of renewals made in the horizon.
        """
        ages = np.atleast_1d(np.asarray(age, dtype=float))
        if ages.ndim != 1 or not (np.isfinite(ages) & (ages >= 0) & (ages == np.floor(ages))).all():
            raise ValueError("age must be a list of whole numbers of periods that are not negative")
        ahead = check_periods(horizon, "horizon")
        rng = np.random.default_rng(seed)
        renewals = self._draw_renewals(np.repeat(self._fit_.theta[None, :], len(ages), axis=0), np.ones(1), rng)[:, 0]
        ended = renewals < ages
        return pd.DataFrame(
            {
                "duration": np.where(ended, renewals + 1, ages).astype(np.int64),
                "ended": ended,
                "future": np.clip(renewals - ages, 0, ahead).astype(np.int64),
            }
        )

    def _generator(self, purpose: str) -> np.random.Generator:
        return np.random.default_rng([self._drawn.seed, zlib.crc32(purpose.encode())])


def _extreme(observed: Survivors) -> str:
    if not observed.losses.any():
        return "Nobody left at any renewal observed, so that no rate of leaving is too small."
    if not (observed.at_risk - observed.losses).any():
        return "Everybody left at the first renewal observed, so that no rate of leaving is too large."
    return ""


def _reason(observed: Survivors) -> str:
    return _extreme(observed) or (
        "The retention rates do not rise in the way the model says: customers look alike, and one rate for all fits "
        "as well, or there are too few of them to tell."
    )
