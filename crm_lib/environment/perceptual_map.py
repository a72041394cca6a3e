"""The perceptual map: what each brand is seen as good at, compared with the others (correspondence analysis)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from scipy import stats

from crm_lib.environment.gaps import rivals_of_the_year
from crm_lib.errors import CrmError
from crm_lib.estimate import LEVEL
from crm_lib.language import say
from crm_lib.satisfaction import Survey
from crm_lib.satisfaction.answers import BURDENS, FEWEST, QUALITIES, too_little, usable
from crm_lib.satisfaction.delivered import OWN
from crm_lib.statistics.resampling import Floats

GOOD: Final = 8
"""Rating from which a brand counts as good at an item; of burdens, 3 or less."""
_LIGHT: Final = 3
_RESAMPLES: Final = 400


@dataclass(frozen=True, kw_only=True, eq=False)
class Correspondence:
    """Correspondence analysis of a table.

    `rows`, `columns`: principal coordinates by axis (1, 2 …), ``mass``, and ``quality`` (share of the point's inertia
    that the first two axes show). `inertia` by axis, the largest first; they sum to χ²/n. `standard` are the columns'
    standard coordinates: a row's place is its profile times these.
    """

    rows: pd.DataFrame
    columns: pd.DataFrame
    inertia: Floats
    standard: Floats


def correspondence(table: pd.DataFrame) -> Correspondence:
    """Return the correspondence analysis of a table of numbers that are not negative (Greenacre 1984).

    Parameters
    ----------
    table : DataFrame
        Counts, or shares; two rows and two columns at least, each with a positive sum.

    Raises
    ------
    CrmError
        If a number is negative or missing, or a row or column sums to zero; the error names it.
    """
    values = table.to_numpy(dtype=np.float64)
    if min(values.shape) < 2:
        raise CrmError(say("a correspondence analysis needs two rows and two columns; the table has {rows} by "
                           "{columns}", rows=values.shape[0], columns=values.shape[1]))  # fmt: skip
    if not (np.isfinite(values) & (values >= 0)).all():
        where = np.argwhere(~(np.isfinite(values) & (values >= 0)))[0]
        raise CrmError(say("row '{row}', column '{column}' of the table is negative or missing",
                           row=str(table.index[where[0]]), column=str(table.columns[where[1]])))  # fmt: skip
    for kind, names, sums in (("row", table.index, values.sum(axis=1)), ("column", table.columns, values.sum(axis=0))):
        if (sums == 0).any():
            raise CrmError(say("{kind} '{name}' of the table is all zero: leave it out", kind=kind,
                               name=str(names[int(np.argmin(sums))])))  # fmt: skip
    p = values / values.sum()
    r, c = p.sum(axis=1), p.sum(axis=0)
    u, d, vt = np.linalg.svd((p - np.outer(r, c)) / np.sqrt(np.outer(r, c)), full_matrices=False)
    k = min(p.shape) - 1
    u, d, v = u[:, :k], d[:k], vt[:k].T
    # A sign that does not hang on the machine: on each axis the column furthest out lies on the positive side.
    flip = np.sign(v[np.abs(v).argmax(0), np.arange(k)])
    u, v = u * flip, v * flip
    return Correspondence(
        rows=_points(table.index, u * d / np.sqrt(r)[:, None], r),
        columns=_points(table.columns, v * d / np.sqrt(c)[:, None], c),
        inertia=d**2, standard=v / np.sqrt(c)[:, None],
    )  # fmt: skip


def _points(names: pd.Index, places: Floats, mass: Floats) -> pd.DataFrame:
    away = (places**2).sum(axis=1)
    # A point at the centre has nothing to show, and all of it is shown.
    shown = np.divide((places[:, :2] ** 2).sum(axis=1), away, out=np.ones_like(away), where=away > 0)
    frame = pd.DataFrame(places, index=names, columns=range(1, places.shape[1] + 1))
    return frame.assign(mass=mass, quality=shown)


@dataclass(frozen=True, kw_only=True, eq=False)
class PerceptualMap:
    """Brands and items on two axes.

    `brands`: axes 1 and 2, ``quality``, ``answers``, and ``apart`` (whether its profile differs from the others' mean,
    with all brands in mind). `items`: axes 1 and 2, ``quality``. `shares` by brand and item: who rate the brand good at
    it. `ellipses` by brand: covariance of its place. `reach` is the squared radius of an ellipse of 95%. `inertia` is
    the share of each axis; `total` their sum before it. `close` names for each brand the item that sets it apart most.
    """

    brands: pd.DataFrame
    items: pd.DataFrame
    shares: pd.DataFrame
    ellipses: dict[str, Floats]
    reach: float
    inertia: Floats
    total: float
    close: dict[str, str]
    as_of: dt.date


def perceptual_map(survey: Survey, *, seed: int = 0) -> PerceptualMap:
    """Map what each brand is seen as good at, by the last year's answers.

    Parameters
    ----------
    survey : Survey
        The answers on the own brand and on rivals; the last one of each respondent on each brand counts.
    seed : int
        Of the resamples behind the ellipses.

    Raises
    ------
    TooLittleData
        If fewer than two rivals and three items are rated by ten respondents each.

    Notes
    -----
    The table analysed holds the share who rate each brand good at each item; every brand weighs alike, however many
    were asked about it. A map shows profiles: a brand that is better in everything alike stands at the centre. An
    ellipse tells how far a place may lie from the true one: profiles are drawn anew (parametric bootstrap), the map is
    made anew and turned back onto the first (Procrustes). To hold the axes fixed, as in the partial bootstrap, would
    make ellipses too small: axes follow the chance in the answers.
    """
    rivals = rivals_of_the_year(survey)
    named = {str(name): part for name, part in rivals.groupby("brand")} if len(rivals) else {}
    groups = {OWN: survey.latest(), **{name: part for name, part in named.items() if len(part) >= FEWEST}}
    asked = [item for item in (*QUALITIES, *BURDENS) if all(item in rows for rows in groups.values())]
    items = [item for item in asked if all(not usable(rows, [item])[1] for rows in groups.values())]
    if len(groups) < 3 or len(items) < 3:
        raise too_little("a map needs two rivals and three items, each rated by {least} respondents; there are "
                         "{rivals} and {items}", least=FEWEST, rivals=len(groups) - 1, items=len(items))  # fmt: skip
    groups = {name: rows.dropna(subset=items) for name, rows in groups.items()}
    good = {name: _good(rows, items) for name, rows in groups.items()}
    weights = {name: (rows["weight"] / rows["weight"].sum()).to_numpy(float) for name, rows in groups.items()}
    shares = pd.DataFrame({name: weights[name] @ each for name, each in good.items()}, index=items).T
    shares = shares.loc[:, shares.sum() > 0]
    kept = [items.index(str(name)) for name in shares]
    profiles = shares.div(shares.sum(axis=1), axis=0)
    found = correspondence(profiles)
    spreads = np.array([_spread(good[name][:, kept], weights[name]) for name in shares.index])
    ellipses = _ellipses(profiles.to_numpy(), spreads, found.standard[:, :2], seed)
    places = found.rows[[1, 2]]
    spread = (found.rows[[1, 2]].to_numpy() @ found.standard[:, :2].T) * np.sqrt(found.columns["mass"].to_numpy())
    close = {name: str(shares.columns[each.argmax()]) for name, each in zip(shares.index, spread, strict=True)}
    answers = [len(good[name]) for name in shares.index]
    n = min(answers)  # of which the spread is estimated (Hotelling)
    return PerceptualMap(
        brands=places.assign(
            quality=found.rows["quality"], answers=answers, apart=_apart(profiles.to_numpy(), spreads)
        ).rename_axis("brand"),
        items=found.columns[[1, 2, "quality"]].rename_axis("item"), shares=shares.rename_axis("brand"),
        ellipses=dict(zip(groups, ellipses, strict=True)),
        reach=float(2 * (n - 1) / (n - 2) * stats.f.ppf(LEVEL, 2, n - 2)),
        inertia=found.inertia / found.inertia.sum(),
        total=float(found.inertia.sum()), close=close, as_of=survey.as_of,
    )  # fmt: skip


def _good(rows: pd.DataFrame, items: list[str]) -> Floats:
    ratings = rows[items].to_numpy(dtype=np.float64)
    light = np.array([item in BURDENS for item in items])
    return np.where(light, ratings <= _LIGHT, ratings >= GOOD).astype(np.float64)


def _spread(good: Floats, weights: Floats) -> Floats:
    """Return the covariance of a brand's profile, from each answer's part in it."""
    sums = weights @ good
    parts = weights[:, None] * (good - good.sum(axis=1, keepdims=True) * sums / sums.sum()) / sums.sum()
    return np.asarray(parts.T @ parts * len(good) / (len(good) - 1))


def _ellipses(profiles: Floats, spreads: Floats, axes: Floats, seed: int) -> Floats:
    """Return for each brand the mean square of how far its place lies from the true one, as resamples tell."""
    rng, noise = np.random.default_rng(seed), np.empty((_RESAMPLES, *profiles.shape))
    for brand, spread in enumerate(spreads):
        values, vectors = np.linalg.eigh(spread)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        noise[:, brand] = rng.standard_normal((_RESAMPLES, len(values))) @ root.T
    drawn = np.maximum(profiles + noise, 1e-6)
    drawn /= drawn.sum(axis=2, keepdims=True)
    centre = drawn.mean(axis=1, keepdims=True)
    vt = np.linalg.svd((drawn - centre) / np.sqrt(centre), full_matrices=False)[2][:, :2]
    again = vt.swapaxes(1, 2) / np.sqrt(centre).swapaxes(1, 2)
    # Axes may turn and swap from resample to resample: they are turned back onto those of the map (Procrustes).
    u, _, v = np.linalg.svd((again * centre.swapaxes(1, 2)).swapaxes(1, 2) @ axes)
    away = (drawn - profiles) @ again @ (u @ v)
    return np.asarray(np.einsum("rbi,rbj->bij", away, away) / _RESAMPLES)


def _apart(profiles: Floats, spreads: Floats) -> list[bool]:
    """Return whether each brand's profile differs from the mean of the others (Wald's test, with all in mind)."""
    others, brands, result = len(profiles) - 1, len(profiles), []
    for brand in range(brands):
        rest = np.arange(brands) != brand
        away = profiles[brand] - profiles[rest].mean(axis=0)
        covariance = spreads[brand] + spreads[rest].sum(axis=0) / others**2
        statistic = float(away @ np.linalg.pinv(covariance, rcond=1e-10, hermitian=True) @ away)
        result.append(bool(stats.chi2.sf(statistic, profiles.shape[1] - 1) < (1 - LEVEL) / brands))
    return result
