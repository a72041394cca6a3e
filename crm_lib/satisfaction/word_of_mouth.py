"""Word of mouth: to how many satisfied and dissatisfied customers talk, and what their talk brings."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from crm_lib.company import Company
from crm_lib.errors import MissingData
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.relationships import influence
from crm_lib.satisfaction.answers import Survey, enough
from crm_lib.satisfaction.measures import SATISFIED_FROM
from crm_lib.satisfaction.weighting import difference, estimated

MOODS: Final = ("satisfied", "in between", "dissatisfied")


@dataclass(frozen=True, kw_only=True, eq=False)
class WordOfMouth:
    """What :func:`word_of_mouth` found.

    `frame` by mood: ``answers``, ``share``, ``told`` (Estimates; persons each told) and ``reach`` (persons told by a
    hundred customers). `more` is m, `sensitivity` m by where moods begin: ``(satisfied_from, dissatisfied_below)``.
    `balance` is what the satisfied tell less what the dissatisfied tell, persons a hundred customers. `referred` is the
    value of the last year of customers whom others brought, None where the company does not record it.
    """

    frame: pd.DataFrame
    more: Estimate
    balance: Estimate
    sensitivity: pd.Series[Any]
    referred: Estimate | None


def word_of_mouth(company: Company, survey: Survey, *, dissatisfied_below: float = 6.0) -> WordOfMouth:
    """Return to how many persons customers told of their experience, by how satisfied they are.

    Parameters
    ----------
    company : Company
        The company.
    survey : Survey
        Its answers, with ``persons_told``.
    dissatisfied_below : float
        A rating below this is dissatisfied; from eight on it is satisfied.
    """
    rows = survey.complete("satisfaction", "persons_told")
    mood = _moods(rows, SATISFIED_FROM, dissatisfied_below)
    counts = mood.value_counts()
    message = "needs {least} satisfied and {least} dissatisfied answers; there are {up} and {down}"
    enough(message, up=int(counts.get(MOODS[0], 0)), down=int(counts.get(MOODS[2], 0)))
    table: dict[str, dict[str, Any]] = {}
    told = rows["persons_told"].astype(float)
    for name in MOODS:
        part = mood == name
        table[name] = {
            "answers": int(part.sum()), "share": estimated(rows, part, kind="share"),
            "told": estimated(rows[part], told[part]),
            "reach": 100 * float((rows["weight"] * told)[part].sum() / rows["weight"].sum()),
        }  # fmt: skip
    tried = {
        (high, low): _more(rows, _moods(rows, high, low))
        for high in (SATISFIED_FROM - 1, SATISFIED_FROM, SATISFIED_FROM + 1)
        for low in (dissatisfied_below - 1, dissatisfied_below, dissatisfied_below + 1)
        if low <= high
    }
    referred = None
    with suppress(MissingData):
        won = influence(company).frame[["won", "won_value"]].sum()
        referred = Estimate.exact(float(won["won_value"]), n=int(won["won"]), unit=company.currency, method="sum")
    signed = 100 * told * mood.map({MOODS[0]: 1.0, MOODS[1]: 0.0, MOODS[2]: -1.0})
    return WordOfMouth(
        frame=pd.DataFrame.from_dict(table, orient="index").rename_axis("mood"), more=_more(rows, mood),
        balance=estimated(rows, signed, unit="persons"), sensitivity=pd.Series(tried), referred=referred,
    )  # fmt: skip


def _moods(rows: pd.DataFrame, satisfied_from: float, below: float) -> pd.Series[str]:
    x = rows["satisfaction"]
    return pd.Series(np.select([x >= satisfied_from, x < below], [MOODS[0], MOODS[2]], MOODS[1]), index=rows.index)


def _more(rows: pd.DataFrame, mood: pd.Series[str]) -> Estimate:
    ends = rows[mood != MOODS[1]]
    return difference(ends, ends["persons_told"], mood[ends.index] == MOODS[2], unit="persons")[0]


def finding_word_of_mouth(found: WordOfMouth) -> Finding:
    """Return whether dissatisfied customers tell more persons than satisfied ones: n against n + m."""
    told: Any = found.frame["told"]
    return Finding(
        key="satisfaction.word_of_mouth",
        claim="A satisfied customer tells n others, a dissatisfied one n + m.",
        source="Textbook 4.1: the satisfied tell n, the dissatisfied n + m",
        estimate=found.more,
        criterion=Criterion(low=0.0),
        sentence="A satisfied customer tells {n} others, a dissatisfied one {nm}: m is {estimate}.",
        if_supported="Reach the dissatisfied before they talk: a bad report travels further than a good one.",
        if_not_supported="Give satisfied customers occasions to recommend; bad reports do not travel further here.",
        if_undecided="Answer the dissatisfied fast; whether they talk more than others is open.",
        values={"n": told["satisfied"], "nm": told["dissatisfied"], "balance": found.balance},
        currency=found.referred.unit if found.referred else "",
        money_at_stake=found.referred,
        money_note="what customers whom others brought contributed in the last year",
    )
