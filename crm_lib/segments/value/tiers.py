"""Value tiers: key, major, ordinary and small customers, by share of value or by count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crm_lib.customers.window import ANY, Basis
from crm_lib.segments.value.concentration import gini, top_share
from crm_lib.statistics.resampling import Floats

TIERS = ("key", "major", "ordinary", "small")
"""The tiers, best first."""
By = Literal["value", "count"]
TIER_SHARES: dict[str, tuple[float, ...]] = {"value": (0.5, 0.8, 0.95), "count": (0.01, 0.05, 0.2)}
"""Cumulated shares at which a tier ends, the best first, where none are given."""
_SLACK = 1 + 1e-12
"""An amount that lies on a share, but for rounding, counts as within."""


@dataclass(frozen=True, kw_only=True)
class Tiers:
    """Customers in tiers, as :func:`value_tiers` put them.

    Parameters
    ----------
    frame : DataFrame
        Indexed as the values that came in: ``value`` (money), ``tier`` (ordered categorical, the best first),
        ``losing``.
    cut_points : tuple of float
        The values (money) from which on a customer is key, major or ordinary; infinite where nobody is.
    by, shares : {"value", "count"}, tuple of float or None
        What the shares are shares of; cumulated, where key, major and ordinary end; None where cut points were given.
    basis : Basis
        What the value is.
    """

    frame: pd.DataFrame
    cut_points: tuple[float, ...]
    by: By
    shares: tuple[float, ...] | None
    basis: Basis = ANY

    @property
    def codes(self) -> NDArray[np.intp]:
        """Number of each customer's tier: 0 for key to 3 for small."""
        return self.frame["tier"].cat.codes.to_numpy().astype(np.intp)

    def table(self) -> pd.DataFrame:
        """Return size, value and concentration of each tier."""
        groups = self.frame.groupby("tier", observed=False)
        table = groups.agg(customers=("value", "size"), value=("value", "sum"), losing=("losing", "sum"))
        table.insert(0, "from", [*self.cut_points, np.nan])
        total = table["value"].sum()
        table["customer_share"] = table["customers"] / table["customers"].sum()
        table["value_share"] = table["value"] / total if total > 0 else np.nan
        table["mean_value"] = table["value"] / table["customers"].where(table["customers"] > 0)
        parts = {name: part.to_numpy() for name, part in groups["value"]}
        table["top_share"] = [top_share(parts[name]) if len(parts.get(name, ())) else np.nan for name in TIERS]
        table["gini"] = [gini(parts[name]) if len(parts.get(name, ())) else np.nan for name in TIERS]
        order = ["from", "customers", "customer_share", "value", "value_share", "mean_value", "top_share", "gini"]
        return table[[*order, "losing"]].astype({"losing": "int64"})


def value_tiers(
    values: pd.Series[float],
    *,
    by: By = "value",
    shares: Sequence[float] | None = None,
    cut_points: Sequence[float] | None = None,
) -> Tiers:
    """Put customers into the tiers key, major, ordinary and small.

    By value, the best who together bring half of it are key, those up to 80 % major, up to 95 % ordinary (an ABC
    analysis, A halved); by count the best 1 %, the next 4 % and 15 % (the customer pyramid of Curry & Curry 2000).
    `shares` are three ascending ones in their place; `cut_points`, three descending positive values, keep the rule of
    an earlier result. Equal customers are never split. A group of equal ones of whom those before bring :math:`B`,
    themselves :math:`g`, belongs to the first tier whose share :math:`s` of the total :math:`T` has :math:`B + g/2 \\le
    s\\,T`. Customers who bring nothing or less are small, and count in :math:`T` only by count.

    >>> tiers = value_tiers(pd.Series({"a": 50.0, "b": 20.0, "c": 20.0, "d": 10.0, "e": -1.0}))
    >>> tiers.frame["tier"].tolist(), tiers.cut_points
    (['key', 'major', 'major', 'ordinary', 'small'], (50.0, 20.0, 10.0))
    """
    if by not in TIER_SHARES:
        raise ValueError(f"by must be 'value' or 'count', not {by!r}")
    if shares is not None and cut_points is not None:
        raise ValueError("give shares or cut points, not both: cut points replace the shares")
    if not values.index.is_unique:
        twice = values.index[values.index.duplicated()][:3].tolist()
        raise ValueError(f"each customer needs one value; there are several of {twice}")
    if values.empty:
        raise ValueError("tiers need at least one customer, got none")
    array: Floats = np.asarray(values, dtype=np.float64)
    if not np.isfinite(array).all():
        bad = values.index[~np.isfinite(array)][:3].tolist()
        raise ValueError(f"values must be finite numbers; missing or infinite for {bad}: leave them out first")
    used = None
    if cut_points is None:
        used = tuple(float(share) for share in (TIER_SHARES[by] if shares is None else shares))
        found, counts = np.unique(array, return_counts=True)
        cuts: tuple[float, ...] = tier_cut_points(found, counts, by=by, shares=used)
    else:
        cuts = tuple(float(cut) for cut in cut_points)
        check_tier_cut_points(cuts)
    code = len(TIERS) - 1 - (array[:, None] >= np.asarray(cuts)).sum(axis=1, dtype=np.int64)
    tier = pd.Categorical.from_codes(code, categories=pd.Index(TIERS), ordered=True)
    frame = pd.DataFrame({"value": array, "tier": tier, "losing": array < 0}, index=values.index)
    return Tiers(frame=frame, cut_points=cuts, by=by, shares=used)


def tier_cut_points(
    found: Floats, counts: NDArray[np.int64], *, by: By, shares: Sequence[float]
) -> tuple[float, float, float]:
    """Return the cut points of the tiers from the distinct values and how many customers have each."""
    check_tier_shares(shares)
    value, number = found[::-1], counts[::-1].astype(np.float64)
    bringing = value > 0
    total = number.sum() if by == "count" else float((value * number)[bringing].sum())
    value, number = value[bringing], number[bringing]
    size = number if by == "count" else value * number
    middle = size.cumsum() - size / 2
    within = [int((middle <= share * total * _SLACK).sum()) for share in shares]
    key, major, ordinary = (float(value[last - 1]) if last else np.inf for last in within)
    return key, major, ordinary


def check_tier_shares(shares: Sequence[float]) -> None:
    """Raise an error unless shares of tiers are three ascending ones."""
    points = list(shares)
    if len(points) != len(TIERS) - 1 or points != sorted(set(points)) or not all(0 < share <= 1 for share in points):
        raise ValueError(f"tiers need 3 ascending shares above 0 and at most 1, not {tuple(shares)}")


def check_tier_cut_points(cuts: Sequence[float]) -> None:
    """Raise an error unless cut points of tiers are three positive values in descending order."""
    if len(cuts) != len(TIERS) - 1 or not all(cut > 0 for cut in cuts) or list(cuts) != sorted(cuts, reverse=True):
        raise ValueError(f"tiers need 3 positive cut points in descending order, not {tuple(cuts)}")
