"""Expectations of the beta-geometric family for many customers and parameters, no two alike computed twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from crm_lib.clv.beta_geometric_future import lasting_value, purchases
from crm_lib.clv.histories import Array, Codes
from crm_lib.clv.mixing_nodes import beta_nodes, rate_nodes, rate_weights

_CELLS = 2**10
"""Cells computed at once; each takes about a hundred nodes."""
_NUMBERS = 2**18
"""Numbers held at once where chances and rates are crossed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Cells:
    """Customers who have not left, told apart as far as their future differs.

    Parameters
    ----------
    shape, a, b : array (F,)
        Parameters of families with the same number of purchases: r + k x, a, b + x + ζ.
    family : array of int (M,)
        Family of each cell, in ascending order; every family has a cell.
    rate : array (M,)
        α + T of each cell.
    regularity : int
        k.
    """

    shape: Array
    a: Array
    b: Array
    family: Codes
    rate: Array
    regularity: int

    def purchases(self, horizon: Array | float) -> Array:
        """Return mean numbers of purchases in the time to come.

        Parameters
        ----------
        horizon : array (M,) or float
            Its length.

        Returns
        -------
        array (k, M)
            By the number of stages already passed.
        """
        length = horizon / self.rate
        found = np.empty((self.regularity, len(self.rate)))
        for cells, families, own in self._blocks():
            shape, longest = self.shape[families], np.zeros(families.stop - families.start)
            np.maximum.at(longest, own, length[cells])
            slope = (shape + self.regularity) * longest
            nodes = beta_nodes(self.a[families], self.b[families], slope)
            nodes = type(nodes)(*(values[own] for values in nodes))
            for passed in range(self.regularity):
                found[passed, cells] = purchases(
                    nodes, shape[own] + passed, length[cells], regularity=self.regularity, passed=passed
                )
        return found

    def lasting_value(self, discount: float) -> Array:
        """Return mean discounted numbers of all purchases to come.

        Parameters
        ----------
        discount : float
            Continuous discount rate.

        Returns
        -------
        array (k, M)
            By the number of stages already passed.
        """
        found = np.empty((self.regularity, len(self.rate)))
        for cells, families, own in self._blocks():
            shape, rate = self.shape[families], self.rate[cells]
            slowest, fastest = np.full(len(shape), np.inf), np.zeros(len(shape))
            np.minimum.at(slowest, own, rate)
            np.maximum.at(fastest, own, rate)
            # From a rate on, that of leaving is what counts: 1 / (δ / λ + p) is as steep as the least p makes it.
            slope = (shape + self.regularity) / (discount * slowest)
            nodes = beta_nodes(self.a[families], self.b[families], slope)
            for passed in range(self.regularity):
                log_rates = rate_nodes(shape + passed, slowest, fastest, discount)
                worth = np.empty_like(log_rates)
                size = max(1, _NUMBERS // (log_rates.shape[1] * nodes.p.shape[1]))
                for begin in range(0, len(shape), size):
                    some = slice(begin, begin + size)
                    worth[some] = lasting_value(
                        type(nodes)(*(values[some] for values in nodes)), log_rates[some], discount,
                        regularity=self.regularity, passed=passed,
                    )  # fmt: skip
                weights = rate_weights(log_rates[own], shape[own] + passed, rate)
                found[passed, cells] = np.einsum("mn,mn->m", weights, worth[own])
        return found

    def _blocks(self) -> Iterator[tuple[slice, slice, Codes]]:
        """Yield cells, the families that they belong to, and the number of each cell's family among these."""
        for begin in range(0, len(self.rate), _CELLS):
            own = self.family[begin : begin + _CELLS]
            yield slice(begin, begin + len(own)), slice(int(own[0]), int(own[-1]) + 1), own - own[0]
