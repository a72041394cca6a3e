"""Cells of frequency and time since the last purchase, into which customers are put."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from crm_lib.clv import PurchaseModel

Floats = npt.NDArray[np.float64]

CELLS = 13
"""Rows and columns of a map: finer ones tell no more and make the page heavy."""
_BEND = 1.6
"""Power by which rows grow wider: the probability falls fastest soon after the last purchase."""


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Cells of a map, rows by time since the last purchase and columns by frequency.

    Parameters
    ----------
    frequencies, frequency_edges : array (C,), array (C + 1,)
        Middle and edges of the columns: repeat purchases.
    silences, silence_edges : array (R,), array (R + 1,)
        Middle and edges of the rows: time since the last purchase.
    age : float
        Time since the first purchase.
    """

    frequencies: Floats
    frequency_edges: Floats
    silences: Floats
    silence_edges: Floats
    age: float

    def histories(self) -> pd.DataFrame:
        """Return the purchase history in the middle of each cell.

        Returns
        -------
        DataFrame (R × C rows)
            ``frequency``, ``recency`` and ``age``, row by row.
        """
        silence, frequency = (axis.ravel() for axis in np.meshgrid(self.silences, self.frequencies, indexing="ij"))
        # Who bought only once has been silent since: the age is the silence, and there is no other history.
        recency = np.where(frequency > 0, self.age - silence, 0.0)
        return pd.DataFrame(
            {"frequency": frequency, "recency": recency, "age": np.where(frequency > 0, self.age, silence)}
        )

    def customers(self, summary: pd.DataFrame) -> npt.NDArray[np.intp]:
        """Return how many customers lie in each cell, whatever their age.

        Parameters
        ----------
        summary : DataFrame (N rows)
            Purchase histories.

        Returns
        -------
        array of int (R, C)
            Numbers of customers; who lies beyond the edges is in none.
        """
        silence = (summary["age"] - summary["recency"]).to_numpy(dtype=float)
        weights = summary.get("customers")
        found, *_ = np.histogram2d(
            silence,
            summary["frequency"].to_numpy(dtype=float),
            bins=[self.silence_edges, self.frequency_edges],
            weights=weights,
        )
        return np.asarray(found.round(), dtype=np.intp)


def make_grid(model: PurchaseModel, summary: pd.DataFrame, age: float | None) -> Grid:
    """Return cells that cover the customers' histories.

    Parameters
    ----------
    model : PurchaseModel
        The model; it tells whether time is counted in whole steps.
    summary : DataFrame (N rows)
        Purchase histories.
    age : float or None
        Time since the first purchase; by default the longest there is.

    Returns
    -------
    Grid
        The cells; the few customers who bought most often may lie beyond the last column.
    """
    longest = float(summary["age"].max()) if age is None else float(age)
    frequency = repeated(summary)
    often = int(frequency.max())
    if often >= CELLS:
        often = int(np.quantile(frequency[frequency > 0], 0.98))
    if model.discrete:
        step = -(-int(longest + 1) // CELLS)
        silence_edges = np.append(np.arange(0, int(longest) + 1, step, dtype=float), longest + 1) - 0.5
        silences = silence_edges[:-1] + 0.5
    else:
        silence_edges = longest * np.linspace(0, 1, CELLS + 1) ** _BEND
        if longest >= CELLS:
            silence_edges = np.unique(np.append(silence_edges[:-1].round(), longest))
        silences = (silence_edges[:-1] + silence_edges[1:]) / 2
    frequency_edges = _frequency_edges(often)
    return Grid(
        frequencies=np.floor((frequency_edges[:-1] + frequency_edges[1:]) / 2),
        frequency_edges=frequency_edges,
        silences=silences,
        silence_edges=silence_edges,
        age=longest,
    )


def _frequency_edges(often: int) -> Floats:
    """Return edges of groups of frequencies: each number by itself where there are few, ever wider groups else."""
    edges = [0, 1]
    while edges[-1] <= often:
        rest = (often + 1) / edges[-1]
        left = max(CELLS - len(edges), 1)
        edges.append(edges[-1] + max(1, round(edges[-1] * (rest ** (1 / left) - 1))))
    return np.array(edges) - 0.5


def repeated(summary: pd.DataFrame) -> Floats:
    """Return the frequency of every customer, where rows of the summary may stand for several.

    Parameters
    ----------
    summary : DataFrame (N rows)
        Purchase histories; ``customers`` is the number of customers of a row.

    Returns
    -------
    array
        One number a customer.
    """
    counts = summary["customers"].astype(int) if "customers" in summary else 1
    return np.repeat(summary["frequency"].to_numpy(dtype=float), counts)
