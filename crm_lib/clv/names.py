"""The names of models as the field writes them."""

from __future__ import annotations

import re
from typing import Any

from crm_lib import language
from crm_lib.clv.forecasts import model_name
from crm_lib.clv.purchase_model import PurchaseModel

_MODELS = {
    "NBD": "NBD",
    "ParetoNBD": "Pareto/NBD",
    "BGNBD": "BG/NBD",
    "MBGNBD": "MBG/NBD",
    "BGBB": "BG/BB",
    "GammaGamma": "Gamma-Gamma",
    "ShiftedBetaGeometric": "Shifted beta-geometric",
    "BetaDiscreteWeibull": "Beta-discrete-Weibull",
}


def model_label(model: Any) -> str:
    """Return the name of a model as the field writes it, with settings that are not the usual ones.

    Parameters
    ----------
    model : Model or str
        A model, or its name in a comparison.

    Returns
    -------
    str
        The name; one that is not known is returned as it is.

    Examples
    --------
    >>> model_label("ParetoNBD"), model_label("BGNBD(regularity=2)"), model_label("own mean rate")
    ('Pareto/NBD', 'BG/NBD (regularity 2)', 'Own mean rate')
    """
    name = model if isinstance(model, str) else _name(model)
    kind, _, settings = name.partition("(")
    written = _MODELS.get(kind, "")
    if not written:
        words = language.text(name)
        return words[:1].upper() + words[1:]
    told = re.sub(r"[()'\"\[\]]|,(?=\s*[)\]])", "", settings).replace("=", " ").replace("_", " ")
    return f"{language.text(written)} ({told})" if told else language.text(written)


def _name(model: Any) -> str:
    return model_name(model) if isinstance(model, PurchaseModel) else type(model).__name__


def label_models(sentence: str) -> str:
    """Return a sentence in which models have the names that the field writes.

    Parameters
    ----------
    sentence : str
        The sentence.

    Returns
    -------
    str
        The same, with the names of classes replaced.

    Examples
    --------
    >>> label_models("BGNBD(regularity=2) is better than MBGNBD")
    'BG/NBD (regularity 2) is better than MBG/NBD'
    """
    kinds = "|".join(sorted(_MODELS, key=len, reverse=True))
    return re.sub(rf"\b({kinds})\b(\([^()]*(\([^()]*\))*[^()]*\))?", lambda found: model_label(found[0]), sentence)
