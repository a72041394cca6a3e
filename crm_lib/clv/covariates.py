"""Covariates that do not change with time, for the models of customers who may leave."""

from __future__ import annotations

import dataclasses

import numpy as np

from crm_lib.clv.histories import Array, Units
from crm_lib.clv.purchase_model import PurchaseModel


@dataclasses.dataclass(kw_only=True, eq=False)
class CovariateModel(PurchaseModel):
    """A model whose customers may differ by columns of numbers in the summary.

    They multiply purchase rates and what makes customers leave by the exponential of coefficient times covariate.
    Coefficients are named ``purchase_`` or ``dropout_`` and the column.
    """

    purchase_covariates: tuple[str, ...] = ()
    dropout_covariates: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        given: tuple[object, ...] = (self.purchase_covariates, self.dropout_covariates)
        for names in given:
            if not isinstance(names, tuple | list) or len(set(names)) < len(names):
                raise ValueError(f"covariates are a tuple of distinct column names, such as ('region',), not {names!r}")

    @property
    def coefficient_names(self) -> tuple[str, ...]:
        """Coefficients of the covariates, of purchasing first."""
        purchase = tuple(f"purchase_{name}" for name in self.purchase_covariates)
        return purchase + tuple(f"dropout_{name}" for name in self.dropout_covariates)

    @property
    def covariate_names(self) -> tuple[str, ...]:
        """Columns of covariates that the model reads."""
        return tuple(dict.fromkeys((*self.purchase_covariates, *self.dropout_covariates)))

    def _places(self) -> tuple[list[int], list[int]]:
        """Return the columns of the covariates of purchasing and of dropout."""
        names = self.covariate_names
        return [names.index(name) for name in self.purchase_covariates], [
            names.index(name) for name in self.dropout_covariates
        ]

    def _spreads(self, units: Units) -> Array:
        purchase, dropout = self._places()
        return np.asarray(units.covariates[purchase + dropout])

    def _shifts(self, theta: Array, covariates: Array) -> tuple[Array, Array]:
        """Return by how much the covariates shift the logarithms of both: arrays (D, H), or (D, 1) without any."""
        purchase, dropout = self._places()
        nothing, split = np.zeros((len(theta), 1)), 4 + len(purchase)
        return (
            theta[:, 4:split] @ covariates[:, purchase].T if purchase else nothing,
            theta[:, split:] @ covariates[:, dropout].T if dropout else nothing,
        )
