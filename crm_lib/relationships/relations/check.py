"""The kinds that were told held against the true ones, and against rules of thumb."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib.company import Company
from crm_lib.errors import MissingData
from crm_lib.estimate import Estimate
from crm_lib.segments.tables.simulated_truth import simulated_truth
from crm_lib.statistics.proportions import wilson
from crm_lib.statistics.reliability import Reliability, compared_auc, reliability

_TRANSACTIONAL = "transactional"
_CONSTANT = "everybody of the larger kind"


@dataclass(frozen=True, kw_only=True)
class KindsCheck:
    """How well the kinds were told, as :func:`check_kinds` found it.

    Parameters
    ----------
    frame : DataFrame
        Indexed by ``rule``: the mixture and rules of thumb, with ``accuracy`` (Estimate: share of customers whose more
        probable kind is the true one) and ``auc`` (Estimate).
    reliability : Reliability
        Probabilities of being relational against the truth.
    expected_accuracy : float
        Share of right answers that the probabilities themselves promise.
    """

    frame: pd.DataFrame
    reliability: Reliability
    expected_accuracy: float


def true_kinds(company: Company) -> pd.Series[bool]:
    """Return who truly is relational, where the company was simulated and its truth is known.

    Parameters
    ----------
    company : Company
        The company.

    Returns
    -------
    Series
        Indexed by ``customer_id``: whether the customer is relational, of whatever kind.

    Raises
    ------
    TooLittleData
        If no truth is known.
    """
    truth = simulated_truth(company, "customers").set_index("customer_id")["type"]
    return truth.ne(_TRANSACTIONAL).rename("relational")


def check_kinds(membership: pd.Series[float], behaviour: pd.DataFrame, truth: pd.Series[bool]) -> KindsCheck:
    """Hold probabilities of being relational against the truth, beside rules of thumb.

    Parameters
    ----------
    membership : Series (N,)
        Probability of each customer to be relational.
    behaviour : DataFrame (N rows)
        As :func:`~crm_lib.segments.customer_behaviour` gives it, for the rules of thumb: relational is who bought at
        most half of the lines on discount; who bought on two days at least; and everybody alike of the larger kind.
    truth : Series
        Whether each customer is relational; matched by index.

    Returns
    -------
    KindsCheck
        Accuracy and area under the ROC curve of the mixture and the rules, and the reliability of the probabilities.

    Raises
    ------
    MissingData
        If it is not known what was bought on discount.
    ValueError
        If fewer than two customers, or one kind only, are in the truth.
    """
    if "discounted_lines" not in behaviour:
        raise MissingData("transactions", ("discount",))
    actual = truth.reindex(membership.index).dropna().astype(float)
    if actual.nunique() < 2:
        raise ValueError("the truth must know customers of both kinds")
    chance, did = membership.reindex(actual.index), behaviour.reindex(actual.index)
    larger = float(actual.mean() >= 0.5)
    scores = {
        "the mixture of two kinds": (chance, 0.5),
        "at most half of the lines on discount": (-did["discounted_lines"] / did["lines"], -0.5),
        "at least two days of purchase": (did["purchase_days"].astype(float), 2.0),
        _CONSTANT: (pd.Series(larger, index=actual.index), 0.5),
    }
    rows: dict[str, dict[str, Estimate]] = {}
    for rule, (score, limit) in scores.items():
        right = int(((score >= limit) == (actual == 1)).sum())
        auc, _, _ = compared_auc(actual.to_numpy(), score.to_numpy(), chance.to_numpy())
        rows[rule] = {"accuracy": wilson(right, len(actual)), "auc": auc}
    # The area of a score that is the same for all is a half by definition, no estimate.
    rows[_CONSTANT]["auc"] = Estimate.exact(0.5, n=len(actual))
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("rule")
    return KindsCheck(
        frame=table,
        reliability=reliability(chance, actual),
        expected_accuracy=float(np.maximum(chance, 1 - chance).mean()),
    )
