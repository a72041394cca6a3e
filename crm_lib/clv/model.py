"""What all models have in common: estimation in units of the data, standard errors, posterior."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import warnings
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sized
from typing import ClassVar, Generic, Self, TypeVar

import numpy as np
import pandas as pd

from crm_lib.clv.histories import Array, Units
from crm_lib.clv.maximum import Maximum, maximise
from crm_lib.clv.posterior import Posterior, sample_posterior
from crm_lib.errors import NumericalError

SEED = 20260101
"""Seed of all draws where none is given."""
DRAWS = 4000
_MANY, _NARROW = 200_000, 0.02
"""Distinct records from which on, and spread of working parameters up to which, the posterior is taken as normal."""
_VAGUE = 10.0
"""Standard error of a working parameter beyond which the likelihood is a ridge or a plateau, not a peak."""
_SHAPE_SD, _SCALE_SD, _COEFFICIENT_SD = 2.0, 3.0, 2.0
"""Weakly informative priors: normal, of the logarithms of shapes around 1, of the logarithms of parameters with a unit
around the data's own scale, and of coefficients per standard deviation of their covariate around 0."""


class ConvergenceWarning(UserWarning):
    """The likelihood has no maximum inside its parameters' range, so that the estimates are not to be relied upon."""


Data = TypeVar("Data", bound=Sized)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fitted:
    """What a fit leaves behind: working parameters (P,), their covariance (missing without a maximum), and so on."""

    theta: Array
    covariance: Array
    log_likelihood: float
    converged: bool


@dataclasses.dataclass(kw_only=True, eq=False)
class Model(ABC, Generic[Data]):
    """A model that is fitted by maximum likelihood and whose intervals come from a posterior.

    A subclass is a data class whose fields are its settings. It names its parameters and supplies likelihood and
    derivatives on the *working scale*: logarithms of the positive parameters, then coefficients of covariates as they
    are. Data are counted in units of their own while it is fitted, so that no unit of time or money matters.
    """

    scale_parameters: ClassVar[frozenset[str]] = frozenset()
    """Parameters that have a unit (of time or money)."""

    def __post_init__(self) -> None:
        self._fitted: Fitted | None = None
        self._data: tuple[Data, Units] | None = None
        self._posterior: Posterior | None = None

    # What a subclass supplies

    @property
    @abstractmethod
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the parameters, in order."""

    @property
    def coefficient_names(self) -> tuple[str, ...]:
        """Names of the parameters that are coefficients of covariates, the last of :attr:`parameter_names`."""
        return ()

    @abstractmethod
    def _read(self, data: pd.DataFrame) -> Data:
        """Return the data, checked and grouped."""

    @abstractmethod
    def _standardised(self, data: Data) -> tuple[Data, Units]:
        """Return the data in units of their own, and these units."""

    @abstractmethod
    def _starts(self, data: Data) -> Array:
        """Return working parameters (S, P) to start from."""

    @abstractmethod
    def _objective(self, theta: Array, data: Data) -> tuple[float, Array, Array]:
        """Return log-likelihood, gradient and Hessian at working parameters (P,)."""

    @abstractmethod
    def _log_likelihoods(self, theta: Array, data: Data) -> Array:
        """Return the log-likelihoods (D,) of many working parameters (D, P)."""

    def _check(self, data: Data) -> None:
        """Raise an error or warn where a fit makes no sense."""

    def _reason(self, data: Data) -> str:
        """Return why the likelihood may have no maximum."""
        del data
        return "there are too few customers or repeat purchases, or a simpler model suffices"

    def _spreads(self, units: Units) -> Array:
        """Return the standard deviation of each coefficient's covariate."""
        del units
        return np.empty(0)

    # What users see

    def fit(self, data: pd.DataFrame) -> Self:
        """Estimate the parameters by maximum likelihood.

        Parameters
        ----------
        data : DataFrame
            The table that the model reads; see its class.

        Returns
        -------
        Model
            The model itself, with the attributes whose names end in ``_``.

        Warns
        -----
        ConvergenceWarning
            If the likelihood has no maximum; ``converged_`` is then False, standard errors are missing, and the
            estimates are the mode of the posterior.
        """
        read = self._read(data)
        self._check(read)
        observed, units = self._standardised(read)
        starts = np.atleast_2d(self._starts(observed))
        if len(starts) > 1:
            starts = starts[np.argsort(-np.nan_to_num(self._log_likelihoods(starts, observed), nan=-np.inf))]
        reached = maximise(lambda theta: self._objective(theta, observed), starts)
        covariance = np.linalg.inv(-reached.hessian) if reached.converged else np.full(reached.hessian.shape, np.inf)
        converged = bool(np.diag(covariance).max() <= _VAGUE**2)
        factor, _ = self._from_units(units)
        theta, value = reached.theta, reached.value
        if not converged:
            # Where a ridge ends is an accident of rounding; the posterior has a mode all the same.
            with contextlib.suppress(NumericalError):
                theta = self._mode(observed, starts).theta
                value = self._objective(theta, observed)[0]
        self._fitted = Fitted(
            theta=self._in_data_units(theta, units),
            covariance=covariance * np.outer(factor, factor) if converged else np.full(covariance.shape, np.nan),
            log_likelihood=float(value - units.densities * np.log(units.scale)),
            converged=converged,
        )
        self._data, self._posterior = (observed, units), None
        if not converged:
            values = ", ".join(f"{name} = {value:.3g}" for name, value in self.params_.items())
            warnings.warn(
                f"{type(self).__name__}: the likelihood has no maximum, as the data cannot tell the parameters: "
                f"{self._reason(observed)}. Estimates ({values}) and intervals rest on weak priors as well.",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    def with_parameters(self, **parameters: float) -> Self:
        """Return a model of the same settings with all its parameters given by name, for example to simulate from."""
        names = self.parameter_names
        if set(parameters) != set(names):
            raise ValueError(
                f"{type(self).__name__} has the parameters {', '.join(names)}; got {', '.join(parameters)}"
            )
        values = np.array([float(parameters[name]) for name in names])
        positive = len(names) - len(self.coefficient_names)
        if not (values[:positive] > 0).all() or not np.isfinite(values).all():
            raise ValueError(f"{', '.join(names[:positive])} must be positive and finite; got {parameters}")
        model = copy.copy(self)
        model.__post_init__()
        model._fitted = Fitted(
            theta=np.concatenate([np.log(values[:positive]), values[positive:]]),
            covariance=np.full((len(names), len(names)), np.nan),
            log_likelihood=float("nan"),
            converged=True,
        )
        return model

    @property
    def params_(self) -> pd.Series[float]:
        """Estimates of the parameters."""
        return pd.Series(self._values(self._fit_.theta), index=list(self.parameter_names), name="estimate")

    @property
    def standard_errors_(self) -> pd.Series[float]:
        """Standard errors of the estimates, from the inverse of the observed information."""
        theta, errors = self._fit_.theta, np.sqrt(np.diag(self._fit_.covariance))
        positive = len(theta) - len(self.coefficient_names)
        slopes = np.concatenate([np.exp(theta[:positive]), np.ones(len(theta) - positive)])
        return pd.Series(errors * slopes, index=list(self.parameter_names), name="standard_error")

    @property
    def log_likelihood_(self) -> float:
        """Log-likelihood at the estimates, in the data's own unit."""
        return self._fit_.log_likelihood

    @property
    def converged_(self) -> bool:
        """Whether the likelihood has a maximum at the estimates."""
        return self._fit_.converged

    def log_likelihood(self, data: pd.DataFrame) -> float:
        """Return the log-likelihood of data, such as :meth:`fit` reads, at the model's parameters."""
        return float(self._log_likelihoods(self._fit_.theta[None, :], self._read(data))[0])

    def summary(self) -> pd.DataFrame:
        """Return ``estimate``, ``standard_error`` and posterior interval (``low``, ``high``) of each parameter.

        Where the maximum of the likelihood lies outside the interval, the estimate is the posterior median.
        """
        drawn = self._drawn.summary()
        inside = self.params_.between(drawn["low"], drawn["high"])
        estimate = self.params_.where(inside, drawn["median"])
        return pd.concat([estimate, self.standard_errors_, drawn[["low", "high"]]], axis=1)

    def posterior(self, *, draws: int = DRAWS, seed: int = SEED) -> Posterior:
        """Draw the parameters given data (many: normal at the mode) and weak priors; intervals use the last draws."""
        begin = self._fit_.theta
        if self._data is None:
            raise ValueError("the posterior needs the data: fit the model first")
        if draws < 100:
            raise ValueError(f"a posterior needs at least 100 draws, not {draws}")
        data, units = self._data
        factor, shift = self._from_units(units)
        precision = self._prior_sds() ** -2.0
        mode = self._mode(data, [(begin - shift) / factor, *np.atleast_2d(self._starts(data))])
        covariance = np.asarray(np.linalg.inv(-mode.hessian), dtype=np.float64)
        normal = len(data) > _MANY and np.sqrt(np.diag(covariance)).max() < _NARROW

        def density(theta: Array) -> Array:  # numpydoc ignore=GL08
            if normal:
                return np.asarray(0.5 * np.sum((theta - mode.theta) @ mode.hessian * (theta - mode.theta), axis=1))
            return np.asarray(self._log_likelihoods(theta, data) - 0.5 * theta**2 @ precision)

        drawn = sample_posterior(density, mode.theta, covariance, draws=draws, seed=seed)
        working = self._in_data_units(drawn.theta, units)
        self._posterior = Posterior(
            draws=pd.DataFrame(self._values(working), columns=list(self.parameter_names)),
            working=working,
            effective_sample_size=drawn.effective_sample_size,
            pareto_k=drawn.pareto_k,
            method="normal at the mode, for very many records" if normal else drawn.method,
            seed=seed,
        )
        return self._posterior

    def _mode(self, data: Data, starts: Iterable[Array]) -> Maximum:
        precision = self._prior_sds() ** -2.0

        def objective(theta: Array) -> tuple[float, Array, Array]:  # numpydoc ignore=GL08
            value, gradient, hessian = self._objective(theta, data)
            pull = precision * theta
            return value - 0.5 * float(pull @ theta), gradient - pull, hessian - np.diag(precision)

        mode = maximise(objective, starts, tolerance=1e-6)
        if not mode.converged:
            raise NumericalError(f"{type(self).__name__}: no mode of the posterior was found")
        return mode

    # What subclasses use

    @property
    def _fit_(self) -> Fitted:
        if self._fitted is None:
            raise ValueError(f"this {type(self).__name__} is not fitted: call fit(...) first")
        return self._fitted

    @property
    def _drawn(self) -> Posterior:
        return self._posterior if self._posterior is not None else self.posterior()

    def working_draws(self, count: int) -> Array:
        """Return evenly spaced draws (D, P) of the posterior on the working scale."""
        return self._drawn.some(count)

    def _generator(self, purpose: str) -> np.random.Generator:
        return np.random.default_rng([self._drawn.seed, zlib.crc32(purpose.encode())])

    def _from_units(self, units: Units) -> tuple[Array, Array]:
        """Return by what working parameters in the data's own units are multiplied, and what is added."""
        names = self.parameter_names
        factor = np.ones(len(names))
        factor[len(names) - len(self.coefficient_names) :] = 1 / self._spreads(units)
        return factor, np.array([np.log(units.scale) if name in self.scale_parameters else 0.0 for name in names])

    def _in_data_units(self, theta: Array, units: Units) -> Array:
        factor, shift = self._from_units(units)
        return np.asarray(theta * factor + shift)

    def _prior_sds(self) -> Array:
        coefficients, scales = self.coefficient_names, self.scale_parameters
        return np.array(
            [
                _COEFFICIENT_SD if name in coefficients else _SCALE_SD if name in scales else _SHAPE_SD
                for name in self.parameter_names
            ]
        )

    def _values(self, theta: Array) -> Array:
        """Return parameters (..., P) from working parameters."""
        positive = theta.shape[-1] - len(self.coefficient_names)
        return np.concatenate([np.exp(theta[..., :positive]), theta[..., positive:]], axis=-1)

    def _natural(self, theta: Array) -> list[Array]:
        """Return each parameter as an array (D, 1) that broadcasts against histories."""
        return [column[:, None] for column in self._values(theta).T]
