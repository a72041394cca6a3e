"""Columns with gaps: values that are not there for every row."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from crm_lib.demo.clock import Bools


def text_where(mask: Bools, values: ArrayLike) -> NDArray[np.object_]:
    """Return the values where `mask` is true, and nothing elsewhere."""
    column = np.full(len(mask), None, dtype=object)
    column[mask] = np.asarray(values, dtype=object)[mask]
    return column


def true_where(mask: Bools, values: Bools) -> pd.Series[bool]:
    """Return true or false where `mask` is true, and nothing elsewhere."""
    return pd.Series(np.asarray(values)).astype("boolean").where(np.asarray(mask))


def whole(values: ArrayLike) -> pd.Series[int]:
    """Return whole numbers, with nothing where a value is not a number."""
    return pd.Series(np.asarray(values, dtype=float)).astype("Int64")
