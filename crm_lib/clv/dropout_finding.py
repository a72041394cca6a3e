"""Whether it pays to model that customers leave, as a finding."""

from __future__ import annotations

from crm_lib import language
from crm_lib.clv.comparison import Comparison
from crm_lib.clv.names import model_label
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Finding, Verdict


def finding_dropout(compared: Comparison) -> Finding:
    """Return the finding on whether models in which customers leave forecast better than the baselines.

    Parameters
    ----------
    compared : Comparison
        Models and baselines over the cut-offs.

    Returns
    -------
    Finding
        Supported when the interval of the share by which the best such model lowers the ranked probability score of the
        best baseline (rules of thumb and NBD) lies above 0.

    Raises
    ------
    TooLittleData
        If the comparison had no baseline, or no model in which customers leave.
    """
    if compared.advantage is None:
        raise TooLittleData(
            language.text("the comparison needs a baseline and a model in which customers leave, at every cut-off")
        )
    row = compared.average.loc[[compared.recommended], ["absolute_bias", "customers"]]
    missed, customers = row.to_numpy(dtype=float)[0]
    number = int(compared.scores.index.get_level_values("cut_off").nunique())
    places = {
        "recommended": model_label(compared.recommended).replace("{", "{{").replace("}", "}}"),
        "days": language.number(compared.horizon_days, 0),
        "cut_offs": language.number(number, 0),
    }
    decisions = {
        Verdict.SUPPORTED: (
            "Plan with {recommended}, and do not carry past purchases on as they were: who has been silent for long, "
            "measured by the own rhythm, has probably left."
        ),
        Verdict.NOT_SUPPORTED: (
            "Plan with {recommended}: a simpler rule forecasts at least as well here, and a silent customer is not yet "
            "a lost one."
        ),
        Verdict.UNDECIDED: (
            "Plan with {recommended} and compare again when there is more history: whether it pays to model leaving is "
            "not decided."
        ),
    }
    return Finding(
        key="clv.dropout",
        claim=language.text("Models in which customers leave forecast purchases better than rules of thumb do."),
        source="Fader, Hardie & Lee 2005",
        estimate=compared.advantage,
        criterion=Criterion(low=1e-12),
        sentence=language.text(
            "The best model in which customers leave lowers the error of a forecast of {days} days by {{estimate}}, "
            "compared with the best baseline (cut-offs: {cut_offs}). The recommended forecaster, {recommended}, missed "
            "the total by {{bias}} on average."
        ).format(**places),
        decisions={verdict: language.text(words).format(**places) for verdict, words in decisions.items()},
        more={"bias": Estimate.exact(float(missed), n=round(customers), unit="share", method="mean over cut-offs")},
    )
