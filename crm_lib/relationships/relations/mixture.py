"""Transactional or relational: a mixture of two kinds of customers, told apart by what they did."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import norm

from crm_lib import language
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.relationships.relations.likelihood import Counts, Evidence, Marks
from crm_lib.statistics.resampling import Floats

KINDS = ("transactional", "relational")
_COUNTED = {"discounted_lines": ("lines", 0), "other_channel": ("orders", 1), "reviews": ("orders", 0)}
"""Numbers that indicate the kind, the number of occasions of each, and how many of these cannot count."""
_MARKED = ("ever_member",)
_LEANING = ("orders", "tenure", "categories", "gap_variation")
_FEWEST = 50
_OPEN = 1e-3
"""Information below which a direction of the parameters counts as left open by the data."""
_GUESSES = (0.25, 0.4, 0.5, 0.6, 0.75)
"""Starts: so large a part of the customers, those least on discount, is first taken for relational."""


class RelationshipMixture:
    """Two kinds of customers with the probability of each customer to be relational.

    What customers do depends on their kind: the share of lines bought on discount, of orders outside the usual
    channel, of orders reviewed (each beta-binomial, as customers of one kind differ too), and whether they became
    members (the likelier, the more orders). How many orders, how long a customer has been known, how many categories
    and how regular the purchases are shifts the odds of being relational, so that no distribution need be assumed
    for them. What a company does not record is left out of the likelihood.

    The kind with the lower share of discounted lines is called *relational*.

    Parameters
    ----------
    least_separation : float
        Two kinds count as visible when at least this part of the doubt about who is what is removed.
    level : float
        Nominal coverage of the intervals.
    max_iterations : int
        Most steps of the maximisation from one start.

    Attributes
    ----------
    params_ : DataFrame
        Indexed by ``quantity`` ("share", and the names of the indicators) and ``kind``: ``estimate``, each an
        Estimate of the share of customers, or of the mean share of what happened in the kind. For ``member`` it is
        the share at the mean logarithm of the number of orders.
    odds_ : DataFrame
        Indexed by what shifts the odds of being relational: ``estimate`` (log odds for one standard deviation).
    share_ : Estimate
        Share of relational customers.
    log_likelihood_, log_likelihood_one_ : float
        Of two kinds, and of one in which customers differ by degrees only.
    bic_gain_ : float
        BIC of one kind less that of two: positive where two kinds describe the customers better.
    separation_ : float
        Part of the doubt about the kind that the data remove: the variance of the probabilities over p (1 - p), with p
        the share. 0 when all have the same probability, 1 when all are 0 or 1.
    two_kinds_ : bool
        Whether two kinds are visible: `bic_gain_` is positive and `separation_` large enough.
    converged_ : bool
        Whether the best start converged.
    customers_ : int
        Number of customers.

    Notes
    -----
    With the log odds :math:`\\eta_i = \\beta_0 + \\beta' z_i` of being relational, the likelihood is

    .. math:: \\prod_i \\sum_c \\pi_c(z_i) \\prod_j f_j(x_{ij} \\mid \\theta_{cj}),

    maximised by L-BFGS with exact gradients from several starts. Intervals come from the observed information;
    parameters at their bounds count as known. The BIC is no exact test here, as one kind lies on the edge of two, and
    two kinds that merely bend a distribution can win it: therefore the separation is asked for too.

    References
    ----------
    Dayton, C. M. & Macready, G. B. (1988). Concomitant-variable latent-class models. Journal of the American
    Statistical Association 83, 173-178.
    McLachlan, G. & Peel, D. (2000). Finite Mixture Models, chapters 2 and 6.
    """

    params_: pd.DataFrame
    odds_: pd.DataFrame
    share_: Estimate
    log_likelihood_: float
    log_likelihood_one_: float
    bic_gain_: float
    separation_: float
    two_kinds_: bool
    converged_: bool
    customers_: int

    def __init__(self, *, least_separation: float = 0.5, level: float = 0.95, max_iterations: int = 2000) -> None:
        self.least_separation = least_separation
        self.level = level
        self.max_iterations = max_iterations

    def fit(self, behaviour: pd.DataFrame) -> Self:
        """Fit the two kinds.

        Parameters
        ----------
        behaviour : DataFrame (N rows)
            As :func:`~crm_lib.segments.customer_behaviour` gives it; ``orders``, ``lines`` and ``discounted_lines``
            are needed, other columns are used where they are.

        Returns
        -------
        RelationshipMixture
            The same, fitted.

        Raises
        ------
        MissingData
            If it is not known what was bought on discount: nothing else names the kinds.
        TooLittleData
            If there are fewer than 50 customers, or all or none of what they bought was on discount.
        """
        _check(behaviour)
        logs = _logarithms(behaviour)
        self._center, self._scale = logs.mean(), logs.std().replace(0.0, np.nan)
        # What is the same for all cannot shift the odds.
        self._leaning = [name for name in map(str, logs) if np.isfinite(self._scale[name])]
        self._counted = [name for name in _COUNTED if name in behaviour]
        self._marked = [name for name in _MARKED if name in behaviour]
        evidence = self._evidence(behaviour)
        share = (behaviour["discounted_lines"] + 1) / (behaviour["lines"] + 2)
        ranks = share.rank(pct=True).to_numpy()
        found = [
            minimize(
                evidence.negative,
                evidence.start(np.where(ranks <= guess, 0.9, 0.1)),
                jac=True,
                method="L-BFGS-B",
                bounds=evidence.bounds,
                options={"maxiter": self.max_iterations, "ftol": 1e-11, "gtol": 1e-6, "maxcor": 30},
            )
            for guess in _GUESSES
        ]
        best = min(found, key=lambda result: float(result.fun))
        self._theta = best.x
        parts = evidence.split(best.x)[1]["discounted_lines"]
        if parts[1][0] > parts[0][0]:
            self._theta = evidence.exchanged(best.x)
        self.converged_ = bool(best.success)
        self.customers_ = len(behaviour)
        self.log_likelihood_ = -float(best.fun) * self.customers_
        self._judge(evidence)
        self._tell(evidence)
        return self

    def membership(self, behaviour: pd.DataFrame, *, even_if_unclear: bool = False) -> pd.Series[float]:
        """Return each customer's probability of being relational.

        Parameters
        ----------
        behaviour : DataFrame (N rows)
            As for :meth:`fit`. What a customer lacks (missing values, or columns that are not there) says nothing.
        even_if_unclear : bool
            Give probabilities even where two kinds are not visible.

        Returns
        -------
        Series (N,)
            Probabilities with the index of `behaviour`.

        Raises
        ------
        TooLittleData
            If two kinds are not visible and `even_if_unclear` is not set.
        """
        if not (self.two_kinds_ or even_if_unclear):
            message = language.text(
                "no two kinds of customers are visible here: knowing what they did removes {separation} of the doubt "
                "about who is what, and {least} are asked for"
            )
            places = {"separation": self.separation_, "least": self.least_separation}
            raise TooLittleData(message.format(**{key: language.share(part) for key, part in places.items()}))
        probability = self._evidence(behaviour).membership(self._theta)
        return pd.Series(probability, index=behaviour.index, name="relational")

    def _evidence(self, behaviour: pd.DataFrame) -> Evidence:
        missing = np.full(len(behaviour), np.nan)
        logs = ((_logarithms(behaviour) - self._center) / self._scale).reindex(columns=self._leaning)
        h = logs["orders"].to_numpy() if "orders" in logs else np.zeros(len(behaviour))
        indicators: dict[str, Counts | Marks] = {}
        for name in self._counted:
            occasions, idle = _COUNTED[name]
            n = behaviour[occasions].to_numpy(dtype=float) - idle if occasions in behaviour else missing
            k = behaviour[name].to_numpy(dtype=float) if name in behaviour else missing
            indicators[name] = Counts.of(k, n)
        for name in self._marked:
            y = behaviour[name].to_numpy(dtype=float) if name in behaviour else missing
            indicators[name] = Marks.of(y, h)
        lean = np.column_stack([np.ones(len(behaviour)), logs.fillna(0.0).to_numpy()])
        return Evidence(indicators, lean)

    def _judge(self, evidence: Evidence) -> None:
        """Compare with one kind, and tell how well the two are told apart."""
        one, numbers = 0.0, 0
        everybody = np.ones(evidence.customers)
        for part in evidence.indicators.values():
            one += _best_alone(part, everybody)
            numbers += len(part.bounds)
        self.log_likelihood_one_ = one
        more = len(evidence.bounds) - numbers
        self.bic_gain_ = 2 * (self.log_likelihood_ - one) - more * float(np.log(evidence.customers))
        probability = evidence.membership(self._theta)
        share = float(probability.mean())
        self.separation_ = float(probability.var() / max(share * (1 - share), 1e-12))
        self.two_kinds_ = self.bic_gain_ > 0 and self.separation_ >= self.least_separation

    def _tell(self, evidence: Evidence) -> None:
        """Turn parameters into estimates with intervals from the observed information."""
        covariance = _covariance(evidence, self._theta)
        errors = np.sqrt(np.clip(np.diag(covariance), 0, None))
        z, method = float(norm.ppf((1 + self.level) / 2)), "observed information"
        width = evidence.lean.shape[1]
        # The share depends on the odds of all customers, and these customers are one draw of those there might be.
        chance = expit(evidence.lean @ self._theta[:width])
        slope = (chance * (1 - chance)) @ evidence.lean / evidence.customers
        variance = slope @ covariance[:width, :width] @ slope + chance.var() / evidence.customers
        share = float(chance.mean())
        reach = z * np.sqrt(variance) / max(share * (1 - share), 1e-12)
        self.share_ = self._estimate(np.log(share / (1 - share)), float(reach), method)
        other = self._estimate(-np.log(share / (1 - share)), float(reach), method)
        rows = {("share", "transactional"): other, ("share", "relational"): self.share_}
        place = width
        for name, both in evidence.split(self._theta)[1].items():
            for number, kind in enumerate(KINDS):
                rows[name, kind] = self._estimate(float(both[number][0]), float(z * errors[place + number]), method)
            place += 3
        index = pd.MultiIndex.from_tuples(list(rows), names=["quantity", "kind"])
        self.params_ = pd.DataFrame({"estimate": list(rows.values())}, index=index)
        odds = [
            Estimate(value=b, low=b - z * e, high=b + z * e, level=self.level, n=self.customers_, method=method)
            for b, e in zip(self._theta[1:width].tolist(), errors[1:width].tolist(), strict=True)
        ]
        self.odds_ = pd.DataFrame({"estimate": odds}, index=pd.Index(self._leaning, name="quantity"), dtype=object)

    def _estimate(self, logit: float, reach: float, method: str) -> Estimate:
        value, low, high = (float(expit(logit + move)) for move in (0.0, -reach, reach))
        return Estimate(
            value=value, low=low, high=high, level=self.level, n=self.customers_, method=method, unit="share"
        )


def _check(behaviour: pd.DataFrame) -> None:
    if "discounted_lines" not in behaviour:
        raise MissingData("transactions", ("discount",))
    absent = [name for name in ("orders", "lines") if name not in behaviour]
    if absent:
        raise ValueError(f"the behaviour lacks {', '.join(absent)}; it has {', '.join(map(str, behaviour.columns))}")
    if len(behaviour) < _FEWEST:
        message = language.text("{count} customers are too few to tell two kinds apart; {fewest} are needed")
        raise TooLittleData(message.format(count=language.number(len(behaviour), 0), fewest=_FEWEST))
    discounted = behaviour["discounted_lines"].sum()
    if not 0 < discounted < behaviour["lines"].sum():
        message = language.text("what was bought was all on discount, or nothing of it: that tells no kinds apart")
        raise TooLittleData(message)


def _logarithms(behaviour: pd.DataFrame) -> pd.DataFrame:
    names = [name for name in _LEANING if name in behaviour]
    return behaviour[names].astype(float).apply(np.log1p)


def _best_alone(part: Counts | Marks, everybody: Floats) -> float:
    """Return the highest log likelihood of an indicator when all customers are of one kind."""

    def negative(theta: Floats) -> tuple[float, Floats]:
        value, gradient = part.log_density(theta)
        return -float(part.per_customer(value).sum()), -part.weigh(gradient, everybody)

    return -float(minimize(negative, part.start(everybody), jac=True, method="L-BFGS-B", bounds=part.bounds).fun)


def _covariance(evidence: Evidence, theta: Floats) -> Floats:
    """Return the inverse of the observed information; parameters at a bound are taken as known."""
    low, high = np.array(evidence.bounds).T
    free = np.flatnonzero((theta > low + 1e-3) & (theta < high - 1e-3))
    step, rows = 1e-4, []
    for place in free:
        move = np.zeros_like(theta)
        move[place] = step
        ends = [evidence.negative(theta + sign * move)[1][free] for sign in (1, -1)]
        rows.append((ends[0] - ends[1]) / (2 * step) * evidence.customers)
    information = np.array(rows)
    strength, direction = np.linalg.eigh((information + information.T) / 2)
    # What the data leave open, as when the two classes are one, has an interval from end to end, not a wrong one.
    variance = direction / np.maximum(strength, _OPEN) @ direction.T
    covariance = np.zeros((theta.size, theta.size))
    covariance[np.ix_(free, free)] = variance
    return covariance
