"""Delivered value: what customers get less what it costs them, of the own brand and of its rivals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from crm_lib.estimate import LEVEL
from crm_lib.finding import Criterion, Finding
from crm_lib.satisfaction.answers import BURDENS, FEWEST, SCALE, Survey, too_little, usable
from crm_lib.satisfaction.weighting import RESAMPLES, percentile, resampled_moments
from crm_lib.statistics.resampling import Floats

BENEFITS: Final = ("product_quality", "service_quality", "personnel_quality", "image")
OWN: Final = "own brand"


@dataclass(frozen=True, kw_only=True, eq=False)
class DeliveredValue:
    """What :func:`delivered_value` found.

    `weights` by item: ``weight`` (they sum to 1), ``side`` ("value" or "cost"). `brands` by brand: ``answers``,
    ``total_value``, ``total_cost`` (points from 1 to 10) and ``delivered`` (Estimates), ``ahead`` (by how much the own
    brand delivers more; Estimate, all rivals in mind). `not_compared` are items that the rivals were not rated on.
    """

    weights: pd.DataFrame
    brands: pd.DataFrame
    not_compared: tuple[str, ...]


def delivered_value(survey: Survey, *, weights: Sequence[float] = (), seed: int = 0) -> DeliveredValue:
    """Return the value delivered to customers by the own brand and by each rival.

    It is total value less total cost, each a weighted sum of ratings. Only what was asked of all brands is compared.

    Parameters
    ----------
    survey : Survey
        The answers on the own brand and on rivals.
    weights : sequence of float
        How much products, service, people, image, money, time, energy and mental effort count, as customers said it. By
        default those with which ratings best explain satisfaction, none the wrong way (non-negative least squares).
    seed : int
        Of the resamples of respondents behind the intervals; weights are estimated anew in each.
    """
    rivals = survey.rivals
    if rivals.empty:
        raise too_little("the survey has no answers on rivals")
    asked, _ = usable(survey.frame, (*BENEFITS, *BURDENS))
    both, _ = usable(rivals, asked)
    if not set(both) & set(BENEFITS) or not set(both) & set(BURDENS):
        message = "needs an item of value and one of cost that were asked about rivals too; these were: {items:words}"
        raise too_little(message, items=both or ["none"])
    signs = np.array([1.0 if item in BENEFITS else -1.0 for item in both])
    given = _given(weights, both) if len(weights) else None
    own = survey.complete(*both, *(["satisfaction"] if given is None else []))
    groups = {OWN: own, **{str(name): part.dropna(subset=both) for name, part in rivals.groupby("brand")}}
    groups = {name: part for name, part in groups.items() if len(part) >= FEWEST}
    if len(groups) < 2:
        raise too_little("needs a rival with {least} answers on {items:words}", least=FEWEST, items=both)
    means = {
        name: resampled_moments(part, both, seed=seed + place)[0] for place, (name, part) in enumerate(groups.items())
    }
    if given is None:
        # The own brand's resamples carry the uncertainty of the weights too.
        all_means, spreads, found = resampled_moments(own, [*both, "satisfaction"], seed=seed)
        means[OWN] = all_means[:, :-1]
        by_draw = _fitted(found * spreads[:, :, None] * spreads[:, None, :], signs)
    else:
        by_draw = np.tile(given, (RESAMPLES + 1, 1))
    value, cost = signs > 0, signs < 0
    rows: dict[str, dict[str, Any]] = {}
    delivered = {name: (by_draw * signs * stack).sum(axis=1) for name, stack in means.items()}
    level = 1 - (1 - LEVEL) / (len(groups) - 1)  # Bonferroni: the best rival is picked after a look at all
    for name, stack in means.items():
        sides = [(by_draw * stack)[:, side].sum(axis=1) / by_draw[:, side].sum(axis=1) for side in (value, cost)]
        n, gap = len(groups[name]), delivered[OWN] - delivered[name]
        rows[name] = {
            "answers": n, "total_value": percentile(sides[0], n=n), "total_cost": percentile(sides[1], n=n),
            "delivered": percentile(delivered[name], n=n),
            "ahead": None if name == OWN else percentile(gap, n=n, level=level),
        }  # fmt: skip
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("brand")
    table = pd.DataFrame({"weight": by_draw[0], "side": np.where(value, "value", "cost")}, index=pd.Index(both))
    return DeliveredValue(
        weights=table.rename_axis("item"), brands=frame,
        not_compared=tuple(item for item in asked if item not in both),
    )  # fmt: skip


def _given(weights: Sequence[float], items: list[str]) -> Floats:
    names = (*BENEFITS, *BURDENS)
    found = np.array([weight for name, weight in zip(names, weights, strict=False) if name in items], dtype=np.float64)
    if len(weights) != len(names) or not 0 < found.sum() < np.inf or (found < 0).any():
        raise ValueError(f"delivered value needs eight weights that are not negative: of {', '.join(names)}")
    return np.asarray(found / found.sum())


def _fitted(covariances: Floats, signs: Floats) -> Floats:
    """Return the weights, none negative, with which items best explain the last variable."""
    k = signs.size
    found = np.empty((len(covariances), k))
    for draw, each in enumerate(covariances * np.append(signs, 1.0) * np.append(signs, 1.0)[:, None]):
        root = np.linalg.cholesky(each[:k, :k] + 1e-9 * each.max() * np.eye(k))
        found[draw] = nnls(root.T, np.linalg.solve(root, each[:k, k]))[0]
    if not found[0].any():
        raise too_little("no item of value or cost goes with satisfaction as it should")
    return np.asarray(found / np.maximum(found.sum(axis=1, keepdims=True), 1e-12))


def finding_delivered_value(found: DeliveredValue) -> Finding:
    """Return whether the own brand delivers at least the value of its best rival."""
    best = str(found.brands["delivered"].drop(OWN).map(lambda each: each.value).idxmax())
    rival, mine = found.brands.loc[best], found.brands.loc[OWN]
    ahead: Any = rival["ahead"]
    cheap = mine["total_cost"].value <= rival["total_cost"].value
    return Finding(
        key="satisfaction.delivered_value",
        claim="Customers get at least as much value for what it costs them here as from the best rival.",
        source="Textbook 4.2.1: delivered value",
        estimate=ahead,
        criterion=Criterion(low=0.0),
        sentence="Delivered value, on a scale of {points} points, is {mine} here and {theirs} at {best}: a lead of "
        "{estimate}.",
        if_supported="Say it: customers here get more for what it costs them. Keep the lead where weights are large.",
        if_not_supported="{best} leads by " + ("better value" if cheap else "lower cost")
        + ": close the gap in the item with the largest weight first.",
        if_undecided="Neither leads clearly. Ask more customers of {best}, and improve what has the largest weight.",
        values={"points": SCALE[1], "mine": mine["delivered"], "theirs": rival["delivered"], "best": best},
    )  # fmt: skip
