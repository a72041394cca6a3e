"""Small published data sets, typed in from the papers."""

from __future__ import annotations

import pandas as pd

HIGH_END = (1000, 869, 743, 653, 593, 551, 517, 491, 468, 445, 427, 409, 394)
"""Survivors of 1,000 contracts, years 0–12, of the segment High End: Fader & Hardie (2007), table 1."""
REGULAR = (1000, 631, 468, 382, 326, 289, 262, 241, 223, 207, 194, 183, 173)
"""The same of the segment Regular."""

_DONATIONS = """
0,0:3464 1,1:1091 1,2:277 1,3:129 1,4:78 1,5:119 1,6:129 2,2:613 2,3:255 2,4:155 2,5:173 2,6:234
3,3:322 3,4:181 3,5:225 3,6:357 4,4:240 4,5:284 4,6:512 5,5:335 5,6:728 6,6:1203
"""


def cohort(survivors: tuple[int, ...], years: int = 7) -> pd.DataFrame:
    """The survivors of the first years as the contract models read them."""
    return pd.DataFrame({"period": range(years + 1), "survivors": survivors[: years + 1]})


def donations() -> pd.DataFrame:
    """The 11,104 donors of 1995 and their donations in the six years after: Fader, Hardie & Shang (2010), table 2."""
    rows = [[int(number) for number in cell.replace(":", ",").split(",")] for cell in _DONATIONS.split()]
    return pd.DataFrame(rows, columns=["frequency", "recency", "customers"]).assign(age=6)
