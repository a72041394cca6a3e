"""Small published data sets, typed in from the papers."""

from __future__ import annotations

import pandas as pd

HIGH_END = (1000, 869, 743, 653, 593, 551, 517, 491, 468, 445, 427, 409, 394)
"""Survivors of 1,000 contracts, years 0–12, of the segment High End: Fader & Hardie (2007), table 1."""
REGULAR = (1000, 631, 468, 382, 326, 289, 262, 241, 223, 207, 194, 183, 173)
"""The same of the segment Regular."""


def cohort(survivors: tuple[int, ...], years: int = 7) -> pd.DataFrame:
    """The survivors of the first years as the contract models read them."""
    return pd.DataFrame({"period": range(years + 1), "survivors": survivors[: years + 1]})
