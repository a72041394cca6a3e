"""What all models have in common: estimation, standard errors, posterior, and storage as JSON."""

from __future__ import annotations

import copy
import dataclasses
import warnings
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

import numpy as np
import pandas as pd

from crm_lib.clv.fitted import Fitted
from crm_lib.clv.histories import Array
from crm_lib.clv.maximum import maximise
from crm_lib.clv.posterior import Posterior, sample_posterior
from crm_lib.clv.priors import WEAK, NormalPrior, Priors, normal_prior
from crm_lib.clv.storage import dump, load
from crm_lib.errors import TooLittleData

SEED = 20260101
"""Seed of all draws where none is given."""
_DRAWS = 4000
_VAGUE = 10.0
"""Standard error of a working parameter beyond which the likelihood is a ridge or a plateau, not a peak."""


class ConvergenceWarning(UserWarning):
    """The likelihood has no maximum inside its parameters' range, so that the estimates are not to be relied upon."""


class Observations(Protocol):
    """Data that a model is fitted to."""

    @property
    def total(self) -> float:
        """Number of customers."""


Data = TypeVar("Data", bound=Observations)


@dataclasses.dataclass(kw_only=True, eq=False)
class Model(ABC, Generic[Data]):
    """A model that is fitted by maximum likelihood and whose intervals come from a posterior.

    A subclass is a data class whose fields are its settings. It names its parameters and supplies likelihood and
    derivatives on the *working scale*: logarithms of the positive parameters, then coefficients of covariates as they
    are.
    """

    scale_parameters: ClassVar[frozenset[str]] = frozenset()
    """Parameters that have a unit (of time or money)."""
    _models: ClassVar[dict[str, type[Model[Any]]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Model._models[cls.__name__] = cls

    def __post_init__(self) -> None:
        self._fitted: Fitted | None = None
        self._data: Data | None = None
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
    def _typical_scale(self, data: Data) -> dict[str, float]:
        """Return a typical value of the data for each of the scale parameters."""

    @abstractmethod
    def _starts(self, data: Data) -> Array:
        """Return working parameters (S, P) to start from."""

    @abstractmethod
    def _objective(self, theta: Array, data: Data) -> tuple[float, Array, Array]:
        """Return log-likelihood, gradient and Hessian at working parameters (P,)."""

    @abstractmethod
    def _log_likelihoods(self, theta: Array, data: Data) -> Array:
        """Return the log-likelihoods (D,) of many working parameters (D, P)."""

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
            If the likelihood has no maximum; ``converged_`` is then False and the standard errors are missing.
        """
        return self._fit(self._read(data))

    def _fit(self, observed: Data) -> Self:
        starts = np.atleast_2d(self._starts(observed))
        if len(starts) > 1:
            starts = starts[np.argsort(-np.nan_to_num(self._log_likelihoods(starts, observed), nan=-np.inf))]
        reached = maximise(lambda theta: self._objective(theta, observed), starts)
        covariance = _inverse(-reached.hessian) if reached.converged else None
        if covariance is None or np.diag(covariance).max() > _VAGUE**2:
            count = len(reached.theta)
            covariance, converged = np.full((count, count), np.nan), False
        else:
            converged = True
        self._fitted = Fitted(
            theta=reached.theta,
            covariance=covariance,
            log_likelihood=float(reached.value),
            customers=observed.total,
            converged=converged,
        )
        self._data, self._posterior = observed, None
        if not converged:
            values = ", ".join(f"{name} = {value:.3g}" for name, value in self.params_.items())
            warnings.warn(
                f"{type(self).__name__}: the likelihood has no maximum; the search ended at {values}. The data cannot "
                "tell these parameters: there are too few customers or repeat purchases, or a simpler model suffices. "
                "Intervals from posterior() still hold, as they rest on the priors as well.",
                ConvergenceWarning,
                stacklevel=3,
            )
        return self

    def with_parameters(self, **parameters: float) -> Self:
        """Return a model of the same settings with given parameters, for example to simulate from.

        Parameters
        ----------
        **parameters : float
            All parameters by name.

        Returns
        -------
        Model
            A new model. It has no standard errors and no posterior.

        Raises
        ------
        ValueError
            If a parameter is absent, unknown, or not positive where it must be.
        """
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
        theta = np.concatenate([np.log(values[:positive]), values[positive:]])
        model._fitted = Fitted(
            theta=theta,
            covariance=np.full((len(names), len(names)), np.nan),
            log_likelihood=float("nan"),
            customers=0.0,
            converged=True,
        )
        return model

    @property
    def params_(self) -> pd.Series[float]:
        """Estimates of the parameters."""
        return pd.Series(self._values(self._fit_.theta), index=list(self.parameter_names), name="estimate")

    @property
    def covariance_(self) -> pd.DataFrame:
        """Covariance of the estimates: the inverse of the observed information."""
        names = list(self.parameter_names)
        slopes = self._slopes(self._fit_.theta)
        return pd.DataFrame(self._fit_.covariance * np.outer(slopes, slopes), index=names, columns=names)

    @property
    def standard_errors_(self) -> pd.Series[float]:
        """Standard errors of the estimates."""
        covariance = self.covariance_
        return pd.Series(np.sqrt(np.diag(covariance)), index=covariance.index, name="standard_error")

    @property
    def log_likelihood_(self) -> float:
        """Log-likelihood at the estimates, in the data's own unit of time."""
        return self._fit_.log_likelihood

    @property
    def aic_(self) -> float:
        """Akaike's information criterion."""
        return 2.0 * len(self.parameter_names) - 2 * self.log_likelihood_

    @property
    def bic_(self) -> float:
        """Schwarz's information criterion, counting customers."""
        return float(len(self.parameter_names) * np.log(self._fit_.customers) - 2 * self.log_likelihood_)

    @property
    def converged_(self) -> bool:
        """Whether the likelihood has a maximum at the estimates."""
        return self._fit_.converged

    @property
    def customers_(self) -> int:
        """Number of customers that the model was fitted to."""
        return round(self._fit_.customers)

    def log_likelihood(self, data: pd.DataFrame) -> float:
        """Return the log-likelihood of data at the model's parameters.

        Parameters
        ----------
        data : DataFrame
            As for :meth:`fit`.

        Returns
        -------
        float
            Log-likelihood.
        """
        return float(self._log_likelihoods(self._fit_.theta[None, :], self._read(data))[0])

    def summary(self, level: float = 0.9) -> pd.DataFrame:
        """Return the estimates with standard errors and posterior intervals.

        Parameters
        ----------
        level : float
            Coverage of the intervals.

        Returns
        -------
        DataFrame
            One row a parameter: ``estimate``, ``standard_error``, ``low``, ``high``.
        """
        intervals = self._drawn.summary(level)[["low", "high"]]
        return pd.concat([self.params_, self.standard_errors_, intervals], axis=1)

    def posterior(self, *, draws: int = _DRAWS, seed: int = SEED, priors: Priors | None = WEAK) -> Posterior:
        """Draw the parameters given the data; all intervals use the last draws made.

        Parameters
        ----------
        draws : int
            Number of draws, at least 100.
        seed : int
            Seed of the random numbers.
        priors : Priors or None
            Weakly informative priors, or None for none at all (flat on the working scale).

        Returns
        -------
        Posterior
            The draws with their diagnostics.

        Raises
        ------
        ValueError
            If the model has no data (it was not fitted here).
        TooLittleData
            If likelihood and priors together have no maximum, so that there is no posterior.
        """
        begin = self._fit_.theta
        if self._data is None:
            raise ValueError("the posterior needs the data: fit the model first (a stored model keeps only its draws)")
        if draws < 100:
            raise ValueError(f"a posterior needs at least 100 draws, not {draws}")
        data = self._data
        prior = self._prior(priors, data)

        def objective(theta: Array) -> tuple[float, Array, Array]:  # numpydoc ignore=GL08
            value, gradient, hessian = self._objective(theta, data)
            prior_gradient, prior_hessian = prior.derivatives(theta)
            return value + float(prior.log_density(theta)), gradient + prior_gradient, hessian + prior_hessian

        mode = maximise(objective, [begin, *np.atleast_2d(self._starts(data))], tolerance=1e-6)
        if not mode.converged:
            raise TooLittleData(
                f"{type(self).__name__} has no posterior: likelihood and priors together have no maximum. "
                "Give priors, or more customers"
            )
        drawn = sample_posterior(
            lambda theta: self._log_likelihoods(theta, data) + prior.log_density(theta),
            mode.theta,
            _inverse(-mode.hessian),
            draws=draws,
            seed=seed,
        )
        self._posterior = Posterior(
            draws=self._named(drawn.theta),
            working=drawn.theta,
            effective_sample_size=drawn.effective_sample_size,
            pareto_k=drawn.pareto_k,
            method=drawn.method,
            priors=priors,
            seed=seed,
        )
        return self._posterior

    def to_json(self) -> str:
        """Return settings, estimates and, where they were made, posterior draws as JSON.

        Returns
        -------
        str
            What :meth:`from_json` reads. It holds no customer's data.
        """
        return dump(self)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the model that :meth:`to_json` wrote.

        Parameters
        ----------
        text : str
            JSON.

        Returns
        -------
        Model
            A model of the class that was stored; it predicts, with intervals if draws were stored.

        Raises
        ------
        ValueError
            If the text holds no model, or one of another class.
        """
        model = load(text, Model._models)
        if not isinstance(model, cls):
            raise ValueError(f"the stored model is a {type(model).__name__}, not a {cls.__name__}")
        return model

    # What subclasses use

    @property
    def _fit_(self) -> Fitted:
        if self._fitted is None:
            raise ValueError(f"this {type(self).__name__} is not fitted: call fit(...) first")
        return self._fitted

    @property
    def _drawn(self) -> Posterior:
        return self._posterior if self._posterior is not None else self.posterior()

    def _prior(self, priors: Priors | None, data: Data) -> NormalPrior:
        return normal_prior(
            priors, self.parameter_names, scales=self._typical_scale(data), coefficients=self.coefficient_names
        )

    def _values(self, theta: Array) -> Array:
        """Return parameters (..., P) from working parameters."""
        positive = theta.shape[-1] - len(self.coefficient_names)
        return np.concatenate([np.exp(theta[..., :positive]), theta[..., positive:]], axis=-1)

    def _named(self, theta: Array) -> pd.DataFrame:
        """Return parameters by name from working parameters (D, P)."""
        return pd.DataFrame(self._values(theta), columns=list(self.parameter_names))

    def _slopes(self, theta: Array) -> Array:
        positive = len(theta) - len(self.coefficient_names)
        return np.concatenate([np.exp(theta[:positive]), np.ones(len(theta) - positive)])

    def _natural(self, theta: Array) -> list[Array]:
        """Return each parameter as an array (D, 1) that broadcasts against histories."""
        return [column[:, None] for column in self._values(theta).T]


def _inverse(matrix: Array) -> Array:
    return np.asarray(np.linalg.inv(matrix), dtype=float)
