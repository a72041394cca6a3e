"""The gamma-gamma model: how much customers spend on a purchase."""

from __future__ import annotations

import dataclasses
import warnings
from typing import ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import gammaincinv, gammaln, polygamma, psi

from crm_lib.clv.histories import Array, Units
from crm_lib.clv.model import Model
from crm_lib.clv.purchase_model import ROW_DRAWS
from crm_lib.clv.special import log_gamma_ratio, log_sums
from crm_lib.clv.spend_records import SpendRecords, read_spend, repeat_records


class HeavyTailWarning(UserWarning):
    """Spend differs so much between customers that its mean is infinite; medians stand in."""


@dataclasses.dataclass(kw_only=True, eq=False)
class GammaGamma(Model[SpendRecords]):
    """Gamma-gamma model of spend: purchases scatter about a mean of the customer's own, and the means differ.

    The value of a purchase is gamma with shape ``p`` and a rate that is itself gamma over customers, with shape ``q``
    and rate ``gamma``. A customer's expected spend lies between the mean of all and their own, the nearer to their own
    the more repeat purchases they made. Spend is taken to be independent of how often a customer buys;
    :func:`spend_independence` tests that.

    Its tables have the columns ``frequency`` and ``monetary_value`` (mean value of a repeat purchase), such as
    :func:`crm_lib.customers.customer_summary` gives; returns are not in that mean, and are counted in the margin
    instead. Customers without repeat purchases, or whose mean is not positive (gifts), teach the model nothing: they
    are left out of the fit, and their own expected spend is that of a new customer.

    A customer's mean spend has a finite expectation only where ``p * frequency + q > 1``, a new customer's where
    ``q > 1``. Where it has none, :meth:`expected_spend` gives the median instead, and the fit warns.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. (2013). The Gamma-Gamma Model of Monetary Value. brucehardie.com/notes/025.
    Fader, P. S., Hardie, B. G. S., Lee, K. L. (2005). RFM and CLV: Using Iso-Value Curves for Customer Base Analysis.
    Journal of Marketing Research 42(4), 415–430.

    Examples
    --------
    >>> truth = GammaGamma().with_parameters(p=6.25, q=3.74, gamma=15.45)
    >>> customers = truth.simulate(np.full(4000, 3), seed=1)
    >>> model = GammaGamma().fit(customers)
    >>> abs(model.mean_spend() / truth.mean_spend() - 1) < 0.05
    True
    >>> customers = pd.DataFrame({"frequency": [0, 1, 20], "monetary_value": [np.nan, 80.0, 80.0]})
    >>> truth.expected_spend(customers).round(1).tolist()
    [35.2, 66.4, 79.0]
    """

    scale_parameters: ClassVar[frozenset[str]] = frozenset({"gamma"})

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """``p``, the shape of a customer's purchases, ``q`` and ``gamma``, shape and rate of the rates."""
        return ("p", "q", "gamma")

    # Estimation

    def _read(self, data: pd.DataFrame) -> SpendRecords:
        return repeat_records(data)

    def _standardised(self, data: SpendRecords) -> tuple[SpendRecords, Units]:
        mean = float(data.monetary_value @ data.customers) / data.total
        return dataclasses.replace(data, monetary_value=data.monetary_value / mean), Units(mean, data.total)

    def fit(self, data: pd.DataFrame) -> Self:
        """Estimate the parameters by maximum likelihood, and warn if the mean spend of new customers is infinite."""
        super().fit(data)
        if self.converged_ and self.params_["q"] <= 1:
            warnings.warn(
                f"GammaGamma: q = {self.params_['q']:.2f} is not above 1, so that the mean spend of new customers is "
                "infinite: a few customers spend far more than all others. Their median stands in; look at the largest "
                "customers, or model them apart.",
                HeavyTailWarning,
                stacklevel=2,
            )
        return self

    def _starts(self, data: SpendRecords) -> Array:
        mean = float(data.monetary_value @ data.customers) / data.total
        starts = [(p, q, mean * (q - 1) / p) for p in (0.5, 2.0, 8.0) for q in (1.5, 4.0, 12.0)]
        return np.asarray(np.log(np.array(starts)))

    def _objective(self, theta: Array, data: SpendRecords) -> tuple[float, Array, Array]:
        p, q, gamma = np.exp(theta)
        weights, spent = data.customers, data.spent
        counts = data.by_frequency
        x = counts.values
        of_count = counts.sums(weights)
        trips, total = of_count * x, data.total
        after = gamma + spent
        share, both = weights / after, weights * data.frequency
        log_after = np.log(after)
        own = both @ np.log(spent) - both @ log_after
        others = total * theta[2] - weights @ log_after
        value = of_count @ _log_beta_like(p, q, x) - weights @ np.log(data.monetary_value) + p * own + q * others
        upper = psi(p * x + q)
        inverse, square = float(share.sum()), float((share / after).sum())
        of_trips, of_square = float(share @ data.frequency), float((share / after) @ data.frequency)
        by_p = trips @ (upper - psi(p * x)) + own
        by_q = of_count @ upper - total * psi(q) + others
        by_gamma = total * q / gamma - p * of_trips - q * inverse
        curve = polygamma(1, p * x + q)
        by_pp = (trips * x) @ (curve - polygamma(1, p * x))
        by_pq = trips @ curve
        by_qq = of_count @ curve - total * polygamma(1, q)
        by_gg = -total * q / gamma**2 + p * of_square + q * square
        by_qg = total / gamma - inverse
        natural = np.array([p, q, gamma])
        gradient = natural * np.array([by_p, by_q, by_gamma])
        hessian = np.array([[by_pp, by_pq, -of_trips], [by_pq, by_qq, by_qg], [-of_trips, by_qg, by_gg]])
        return float(value), gradient, hessian * np.outer(natural, natural) + np.diag(gradient)

    def _log_likelihoods(self, theta: Array, data: SpendRecords) -> Array:
        p, q, _ = self._natural(theta)
        weights, counts = data.customers, data.by_frequency
        of_count = counts.sums(weights)
        both = weights * data.frequency
        after = log_sums(theta[:, 2], data.spent, np.column_stack([both, weights]))
        own = both @ np.log(data.spent) - after[:, 0]
        others = data.total * theta[:, 2] - after[:, 1]
        constant = weights @ np.log(data.monetary_value)
        of_shapes = _log_beta_like(p, q, counts.values) @ of_count
        return np.asarray(of_shapes + p[:, 0] * own + q[:, 0] * others - constant)

    # What users ask

    def mean_spend(self) -> float:
        """Return the mean spend of all customers on a purchase, p γ / (q - 1): infinite where q is not above 1."""
        p, q, gamma = np.exp(self._fit_.theta)
        return float(p * gamma / (q - 1)) if q > 1 else float("inf")

    def expected_spend(self, summary: pd.DataFrame) -> pd.Series[float]:
        """Return how much each customer is expected to spend on a purchase to come; :meth:`drawn_spend` its posterior.

        With :math:`\\bar z` the mean of the customer's x repeat purchases, it is
        :math:`\\frac{p (\\gamma + x \\bar z)}{p x + q - 1}`.
        """
        value = _expected_mean(self._fit_.theta[None, :], *self._known(summary))[0]
        return pd.Series(value, index=summary.index, name="expected_spend")

    def drawn_spend(self, summary: pd.DataFrame, *, draws: int | Array = ROW_DRAWS) -> Array:
        """Return each customer's expected spend for each of the posterior draws (D, N), or of working parameters."""
        theta = self.working_draws(draws) if isinstance(draws, int) else draws
        return _expected_mean(theta, *self._known(summary))

    def simulate(self, frequency: ArrayLike, *, seed: int) -> pd.DataFrame:
        """Simulate the spend of customers with numbers of repeat purchases (N,).

        The table has the columns ``frequency``, ``monetary_value`` (missing without repeats), and what nobody could
        observe: ``mean_spend``, each customer's true mean, and ``next_spend``, the value of the next purchase.
        """
        x = np.asarray(frequency, dtype=float)
        if x.ndim != 1 or not ((x >= 0) & (x == np.floor(x))).all():
            raise ValueError("frequency must be a list of whole numbers that are not negative")
        p, q, gamma = np.exp(self._fit_.theta)
        rng = np.random.default_rng(seed)
        rate = rng.gamma(q, 1 / gamma, len(x))
        mean = np.where(x > 0, rng.gamma(np.maximum(p * x, p)) / rate / np.maximum(x, 1), np.nan)
        columns = {"frequency": x.astype("int64"), "monetary_value": mean, "mean_spend": p / rate}
        return pd.DataFrame({**columns, "next_spend": rng.gamma(p, 1 / rate)})

    def _known(self, summary: pd.DataFrame) -> tuple[Array, Array]:
        x, z, _ = read_spend(summary)
        positive = z > 0
        return np.where(positive, x, 0.0), np.where(positive, z, 0.0)


def _log_beta_like(p: Array, q: Array, x: Array) -> Array:
    """Return log Γ(px + q) - log Γ(px) - log Γ(q)."""
    return np.asarray(log_gamma_ratio(p * x, q) - gammaln(q))


def _expected_mean(theta: Array, x: Array, z: Array) -> Array:
    """Return the mean (D, N) of customers' true mean spend given their purchases, or its median where it is infinite.

    Without repeat purchases number x and mean value z (N,) are 0.
    """
    p, q, gamma = (column[:, None] for column in np.exp(theta).T)
    shape, scale = p * x + q, p * (gamma + x * z)
    finite = shape > 1
    if finite.all():
        return np.asarray(scale / (shape - 1))
    return np.asarray(np.where(finite, scale / np.where(finite, shape - 1, 1.0), scale / gammaincinv(shape, 0.5)))
