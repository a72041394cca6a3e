"""Simulated answers on the own brand and on rivals, with known means."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from crm_lib.satisfaction.answers import Survey


def answers(rng, means, sizes, *, spread=0.7, shared=0.4, whole=False):
    """Return a survey: `means` by brand (the own one is None) and item, `sizes` respondents a brand."""
    frames, start = {}, 0
    for (brand, items), n in zip(means.items(), sizes, strict=True):
        level = rng.normal(0, shared, (n, 1))
        x = np.array(list(items.values())) + level + rng.normal(0, spread, (n, len(items)))
        frame = pd.DataFrame(np.round(x).clip(1, 10) if whole else x, columns=list(items))
        frame["respondent"] = [f"r{start + number}" for number in range(n)]
        frame["brand"], frame["responded_at"] = brand, pd.Timestamp("2026-03-01")
        frame["weight"] = rng.gamma(8, 1 / 8, n)
        frames[brand], start = frame, start + n
    own = frames.pop(None)
    rivals = pd.concat(frames.values(), ignore_index=True) if frames else own.iloc[:0]
    return Survey(frame=own, rivals=rivals, waves=("1",), left_out={}, as_of=dt.date(2026, 6, 30))
