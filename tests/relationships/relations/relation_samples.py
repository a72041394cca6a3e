"""Customers of two kinds, or of one, drawn from known distributions."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit

DISCOUNTED = {"transactional": 0.55, "relational": 0.15}
PRECISION = 20.0


def behaviour(
    customers: int, seed: int, *, kinds: int = 2, orders_mean: float = 6.0
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return behaviour and who is relational; with one kind nobody is, and shares of discount vary by degrees."""
    rng = np.random.default_rng(seed)
    orders = 1 + rng.negative_binomial(0.7, 0.7 / (0.7 + orders_mean), customers)
    lines = orders + rng.poisson(1.5 * orders)
    # The odds of being relational grow with the number of orders.
    relational = rng.random(customers) < expit(0.2 + 0.4 * (np.log1p(orders) - 1.5))

    def often(shares: np.ndarray, precision: float, occasions: np.ndarray) -> np.ndarray:
        return rng.binomial(occasions, rng.beta(shares * precision, (1 - shares) * precision))

    if kinds == 1:
        relational = np.zeros(customers, dtype=bool)
        discounted = often(np.full(customers, 0.35), 4.0, lines)
    else:
        shares = np.where(relational, DISCOUNTED["relational"], DISCOUNTED["transactional"])
        discounted = often(shares, PRECISION, lines)
    frame = pd.DataFrame(
        {
            "orders": orders,
            "purchase_days": orders,
            "lines": lines,
            "discounted_lines": discounted,
            "other_channel": often(np.where(relational, 0.25, 0.1), 8.0, orders - 1),
            "reviews": often(np.where(relational, 0.05, 0.01), 0.6, orders),
            "ever_member": rng.random(customers) < np.where(relational, 0.4, 0.1),
            "tenure": rng.integers(1, 1000, customers),
        },
        index=pd.Index([f"c{number:05d}" for number in range(customers)], name="customer_id"),
    )
    return frame, relational
