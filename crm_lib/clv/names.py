"""The names of models as the field writes them."""

from __future__ import annotations

from typing import Any

from crm_lib import language

_MODELS = {
    "ParetoNBD": "Pareto/NBD",
    "BGNBD": "BG/NBD",
    "MBGNBD": "MBG/NBD",
    "GammaGamma": "Gamma-Gamma",
    "ShiftedBetaGeometric": "Shifted beta-geometric",
    "BetaDiscreteWeibull": "Beta-discrete-Weibull",
}


def model_label(model: Any) -> str:
    """Return the name of a model, or of its class, as the field writes it.

    >>> model_label("ParetoNBD"), model_label("own mean rate")
    ('Pareto/NBD', 'Own mean rate')
    """
    name = model if isinstance(model, str) else type(model).__name__
    words = language.text(_MODELS.get(name, name))
    return words[:1].upper() + words[1:]
