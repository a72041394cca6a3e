"""Likelihood of two kinds of customers from what each did, with its gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, expit, log_expit, logsumexp, psi

from crm_lib.statistics.resampling import Floats

Ints = NDArray[np.int64]
LOGIT = 8.0
"""Shares are kept within expit(-8) and expit(8): beyond, data of any company leave them open."""
PRECISION = (float(np.log(0.2)), float(np.log(5000.0)))
"""Bounds of the logarithm of a beta distribution's precision a + b; at the upper one it is as good as a point."""
_SLOPE = 5.0


@dataclass(frozen=True)
class Counts:
    """How often something happened in how many occasions, as distinct pairs with the customers of each.

    In class c the share of a customer is beta distributed with mean m_c and precision s, so that the number is
    beta-binomial: customers of one kind need not be all alike. The precision is common to the classes: these are to
    differ in what customers do, not in how much customers differ.
    """

    k: Floats
    n: Floats
    pair: Ints

    @classmethod
    def of(cls, k: Floats, n: Floats) -> Counts:
        """Collect the distinct pairs; a missing number is one out of no occasions, which says nothing.

        Parameters
        ----------
        k : ndarray of shape (customers,)
            How often it happened; missing where not known.
        n : ndarray of shape (customers,)
            Occasions on which it could have happened.
        """
        known = np.isfinite(k) & np.isfinite(n)
        pairs = np.column_stack([np.where(known, k, 0.0), np.where(known, n, 0.0)]).astype(np.int64)
        # One number a pair sorts many times faster than the pairs themselves.
        width = int(pairs[:, 1].max(initial=0)) + 1
        codes, pair = np.unique(pairs[:, 0] * width + pairs[:, 1], return_inverse=True)
        return cls((codes // width).astype(float), (codes % width).astype(float), pair.astype(np.int64))

    @property
    def bounds(self) -> list[tuple[float, float]]:
        """Of logit mean and log precision."""
        return [(-LOGIT, LOGIT), PRECISION]

    def start(self, weights: Floats) -> Floats:
        """Return logit mean and log precision near the customers with these weights.

        Parameters
        ----------
        weights : ndarray of shape (customers,)
            Weight of each customer.
        """
        rows = np.bincount(self.pair, weights, self.k.size)
        share = (rows @ self.k + 0.5) / (rows @ self.n + 1.0)
        return np.array([np.log(share / (1 - share)), np.log(10.0)])

    def log_density(self, theta: Floats) -> tuple[Floats, Floats]:
        """Return the log probability of each pair and its gradient by the two parameters, shape (2, pairs).

        Parameters
        ----------
        theta : ndarray
            The parameters, in the order of the bounds.
        """
        mean, s = expit(theta[0]), np.exp(theta[1])
        a, b = mean * s, (1 - mean) * s
        value = betaln(self.k + a, self.n - self.k + b) - betaln(a, b)
        common = psi(s) - psi(self.n + s)
        by_a = psi(self.k + a) - psi(a) + common
        by_b = psi(self.n - self.k + b) - psi(b) + common
        gradient = np.stack([mean * (1 - mean) * s * (by_a - by_b), a * by_a + b * by_b])
        return value, gradient

    def per_customer(self, values: Floats) -> Floats:
        """Return the values of each customer's pair.

        Parameters
        ----------
        values : ndarray
            Values as :meth:`log_density` gives them.
        """
        return np.asarray(values[self.pair])

    def weigh(self, gradient: Floats, weights: Floats) -> Floats:
        """Return the gradient summed over customers with weights.

        Parameters
        ----------
        gradient : ndarray of shape (2, rows)
            Gradient as :meth:`log_density` gives it.
        weights : ndarray of shape (customers,)
            Weight of each customer.
        """
        return np.asarray(gradient @ np.bincount(self.pair, weights, self.k.size))


@dataclass(frozen=True)
class Marks:
    """Whether something ever happened, which is the likelier the more occasions there were.

    In class c the log odds are :math:`a_c + d h` with h the (standardised) logarithm of the number of orders: who
    came once had little time to join.
    """

    y: Floats
    h: Floats

    @classmethod
    def of(cls, y: Floats, h: Floats) -> Marks:
        """Keep the marks; missing ones stay missing.

        Parameters
        ----------
        y : ndarray of shape (customers,)
            1 where it happened, 0 where not, missing where not known.
        h : ndarray of shape (customers,)
            Standardised logarithm of the number of orders.
        """
        return cls(y, h)

    @property
    def bounds(self) -> list[tuple[float, float]]:
        """Of intercept and slope."""
        return [(-LOGIT, LOGIT), (-_SLOPE, _SLOPE)]

    def start(self, weights: Floats) -> Floats:
        """Return intercept and slope near the customers with these weights.

        Parameters
        ----------
        weights : ndarray of shape (customers,)
            Weight of each customer.
        """
        known = np.where(np.isfinite(self.y), weights, 0.0)
        share = (known @ np.nan_to_num(self.y) + 0.5) / (known.sum() + 1.0)
        return np.array([np.log(share / (1 - share)), 0.0])

    def log_density(self, theta: Floats) -> tuple[Floats, Floats]:
        """Return the log probability of each customer's mark and its gradient, shape (2, customers).

        Parameters
        ----------
        theta : ndarray
            The parameters, in the order of the bounds.
        """
        odds = theta[0] + theta[1] * self.h
        known = np.isfinite(self.y)
        value = np.where(known, np.where(self.y == 1, log_expit(odds), log_expit(-odds)), 0.0)
        residual = np.where(known, np.nan_to_num(self.y) - expit(odds), 0.0)
        return value, np.stack([residual, residual * self.h])

    def per_customer(self, values: Floats) -> Floats:
        """Return the values as they are: one a customer.

        Parameters
        ----------
        values : ndarray
            Values as :meth:`log_density` gives them.
        """
        return values

    def weigh(self, gradient: Floats, weights: Floats) -> Floats:
        """Return the gradient summed over customers with weights.

        Parameters
        ----------
        gradient : ndarray of shape (2, rows)
            Gradient as :meth:`log_density` gives it.
        weights : ndarray of shape (customers,)
            Weight of each customer.
        """
        return np.asarray(gradient @ weights)


@dataclass(frozen=True)
class Evidence:
    """What is known of the customers: indicators of their kind, and what shifts the odds of one.

    Parameters
    ----------
    indicators : dict of str to Counts or Marks
        Independent of each other within a kind.
    lean : ndarray of shape (customers, 1 + covariates)
        Ones, and covariates: the log odds of the second class are linear in them.
    """

    indicators: dict[str, Counts | Marks]
    lean: Floats

    @property
    def customers(self) -> int:
        """Number of customers."""
        return int(self.lean.shape[0])

    @property
    def bounds(self) -> list[tuple[float, float]]:
        """Bounds of all parameters: the odds, then of each indicator the levels of both classes and what they share."""
        odds = [(-LOGIT, LOGIT), *[(-_SLOPE, _SLOPE)] * (self.lean.shape[1] - 1)]
        return odds + [part.bounds[place] for part in self.indicators.values() for place in (0, 0, 1)]

    def start(self, second: Floats) -> Floats:
        """Return parameters near a first guess of each customer's probability to be of the second class.

        Parameters
        ----------
        second : ndarray of shape (customers,)
            Guess of each customer's probability to be of the second class.
        """
        share = float(np.clip(second.mean(), 0.02, 0.98))
        odds = np.zeros(self.lean.shape[1])
        odds[0] = np.log(share / (1 - share))
        starts = [(part.start(1 - second), part.start(second)) for part in self.indicators.values()]
        return np.concatenate([odds, *(np.array([zero[0], one[0], zero[1]]) for zero, one in starts)])

    def split(self, theta: Floats) -> tuple[Floats, dict[str, tuple[Floats, Floats]]]:
        """Return the parameters of the odds, and those of each indicator by class.

        Parameters
        ----------
        theta : ndarray
            The parameters, in the order of the bounds.
        """
        odds, rest = theta[: self.lean.shape[1]], theta[self.lean.shape[1] :].reshape(-1, 3)
        return odds, {name: (row[[0, 2]], row[[1, 2]]) for name, row in zip(self.indicators, rest, strict=True)}

    def exchanged(self, theta: Floats) -> Floats:
        """Return the parameters with the two classes exchanged.

        Parameters
        ----------
        theta : ndarray
            The parameters, in the order of the bounds.
        """
        width = self.lean.shape[1]
        return np.concatenate([-theta[:width], theta[width:].reshape(-1, 3)[:, [1, 0, 2]].ravel()])

    def joint(self, theta: Floats) -> tuple[Floats, list[tuple[Counts | Marks, Floats, Floats]]]:
        """Return the log joint probability of data and class, shape (2, customers), and the gradients of its parts.

        Parameters
        ----------
        theta : ndarray
            The parameters, in the order of the bounds.
        """
        odds, parts = self.split(theta)
        lean = self.lean @ odds
        logs = np.stack([log_expit(-lean), log_expit(lean)])
        gradients = []
        for name, part in self.indicators.items():
            (zero, by_zero), (one, by_one) = (part.log_density(both) for both in parts[name])
            logs[0] += part.per_customer(zero)
            logs[1] += part.per_customer(one)
            gradients.append((part, by_zero, by_one))
        return logs, gradients

    def membership(self, theta: Floats) -> Floats:
        """Return each customer's probability to be of the second class.

        Parameters
        ----------
        theta : ndarray
            The parameters, in the order of the bounds.
        """
        logs, _ = self.joint(theta)
        return np.asarray(expit(logs[1] - logs[0]))

    def negative(self, theta: Floats) -> tuple[float, Floats]:
        """Return the negative log likelihood of all customers, a customer, and its gradient.

        By Fisher's identity the gradient is that of the complete data, each customer weighed by the membership.

        Parameters
        ----------
        theta : ndarray
            The parameters, in the order of the bounds.
        """
        logs, parts = self.joint(theta)
        total = float(logsumexp(logs, axis=0).sum())
        second = expit(logs[1] - logs[0])
        gradient: list[Any] = [self.lean.T @ (second - expit(self.lean @ theta[: self.lean.shape[1]]))]
        for part, by_zero, by_one in parts:
            zero, one = part.weigh(by_zero, 1 - second), part.weigh(by_one, second)
            gradient.append(np.array([zero[0], one[0], zero[1] + one[1]]))
        return -total / self.customers, -np.concatenate(gradient) / self.customers
