"""Customers on several lists: which list is the first for each, and on which others the customer stands."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

SEPARATOR = "; "
"""Between the names of several lists."""


def with_overlap(parts: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return lists with two more columns, so that a customer on several of them is contacted once.

    Parameters
    ----------
    parts : mapping of str to DataFrame
        Rows of each list, indexed by ``customer_id``; the most urgent list first.

    Returns
    -------
    dict of str to DataFrame
        The same with ``first_list`` (whether no more urgent list has the customer) and ``also_on`` (names of the other
        lists that have, the most urgent first, empty for none).

    Examples
    --------
    >>> lists = with_overlap({"urgent": pd.DataFrame(index=["a"]), "later": pd.DataFrame(index=["a", "b"])})
    >>> lists["later"]["first_list"].to_dict(), lists["later"]["also_on"].to_dict()
    ({'a': False, 'b': True}, {'a': 'urgent', 'b': ''})
    """
    names = list(parts)
    ids = [frame.index.to_numpy(dtype=object) for frame in parts.values()]
    everybody = pd.Index(np.concatenate([np.empty(0, dtype=object), *ids]), dtype=object).unique()
    on = np.column_stack([everybody.isin(frame.index) for frame in parts.values()]) if names else np.empty((0, 0))
    marked = {}
    for place, (name, frame) in enumerate(parts.items()):
        rows = on[everybody.get_indexer(frame.index.astype(object))]
        # Many customers stand on the same lists: the names are joined once for each pattern.
        patterns, pattern = np.unique(rows, axis=0, return_inverse=True)
        words = [
            SEPARATOR.join(other for other, there in zip(names, row, strict=True) if there and other != name)
            for row in patterns
        ]
        marked[name] = frame.assign(
            first_list=np.asarray(~rows[:, :place].any(axis=1)),
            also_on=[words[each] for each in pattern.reshape(-1)],
        )
    return marked
