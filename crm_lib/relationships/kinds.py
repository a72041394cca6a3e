"""Price or relation: a mixture of two kinds of customers, told apart by what they did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import betaln, expit, log_expit, logsumexp

from crm_lib.company import Company
from crm_lib.customers import Value, facts, value_of
from crm_lib.errors import MissingData, NumericalError, TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.language import say
from crm_lib.relationships.truth import simulated_truth
from crm_lib.statistics.proportions import wilson
from crm_lib.statistics.reliability import compared_auc

Floats = NDArray[np.float64]
HABITS: Final = {
    "discounted_lines_ever": ("lines_ever", 0),
    "other_channel_ever": ("orders_ever", 1),
    "reviews_ever": ("orders_ever", 0),
    "ever_member": ("", 0),
}
"""Facts that indicate the kind, the occasions of each, and how many of these cannot count."""
LEAST_SEPARATION: Final = 0.5
"""Two kinds are visible where at least this part of the doubt about who is what is removed."""
_FEWEST = 50
_STEPS = 500
_ALIKE = (1e-3, 0.9)
"""Bounds of the correlation between the occasions of one customer."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Kinds:
    """The two kinds and each customer's probability.

    `frame` by ``customer_id``: ``relational`` (probability), ``value`` (money of the last year, missing for who bought
    nothing in it) and ``discounted`` (share of lines). `habits` by habit, and "share" of customers: ``transactional``
    and ``relational``, the mean share of occasions. `separation` is the part of the doubt about the kind that the data
    remove: the variance of the probabilities over p (1 - p).
    """

    frame: pd.DataFrame
    habits: pd.DataFrame
    separation: float
    value_kind: Value
    currency: str


def customer_kinds(company: Company) -> Kinds:
    """Tell transactional from relational customers by what they did.

    The kinds differ in the share of lines bought on discount, of orders outside the usual channel, of orders reviewed,
    and in who ever joined a membership, as far as the company records these. How many orders there were, and since
    when, shifts the odds. The kind that buys less on discount is called relational.

    Parameters
    ----------
    company : Company
        The company; needs ``discount``.

    Returns
    -------
    Kinds
        Probabilities and habits of the kinds.

    Raises
    ------
    MissingData
        If it is not known what was bought on discount: nothing else names the kinds.
    TooLittleData
        If there are fewer than 50 customers, all or nothing was on discount, or no two kinds are visible: two can
        always be fitted, so one kind must describe the customers worse (BIC), and at least half of the doubt about who
        is what must go away.

    Notes
    -----
    Each habit is beta-binomial: with :math:`k` of :math:`n` occasions, mean :math:`m_c` of kind c and a correlation
    :math:`\\rho` within a customer that both kinds share. The EM algorithm takes means and correlation by weighted
    moments, each customer with the weight :math:`n / (1 + (n - 1)\\rho)` that so many alike occasions are worth; the
    odds of being relational take a Newton step of a logistic regression on orders and tenure (McLachlan & Peel 2000,
    Finite Mixture Models, chapters 2 and 6).
    """
    known = facts(company)
    if "discounted_lines_ever" not in known:
        raise MissingData("transactions", ("discount",))
    probability, habits, separation = two_kinds(known)
    kind = value_of(company)
    frame = pd.DataFrame(
        {
            "relational": probability,
            "value": known[kind].astype(float).where((known["lines"] > 0) | (known["returns"] > 0)),
            "discounted": known["discounted_lines_ever"] / known["lines_ever"],
        }
    )
    return Kinds(frame=frame, habits=habits, separation=separation, value_kind=kind, currency=company.currency)


def two_kinds(known: pd.DataFrame) -> tuple[pd.Series[float], pd.DataFrame, float]:
    """Return probabilities of being relational, habits of the kinds and separation, from facts about customers."""
    if len(known) < _FEWEST:
        raise TooLittleData(say("needs {least} customers; there are {n:count}", least=_FEWEST, n=len(known)))
    if not 0 < known["discounted_lines_ever"].sum() < known["lines_ever"].sum():
        raise TooLittleData(
            say("needs purchases on discount and others; all were of one sort, which tells no kinds apart")
        )
    counts = {}
    for name, (occasions, idle) in HABITS.items():
        if name in known:
            tried = (known[occasions] - idle).to_numpy(float) if occasions else np.ones(len(known))
            counts[name] = (known[name].to_numpy(float), tried)
    on_discount = (known["discounted_lines_ever"] + 1) / (known["lines_ever"] + 2)
    start = np.where(on_discount.rank(pct=True) <= 0.5, 0.9, 0.1)
    logs = np.log1p(known[["orders_ever", "tenure"]].to_numpy(float))
    lean = np.column_stack([np.ones(len(known)), (logs - logs.mean(axis=0)) / np.maximum(logs.std(axis=0), 1e-9)])
    p, means, likelihood = _expectation_maximisation(counts, start, lean)
    if means["discounted_lines_ever"][1] > means["discounted_lines_ever"][0]:
        p, means = 1 - p, {name: both[::-1] for name, both in means.items()}
    share = float(p.mean())
    separation = float(p.var() / max(share * (1 - share), 1e-12))
    _, _, alone = _expectation_maximisation(counts, np.ones(len(known)), None)
    gain = 2 * (likelihood - alone) - (len(counts) + lean.shape[1]) * np.log(len(known))
    if separation < LEAST_SEPARATION or gain <= 0:
        message = (
            "no two kinds of customers are visible: habits remove {part:share} of the doubt about who is what, and "
            "{least:share} are needed"
        )
        raise TooLittleData(say(message, part=separation, least=LEAST_SEPARATION))
    habits = pd.DataFrame(means, index=["transactional", "relational"]).T
    habits.loc["share"] = [1 - share, share]
    return pd.Series(p, index=known.index, name="relational"), habits.rename_axis("habit"), separation


def _expectation_maximisation(
    counts: dict[str, tuple[Floats, Floats]], p: Floats, lean: Floats | None
) -> tuple[Floats, dict[str, Floats], float]:
    """Return probabilities of the second kind, habits by kind and log likelihood; without `lean` there is one kind."""
    alike, before = dict.fromkeys(counts, 0.1), -np.inf
    means: dict[str, Floats] = {}
    beta = np.zeros(0 if lean is None else lean.shape[1])
    for _ in range(_STEPS):
        weights = np.stack([1 - p, p])
        logs = np.stack([np.full(len(p), -np.inf), np.zeros(len(p))])
        if lean is not None:
            prior = expit(lean @ beta)
            beta += np.linalg.solve(
                lean.T @ (lean * (prior * (1 - prior))[:, None]) + 1e-6 * np.eye(len(beta)), lean.T @ (p - prior)
            )
            logs = np.stack([log_expit(-lean @ beta), log_expit(lean @ beta)])
        for name, (k, n) in counts.items():
            worth = weights / (1 + np.maximum(n - 1, 0) * alike[name])
            m = (worth @ k + 0.5) / (worth @ n + 1)
            spread = m * (1 - m)
            excess = weights * ((k - np.outer(m, n)) ** 2 - np.outer(spread, n))
            pairs = (weights * n * (n - 1) * spread[:, None]).sum()
            alike[name] = float(np.clip(excess.sum() / pairs if pairs > 0 else 0.0, *_ALIKE))
            s = 1 / alike[name] - 1
            a, b = (m * s)[:, None], ((1 - m) * s)[:, None]
            logs += betaln(k + a, n - k + b) - betaln(a, b)
            means[name] = m
        value = float(logsumexp(logs, axis=0).sum())
        p = expit(logs[1] - logs[0])
        if abs(value - before) < 1e-6 * max(abs(value), 1.0):
            return p, means, value
        before = value
    raise NumericalError(f"the mixture of two kinds of customers did not come to rest in {_STEPS} steps")


def check_kinds(kinds: Kinds, company: Company) -> pd.DataFrame:
    """Hold the probabilities against the true kinds of a simulated company, beside rules of thumb.

    Parameters
    ----------
    kinds : Kinds
        The kinds.
    company : Company
        The company.

    Returns
    -------
    DataFrame
        Indexed by ``rule``: the mixture and rules of thumb, with ``accuracy`` and ``auc`` (Estimates).

    Raises
    ------
    TooLittleData
        If the company was not simulated.
    """
    types = simulated_truth(company, "customers").set_index("customer_id")["type"]
    true = types.ne("transactional").reindex(kinds.frame.index).dropna().astype(float)
    frame = kinds.frame.loc[true.index]
    scores = {
        "the mixture of two kinds": (frame["relational"], 0.5),
        "at most half of the lines on discount": (-frame["discounted"], -0.5),
        "everybody of the larger kind": (pd.Series(float(true.mean() >= 0.5), index=true.index), 0.5),
    }
    rows: dict[str, dict[str, Estimate]] = {}
    for rule, (score, limit) in scores.items():
        right = int(((score >= limit) == (true == 1)).sum())
        auc = compared_auc(true.to_numpy(), score.to_numpy(), score.to_numpy())[0]
        # The area of a score that is the same for all is a half by definition.
        rows[rule] = {
            "accuracy": wilson(right, len(true)),
            "auc": auc if score.min() < score.max() else Estimate.exact(0.5, n=len(true)),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("rule")
