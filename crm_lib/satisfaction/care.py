"""What customers say to others, how they are cared for, whether a good settlement makes up for a problem, own costs."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from crm_lib.company import Company
from crm_lib.customers import facts, known_complaints, known_rows, purchase_days, value_of
from crm_lib.customers.known import is_review
from crm_lib.errors import MissingData
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.relationships import influence
from crm_lib.satisfaction.answers import BURDENS, FEWEST, Survey, enough, usable
from crm_lib.satisfaction.measures import SATISFIED_FROM, score
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
    company, survey : Company, Survey
        The company and its answers, with ``persons_told``.
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


DAYS: Final = 365
AGAIN_DAYS: Final = 90
"""Days after a contact in which a purchase counts as buying again."""
AFFECTED_DAYS: Final = 182
"""Days after a complaint in which an answer may still be under its impression."""
NONE, WELL, BADLY = GROUPS = ("no complaint", "well settled", "not settled")
PHASES: Final = ("before", "during", "after")


@dataclass(frozen=True, kw_only=True, eq=False)
class Care:
    """What :func:`care` found, of contacts in the last year (reviews and complaints left out).

    `phases` by phase: ``contacts``, ``minutes`` and ``cost`` (means of a contact), ``settled`` (Estimate: share settled
    in the contact), ``again`` and ``again_unsettled`` (Estimates: share of settled and unsettled contacts followed by a
    purchase within ninety days). `complaints` are Estimates by measure, `times` the days to the closing of complaints.
    """

    phases: pd.DataFrame
    complaints: pd.Series[Any]
    times: pd.Series[float]
    currency: str


def care(company: Company, *, settle_days: int = 30) -> Care:
    """Return how customers were cared for before, during and after purchases.

    Parameters
    ----------
    company : Company
        The company; needs ``interactions`` with phases, or ``complaints`` with ``closed_at``.
    settle_days : int
        Days within which a complaint should be settled; judged are complaints watched that long.
    """
    if company.has("complaints", "closed_at"):
        phases = _phases(company) if company.has("interactions", "phase") else pd.DataFrame()
        complaints, times = _complaints(company, settle_days)
    else:
        company.table("interactions", "phase")
        phases, complaints, times = _phases(company), pd.Series(dtype=object), pd.Series(dtype=float)
    return Care(phases=phases, complaints=complaints, times=times, currency=company.currency)


def _phases(company: Company) -> pd.DataFrame:
    rows = known_rows(company, "interactions", days=DAYS)
    if company.has("interactions", "kind"):
        rows = rows.filter(~is_review(rows) & (rows.kind.lower() != "complaint").fill_null(True))
    means = [name for name in ("minutes", "cost") if company.has("interactions", name)]
    names = [*means, *(["resolved"] if company.has("interactions", "resolved") else [])]
    contacts: pd.DataFrame = rows.select("customer_id", "occurred_at", "phase", *names).execute()
    if company.has("transactions"):
        contacts["again"] = _bought_after(company, contacts)
    table: dict[str, dict[str, Any]] = {}
    for phase in PHASES:
        part = contacts[contacts["phase"] == phase]
        if len(part) < FEWEST:
            continue
        table[phase] = {"contacts": len(part), **{name: float(part[name].mean()) for name in means}}
        if "resolved" in part:
            known = part.dropna(subset=["resolved"])
            done = known["resolved"].astype(bool)
            table[phase]["settled"] = estimated(known, done, kind="share")
            for name, side in (("again", done), ("again_unsettled", ~done)) if "again" in known else ():
                watched = known[side & known["again"].notna()]
                table[phase][name] = estimated(watched, watched["again"], kind="share")
    return pd.DataFrame.from_dict(table, orient="index").rename_axis("phase")


def _bought_after(company: Company, contacts: pd.DataFrame) -> pd.Series[float]:
    """Return whether each contact was followed by a purchase in time; missing where the time is not over."""
    bought = purchase_days(company)[["customer_id", "day"]].assign(happened=1.0)
    day = pd.to_datetime(contacts["occurred_at"]).dt.normalize()
    found = _nearest(contacts.assign(day=day), bought, AGAIN_DAYS, direction="forward", allow_exact_matches=False)
    return found["happened"].fillna(0.0).where(day + pd.Timedelta(days=AGAIN_DAYS) <= pd.Timestamp(company.as_of))


def _nearest(asked: pd.DataFrame, events: pd.DataFrame, days: int, **how: Any) -> pd.DataFrame:
    """Return each customer's event nearest to the ``day`` of each row within some days, or nothing."""
    asked, events = (
        frame.astype({"day": "datetime64[s]"}).sort_values("day", kind="stable")
        for frame in (asked[["customer_id", "day"]].reset_index(names="row"), events)
    )
    near = pd.merge_asof(asked, events, on="day", by="customer_id", tolerance=pd.Timedelta(days=days), **how)
    return near.set_index("row").sort_index()


def _complaints(company: Company, settle_days: int) -> tuple[pd.Series[Any], pd.Series[float]]:
    names = [name for name in ("satisfied", "followed_up") if company.has("complaints", name)]
    told = known_complaints(company, days=DAYS)
    rows: pd.DataFrame = told.select("customer_id", "opened_at", "closed_at", "state", *names).execute()
    enough("needs {least} complaints in a year; there are {n}", table="complaints", n=len(rows))
    lasted = (rows["closed_at"] - rows["opened_at"]).dt.total_seconds() / 86_400
    watched = rows["opened_at"] + pd.Timedelta(days=settle_days) <= pd.Timestamp(company.as_of) + pd.Timedelta(days=1)
    settled = rows["state"] == "settled"
    in_time = estimated(rows[watched], (settled & (lasted <= settle_days))[watched], kind="share")
    left = estimated(rows, ~settled, kind="share")
    table = {f"settled within {settle_days} days": in_time, "not settled today": left}
    for name in names:
        known = rows[rows["closed_at"].notna()].dropna(subset=[name])
        table[name.replace("_", " ")] = estimated(known, known[name].astype(bool), kind="share")
    return pd.Series(table), lasted.dropna().clip(lower=0.0)


def own_costs(survey: Survey) -> pd.DataFrame:
    """Return what buying costs customers: money, time, energy and mental effort, with the loyalty that goes with them.

    Parameters
    ----------
    survey : Survey
        The answers.

    Returns
    -------
    DataFrame
        By burden, the heaviest first: ``burden`` (Estimate, 1 to 10), ``heavy`` (Estimate: share that rates it above 7)
        and ``loyalty`` (Estimate: loyalty of those who rate it above the usual less that of the others, points).
    """
    table: dict[str, dict[str, Any]] = {}
    for item in usable(survey.frame, BURDENS)[0]:
        rated = survey.frame.dropna(subset=[item])
        burden, heavy = estimated(rated, rated[item]), estimated(rated, rated[item] > 7, kind="share")
        table[item] = {"burden": burden, "heavy": heavy}
        if "loyalty" in rated:
            both = rated.dropna(subset=["loyalty"])
            table[item]["loyalty"] = difference(both, both["loyalty"], both[item] > both[item].median())[0]
    if not table:
        raise MissingData("surveys", BURDENS)
    order = sorted(table, key=lambda item: -table[item]["burden"].value)
    return pd.DataFrame.from_dict(table, orient="index").loc[order].rename_axis("item")


@dataclass(frozen=True, kw_only=True, eq=False)
class Recovery:
    """What :func:`recovery` found.

    `groups` are satisfaction indices (Estimates). `paradox` is that of the well settled less that of who did not
    complain, `harm` that of the unsettled. `stake` is what customers with an unsettled complaint brought in a year.
    """

    groups: pd.Series[Any]
    paradox: Estimate
    harm: Estimate
    stake: Estimate | None


def recovery(company: Company, survey: Survey) -> Recovery:
    """Compare customers whose complaint was settled to their satisfaction with those who did not complain.

    An answer stands under the impression of a complaint opened in the half-year before it; of several the last one
    counts. Settled is what had been settled by the day of the answer.

    Parameters
    ----------
    company, survey : Company, Survey
        The company (needs ``complaints`` with ``closed_at``) and its answers; they must name customers.
    """
    rows = survey.complete("satisfaction").dropna(subset=["customer_id"])
    company.table("complaints", "closed_at")
    names = ["satisfied"] if company.has("complaints", "satisfied") else []
    told = known_complaints(company)
    told = told.select("customer_id", "closed_at", "state", *names, day=told.opened_at.cast("date")).execute()
    merged = _nearest(rows.assign(day=rows["responded_at"]), told.assign(opened=True), AFFECTED_DAYS)
    well = (merged["closed_at"].dt.normalize() <= merged["day"]) & (merged["state"] == "settled")
    if names:
        well &= merged["satisfied"].eq(True)
    group = pd.Series(np.select([merged["opened"].isna(), well], [NONE, WELL], BADLY), index=rows.index)
    counts = group.value_counts().reindex(GROUPS, fill_value=0)
    message = "needs {least} answers after a well-settled complaint; there are {n}, and {without} without complaint"
    enough(message, table="complaints", n=int(counts[WELL]), without=int(counts[NONE]))
    indices, gaps = {}, {}
    for name in GROUPS:
        part, both = rows[group == name], rows[group.isin([name, NONE])]
        indices[name] = estimated(part, score("satisfaction index", part))
        gaps[name] = difference(both, score("satisfaction index", both), group[both.index] == name)[0]
    stake = None
    if company.has("transactions") and "unresolved" in (known := facts(company)):
        bad = known.loc[known["unresolved"], value_of(company)]
        stake = Estimate.exact(float(bad.sum()), n=len(bad), unit=company.currency, method="sum")
    return Recovery(groups=pd.Series(indices), paradox=gaps[WELL], harm=gaps[BADLY], stake=stake)


def finding_recovery(found: Recovery) -> Finding:
    """Return whether a well-settled complaint leaves customers more satisfied than none: the recovery paradox."""
    return Finding(
        key="satisfaction.recovery",
        claim="After a well-settled complaint customers are more satisfied than those who never complained.",
        source="The service recovery paradox; textbook 4.3.3: complaints as a chance",
        estimate=found.paradox,
        criterion=Criterion(low=0.0),
        sentence="Against customers who did not complain, satisfaction differs by {estimate} points of 100 after a "
        "well-settled complaint, and by {harm} after an unsettled one.",
        if_supported="Invite complaints and settle them well: here that satisfies customers more than no problem.",
        if_not_supported="Prevent problems first; a good settlement limits the damage, but makes no gain of it.",
        if_undecided="Settle complaints fast to limit the damage; do not count on a gain from settling them well.",
        values={"harm": found.harm},
        currency=found.stake.unit if found.stake else "",
        money_at_stake=found.stake,
        money_note="what customers with an unsettled complaint of the last half-year brought in a year",
    )
