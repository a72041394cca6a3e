"""The model of purchases that customers are scored by."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from crm_lib.language import text

if TYPE_CHECKING:
    from crm_lib.clv import BGNBD, MBGNBD, ParetoNBD


class PurchaseModelName(StrEnum):
    """Models of purchases that customers can be scored by."""

    PARETO_NBD = "pareto-nbd"
    BG_NBD = "bg-nbd"
    MBG_NBD = "mbg-nbd"


PurchaseModel = Annotated[PurchaseModelName, typer.Option(help=text("Model of purchases; notebook 07 recommends one."))]


def model_named(name: PurchaseModelName) -> ParetoNBD | BGNBD | MBGNBD:
    """Return the model, not fitted yet."""
    from crm_lib import clv

    models: dict[PurchaseModelName, type[ParetoNBD | BGNBD | MBGNBD]] = {
        PurchaseModelName.PARETO_NBD: clv.ParetoNBD,
        PurchaseModelName.BG_NBD: clv.BGNBD,
        PurchaseModelName.MBG_NBD: clv.MBGNBD,
    }
    return models[name]()
