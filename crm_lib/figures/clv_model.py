"""Tables of fitted models: parameters with intervals, how well they fit, and how good their posterior draws are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import pandas as pd

from crm_lib import language
from crm_lib.clv import Model, Posterior
from crm_lib.clv.names import model_label
from crm_lib.exhibit import Table

Models: TypeAlias = "Model[Any] | Sequence[Model[Any]] | Mapping[str, Model[Any]]"
"""A fitted model, several, or several by name."""

_GOOD, _USABLE = 0.5, 0.7
"""Pareto k up to which importance sampling is good, and usable (Vehtari et al. 2024, section 3)."""


def model_table(models: Models, *, level: float = 0.9) -> Table:
    """Return the parameters of fitted models with standard errors and intervals, and how well the models fit.

    Parameters
    ----------
    models : Model, sequence of Model, or mapping of str to Model
        The fitted models.
    level : float
        Coverage of the intervals.

    Returns
    -------
    Table
        For each model one row a parameter, then log-likelihood, AIC and BIC.
    """
    parts = []
    for name, model in _named(models):
        parameters = model.summary(level).rename_axis("parameter").reset_index()
        fit = {
            language.text("log-likelihood"): model.log_likelihood_,
            "AIC": model.aic_,
            "BIC": model.bic_,
        }
        rows = pd.DataFrame({"parameter": list(fit), "estimate": list(fit.values())})
        parts.append(pd.concat([parameters, rows], ignore_index=True).assign(model=name))
    frame = pd.concat(parts, ignore_index=True)
    notes = [
        language.text("Intervals of {level} come from the posterior draws.").format(level=language.share(level)),
        language.text("Lower AIC and BIC are better, among models of the same data."),
    ]
    lost = [name for name, model in _named(models) if not model.converged_]
    if lost:
        notes.append(
            language.text("Without a maximum of the likelihood, and so without standard errors: {models}.").format(
                models=", ".join(lost)
            )
        )
    kinds = [type(model).__name__.lower() for _, model in _named(models)]
    return Table(
        # Notebooks show several of these tables, one for each kind of model.
        name="models" if len(kinds) > 1 else f"model_{kinds[0]}",
        title="Parameters and fit of the models",
        frame=frame[["model", "parameter", "estimate", "standard_error", "low", "high"]],
        kinds=dict.fromkeys(("estimate", "standard_error", "low", "high"), "number"),
        labels={"low": "From", "high": "To"},
        note=" ".join(notes),
        rows_shown=60,
    )


def posterior_table(posteriors: Mapping[str, Posterior]) -> Table:
    """Return how many draws the intervals of each model rest on, and how far they can be trusted.

    Parameters
    ----------
    posteriors : mapping of str to Posterior
        By name of the model, what its method ``posterior`` gave.

    Returns
    -------
    Table
        One row a model: draws, effective sample size, Pareto k, judgement, method.
    """
    rows = [
        {
            "model": model_label(name),
            "draws": len(drawn),
            "effective": drawn.effective_sample_size,
            "pareto_k": drawn.pareto_k,
            "judgement": language.text(_judgement(drawn.pareto_k)),
            "priors": language.text("none" if drawn.priors is None else "weakly informative"),
            "method": language.text(drawn.method),
            "seed": str(drawn.seed),
        }
        for name, drawn in posteriors.items()
    ]
    return Table(
        name="posterior",
        title="What the intervals rest on",
        frame=pd.DataFrame(rows),
        kinds={
            "draws": "count", "effective": "count", "pareto_k": "number", "judgement": "text", "priors": "text",
            "method": "text", "seed": "text",
        },
        labels={"effective": "Worth independent draws", "pareto_k": "Pareto k"},
        note="Pareto k tells whether a few draws carry all the weight: up to 0.5 good, up to 0.7 usable; beyond, a "
        "sampler draws instead.",
    )  # fmt: skip


def _judgement(pareto_k: float) -> str:
    if pd.isna(pareto_k):
        return "drawn by a sampler"
    if pareto_k <= _GOOD:
        return "good"
    return "usable" if pareto_k <= _USABLE else "not to be relied upon"


def _named(models: Models) -> list[tuple[str, Model[Any]]]:
    """Return models with the names readers see; those of one name are told apart by number."""
    if isinstance(models, Mapping):
        return [(model_label(name), model) for name, model in models.items()]
    several = [models] if isinstance(models, Model) else list(models)
    names = [model_label(model) for model in several]
    numbered = [
        language.text("{model} ({number})").format(model=name, number=names[: place + 1].count(name))
        if names.count(name) > 1
        else name
        for place, name in enumerate(names)
    ]
    return list(zip(numbered, several, strict=True))
