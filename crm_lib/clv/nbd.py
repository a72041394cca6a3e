"""The NBD model: customers buy at rates of their own and nobody ever leaves."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np
import pandas as pd
from scipy.special import gammaln, polygamma, psi

from crm_lib.clv.histories import Array, Histories
from crm_lib.clv.intervals import draw_blocks
from crm_lib.clv.purchase_model import PurchaseModel
from crm_lib.clv.special import poisson_purchases, simulated


@dataclasses.dataclass(kw_only=True, eq=False)
class NBD(PurchaseModel):
    """Negative binomial distribution of repeat purchases: the baseline in which nobody leaves.

    A customer buys as a Poisson process; the rates of customers have a gamma distribution with shape ``r`` and rate
    ``alpha``. What the other models gain over this one is what it is worth to know that customers leave.

    Parameters
    ----------
    unit : {"D", "W", "M", "Y"}
        Unit of time of recency, age and horizons.

    References
    ----------
    Ehrenberg, A. S. C. (1959). The Pattern of Consumer Purchases. Applied Statistics 8(1), 26–41.
    Morrison, D. G., Schmittlein, D. C. (1988). Generalizing the NBD Model for Customer Purchases. Journal of Business
    & Economic Statistics 6(2), 145–159.

    Examples
    --------
    >>> import numpy as np
    >>> customers = NBD().with_parameters(r=0.4, alpha=12.0).simulate(np.full(4000, 40.0), seed=1)
    >>> model = NBD().fit(customers)
    >>> model.summary().round(1)["estimate"].to_dict()
    {'r': 0.4, 'alpha': 11.8}
    """

    scale_parameters: ClassVar[frozenset[str]] = frozenset({"alpha"})
    leaves: ClassVar[bool] = False

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """``r``, the shape, and ``alpha``, the rate of the gamma distribution of purchase rates."""
        return ("r", "alpha")

    def _starts(self, histories: Histories) -> Array:
        weights, x, age = histories.customers, histories.frequency, histories.age
        rate = max(float(weights @ x), 0.5) / max(float(weights @ age), 1e-9)
        expected = rate * age
        # Var(X) = μ + μ²/r; the excess over Poisson tells the shape.
        excess = float(weights @ ((x - expected) ** 2 - expected))
        shape = float(weights @ expected**2) / excess if excess > 0 else 10.0
        shapes = np.array([np.clip(shape, 0.05, 20.0), 0.3, 3.0])
        return np.asarray(np.log(np.column_stack([shapes, shapes / rate])))

    def _objective(self, theta: Array, histories: Histories) -> tuple[float, Array, Array]:
        r, alpha = np.exp(theta)
        weights, total = histories.customers, histories.total
        counts = histories.by_frequency
        of_count, x = counts.sums(weights), counts.values
        after = alpha + histories.age
        shape = r + histories.frequency
        share = weights / after
        value = of_count @ (gammaln(r + x) - gammaln(r))
        value += total * r * theta[1] - weights @ (shape * np.log(after))
        by_r = of_count @ (psi(r + x) - psi(r)) + total * theta[1] - weights @ np.log(after)
        by_alpha = total * r / alpha - share @ shape
        by_rr = of_count @ (polygamma(1, r + x) - polygamma(1, r))
        by_ra = total / alpha - share.sum()
        by_aa = -total * r / alpha**2 + share @ (shape / after)
        gradient = np.array([r * by_r, alpha * by_alpha])
        hessian = np.array([[r**2 * by_rr, r * alpha * by_ra], [r * alpha * by_ra, alpha**2 * by_aa]])
        return float(value), gradient, hessian + np.diag(gradient)

    def _log_likelihoods(self, theta: Array, histories: Histories) -> Array:
        weights, counts, ages = histories.customers, histories.by_frequency, histories.by_age
        of_count, of_age, until = counts.sums(weights), ages.sums(weights), ages.sums(weights * histories.frequency)
        parts = []
        for some in draw_blocks(theta, len(ages.values) + len(counts.values)):
            r, alpha = self._natural(some)
            after = np.log(alpha + ages.values)
            value = (gammaln(r + counts.values) - gammaln(r)) @ of_count + histories.total * (r * np.log(alpha))[:, 0]
            parts.append(value - r[:, 0] * (after @ of_age) - after @ until)
        return np.concatenate(parts)

    def _alive(self, theta: Array, histories: Histories) -> Array:
        return np.ones((len(theta), len(histories)))

    def _expected(self, theta: Array, histories: Histories, horizon: float) -> Array:
        r, alpha = self._natural(theta)
        return (r + histories.frequency) / (alpha + histories.age) * horizon

    def _discounted(self, theta: Array, histories: Histories, rate: float) -> Array:
        return self._expected(theta, histories, 1.0) / rate

    def _draw_purchases(self, theta: Array, histories: Histories, horizon: float, rng: np.random.Generator) -> Array:
        r, alpha = self._natural(theta)
        buying = rng.gamma(r + histories.frequency) / (alpha + histories.age)
        return poisson_purchases(buying, np.full(buying.shape, np.inf), horizon, rng)

    def _simulate(
        self, theta: Array, age: Array, rng: np.random.Generator, covariates: Array, horizon: float
    ) -> pd.DataFrame:
        r, alpha = np.exp(theta)
        return simulated(rng.gamma(r, 1 / alpha, len(age)), np.full(len(age), np.inf), age, horizon, rng)
