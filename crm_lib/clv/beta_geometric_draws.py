"""The log-likelihood of the beta-geometric family at many parameters at once, as a posterior needs it."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from crm_lib.clv.beta_geometric_likelihood import NEVER, Counts
from crm_lib.clv.histories import Array, Codes

_BLOCK = 2**14
"""Numbers held at once, few enough to stay in the processor's cache."""
_THREADS = 2
_WORTH_THREADS = 2**21
"""Numbers from which threads pay."""


def log_likelihoods(natural: list[Array], counts: Counts) -> Array:
    """Return log-likelihoods of customers who differ in nothing but their histories.

    Parameters
    ----------
    natural : list of array (D, 1)
        r, α, a, b.
    counts : Counts
        The customers.

    Returns
    -------
    array (D,)
        Sums over the customers.
    """
    r, alpha, a, b = natural
    stayed = b + np.arange(len(counts.of_occasion))
    value = counts.constant + np.log(r + np.arange(len(counts.of_stage))) @ counts.of_stage
    value += np.log(stayed / (a + stayed)) @ counts.of_occasion
    observed = np.log(alpha + counts.histories.by_age.values)
    value += (counts.total * r * np.log(alpha))[:, 0] - r[:, 0] * (observed @ counts.of_age)
    value -= observed @ counts.stages_of_age

    tables = _Tables.of(counts)
    if len(r) * len(counts.customers) < _WORTH_THREADS:
        return np.asarray(value + _endings(natural, counts, tables))
    bounds = np.linspace(0, len(r), 4 * _THREADS + 1).astype(int)
    parts = [[parameter[low:high] for parameter in natural] for low, high in itertools.pairwise(bounds)]
    with ThreadPoolExecutor(_THREADS) as threads:
        return np.asarray(value + np.concatenate(list(threads.map(lambda part: _endings(part, counts, tables), parts))))


class _Tables(NamedTuple):
    """Different values of what the histories consist of, and which of them each history has."""

    tries: Array
    never: npt.NDArray[np.bool_]
    recencies: Array
    ages: Array
    codes: list[Codes]
    waited: Array

    @classmethod
    def of(cls, counts: Counts) -> _Tables:
        histories = counts.histories
        by = histories.by_frequency, histories.by_recency, histories.by_age
        return cls(
            tries=np.maximum(by[0].values + (counts.occasions - 1), 0),
            never=by[0].values + counts.occasions == 0,
            recencies=by[1].values,
            ages=by[2].values,
            codes=[distinct.codes[counts.rows] for distinct in by],
            waited=counts.age - counts.recency,
        )


def _endings(natural: list[Array], counts: Counts, tables: _Tables) -> Array:
    """Return the sums of log(G + S), in few passes over memory that is allocated once."""
    customers = counts.customers
    width = max(1, min(_BLOCK, len(customers)))
    height = max(1, _BLOCK // width)
    memory = np.empty((3, height * width))
    total = np.zeros(len(natural[0]))
    for top in range(0, len(total), height):
        r, alpha, a, b = (parameter[top : top + height] for parameter in natural)
        stayed = np.log((b + tables.tries) / a)
        stayed[:, tables.never] = NEVER
        observed = alpha + tables.ages
        of_values = stayed, np.log(alpha + tables.recencies), np.log(observed)
        sums = total[top : top + height]
        for left in range(0, len(customers), width):
            part = slice(left, left + width)
            weights = customers[part]
            against, shape, spare = (place[: len(r) * len(weights)].reshape(len(r), -1) for place in memory)
            for values, code, place in zip(of_values, tables.codes, (against, shape, spare), strict=True):
                values.take(code[part], axis=1, out=place, mode="clip")
            shape -= spare
            shape *= np.add(r, counts.completed[part], out=spare)
            against += shape
            # Minus log G, which has no upper bound while this has one.
            sums -= np.einsum("dh,h->d", against, weights)
            np.exp(against, out=against)
            if counts.regularity > 1:
                np.take(1 / observed, tables.codes[2][part], axis=1, out=shape, mode="clip")
                shape *= tables.waited[part]
                against *= _stages(spare, shape, counts.regularity)
            np.log1p(against, out=against)
            sums += np.einsum("dh,h->d", against, weights)
    return total


def _stages(shape: Array, elapsed: Array, regularity: int) -> Array:
    """Return the sum of :func:`crm_lib.clv.beta_geometric.stage_weights`, by Horner's scheme; the shape is used up."""
    here = np.ones_like(shape)
    shape += regularity - 2
    for passed in range(regularity - 1, 0, -1):
        here *= shape
        here *= elapsed
        here /= passed
        here += 1
        shape -= 1
    return here
