"""What Poisson buyers happen to do until they leave."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm_lib.clv.histories import Array


def poisson_purchases(buying: Array, lifetime: Array, horizon: float, rng: np.random.Generator) -> Array:
    """Draw numbers of purchases; a lifetime is 0 for those gone and infinite for those who stay."""
    return rng.poisson(np.minimum(buying * np.minimum(lifetime, horizon), 1e15)).astype(float)


def simulated(buying: Array, lifetime: Array, age: Array, horizon: float, rng: np.random.Generator) -> pd.DataFrame:
    """Draw histories of customers who buy at Poisson rates until their lifetimes end, and what follows them."""
    active = np.minimum(lifetime, age)
    frequency = rng.poisson(buying * active)
    # The last of x uniform times is the largest: a Beta(x, 1) share of the time active.
    recency = np.where(frequency > 0, active * rng.beta(np.maximum(frequency, 1), 1.0), 0.0)
    future = rng.poisson(buying * np.clip(lifetime - age, 0.0, horizon))
    columns = {"frequency": frequency, "recency": recency, "age": age, "alive": lifetime > age, "future": future}
    return pd.DataFrame(columns)
