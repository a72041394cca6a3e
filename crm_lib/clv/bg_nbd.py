"""The BG/NBD model, its form for regular buyers, and covariates."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from crm_lib.clv.beta_geometric_model import BetaGeometric
from crm_lib.clv.histories import Array, Histories


@dataclasses.dataclass(kw_only=True, eq=False)
class BGNBD(BetaGeometric):
    """Customers buy at rates of their own and may leave after each repeat purchase.

    While a customer stays, purchases are a Poisson process; rates of customers have a gamma distribution with shape
    ``r`` and rate ``alpha``. After each repeat purchase the customer leaves with a probability of their own, which has
    a beta distribution with parameters ``a`` and ``b``. Nobody leaves before the first repeat purchase;
    :class:`MBGNBD` gives that up.

    Parameters
    ----------
    unit : {"D", "W", "M", "Y"}
        Unit of time of recency, age and horizons.
    regularity : int
        For k above 1, times between purchases have an Erlang distribution with k stages: the larger k, the more
        regular. Fitting then needs the column ``log_gaps`` of :func:`crm_lib.customers.customer_summary`; the
        likelihoods of different k can be compared.
    purchase_covariates : tuple of str
        Columns that multiply a customer's mean purchase rate by exp(γ'z): ``alpha`` becomes ``alpha`` exp(-γ'z). Their
        coefficients are named ``purchase_`` and the column.
    dropout_covariates : tuple of str
        Columns that multiply the odds of the mean probability of leaving by exp(κ'z): ``a`` becomes ``a`` exp(κ'z).
        Their coefficients are named ``dropout_`` and the column.

    References
    ----------
    Fader, P. S., Hardie, B. G. S., Lee, K. L. (2005). "Counting Your Customers" the Easy Way: An Alternative to the
    Pareto/NBD Model. Marketing Science 24(2), 275–284.
    Platzer, M., Reutterer, T. (2016). Ticking Away the Moments: Timing Regularity Helps to Better Predict Customer
    Activity. Marketing Science 35(5), 779–799.
    Fader, P. S., Hardie, B. G. S. (2007). Incorporating Time-Invariant Covariates into the Pareto/NBD and BG/NBD
    Models. http://brucehardie.com/notes/019/

    Examples
    --------
    >>> import numpy as np
    >>> truth = BGNBD().with_parameters(r=0.24, alpha=4.4, a=0.8, b=2.4)
    >>> customers = truth.simulate(np.full(2000, 39.0), seed=1, horizon=39)
    >>> model = BGNBD().fit(customers)
    >>> bool(abs(model.expected_purchases(customers, 39).sum() / customers["future"].sum() - 1) < 0.15)
    True
    >>> model.probability_alive(customers.nlargest(3, "recency")).gt(0.5).tolist()
    [True, True, True]
    """

    occasions: ClassVar[int] = 0
    purchase_covariates: tuple[str, ...] = ()
    dropout_covariates: tuple[str, ...] = ()

    @property
    def coefficient_names(self) -> tuple[str, ...]:
        """Coefficients of the covariates, of purchasing first."""
        purchase = tuple(f"purchase_{name}" for name in self.purchase_covariates)
        return purchase + tuple(f"dropout_{name}" for name in self.dropout_covariates)

    @property
    def covariate_names(self) -> tuple[str, ...]:
        """Columns of covariates that the model reads."""
        return tuple(dict.fromkeys((*self.purchase_covariates, *self.dropout_covariates)))

    def _columns(self, histories: Histories) -> tuple[Array, Array]:
        place = {name: number for number, name in enumerate(self.covariate_names)}
        purchase, dropout = (
            [place[name] for name in names] for names in (self.purchase_covariates, self.dropout_covariates)
        )
        return histories.covariates[:, purchase], histories.covariates[:, dropout]
