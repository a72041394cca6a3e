"""The MBG/NBD model and its form for regular buyers."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from crm_lib.clv.beta_geometric_model import BetaGeometric


@dataclasses.dataclass(kw_only=True, eq=False)
class MBGNBD(BetaGeometric):
    """Customers buy at rates of their own and may leave after each purchase, the first one included.

    Like :class:`BGNBD`, but a customer may have bought once and left at once, so that not everyone without a repeat
    purchase counts as a customer still.

    Parameters
    ----------
    unit : {"D", "W", "M", "Y"}
        Unit of time of recency, age and horizons.
    regularity : int
        For k above 1, times between purchases have an Erlang distribution with k stages: the larger k, the more
        regular. Fitting then needs the column ``log_gaps`` of :func:`crm_lib.customers.customer_summary`; the
        likelihoods of different k can be compared.

    References
    ----------
    Batislam, E. P., Denizel, M., Filiztekin, A. (2007). Empirical Validation and Comparison of Models for Customer Base
    Analysis. International Journal of Research in Marketing 24(3), 201–209.
    Hoppe, D., Wagner, U. (2007). Customer Base Analysis: The Case for a Central Variant of the Betageometric/NBD Model.
    Marketing ZFP 3(2), 75–90.
    Platzer, M., Reutterer, T. (2016). Ticking Away the Moments: Timing Regularity Helps to Better Predict Customer
    Activity. Marketing Science 35(5), 779–799.

    Examples
    --------
    >>> import numpy as np
    >>> truth = MBGNBD(regularity=2).with_parameters(r=1.2, alpha=6.0, a=0.9, b=1.6)
    >>> customers = truth.simulate(np.full(2000, 39.0), seed=1, horizon=39)
    >>> likelihoods = {k: MBGNBD(regularity=k).fit(customers).log_likelihood_ for k in (1, 2, 3)}
    >>> max(likelihoods, key=likelihoods.get)
    2
    """

    occasions: ClassVar[int] = 1
