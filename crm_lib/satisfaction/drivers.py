"""Key drivers: what satisfaction hangs on most, and which layer of keeping has to do with staying."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from crm_lib.company import Company
from crm_lib.customers import members
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.language import say, text
from crm_lib.satisfaction.answers import QUALITIES, Survey, too_little, usable
from crm_lib.satisfaction.measures import index
from crm_lib.satisfaction.weighting import estimated, explained, johnson, lmg, percentile, resampled_moments
from crm_lib.statistics.resampling import Floats

_MOST: Final = 8
"""Drivers up to which all orders of entry are averaged; beyond, Johnson's weights stand in for them."""
PRIORITIES: Final = {
    (True, True): "Improve first: it matters, and is rated low",
    (True, False): "Keep up: it matters, and is rated high",
    (False, True): "Improve where it costs little",
    (False, False): "Leave as it is: rated high, and matters little",
}
"""What to do by (more important than usual, rated below the usual)."""
LAYERS: Final[Mapping[str, tuple[str, ...]]] = {
    "quality": ("product_quality",),
    "brand and service": ("image", "service_quality", "personnel_quality"),
    "price and affection": ("value_for_money", "member"),
}
"""Membership stands for the club by which a company shows affection."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Drivers:
    """What :func:`key_drivers` found.

    `frame` by driver, the most important first: ``importance`` (Estimate: share of `r2`, what all explain together),
    ``johnson`` (the same by relative weights), ``ordinal`` (share of the coefficients of an ordered logit model),
    ``performance`` (Estimate, 0 to 100) and ``priority``. `left_out` says why an item is not in.
    """

    frame: pd.DataFrame
    r2: Estimate
    left_out: Mapping[str, str]
    method: str


def key_drivers(survey: Survey, *, seed: int = 0) -> Drivers:
    """Return how much each rated quality has to do with satisfaction.

    The importance is the share of explained variance that an item adds, averaged over all orders in which items could
    enter (LMG). Items of the company's own whose names begin with ``driver_`` are taken in. It is an association: that
    raising a rating raises satisfaction is a hypothesis until it is tried.

    Parameters
    ----------
    survey : Survey
        The answers. Items that are missing, beyond the scale or rated alike by everybody are left out.
    seed : int
        Of the resamples of respondents behind the intervals.
    """
    own = [str(name) for name in survey.frame if str(name).startswith("driver_")]
    chosen, left_out = usable(survey.frame, [*(name for name in QUALITIES if name in survey.frame), *own])
    _, constant = usable(survey.frame, ["satisfaction"])
    if constant or len(chosen) < 2:
        why = constant.get("satisfaction", say("{n} items vary", n=len(chosen)))
        raise too_little("needs two items that vary, and satisfaction: {why}", why=why)
    rows, k = survey.complete(*chosen, "satisfaction"), len(chosen)
    people, least = rows["respondent"].nunique(), 10 + 3 * k  # with fewer a share would be noise
    if people < least:
        raise too_little("needs {least} respondents for {k} drivers; there are {n}", least=least, k=k, n=people)
    stack = resampled_moments(rows, [*chosen, "satisfaction"], seed=seed)[2]
    averaged = k <= _MOST
    shares = lmg(stack, [[i] for i in range(k)]) if averaged else johnson(stack)
    shares = shares / shares.sum(axis=1, keepdims=True)
    by_weights = johnson(stack[:1])[0]
    ratings = [estimated(rows, index(rows[item].to_numpy())) for item in chosen]
    usual = float(np.mean([each.value for each in ratings]))
    frame = pd.DataFrame(
        {
            "importance": [percentile(each, n=len(rows), unit="share") for each in shares.T],
            "johnson": by_weights / by_weights.sum(), "ordinal": _ordinal(rows, chosen), "performance": ratings,
            "priority": [PRIORITIES[bool(share > 1 / k), each.value < usual]
                         for share, each in zip(shares[0], ratings, strict=True)],
        },
        index=pd.Index(chosen, name="driver"),
    )  # fmt: skip
    order = np.argsort(-shares[0], kind="stable")
    return Drivers(
        frame=frame.iloc[order], left_out=left_out,
        r2=percentile(explained(stack, range(k)), n=len(rows), unit="share"),
        method="all orders of entry" if averaged else "relative weights",
    )  # fmt: skip


def _ordinal(rows: pd.DataFrame, items: list[str]) -> Floats:
    """Return the shares of the absolute coefficients in an ordered logit model: ratings are ranks, not amounts."""
    from statsmodels.miscmodels.ordinal_model import OrderedModel  # half a second, for this check alone

    rows = rows.iloc[:: max(1, len(rows) // 2000)]  # enough for a check
    x = rows[items].to_numpy(dtype=np.float64)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Thirds of the outcome keep the order, and spare a threshold for each of ten ratings.
            thirds = pd.Series(pd.qcut(rows["satisfaction"], 3, duplicates="drop")).cat.codes.to_numpy()
            model: Any = OrderedModel(thirds, (x - x.mean(0)) / x.std(0), distr="logit")
            size = np.abs(model.fit(method="bfgs", disp=False, skip_hessian=True).params[: len(items)])
    except (ValueError, np.linalg.LinAlgError):
        return np.full(len(items), np.nan)
    return np.asarray(size / size.sum())


@dataclass(frozen=True, kw_only=True, eq=False)
class Layers:
    """What :func:`layers` found: the `importance` of each layer (Estimate: share of `r2`, which all explain).

    `lead` is by how much quality leads the best of the other layers.
    """

    importance: pd.Series[Any]
    lead: Estimate
    r2: Estimate


def layers(company: Company, survey: Survey, *, seed: int = 0) -> Layers:
    """Return how much quality, brand and service, and price and affection have to do with the intention to stay.

    Parameters
    ----------
    company, survey : Company, Survey
        The company and its answers.
    seed : int
        Of the resamples of respondents.
    """
    rows = survey.frame
    if company.has("memberships"):
        rows = rows.assign(member=rows["customer_id"].isin(members(company).execute()["customer_id"]).astype(float))
    varied = {name for name in rows if pd.api.types.is_numeric_dtype(rows[name]) and rows[name].std() > 0}
    asked = {layer: kept for layer, names in LAYERS.items() if (kept := [name for name in names if name in varied])}
    if "quality" not in asked or len(asked) < 2:
        raise too_little("needs ratings of product quality and of another layer of keeping")
    columns = [name for names in asked.values() for name in names]
    rows = survey.complete(*columns, "loyalty", frame=rows)
    stack = resampled_moments(rows, [*columns, "loyalty"], seed=seed)[2]
    shares = lmg(stack, [[columns.index(name) for name in names] for names in asked.values()])
    r2 = percentile(shares.sum(axis=1), n=len(rows), unit="share")
    shares = shares / shares.sum(axis=1, keepdims=True)
    importance = [percentile(each, n=len(rows), unit="share") for each in shares.T]
    # Quality is the first; its rival is the best of the others.
    lead = percentile(shares[:, 0] - shares[:, 1 + shares[0, 1:].argmax()], n=len(rows), unit="share")
    return Layers(importance=pd.Series(importance, index=list(asked)), lead=lead, r2=r2)


def finding_layers(found: Layers) -> Finding:
    """Return whether quality, the first layer, has more to do with staying than any other layer."""
    shares = found.importance
    best = max(shares.index, key=lambda layer: shares[layer].value)
    return Finding(
        key="satisfaction.layers",
        claim="Quality, the first layer of keeping, has more to do with staying than any other layer.",
        source="Textbook 4.3.3: five ways of keeping in three layers",
        estimate=found.lead,
        criterion=Criterion(low=0.0),
        sentence="Of what is explained of the intention to stay, {best:words} accounts for {share}, product quality "
        "for {quality}.",
        if_supported="Put the quality of products first; service and price build on it.",
        if_not_supported="Put {best:words} first: customers take the quality of products for granted here.",
        if_undecided="Do not shift money between the layers on these answers; ask more customers first.",
        values={"best": text(str(best)), "share": shares[best], "quality": shares["quality"]},
    )
