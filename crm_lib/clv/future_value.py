"""What customers are still expected to bring: purchases × (spend × margin rate - cost to serve), draw by draw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib.clv.credibility import CredibleRatio
from crm_lib.clv.discounting import continuous_rate
from crm_lib.clv.gamma_gamma import GammaGamma
from crm_lib.clv.histories import Array, Codes, read_histories
from crm_lib.clv.intervals import equal_tails
from crm_lib.clv.mean_spend import MeanSpend
from crm_lib.clv.model import SEED
from crm_lib.clv.purchase_model import PurchaseModel

_CELLS = 2**21
"""Numbers (draws by customers) held at once."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawn:
    """Draws of what customers or groups of them are worth, each array of shape (D, n).

    Parameters
    ----------
    current, potential : array
        Money.
    alive : array
        Probability of being a customer, or the expected number of them.
    """

    current: Array
    potential: Array
    alive: Array


@dataclass(frozen=True, kw_only=True, eq=False)
class FutureValue:
    """The future of every customer, from which values of customers, groups and totals are drawn jointly.

    Purchases, spend, margin rate and cost to serve are taken as independent given a customer's history, so that the
    expectation of the product is the product of expectations; a draw takes one draw of each.

    Parameters
    ----------
    model : PurchaseModel
        Fitted model of purchases.
    spend : GammaGamma or MeanSpend
        Fitted model of spend.
    summary : DataFrame (N rows)
        The customers.
    margin_rate, cost : CredibleRatio
        Margin per unit of sales, and cost to serve per purchase, of each customer.
    reachable : array (N,)
        Further spend per purchase by the rule of potential value.
    annual_rate : float
        Interest of a year.
    draws : int
        Number of draws D.
    order : array of int (D,)
        Which draw of spend goes with each draw of purchases.
    outcome : bool
        Whether draws are of what customers happen to do, not of what is expected of them.
    seed : int
        Seed of outcomes.
    """

    model: PurchaseModel
    spend: GammaGamma | MeanSpend
    summary: pd.DataFrame
    margin_rate: CredibleRatio
    cost: CredibleRatio
    reachable: Array
    annual_rate: float
    draws: int
    order: Codes
    outcome: bool = False
    seed: int = SEED

    def expected(self) -> pd.DataFrame:
        """Return the value of each customer at the maximum of the likelihood.

        Returns
        -------
        DataFrame (N rows)
            ``current``, ``potential``, ``probability_alive``, ``value_per_purchase``.
        """
        purchases = self.model.discounted_expected_purchases(self.summary, self.annual_rate)
        rate = self.margin_rate.expected
        worth = self.spend.expected_spend(self.summary) * rate - self.cost.expected
        return pd.DataFrame(
            {
                "current": purchases * worth,
                "potential": purchases * np.maximum(rate, 0.0) * self.reachable,
                "probability_alive": self.model.probability_alive(self.summary),
                "value_per_purchase": worth,
            },
            index=self.summary.index,
        )

    def blocks(self) -> Iterator[tuple[Codes, Drawn]]:
        """Draw the value of all customers, as many at a time as fit in memory.

        Yields
        ------
        rows : array of int (n,)
            Numbers of the customers.
        drawn : Drawn
            Their draws, (D, n).
        """
        # Customers of equal history come into the same block, so that each history is computed once.
        sorted_rows = np.lexsort([self.summary[name].to_numpy() for name in ("recency", "age", "frequency")])
        size = max(1, _CELLS // self.draws)
        for begin in range(0, len(sorted_rows), size):
            rows = sorted_rows[begin : begin + size]
            yield rows, self._drawn(rows, np.random.default_rng([self.seed, 4, begin]))

    def by_group(self, codes: Codes, count: int) -> Drawn:
        """Draw the total value of groups of customers.

        Parameters
        ----------
        codes : array of int (N,)
            Number of each customer's group.
        count : int
            Number of groups G.

        Returns
        -------
        Drawn
            Sums over the customers of each group, (D, G).
        """
        sums = {name: np.zeros((self.draws, count)) for name in ("current", "potential", "alive")}
        for rows, drawn in self.blocks():
            present, place = np.unique(codes[rows], return_inverse=True)
            member = (place[:, None] == np.arange(len(present))).astype(float)
            for name, total in sums.items():
                total[:, present] += getattr(drawn, name) @ member
        return Drawn(**sums)

    def intervals(self, level: float) -> tuple[pd.DataFrame, Drawn]:
        """Return the interval of each customer's value, and draws of the totals.

        Parameters
        ----------
        level : float
            Coverage.

        Returns
        -------
        intervals : DataFrame (N rows)
            ``current_low``, ``current_high``, ``potential_low``, ``potential_high``.
        totals : Drawn
            Sums over all customers, (D, 1).
        """
        ends = {f"{part}_{end}": np.empty(len(self.summary)) for part in ("current", "potential") for end in _ENDS}
        sums = {name: np.zeros((self.draws, 1)) for name in ("current", "potential", "alive")}
        for rows, drawn in self.blocks():
            for part in ("current", "potential"):
                low, high = equal_tails(getattr(drawn, part), level)
                ends[f"{part}_low"][rows], ends[f"{part}_high"][rows] = low, high
            for name, total in sums.items():
                total += getattr(drawn, name).sum(axis=1, keepdims=True)
        return pd.DataFrame(ends, index=self.summary.index), Drawn(**sums)

    def _drawn(self, rows: Codes, rng: np.random.Generator) -> Drawn:
        some, draws = self.summary.iloc[rows], self.draws
        if self.outcome:
            purchases = self._outcomes(some, rng)
            # In the order of the draws of spend, and back.
            back = np.argsort(self.order)
            sales = self.spend.drawn_outcome(some, purchases[back], rng)[self.order]
        else:
            purchases = self.model.drawn("discounted", some, annual_rate=self.annual_rate, draws=draws)
            sales = purchases * self.spend.drawn_spend(some, draws=draws)[self.order]
        rate = self.margin_rate.drawn(rows)
        return Drawn(
            current=sales * rate - purchases * self.cost.drawn(rows),
            potential=purchases * np.maximum(rate, 0.0) * self.reachable[rows],
            alive=self.model.drawn("alive", some, draws=draws),
        )

    def _outcomes(self, some: pd.DataFrame, rng: np.random.Generator) -> Array:
        """Return one simulated discounted number of purchases per customer and draw."""
        model = self.model
        customers = read_histories(
            some, unit=model.unit, covariates=model.covariate_names, discrete=model.discrete, grouped=False
        )
        rate = continuous_rate(self.annual_rate, model.unit)
        return model._draw_purchases(model._drawn.some(self.draws), customers, np.inf, rate, rng)


_ENDS = ("low", "high")
