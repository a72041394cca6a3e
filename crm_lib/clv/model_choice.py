"""How far the value of all customers hangs on which model was chosen: what an interval given one model leaves out."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence

import pandas as pd

from crm_lib.clv.bg_nbd import BGNBD
from crm_lib.clv.gamma_gamma import GammaGamma
from crm_lib.clv.given_summary import own_summary
from crm_lib.clv.mbg_nbd import MBGNBD
from crm_lib.clv.model import ConvergenceWarning
from crm_lib.clv.names import model_label
from crm_lib.clv.pareto_nbd import ParetoNBD
from crm_lib.clv.purchase_model import PurchaseModel
from crm_lib.clv.value import CustomerValue, customer_value
from crm_lib.company import Company
from crm_lib.errors import CrmError


def value_by_model(
    company: Company, value: CustomerValue, *, models: Sequence[PurchaseModel] | None = None, draws: int = 400
) -> pd.DataFrame:
    """Return the customer equity under each of several models, all else equal.

    The interval of a value holds how well the parameters of *one* model are known. Models that fit the past about
    equally well may still disagree on the far future: where their values lie further apart than the interval is wide,
    the choice of model is the larger doubt.

    Parameters
    ----------
    company : Company
        The company.
    value : CustomerValue
        What the customers are worth under the chosen model; its spend, rate, rule and costs are used throughout.
    models : sequence of PurchaseModel, optional
        Models to be set beside the chosen one; by default Pareto/NBD, BG/NBD and MBG/NBD.
    draws : int
        Draws that the intervals rest on, at least 100.

    Returns
    -------
    DataFrame
        Indexed by ``model``, the chosen one first: ``chosen``; ``current``, the value of all customers, with ``_low``
        and ``_high``; ``expected_purchases`` of all in the horizon; ``converged``, whether the likelihood has a
        maximum. A model that cannot be fitted is left out.
    """
    chosen = value.future.model
    unit = chosen.unit
    others = (ParetoNBD(unit=unit), BGNBD(unit=unit), MBGNBD(unit=unit)) if models is None else models
    rows = {model_label(chosen): _row(value, chosen=True)}
    for model in others:
        if model_label(model) in rows:
            continue
        try:
            rows[model_label(model)] = _row(_valued(company, value, model, draws), chosen=False)
        except (CrmError, ValueError):
            continue
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")


def _valued(company: Company, value: CustomerValue, model: PurchaseModel, draws: int) -> CustomerValue:
    # Regular timing or covariates need columns of the summary in use; only other clocks need one of their own.
    same_clock = (model.discrete, model.unit) == (value.future.model.discrete, value.future.model.unit)
    customers = value.summary if same_clock else own_summary(company, model).loc[value.summary.index]
    spend = value.future.spend
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = copy.copy(model).fit(customers)
    return customer_value(
        company,
        model=fitted,
        spend=spend if isinstance(spend, GammaGamma) else None,
        summary=customers,
        annual_rate=value.annual_rate,
        horizon_days=value.horizon_days,
        rule=value.rule,
        serving=value.serving,
        draws=draws,
        level=value.level,
    )


def _row(value: CustomerValue, *, chosen: bool) -> dict[str, float | bool]:
    current = value.totals["current"]
    return {
        "chosen": chosen,
        "current": current.value,
        "current_low": current.low,
        "current_high": current.high,
        "expected_purchases": float(value.frame["expected_purchases"].sum()),
        "converged": bool(value.future.model.converged_),
    }
