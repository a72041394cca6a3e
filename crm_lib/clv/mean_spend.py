"""Expected spend without a model: the same for all customers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib.clv.bootstrap import bootstrapped_means
from crm_lib.clv.histories import Array
from crm_lib.clv.spend_records import read_spend
from crm_lib.errors import TooLittleData


@dataclass(frozen=True, kw_only=True, eq=False)
class MeanSpend:
    """The same expected spend for all customers.

    Parameters
    ----------
    value : float
        Mean of all repeat purchases, or of the first ones.
    draws : array (D,)
        Draws of it.
    """

    value: float
    draws: Array

    @classmethod
    def of(cls, summary: pd.DataFrame, *, draws: int, seed: int) -> MeanSpend:
        """Return the mean spend of all repeat purchases, or of the first ones where nobody has bought twice.

        Parameters
        ----------
        summary : DataFrame (N rows)
            Frequency and monetary value; ``revenue`` and ``returns`` tell the first purchases.
        draws : int
            Number of draws of the mean, by the Bayesian bootstrap over customers.
        seed : int
            Seed of the draws.

        Raises
        ------
        TooLittleData
            If nobody has bought twice and the first purchases are not told.
        """
        x, z, customers = read_spend(summary)
        used = (x > 0) & (customers > 0)
        if used.any():
            columns = np.column_stack([x * z * customers, x * customers])[used]
        elif {"revenue", "returns"} <= set(summary) and customers.any():
            # Revenue is net of returns; who bought once bought both together.
            first = (summary["revenue"] + summary["returns"]).to_numpy(dtype=float)
            columns = np.column_stack([first * customers, customers])[customers > 0]
        else:
            raise TooLittleData("no customer has bought twice, so that nothing tells what a purchase is worth")
        means = bootstrapped_means(columns, draws=draws, seed=seed)
        return cls(value=float(columns[:, 0].sum() / columns[:, 1].sum()), draws=means[:, 0] / means[:, 1])

    def expected_spend(self, summary: pd.DataFrame) -> pd.Series[float]:
        """Return the same number for every row.

        Parameters
        ----------
        summary : DataFrame (N rows)
            The customers.
        """
        return pd.Series(self.value, index=summary.index, name="expected_spend")

    def drawn_spend(self, summary: pd.DataFrame, *, draws: int) -> Array:
        """Return the same draws for every row.

        Parameters
        ----------
        summary : DataFrame (N rows)
            The customers.
        draws : int
            Number of draws.
        """
        return np.repeat(self.draws[:draws, None], len(summary), axis=1)

    def drawn_outcome(self, summary: pd.DataFrame, purchases: Array, rng: np.random.Generator) -> Array:
        """Return what is spent on a number of purchases; without a model nothing tells how that scatters.

        Parameters
        ----------
        summary : DataFrame (N rows)
            The customers.
        purchases : array (D, N)
            Number of purchases, or the sum of their discount factors.
        rng : Generator
            Not used.
        """
        del rng
        return purchases * self.drawn_spend(summary, draws=len(purchases))
