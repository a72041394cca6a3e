"""Fitted models as JSON: settings, estimates and draws, but no customer's data."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_lib.clv.fitted import Fitted
from crm_lib.clv.histories import Array
from crm_lib.clv.posterior import Posterior
from crm_lib.clv.priors import Priors

if TYPE_CHECKING:
    from crm_lib.clv.model import Model


def dump(model: Model[Any]) -> str:
    """Return a fitted model as JSON.

    Parameters
    ----------
    model : Model
        The model.

    Returns
    -------
    str
        What :func:`load` reads.
    """
    fitted, posterior = model._fit_, model._posterior
    content: dict[str, Any] = {
        "model": type(model).__name__,
        "settings": {field.name: getattr(model, field.name) for field in dataclasses.fields(model)},
        "parameters": model.params_.to_dict(),
        "working": fitted.theta.tolist(),
        "covariance": [[_finite(value) for value in row] for row in fitted.covariance.tolist()],
        "log_likelihood": _finite(fitted.log_likelihood),
        "customers": fitted.customers,
        "converged": fitted.converged,
    }
    if posterior is not None:
        content["posterior"] = {
            "working": posterior.working.tolist(),
            "effective_sample_size": posterior.effective_sample_size,
            "pareto_k": _finite(posterior.pareto_k),
            "method": posterior.method,
            "priors": None if posterior.priors is None else dataclasses.asdict(posterior.priors),
            "seed": posterior.seed,
        }
    return json.dumps(content, allow_nan=False)


def load(text: str, models: Mapping[str, type[Model[Any]]]) -> Model[Any]:
    """Return the model that :func:`dump` wrote.

    Parameters
    ----------
    text : str
        JSON.
    models : mapping of str to type
        Classes of models by name.

    Returns
    -------
    Model
        The model, with its draws if they were stored.

    Raises
    ------
    ValueError
        If the text holds no model.
    """
    try:
        content: dict[str, Any] = json.loads(text)
        kind = models[content["model"]]
        settings = {
            name: tuple(value) if isinstance(value, list) else value for name, value in content["settings"].items()
        }
        model = kind(**settings)
        model._fitted = Fitted(
            theta=np.array(content["working"], dtype=float),
            covariance=np.array(content["covariance"], dtype=float),
            log_likelihood=_number(content["log_likelihood"]),
            customers=content["customers"],
            converged=content["converged"],
        )
        if drawn := content.get("posterior"):
            model._posterior = _posterior(model, drawn)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise ValueError("this is no stored model: expected what to_json wrote") from None
    return model


def _posterior(model: Model[Any], drawn: dict[str, Any]) -> Posterior:
    working: Array = np.array(drawn["working"], dtype=float)
    return Posterior(
        draws=model._named(working),
        working=working,
        effective_sample_size=drawn["effective_sample_size"],
        pareto_k=_number(drawn["pareto_k"]),
        method=drawn["method"],
        priors=None if drawn["priors"] is None else Priors(**drawn["priors"]),
        seed=drawn["seed"],
    )


def _finite(value: float) -> float | str | None:
    if np.isnan(value):
        return None
    return value if np.isfinite(value) else str(value)


def _number(value: float | str | None) -> float:
    return float("nan") if value is None else float(value)
