"""Core customers first: their measures beside the others', and who is dissatisfied, why, and last served when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from crm_lib.company import Company
from crm_lib.customers import Basis, known_rows, window_complaints
from crm_lib.finding import Criterion, Finding
from crm_lib.language import say, text
from crm_lib.satisfaction.answers import QUALITIES, Survey, enough
from crm_lib.satisfaction.measures import compared
from crm_lib.segments import Segmented
from crm_lib.segments.target_lists import contact_permission
from crm_lib.segments.value.core_comparison import CORE

MARGIN: Final = 3.0
"""Points of the index that count as hardly any difference: about what a yearly survey can tell."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CoreSatisfaction:
    """What :func:`core_satisfaction` found.

    `frame` by measure: ``core``, ``others`` and ``difference`` (Estimates). `dissatisfied` by ``customer_id``, most
    valuable first: ``value`` (money of the window), ``satisfaction``, ``reason``, ``contact`` (day of the last one) and
    ``contact_kind`` (missing where there was none), and ``may_contact`` where the company records it. `answers` counts
    the core customers and the others compared.
    """

    frame: pd.DataFrame
    dissatisfied: pd.DataFrame
    answers: tuple[int, int]
    below: float
    basis: Basis


def core_satisfaction(
    company: Company, survey: Survey, segmented: Segmented, *, dissatisfied_below: float = 6.0
) -> CoreSatisfaction:
    """Hold the satisfaction of core customers (tiers key and major) against that of the others.

    Parameters
    ----------
    company : Company
        The company.
    survey : Survey
        Its answers; they must name customers. The last one of each in the window counts.
    segmented : Segmented
        Its customers in tiers.
    dissatisfied_below : float
        A last rating below this is dissatisfied.
    """
    last = survey.complete("satisfaction", frame=survey.latest(days=segmented.basis.days))
    tier = segmented.tiers.frame["tier"]
    last = last[last["customer_id"].isin(tier.index)]
    core = last["customer_id"].map(tier).isin(CORE)
    counts = int(core.sum()), int((~core).sum())
    message = "needs {least} core customers who answered, and {least} others; they are {core} and {others}"
    enough(message, core=counts[0], others=counts[1])
    bad = last[core & (last["satisfaction"] < dissatisfied_below)].set_index("customer_id").sort_index()
    frame = pd.DataFrame(
        {
            "value": segmented.value.reindex(bad.index).fillna(0.0), "satisfaction": bad["satisfaction"],
            "reason": _reasons(company, bad, segmented.basis.days),
        }
    )  # fmt: skip
    frame[["contact", "contact_kind"]] = _last_contacts(company).reindex(frame.index)
    allowed = contact_permission(company)
    if allowed is not None:
        frame["may_contact"] = allowed.reindex(frame.index, fill_value=False)
    frame = frame.rename_axis("customer_id").sort_values("value", ascending=False, kind="stable")
    return CoreSatisfaction(
        frame=compared(last, core).rename(columns={"inside": "core", "outside": "others"}),
        dissatisfied=frame, answers=counts, below=dissatisfied_below, basis=segmented.basis,
    )  # fmt: skip


def _reasons(company: Company, bad: pd.DataFrame, days: int) -> pd.Series[str]:
    """Return an unsettled complaint where there is one, else what was rated lowest."""
    items = [name for name in QUALITIES if name in bad]
    reasons = {}
    for who, ratings in bad[items].iterrows():
        worst = [text(name.replace("_", " ")) for name in items if ratings[name] == ratings.min()]
        reasons[str(who)] = say("{worst:words} rated {low:number}", worst=worst, low=ratings.min()) if worst else ""
    if company.has("complaints", "topic", "closed_at"):
        told = window_complaints(company, days=days).dropna(subset=["topic"]).sort_values("opened_at")
        told = told[~told["settled"] & told["customer_id"].isin(bad.index)].drop_duplicates("customer_id")
        for who, topic in zip(told["customer_id"], told["topic"], strict=True):
            reasons[str(who)] = say("complaint not settled: {topic:words}", topic=topic)
    return pd.Series(reasons, dtype=object)


def _last_contacts(company: Company) -> pd.DataFrame:
    names = ["contact", "contact_kind"]
    if not company.has("interactions", "customer_id", "kind"):
        return pd.DataFrame(columns=names)
    rows = known_rows(company, "interactions")
    frame: pd.DataFrame = rows.select("customer_id", contact=rows.occurred_at.date(), contact_kind=rows.kind).execute()
    last = frame.sort_values(names).drop_duplicates("customer_id", keep="last").set_index("customer_id")
    return last.assign(contact=pd.to_datetime(last["contact"]))


def finding_core_satisfaction(found: CoreSatisfaction) -> Finding:
    """Return whether core customers are hardly less satisfied than others; at stake is what the dissatisfied bring."""
    row: Any = found.frame.loc["satisfaction index"]
    listed = found.dissatisfied
    return Finding(
        key="satisfaction.core",
        claim="Core customers are as satisfied as the others, or more, within {margin:number} points of 100.",
        source="Textbook 4.2.2, stage 1: the dissatisfaction of core customers first",
        estimate=row["difference"],
        criterion=Criterion(low=-MARGIN),
        sentence="Core customers score {core} of 100, others {others}: a difference of {estimate} points. "
        "{n:count} core customers are dissatisfied.",
        if_supported="Keep the level, and call the dissatisfied core customers on the list first.",
        if_not_supported="Whom the company lives on is served worse: mend what they rate lowest before anything else.",
        if_undecided="Call the dissatisfied core customers on the list, and ask more of them in the next wave.",
        values={"margin": MARGIN, "core": row["core"], "others": row["others"], "n": len(listed)},
        currency=found.basis.currency,
        money_at_stake=found.basis.a_year(float(listed["value"].sum()), n=len(listed)),
        money_note="what the dissatisfied core customers bring in a year",
    )
