"""Features fit for clustering: skew taken out, outliers drawn in, one scale, and the way back to natural units."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import special, stats

from crm_lib import language
from crm_lib.errors import TooLittleData
from crm_lib.statistics.resampling import Floats

_SKEWED = 0.75
"""Skewness from which a feature is bent; a sample of a normal distribution hardly ever has it."""
_NORMAL_IQR = 1.349
"""Distance of the quartiles of a normal distribution, in standard deviations."""
_GRID = 5000
"""Sorted values from which the bend is estimated: more would not change it, but take long."""


@dataclass(frozen=True, kw_only=True)
class PreparedFeatures:
    """Features on one scale, as :func:`prepare_features` made them.

    Parameters
    ----------
    frame : DataFrame (N rows)
        One column a feature, about 0 with spread about 1, indexed as the measures that came in.
    recipe : DataFrame
        What was done, indexed by ``feature``: ``power`` (Yeo-Johnson; missing where the feature was not bent), ``unit``
        (by which it was divided before), ``centre`` and ``scale`` (of the bent feature), ``lowest`` and ``highest``
        (ends to which far values were drawn in, scaled), ``drawn_in`` (number of such values), ``filled`` (missing
        values filled) and ``fill`` (the median, in natural units).
    dropped : mapping of str to str
        Features that were left out, and why, in words for readers.
    """

    frame: pd.DataFrame
    recipe: pd.DataFrame
    dropped: Mapping[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        """The features kept."""
        return tuple(str(name) for name in self.frame.columns)

    def _how(self, name: str) -> dict[str, float]:
        row = self.recipe.loc[[name]].astype("float64")
        return dict(zip(map(str, row.columns), row.to_numpy()[0].tolist(), strict=True))

    def apply(self, measures: pd.DataFrame) -> pd.DataFrame:
        """Return the features of other customers, prepared by the same recipe.

        Parameters
        ----------
        measures : DataFrame
            The measures in natural units.

        Returns
        -------
        DataFrame
            One column a feature, indexed as `measures`.

        Raises
        ------
        ValueError
            If a feature is missing.
        """
        absent = [name for name in self.names if name not in measures]
        if absent:
            raise ValueError(f"the measures lack {', '.join(absent)}; they have {', '.join(map(str, measures))}")
        prepared = {name: _scaled(measures[name], self._how(name)) for name in self.names}
        return pd.DataFrame(prepared, index=measures.index)

    def inverse(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return prepared features in natural units.

        Parameters
        ----------
        frame : DataFrame
            Prepared features, such as the centres of clusters.

        Returns
        -------
        DataFrame
            In natural units. Values that had been drawn in come back as the ends they were drawn to.
        """
        natural = {}
        for name in frame.columns:
            how = self._how(str(name))
            bent = frame[name].to_numpy(dtype=np.float64) * how["scale"] + how["centre"]
            natural[name] = bent if np.isnan(how["power"]) else _unbend(bent, how["power"]) * how["unit"]
        return pd.DataFrame(natural, index=frame.index)


def behaviour(window: pd.DataFrame, *, as_of: dt.date) -> pd.DataFrame:
    """Return measures of what customers did in a window, fit to find clusters in.

    Parameters
    ----------
    window : DataFrame
        As :func:`~crm_lib.segments.customer_window` gives it.
    as_of : date
        Last day of the window.

    Returns
    -------
    DataFrame
        For customers with a purchase: ``recency`` (days since the last one), ``orders`` and ``order_value`` (money,
        mean of an order before returns); indexed like the window.

    Raises
    ------
    TooLittleData
        If nobody bought.

    Notes
    -----
    Shares of few orders, such as the share returned, are left to the profiles: a customer with one order has a share
    of 0 or 1 and nothing between, which clustering would take for kinds of customers.
    """
    buyers = window.loc[window["orders"] > 0]
    if buyers.empty:
        raise TooLittleData(language.text("nobody bought anything in the window, so there is nobody to cluster"))
    return pd.DataFrame(
        {
            "recency": (pd.Timestamp(as_of) - buyers["last_purchase"]).dt.days.astype("float64"),
            "orders": buyers["orders"].astype("float64"),
            "order_value": (buyers["revenue"] + buyers["returns"]) / buyers["orders"],
        },
        index=buyers.index,
    )


def prepare_features(
    measures: pd.DataFrame, *, reach: float = 3.5, alike: float = 0.95, most_missing: float = 0.5
) -> PreparedFeatures:
    """Prepare measures of customers for clustering.

    Distances between customers mean something only when no measure outweighs the others by its unit, its long tail or
    a few outliers. Each measure is bent until it is about symmetric, put about its median on the scale of its
    quartiles, and its far values are drawn in.

    Parameters
    ----------
    measures : DataFrame (N rows)
        One numeric column a measure, one row a customer; missing values are filled by the median.
    reach : float
        Scaled values beyond this distance from the median are drawn in to it.
    alike : float
        Of two features whose rank correlation exceeds this in size, the later is left out.
    most_missing : float
        A measure with a larger share of missing values is left out.

    Returns
    -------
    PreparedFeatures
        The features, the recipe, and what was left out.

    Raises
    ------
    TooLittleData
        If no feature varies.
    ValueError
        If a column is not numeric or holds an infinite value.

    Notes
    -----
    The bend is the power transformation of Yeo and Johnson, estimated by maximum likelihood on the measure in units of
    its median size and kept between -1 and 2; at power 0 it is the logarithm of one more than the measure. The result
    does not depend on the order of rows.

    References
    ----------
    Yeo, I.-K. & Johnson, R. A. (2000). A new family of power transformations to improve normality or symmetry.
    Biometrika 87, 954-959.

    Examples
    --------
    >>> prepared = prepare_features(pd.DataFrame({"orders": [1, 2, 4, 8, 16, 90], "country": [1] * 6}))
    >>> prepared.names, dict(prepared.dropped)
    (('orders',), {'country': 'is the same for all'})
    """
    dropped, rows, prepared = {}, {}, {}
    for name in map(str, measures.columns):
        column = measures[name]
        if not pd.api.types.is_numeric_dtype(column):
            raise ValueError(f"'{name}' is not numeric: give numbers, or leave it to the profiles")
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        if np.isinf(values).any():
            raise ValueError(
                f"'{name}' holds infinite values, first at {measures.index[np.isinf(values)][:3].tolist()}"
            )
        known = np.sort(values[~np.isnan(values)])
        if known.size < (1 - most_missing) * values.size or not known.size:
            dropped[name] = language.text("is missing for too many")
        elif known[0] == known[-1]:
            dropped[name] = language.text("is the same for all")
        else:
            rows[name] = _recipe(known, reach, values.size - known.size)
            prepared[name] = _scaled(column, rows[name])
            rows[name]["drawn_in"] = int((np.abs(prepared[name]) >= reach).sum())
    for name, other in _near_duplicates(prepared, alike).items():
        dropped[name] = language.text("says nearly the same as {other}").format(other=other)
        del prepared[name], rows[name]
    if not prepared:
        raise TooLittleData(
            language.text("no measure differs between the customers, so there is nothing to cluster by")
        )
    recipe = pd.DataFrame.from_dict(rows, orient="index").rename_axis("feature")
    return PreparedFeatures(frame=pd.DataFrame(prepared, index=measures.index), recipe=recipe, dropped=dropped)


def as_frame(features: pd.DataFrame | PreparedFeatures) -> pd.DataFrame:
    """Return the features as a data frame.

    Parameters
    ----------
    features : DataFrame or PreparedFeatures
        Features on one scale.

    Returns
    -------
    DataFrame
        One column a feature.
    """
    return features.frame if isinstance(features, PreparedFeatures) else features


def _recipe(known: Floats, reach: float, filled: int) -> dict[str, float]:
    """Return how a measure is prepared, from its known values in ascending order."""
    sizes = np.sort(np.abs(known[known != 0]))
    unit = float(sizes[sizes.size // 2])
    # Ranks on a grid: the same for any order of rows, and as quick for a million customers as for some thousand.
    grid: Floats = known[np.linspace(0, known.size - 1, min(known.size, _GRID)).round().astype(int)] / unit
    power = float("nan")
    if abs(float(stats.skew(grid))) > _SKEWED:
        power = float(np.clip(stats.yeojohnson_normmax(grid), -1.0, 2.0))
    bent = known if np.isnan(power) else _bend(known / unit, power)
    lower, centre, upper = np.quantile(bent, [0.25, 0.5, 0.75])
    spread = float(bent.std())
    # Where half of the customers share a value the quartiles say little of the rest.
    scale = max(float(upper - lower) / _NORMAL_IQR, 0.5 * spread)
    return {
        "power": power, "unit": unit, "centre": float(centre), "scale": scale, "lowest": -reach, "highest": reach,
        "drawn_in": 0, "filled": filled, "fill": float(np.median(known)),
    }  # fmt: skip


def _scaled(column: pd.Series[float], how: Mapping[str, float]) -> Floats:
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    values = np.where(np.isnan(values), how["fill"], values)
    bent = values if np.isnan(how["power"]) else _bend(values / how["unit"], how["power"])
    return np.asarray(np.clip((bent - how["centre"]) / how["scale"], how["lowest"], how["highest"]), dtype=np.float64)


def _bend(values: Any, power: float) -> Floats:
    return np.asarray(stats.yeojohnson(values, lmbda=power), dtype=np.float64)


def _unbend(bent: Floats, power: float) -> Floats:
    """Invert the transformation of Yeo and Johnson, whose negative half is the positive one of power 2 - power."""
    with np.errstate(invalid="ignore", over="ignore"):
        back = np.where(bent >= 0, special.inv_boxcox1p(bent, power), -special.inv_boxcox1p(-bent, 2.0 - power))
    return np.asarray(back, dtype=np.float64)


def _near_duplicates(prepared: Mapping[str, Floats], alike: float) -> dict[str, str]:
    """Return features that follow an earlier one nearly exactly, with the name of that one."""
    names = list(prepared)
    ranks = {name: stats.rankdata(prepared[name]) for name in names}
    found: dict[str, str] = {}
    for place, name in enumerate(names):
        for other in names[:place]:
            if other not in found and abs(np.corrcoef(ranks[name], ranks[other])[0, 1]) > alike:
                found[name] = other
                break
    return found
