"""Who brought whom: referrals as a tree, and sums over what hangs below a customer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crm_lib.statistics.resampling import Floats

Numbers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class ReferralTree:
    """Referrals without loops, as :func:`referral_tree` read them.

    Parameters
    ----------
    frame : DataFrame
        Indexed by customer: ``referred_by`` (missing where nobody brought the customer, or the entry cannot be),
        ``depth`` (referrals between the customer and the first of the chain), ``won`` (customers brought) and
        ``chain`` (those, and all whom these brought in turn).
    left_out : mapping of str to int
        Entries that were not used: "themselves" (a customer's own number), "unknown" (no such customer), "impossible"
        (brought by somebody who came later) and "circular" (customers who are said to have brought one another in a
        ring).
    parents : ndarray of int
        Place of the referring customer in the frame, -1 for none.
    """

    frame: pd.DataFrame
    left_out: Mapping[str, int]
    parents: Numbers

    def sum_of_won(self, values: pd.Series[float]) -> pd.Series[float]:
        """Return what the customers whom each customer brought come to.

        Parameters
        ----------
        values : Series
            Value of each customer; 0 where there is none.
        """
        own = self._own(values)
        child = self.parents >= 0
        total = np.bincount(self.parents[child], weights=own[child], minlength=len(own))
        return pd.Series(total, index=self.frame.index, name="won_value")

    def sum_of_chain(self, values: pd.Series[float]) -> pd.Series[float]:
        """Return what all the customers below each customer come to.

        Parameters
        ----------
        values : Series
            Value of each customer; 0 where there is none.
        """
        own = self._own(values)
        return pd.Series(self._carried_up(own, 1.0) - own, index=self.frame.index, name="chain_value")

    def credited(self, values: pd.Series[float], *, credit: float) -> pd.Series[float]:
        """Return each customer's value when a part of it is credited to whoever brought the customer.

        The part `credit` of a customer's value, credits received included, goes to the one who brought the customer;
        the rest stays. Nothing is counted twice: the credited values of all add up to the values of all.

        Parameters
        ----------
        values : Series
            Value of each customer; 0 where there is none.
        credit : float
            Share credited, 0 to 1.

        Raises
        ------
        ValueError
            If the share lies outside 0 and 1.
        """
        if not 0 <= credit <= 1:
            raise ValueError(f"credit must lie between 0 and 1, not {credit}")
        gathered = self._carried_up(self._own(values), credit)
        kept = np.where(self.parents >= 0, (1 - credit) * gathered, gathered)
        return pd.Series(kept, index=self.frame.index, name="credited_value")

    def _own(self, values: pd.Series[float]) -> Floats:
        return np.asarray(values.reindex(self.frame.index).fillna(0.0), dtype=np.float64)

    def _carried_up(self, own: Floats, share: float) -> Floats:
        """Return own value and the share of what was gathered below, the lowest customers first."""
        return _carried_up(own, share, self.parents, self.frame["depth"].to_numpy())


def referral_tree(referred_by: pd.Series[Any], acquired_at: pd.Series[Any] | None = None) -> ReferralTree:
    """Read who brought whom, and leave out what cannot be.

    Parameters
    ----------
    referred_by : Series (N,)
        Number of the customer who brought each customer, missing for none; indexed by customer.
    acquired_at : Series (N,), optional
        Day on which each customer was won: nobody is brought by one who came on a later day.

    Returns
    -------
    ReferralTree
        Every customer, the tree, and how many entries were left out. Where entries make a ring, none of the ring is
        used, as they do not tell who was first.

    Raises
    ------
    ValueError
        If a customer has two entries.

    Examples
    --------
    >>> tree = referral_tree(pd.Series({"ann": None, "ben": "ann", "cleo": "ben", "dan": "ann"}, dtype=object))
    >>> tree.frame[["depth", "won", "chain"]].loc["ann"].to_dict()
    {'depth': 0, 'won': 2, 'chain': 3}
    >>> value = pd.Series({"ann": 10.0, "ben": 20.0, "cleo": 40.0, "dan": 80.0})
    >>> tree.sum_of_chain(value).to_dict()
    {'ann': 140.0, 'ben': 40.0, 'cleo': 0.0, 'dan': 0.0}
    >>> tree.credited(value, credit=0.5).to_dict()
    {'ann': 70.0, 'ben': 20.0, 'cleo': 20.0, 'dan': 40.0}
    """
    index = referred_by.index
    if not index.is_unique:
        raise ValueError("a customer has two entries in referred_by: give one row a customer")
    named = referred_by.notna().to_numpy()
    parents = index.get_indexer(pd.Index(referred_by)).astype(np.int64)
    parents[~named] = -1
    places = np.arange(len(index))
    left_out = {"unknown": int((named & (parents < 0)).sum()), "themselves": int((parents == places).sum())}
    parents[parents == places] = -1
    if acquired_at is not None:
        won_on = pd.to_datetime(acquired_at.reindex(index)).to_numpy()
        later = (parents >= 0) & (won_on[np.maximum(parents, 0)] > won_on)
        left_out["impossible"] = int(later.sum())
        parents[later] = -1
    ring = _on_ring(parents)
    left_out["circular"] = int(ring.sum())
    parents[ring] = -1
    depth = _depth(parents)
    child = parents >= 0
    frame = pd.DataFrame(
        {
            "referred_by": referred_by.where(pd.Series(child, index=index)),
            "depth": depth,
            "won": np.bincount(parents[child], minlength=len(index)).astype(np.int64),
            "chain": _carried_up(np.ones(len(index)), 1.0, parents, depth).round().astype(np.int64) - 1,
        },
        index=index,
    )
    return ReferralTree(frame=frame, left_out=left_out, parents=parents)


def _carried_up(own: Floats, share: float, parents: Numbers, depth: Numbers) -> Floats:
    total = own.copy()
    order = np.argsort(-depth, kind="stable")
    for places in np.split(order, np.flatnonzero(np.diff(depth[order])) + 1):
        below = places[parents[places] >= 0]
        np.add.at(total, parents[below], share * total[below])
    return total


def _on_ring(parents: Numbers) -> NDArray[np.bool_]:
    """Return which customers lie on a ring: those still reached after as many steps up as there are customers."""
    up = np.where(parents >= 0, parents, np.arange(len(parents)))
    reached = up
    for _ in range(len(parents).bit_length()):
        reached = reached[reached]
    ring = np.zeros(len(parents), dtype=bool)
    ring[reached] = True
    return ring & (parents >= 0)


def _depth(parents: Numbers) -> Numbers:
    """Return the steps to the first of the chain, by steps of twice the length each time."""
    depth = (parents >= 0).astype(np.int64)
    reached = np.where(parents >= 0, parents, np.arange(len(parents)))
    for _ in range(len(parents).bit_length()):
        depth = depth + depth[reached]
        reached = reached[reached]
    return depth
