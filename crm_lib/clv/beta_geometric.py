"""The BG/NBD and MBG/NBD models: customers buy at rates of their own and may leave after each purchase."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np
import pandas as pd
from scipy.special import expit

from crm_lib.clv.beta_geometric_sums import Cells, Counts, count, derivatives, log_likelihoods
from crm_lib.clv.covariates import CovariateModel
from crm_lib.clv.histories import Array, Codes, Histories, new_customers
from crm_lib.clv.intervals import draw_blocks
from crm_lib.clv.model import DRAWS, SEED
from crm_lib.clv.posterior import Posterior
from crm_lib.clv.special import poisson_purchases


@dataclasses.dataclass(kw_only=True, eq=False)
class BetaGeometric(CovariateModel):
    """Models in which customers may leave after each purchase; users meet :class:`BGNBD` and :class:`MBGNBD`."""

    scale_parameters: ClassVar[frozenset[str]] = frozenset({"alpha"})
    occasions: ClassVar[int] = 0
    """Occasions to leave before the first repeat purchase, ζ."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._counted: tuple[Histories, Counts] | None = None

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """``r`` and ``alpha`` of purchase rates, ``a`` and ``b`` of the chances of leaving, then coefficients."""
        return ("r", "alpha", "a", "b", *self.coefficient_names)

    def _customers(self, theta: Array, covariates: Array) -> tuple[Array, Array, Array, Array]:
        """Return r, α, a, b of the customers: arrays (D, 1) or (D, H)."""
        r, alpha, a, b = np.exp(theta[:, :4]).T[..., None]
        purchase, dropout = self._shifts(theta, covariates)
        return r, alpha * np.exp(-purchase), a * np.exp(dropout), b

    def posterior(self, *, draws: int = DRAWS, seed: int = SEED) -> Posterior:
        """Draw the parameters given data and weak priors, as any model does."""
        drawn = super().posterior(draws=draws, seed=seed)
        self._counted = None  # much memory, and nothing asks for it any more
        return drawn

    # Likelihood

    def _counts(self, histories: Histories) -> Counts:
        if self._counted is None or self._counted[0] is not histories:
            self._counted = histories, count(histories, self.occasions, *self._places())
        return self._counted[1]

    def _starts(self, histories: Histories) -> Array:
        """Return guesses of one rate for all who bought again, and of chances of leaving from small to large."""
        weights, x = histories.customers, histories.frequency
        rate = max(float(weights @ x), 0.5) / max(float(weights @ histories.age), 1e-9)
        r, a, b = np.array([[0.3, 1.0, 3.0], [0.6, 1.0, 1.5], [2.0, 1.0, 3.0], [1.0, 0.1, 3.0], [5.0, 1.0, 1.0]]).T
        guesses = np.log(np.column_stack([r, r / (rate * (1 + a / b)), a, b]))
        return np.concatenate([guesses, np.zeros((len(guesses), len(self.coefficient_names)))], axis=1)

    def _objective(self, theta: Array, histories: Histories) -> tuple[float, Array, Array]:
        return derivatives(theta, self._counts(histories))

    def _log_likelihoods(self, theta: Array, histories: Histories) -> Array:
        counts, covariates = self._counts(histories), histories.covariates
        blocks = draw_blocks(theta, len(counts.age.values) + len(counts.left.values))
        return np.concatenate([log_likelihoods(*self._customers(some, covariates), counts) for some in blocks])

    # What customers will do

    def _alive(self, theta: Array, histories: Histories) -> Array:
        r, alpha, a, b = self._customers(theta, histories.covariates)
        x, last, age = histories.frequency, histories.recency, histories.age
        had_occasion = x + self.occasions > 0
        stayed = np.where(had_occasion, b + x + self.occasions - 1, 1.0)
        log_odds = np.log(a / stayed) + (r + x) * np.log1p((age - last) / (alpha + last))
        return np.asarray(expit(-np.where(had_occasion, log_odds, -np.inf)))

    def _cells(self, theta: Array, histories: Histories) -> tuple[Cells, Codes]:
        """Return the futures that there are, for each of the draws, and which of them each history has."""
        r, alpha, a, b = self._customers(theta, histories.covariates)
        if self.coefficient_names:
            first = cell = family = np.arange(len(histories))
            x = histories.frequency
        else:
            # Pairs of frequency and age, by frequency.
            ages, counts = histories.by_age, histories.by_frequency
            key = counts.codes * len(ages.values) + ages.codes
            _, first, cell = np.unique(key, return_index=True, return_inverse=True)
            family, x = counts.codes[first], counts.values
        draws = np.arange(len(theta))[:, None]
        shape, a, b = np.broadcast_arrays(r + x, a, b + x + self.occasions)
        cells = Cells(
            shape=shape.ravel(),
            a=a.ravel(),
            b=b.ravel(),
            family=(draws * len(x) + family).ravel(),
            rate=(alpha + histories.age[first]).ravel(),
        )
        return cells, cell

    def _expected(self, theta: Array, histories: Histories, horizon: float) -> Array:
        cells, cell = self._cells(theta, histories)
        return cells.purchases(horizon).reshape(len(theta), -1).take(cell, axis=1) * self._alive(theta, histories)

    def _discounted(self, theta: Array, histories: Histories, rate: float) -> Array:
        cells, cell = self._cells(theta, histories)
        return cells.lasting_value(rate).reshape(len(theta), -1).take(cell, axis=1) * self._alive(theta, histories)

    def _draw_purchases(self, theta: Array, histories: Histories, horizon: float, rng: np.random.Generator) -> Array:
        alive = self._alive(theta, histories)
        customers = self._customers(theta, histories.covariates)
        here = np.nonzero(rng.random(alive.shape) < alive)
        r, alpha, a, b = (np.broadcast_to(parameter, alive.shape)[here] for parameter in customers)
        x = histories.frequency[here[1]]
        buying = rng.standard_gamma(r + x) / (alpha + histories.age[here[1]])
        found = np.zeros(alive.shape)
        found[here] = _bought(buying, rng.beta(a, b + x + self.occasions), horizon, rng)
        return found

    def _simulate(
        self, theta: Array, age: Array, rng: np.random.Generator, covariates: Array, horizon: float
    ) -> pd.DataFrame:
        customers = self._customers(theta[None, :], new_customers(len(age), covariates).covariates)
        r, alpha, a, b = (np.broadcast_to(parameter[0], age.shape) for parameter in customers)
        buying, chance = rng.standard_gamma(r) / alpha, rng.beta(a, b)
        leaving = _leaving(buying, chance, rng)
        if self.occasions:
            leaving = np.where(rng.random(len(age)) < chance, 0.0, leaving)
        active = np.minimum(leaving, age)
        before = rng.poisson(buying * (1 - chance) * active)
        left = (leaving > 0) & (leaving <= age)
        recency = np.where(before > 0, active * rng.beta(np.maximum(before, 1), 1.0), 0.0)
        future = rng.poisson(buying * (1 - chance) * np.clip(leaving - age, 0.0, horizon))
        return pd.DataFrame(
            {
                "frequency": before + left,
                "recency": np.where(left, leaving, recency),
                "age": age,
                "alive": leaving > age,
                "future": future + ((leaving > age) & (leaving <= age + horizon)),
            }
        )


@dataclasses.dataclass(kw_only=True, eq=False)
class BGNBD(BetaGeometric):
    """Customers buy at rates of their own and may leave after each repeat purchase.

    While a customer stays, purchases are a Poisson process; rates of customers have a gamma distribution with shape
    ``r`` and rate ``alpha``. After each repeat purchase the customer leaves with a probability of their own, which has
    a beta distribution with parameters ``a`` and ``b``. Nobody leaves before the first repeat purchase;
    :class:`MBGNBD` gives that up.

    Parameters
    ----------
    unit : {"D", "W", "M", "Y"}
        Unit of time of recency, age and horizons.
    purchase_covariates : tuple of str
        Columns that multiply a customer's mean purchase rate by exp(γ'z): ``alpha`` becomes ``alpha`` exp(-γ'z). Their
        coefficients are named ``purchase_`` and the column.
    dropout_covariates : tuple of str
        Columns that multiply the odds of the mean probability of leaving by exp(κ'z): ``a`` becomes ``a`` exp(κ'z).
        Their coefficients are named ``dropout_`` and the column.

    References
    ----------
    Fader, P. S., Hardie, B. G. S., Lee, K. L. (2005). "Counting Your Customers" the Easy Way: An Alternative to the
    Pareto/NBD Model. Marketing Science 24(2), 275–284.
    Fader, P. S., Hardie, B. G. S. (2007). Incorporating Time-Invariant Covariates into the Pareto/NBD and BG/NBD
    Models. http://brucehardie.com/notes/019/

    Examples
    --------
    >>> import numpy as np
    >>> truth = BGNBD().with_parameters(r=0.24, alpha=4.4, a=0.8, b=2.4)
    >>> customers = truth.simulate(np.full(2000, 39.0), seed=1, horizon=39)
    >>> model = BGNBD().fit(customers)
    >>> bool(abs(model.expected_purchases(customers, 39).sum() / customers["future"].sum() - 1) < 0.15)
    True
    >>> model.probability_alive(customers.nlargest(3, "recency")).gt(0.5).tolist()
    [True, True, True]
    """


@dataclasses.dataclass(kw_only=True, eq=False)
class MBGNBD(BetaGeometric):
    """Customers buy at rates of their own and may leave after each purchase, the first one included.

    Like :class:`BGNBD`, but a customer may have bought once and left at once, so that not everyone without a repeat
    purchase counts as a customer still.

    Parameters
    ----------
    unit : {"D", "W", "M", "Y"}
        Unit of time of recency, age and horizons.
    purchase_covariates, dropout_covariates : tuple of str
        As for :class:`BGNBD`.

    References
    ----------
    Batislam, E. P., Denizel, M., Filiztekin, A. (2007). Empirical Validation and Comparison of Models for Customer Base
    Analysis. International Journal of Research in Marketing 24(3), 201–209.
    Hoppe, D., Wagner, U. (2007). Customer Base Analysis: The Case for a Central Variant of the Betageometric/NBD Model.
    Marketing ZFP 3(2), 75–90.
    """

    occasions: ClassVar[int] = 1


def _leaving(buying: Array, chance: Array, rng: np.random.Generator) -> Array:
    """Draw when customers leave: the purchase at which they do and the ones before are independent Poisson streams."""
    with np.errstate(divide="ignore", over="ignore"):
        return np.asarray(rng.standard_exponential(len(buying)) / (buying * chance))


def _bought(buying: Array, chance: Array, horizon: float, rng: np.random.Generator) -> Array:
    """Draw numbers of purchases of customers who have not left."""
    leaving = _leaving(buying, chance, rng)
    return poisson_purchases(buying * (1 - chance), leaving, horizon, rng) + (leaving <= horizon)
