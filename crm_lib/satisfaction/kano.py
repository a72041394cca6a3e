"""Needs: Kano's classes of features from pairs of questions, and what complaints and low ratings ask for."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.stats import norm

from crm_lib.company import Company
from crm_lib.customers import known_complaints
from crm_lib.errors import MissingData
from crm_lib.estimate import LEVEL, Estimate
from crm_lib.language import text
from crm_lib.satisfaction.answers import FEWEST, QUALITIES, Survey, too_little
from crm_lib.satisfaction.weighting import effective_size, estimated

ANSWERS: Final = ("like", "expect", "neutral", "tolerate", "dislike")
"""Answers to "how would you feel with it?" (column ``x_with``) and "… without it?" (``x_without``)."""
CLASSES: Final = {
    "attractive": "Add it to delight; nobody misses it",
    "one-dimensional": "Compete on it: the more the better",
    "must-be": "Make sure of it: customers miss it, and take it for granted",
    "indifferent": "Save the money",
    "reverse": "Leave it out: customers dislike it",
    "questionable": "Ask again in plainer words",
    "undecided": "Ask more customers: two classes are too close",
}
LOW_TO: Final = 5
"""Rating up to which an item is rated low."""
_A, _O, _M, _I, _R, _Q, _ = CLASSES
_TABLE: Final = np.array([[_Q, _A, _A, _A, _O], *[[_R, _I, _I, _I, _M]] * 3, [_R, _R, _R, _R, _Q]])
"""Kano's evaluation table: rows with the feature, columns without it, in the order of :data:`ANSWERS`."""


def kano(survey: Survey) -> pd.DataFrame:
    """Put features into Kano's classes, by the pairs of questions that the survey asks.

    A feature belongs to the class that most answers speak for, if it leads the second by more than chance would; else
    it is undecided. Better and worse are those of Berger et al. (1993).

    Parameters
    ----------
    survey : Survey
        The answers; each feature has two columns, such as ``gift_wrap_with`` and ``gift_wrap_without``.

    Returns
    -------
    DataFrame
        By feature: ``class``, ``answers``, ``better`` and ``worse`` (Estimates: how far it satisfies where it is there,
        and dissatisfies where it is not), the share of each class that somebody spoke for, and ``action``.
    """
    frame = survey.frame
    features = [str(name).removesuffix("_with") for name in frame if str(name).endswith("_with")]
    table: dict[str, dict[str, Any]] = {}
    for feature in (one for one in features if f"{one}_without" in frame):
        said = _classified(frame[f"{feature}_with"], frame[f"{feature}_without"])
        if len(said) < FEWEST:
            continue
        rows = frame.loc[said.index]
        share = (rows["weight"].groupby(said).sum() / rows["weight"].sum()).reindex(list(CLASSES)[:-1], fill_value=0.0)
        found, clear = _class(rows, said, share), said.isin([_A, _O, _M, _I])
        better, worse = (
            estimated(rows[clear], said[clear].isin(each), kind="share", unit="") for each in ([_A, _O], [_O, _M])
        )
        turned = Estimate(value=-worse.value, low=-worse.high, high=-worse.low, n=worse.n, method=worse.method)
        table[feature.replace("_", " ")] = {
            "class": found, "answers": len(said), "better": better, "worse": turned, **share, "action": CLASSES[found]
        }  # fmt: skip
    if not table:
        raise too_little("needs a feature with ten pairs of answers, in columns such as 'x_with' and 'x_without'")
    by_feature = pd.DataFrame.from_dict(table, orient="index").rename_axis("feature")
    return by_feature.loc[:, (by_feature != 0).any()]


def _classified(with_it: pd.Series[str], without_it: pd.Series[str]) -> pd.Series[str]:
    """Return the class that each pair of answers speaks for; a pair with another word or none has no class."""
    places = {word: place for place, word in enumerate(ANSWERS)}
    row, column = (each.astype("str").str.strip().str.lower().map(places) for each in (with_it, without_it))
    known = row.notna() & column.notna()
    return pd.Series(_TABLE[row[known].astype(int), column[known].astype(int)], index=with_it.index[known])


def _class(rows: pd.DataFrame, said: pd.Series[str], shares: pd.Series[float]) -> str:
    """Return the commonest class, or "undecided" where it leads by less than chance would (Fong 1996)."""
    first, second = shares.nlargest(2)
    w, codes = rows["weight"].to_numpy(dtype=float), pd.factorize(rows["respondent"])[0]
    n = effective_size(np.asarray(said == shares.idxmax(), dtype=np.float64), w, codes)
    error = np.sqrt((first + second - (first - second) ** 2) / n)
    return str(shares.idxmax()) if first - second > float(norm.ppf((1 + LEVEL) / 2)) * error else "undecided"


def needs(company: Company, survey: Survey) -> pd.DataFrame:
    """Return what customers lack: topics of the last year's complaints and items rated low, the commonest first.

    Parameters
    ----------
    company, survey : Company, Survey
        The company and its answers; ratings up to five are low.

    Returns
    -------
    DataFrame
        By ``(source, need)``: ``customers`` who complained of it or rated it low, and their ``share`` (Estimate) of all
        who complained, or answered.
    """
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    if company.has("complaints", "topic"):
        told: pd.DataFrame = known_complaints(company, days=365).select("customer_id", "topic").execute()
        everybody = told[["customer_id"]].drop_duplicates()
        for topic, part in told.groupby("topic"):
            has = everybody["customer_id"].isin(part["customer_id"])
            share = estimated(everybody, has, kind="share")
            rows["complaints", str(topic)] = {"customers": int(has.sum()), "share": share}
    last = survey.latest()
    for item in (name for name in QUALITIES if name in last and last[name].notna().sum() >= FEWEST):
        rated = last.dropna(subset=[item])
        low = rated[item] <= LOW_TO
        found = {"customers": int(low.sum()), "share": estimated(rated, low, kind="share")}
        rows["low ratings", text(item.replace("_", " "))] = found
    if not rows:
        raise MissingData("complaints", ("topic",))
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis(["source", "need"])
    return table.sort_values(["source", "customers"], ascending=[True, False], kind="stable")
