"""What customers of the beta-geometric family will still buy, as long as they have not left.

Given that a customer is still there, the chance of leaving is :math:`p \\sim` Beta(:math:`a, b + x + \\zeta`) and,
independently, the purchase rate :math:`\\lambda \\sim` Gamma(:math:`r + x, \\alpha + T`). Means over these are
quadratures, in which no value of the parameters is singular, and whose accuracy does not depend on the horizon.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from crm_lib.clv.histories import Array, Codes
from crm_lib.clv.special import Probabilities, beta_nodes, rate_nodes, rate_weights

_CELLS = 2**10
"""Cells computed at once; each takes about a hundred nodes."""
_NUMBERS = 2**18
"""Numbers held at once where chances and rates are crossed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Cells:
    """Customers who have not left, told apart as far as their future differs.

    Families (F,) with the same number of purchases have the parameters ``shape`` r + x, ``a`` and ``b`` b + x + ζ. A
    cell (M,) has a ``family``, in ascending order, every family having one, and its ``rate`` α + T.
    """

    shape: Array
    a: Array
    b: Array
    family: Codes
    rate: Array

    def purchases(self, horizon: float) -> Array:
        """Return mean numbers of purchases (M,) in the time to come."""
        length = horizon / self.rate
        found = np.empty(len(self.rate))
        for cells, families, own in self._blocks():
            shape, longest = self.shape[families], np.zeros(families.stop - families.start)
            np.maximum.at(longest, own, length[cells])
            nodes = beta_nodes(self.a[families], self.b[families], (shape + 1) * longest)
            found[cells] = purchases(Probabilities(*(each[own] for each in nodes)), shape[own], length[cells])
        return found

    def lasting_value(self, discount: float) -> Array:
        """Return mean discounted numbers (M,) of all purchases to come, at a continuous rate.

        Purchases of a customer with rate λ and chance p are worth :math:`\\lambda / (\\delta + p \\lambda)`.
        """
        found = np.empty(len(self.rate))
        for cells, families, own in self._blocks():
            shape, rate = self.shape[families], self.rate[cells]
            slowest, fastest = np.full(len(shape), np.inf), np.zeros(len(shape))
            np.minimum.at(slowest, own, rate)
            np.maximum.at(fastest, own, rate)
            # From a rate on, that of leaving is what counts: 1 / (δ / λ + p) is as steep as the least p makes it.
            nodes = beta_nodes(self.a[families], self.b[families], (shape + 1) / (discount * slowest))
            log_rates = rate_nodes(shape, slowest, fastest, discount)
            worth = np.empty_like(log_rates)
            size = max(1, _NUMBERS // (log_rates.shape[1] * nodes.p.shape[1]))
            for begin in range(0, len(shape), size):
                some = slice(begin, begin + size)
                series = nodes.p[some, None, :] + np.exp(np.log(discount) - log_rates[some])[..., None]
                worth[some] = np.einsum("...mn,...n->...m", np.reciprocal(series, out=series), nodes.weight[some])
            weights = rate_weights(log_rates[own], shape[own], rate)
            found[cells] = np.einsum("mn,mn->m", weights, worth[own])
        return found

    def _blocks(self) -> Iterator[tuple[slice, slice, Codes]]:
        """Yield cells, the families that they belong to, and the number of each cell's family among these."""
        for begin in range(0, len(self.rate), _CELLS):
            own = self.family[begin : begin + _CELLS]
            yield slice(begin, begin + len(own)), slice(int(own[0]), int(own[-1]) + 1), own - own[0]


def purchases(nodes: Probabilities, shape: Array, length: Array) -> Array:
    """Return the mean number of purchases in the time to come of customers who have not left.

    With n the shape and h / (α + T) the relative length it is :math:`E[(1 - (1 + p h / (\\alpha + T))^{-n}) / p]`,
    which is equation 10 of Fader, Hardie and Lee (2005) before they integrate. The nodes allow for the slope
    n h / (α + T) or more; the relative error is below 1e-9.
    """
    missed = np.expm1(-shape[..., None] * np.log1p(nodes.p * length[..., None]))
    missed /= nodes.p
    return np.asarray(-np.einsum("...n,...n->...", nodes.weight, missed))
