"""How leaving comes about: problem, complaint, no answer, departure; week by week, as known at the week's beginning."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd
from scipy.stats import norm
from statsmodels.genmod.families import Binomial, links
from statsmodels.genmod.generalized_linear_model import GLM

from crm_lib.churn.definition import Churned
from crm_lib.churn.reasons import known_departures
from crm_lib.company import Company
from crm_lib.customers import Value, facts, known_complaints, known_rows, value_of
from crm_lib.customers.known import SETTLED, is_review
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.estimate import LEVEL, Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.language import say
from crm_lib.statistics.proportions import wilson

STATES: Final = ("complaint unanswered", "failed answer", "complaint settled", "unsettled contact", "none of these")
"""What weighs on a customer in a week, the gravest first."""
UNANSWERED, FAILED, GOOD, CONTACT, NONE = STATES
BAD: Final = [UNANSWERED, FAILED]
WEEKS = 13
"""Weeks after a complaint or an unsettled contact in which leaving is put beside it."""
ANSWER_DAYS = 7
"""Days after which a complaint without settlement counts as not answered, in the path."""
AGES: Final = (1, 3, 6, 10, WEEKS + 1)
"""Weeks since the complaint at which the spans of the hazard begin."""
_TENURE = (0, 13, 26, 52, 104)
"""Weeks since the first purchase at which the spans begin that are compared with themselves only."""
_FEWEST = 10
_NEVER = 10**6


@dataclass(frozen=True, kw_only=True, eq=False)
class Escalation:
    """How known departures follow complaints; association, not effect.

    `hazard` by state: ``weeks``, ``departures``, ``hazard`` (a week, with ``low`` and ``high``) and ``ratio`` to weeks
    without any of these, of customers known for as long. `after` by ``weeks`` since the complaint, the middle of a
    span: the same hazard by whether the complaint was ``not_settled`` or ``settled``, with ends. `path` by step:
    ``cases``, and ``share`` of the step before. `ratio` sets weeks without settlement against those after one; `open`
    is what customers with an unsettled complaint brought in the last year (money).
    """

    hazard: pd.DataFrame
    after: pd.DataFrame
    path: pd.DataFrame
    ratio: Estimate
    left: dict[str, Estimate]
    open: Estimate
    value_kind: Value
    as_of: dt.date


def escalation(company: Company, churned: Churned) -> Escalation:
    """Follow customers week by week from problem and complaint to departure.

    A complaint counts as answered from the week after it was closed: as settled, or by an answer that failed where
    nothing was settled or the customer was not satisfied. What becomes known later is not used earlier.

    Parameters
    ----------
    company : Company
        The company.
    churned : Churned
        Who has left: the silent are followed until their silence was recognised.

    Returns
    -------
    Escalation
        Hazards, path and the harm of unanswered complaints.

    Raises
    ------
    MissingData
        If departures, or opening and closing of complaints, are not known.
    TooLittleData
        If fewer than 10 departures followed complaints of either kind.

    Notes
    -----
    A discrete-time hazard model (complementary log-log) with spans of tenure, on weeks by customer, span and state;
    customers are clusters. Who leaves soonest does so first: ratios over a quarter are smaller than of the first week.
    """
    complaints = _complaints(company)
    weeks = _Weeks(company, churned)
    states = pd.concat([_complaint_weeks(complaints, weeks), _contact_weeks(company, weeks)], ignore_index=True)
    exposed = weeks.exposed(states)
    cells = weeks.cells(exposed)
    sums = cells.groupby("state")[["weeks", "events"]].sum().reindex(list(STATES), fill_value=0)
    fewest = min(int(sums["events"][BAD].sum()), int(sums["events"][GOOD]))
    if fewest < _FEWEST:
        message = "needs {least} known departures after settled complaints and as many after others; there are {n}"
        raise TooLittleData(say(message, least=_FEWEST, n=fewest), table="complaints")
    merged = cells.replace({"state": {FAILED: UNANSWERED}}).groupby(["customer_id", "span", "state"], as_index=False)
    hazard = _rates(sums).assign(ratio=_ratios(cells)[0].reindex(list(STATES)))
    known = facts(company, parts=("complaints",))
    kind, held = value_of(company), known["unresolved"] if "unresolved" in known else pd.Series(dtype=bool)
    amount = known.loc[held.index[held], kind].astype(float)
    path, left = _path(company, complaints, weeks)
    return Escalation(
        hazard=hazard, after=_after(exposed), path=path, ratio=_ratios(merged.sum())[1], left=left, value_kind=kind,
        open=Estimate.exact(float(amount.sum()), n=len(amount), unit=company.currency, method="sum"),
        as_of=company.as_of,
    )  # fmt: skip


def _complaints(company: Company) -> pd.DataFrame:
    if not company.has("complaints", "customer_id", "opened_at", "closed_at"):
        raise MissingData("complaints", ("customer_id", "opened_at", "closed_at"))
    frame: pd.DataFrame = known_complaints(company).execute()
    settled = frame["state"] == SETTLED
    if "satisfied" in frame:
        settled &= ~frame["satisfied"].astype("boolean").eq(other=False).fillna(value=False).astype(bool)
    days = {name: pd.to_datetime(frame[name]) for name in ("opened_at", "closed_at")}
    return pd.DataFrame({"customer_id": frame["customer_id"], **days, "settled": settled})


class _Weeks:
    """The weeks in which each customer could leave: from the one after the first purchase to departure or cut."""

    def __init__(self, company: Company, churned: Churned) -> None:
        known = facts(company, parts=())
        self._origin = known["first_purchase"].min()
        departures = known_departures(company).drop_duplicates("customer_id").set_index("customer_id")["departed_at"]
        self.departed = departures.reindex(known.index)
        last = self.number(pd.Series(pd.Timestamp(company.as_of), index=known.index))
        silent = churned.frame["gone"].reindex(known.index) & self.departed.isna()
        noticed = self.number(known["last_purchase"] + pd.Timedelta(days=churned.days))
        end = last.mask(silent, np.minimum(noticed, last))
        self.first = self.number(known["first_purchase"]) + 1
        self.last = self.number(self.departed).where(self.departed.notna(), end).astype(int)
        self.leaves = self.departed.notna() & (self.last >= self.first)

    def number(self, day: pd.Series) -> pd.Series:
        """Return the week of each day; one far away where the day is missing."""
        week: pd.Series[int] = ((day - self._origin).dt.days // 7).fillna(_NEVER).astype(int)
        return week

    def exposed(self, states: pd.DataFrame) -> pd.DataFrame:
        """Return the weeks spent in a state, one state a customer and week, with ``event`` and span of tenure."""
        rows = states[states["customer_id"].isin(self.first.index)]
        first, last = rows["customer_id"].map(self.first), rows["customer_id"].map(self.last)
        rows = rows[(rows["week"] >= first) & (rows["week"] <= last)]
        rows = rows.assign(rank=rows["state"].map({name: rank for rank, name in enumerate(STATES)}))
        rows = rows.sort_values(["customer_id", "week", "rank", "age"]).drop_duplicates(["customer_id", "week"])
        who = rows["customer_id"]
        span = np.searchsorted(_TENURE, rows["week"] - who.map(self.first), side="right") - 1
        event = who.map(self.leaves).astype(bool) & (rows["week"] == who.map(self.last))
        return rows.assign(span=span, event=event)

    def cells(self, exposed: pd.DataFrame) -> pd.DataFrame:
        """Return ``weeks`` and ``events`` of each customer by span of tenure and state."""
        keys = ["customer_id", "span"]
        known = self.last >= self.first
        length, leaves = (self.last - self.first + 1)[known], self.leaves[known]
        parts = []
        for span, begin in enumerate(_TENURE):
            end = [*_TENURE[1:], _NEVER][span]
            weeks = (length.clip(upper=end) - begin).clip(lower=0)
            parts.append(pd.DataFrame({"weeks": weeks, "events": (leaves & (length <= end)).astype(int), "span": span}))
        whole = pd.concat(parts).rename_axis("customer_id").query("weeks > 0").set_index("span", append=True)
        held = exposed.groupby([*keys, "state"]).agg(weeks=("week", "size"), events=("event", "sum")).reset_index()
        other = whole.sub(held.groupby(keys)[["weeks", "events"]].sum(), fill_value=0).reset_index().assign(state=NONE)
        cells = pd.concat([other, held], ignore_index=True)
        return cells[cells["weeks"] > 0]


def _complaint_weeks(complaints: pd.DataFrame, weeks: _Weeks) -> pd.DataFrame:
    opened, closed = weeks.number(complaints["opened_at"]), weeks.number(complaints["closed_at"])
    ages = np.arange(1, WEEKS + 1)
    rows = pd.DataFrame({
        "customer_id": np.repeat(complaints["customer_id"].to_numpy(), WEEKS),
        "week": (opened.to_numpy()[:, None] + ages).ravel(),
        "age": np.tile(ages, len(complaints)),
    })  # fmt: skip
    answered = (closed.to_numpy()[:, None] < opened.to_numpy()[:, None] + ages).ravel()
    settled = np.repeat(complaints["settled"].to_numpy(), WEEKS)
    return rows.assign(state=np.where(answered, np.where(settled, GOOD, FAILED), UNANSWERED))


def _contact_weeks(company: Company, weeks: _Weeks) -> pd.DataFrame:
    contacts = _unsettled_contacts(company)
    begun = weeks.number(contacts["occurred_at"]).to_numpy()
    ages = np.arange(1, WEEKS + 1)
    return pd.DataFrame({
        "customer_id": np.repeat(contacts["customer_id"].to_numpy(), WEEKS),
        "week": (begun[:, None] + ages).ravel(), "age": np.tile(ages, len(contacts)), "state": CONTACT,
    })  # fmt: skip


def _unsettled_contacts(company: Company) -> pd.DataFrame:
    """Return contacts that left the customer's matter open, complaints and reviews apart; none where not recorded."""
    if not company.has("interactions", "customer_id", "occurred_at", "kind", "resolved"):
        return pd.DataFrame({"customer_id": [], "occurred_at": pd.to_datetime([])})
    rows = known_rows(company, "interactions")
    open_ = (~rows.resolved).fill_null(False) & (rows.kind.lower() != "complaint").fill_null(True) & ~is_review(rows)
    frame: pd.DataFrame = rows.filter(open_).select("customer_id", "occurred_at").execute()
    return frame.assign(occurred_at=pd.to_datetime(frame["occurred_at"]))


def _ratios(cells: pd.DataFrame) -> tuple[pd.Series, Estimate]:
    """Return the hazard of each state against weeks without any, and of unsettled complaints against settled ones."""
    events = cells.groupby("state")["events"].sum()
    present = [name for name in STATES if events.get(name, 0) > 0]
    spans = sorted(set(cells.loc[cells["events"] > 0, "span"]))
    cells = cells[cells["span"].isin(spans) & cells["state"].isin(present)]
    design = np.column_stack([
        *((cells["state"] == name).astype(float) for name in present[:-1]),
        *((cells["span"] == span).astype(float) for span in spans),
    ])  # fmt: skip
    counts = np.column_stack([cells["events"], cells["weeks"] - cells["events"]]).astype(float)
    groups = pd.factorize(cells["customer_id"])[0]
    model = GLM(counts, design, family=Binomial(link=links.CLogLog()))
    fitted = model.fit(cov_type="cluster", cov_kwds={"groups": groups})
    covariance = np.asarray(fitted.cov_params())

    def ratio(contrast: np.ndarray) -> Estimate:
        middle, reach = contrast @ fitted.params, norm.ppf((1 + LEVEL) / 2) * np.sqrt(contrast @ covariance @ contrast)
        value, low, high = (float(np.exp(end)) for end in (middle, middle - reach, middle + reach))
        return Estimate(value=value, low=low, high=high, n=int(groups.max()) + 1, method="discrete-time hazard")

    unit, zero = dict(zip(present[:-1], np.eye(design.shape[1]), strict=False)), np.zeros(design.shape[1])
    each = {name: ratio(place) for name, place in unit.items() if present[-1] == NONE}
    return pd.Series(each, dtype=object), ratio(unit.get(UNANSWERED, zero) - unit.get(GOOD, zero))


def _rates(sums: pd.DataFrame) -> pd.DataFrame:
    """Return departures a week, with Wilson's interval."""
    each = [wilson(int(k), int(n)) for n, k in zip(sums["weeks"], sums["events"], strict=True)]
    table = sums.rename(columns={"events": "departures"}).astype("int64")
    return table.assign(hazard=[e.value for e in each], low=[e.low for e in each], high=[e.high for e in each])


def _after(exposed: pd.DataFrame) -> pd.DataFrame:
    """Return the hazard by weeks since the complaint."""
    rows = exposed[exposed["state"].isin([*BAD, GOOD])]
    spans = pd.cut(rows["age"], [each - 0.5 for each in AGES], labels=False)
    middles = [(begin + end - 1) / 2 for begin, end in pairwise(AGES)]
    parts: dict[str, pd.Series[float]] = {}
    for name, inside in (("not_settled", rows["state"] != GOOD), ("settled", rows["state"] == GOOD)):
        sums = rows[inside].groupby(spans[inside]).agg(weeks=("week", "size"), events=("event", "sum"))
        rates = _rates(sums.reindex(range(len(middles)), fill_value=0))
        parts |= {name: rates["hazard"], f"{name}_low": rates["low"], f"{name}_high": rates["high"]}
    return pd.DataFrame(parts).set_axis(pd.Index(middles, name="weeks_since"))


def _path(company: Company, complaints: pd.DataFrame, weeks: _Weeks) -> tuple[pd.DataFrame, dict[str, Estimate]]:
    """Return the steps from problem to departure, of complaints that can be followed up, and the share who left."""
    last = pd.Timestamp(company.as_of) - pd.Timedelta(days=ANSWER_DAYS + 7 * WEEKS)
    contacts = _unsettled_contacts(company)
    told = complaints[(complaints["opened_at"] <= last) & complaints["customer_id"].isin(weeks.departed.index)]
    looked = told["opened_at"] + pd.Timedelta(days=ANSWER_DAYS)
    left_on = told["customer_id"].map(weeks.departed)
    there = ~(left_on <= looked)
    settled = told["settled"] & (told["closed_at"] <= looked)
    leaves = left_on <= looked + pd.Timedelta(days=7 * WEEKS)
    problems = len(told) + int((contacts["occurred_at"] <= last).sum())
    bad, good = there & ~settled, there & settled
    left = {name: wilson(int((who & leaves).sum()), int(who.sum())) for name, who in (("bad", bad), ("good", good))}
    steps = {
        "problems heard of": (problems, None),
        "complaints": (len(told), wilson(len(told), problems)),
        "not settled after a week": (int(bad.sum()), wilson(int(bad.sum()), int(there.sum()))),
        "left within the next quarter": (int((bad & leaves).sum()), left["bad"]),
    }
    frame = pd.DataFrame.from_dict(steps, orient="index", columns=["cases", "share"]).rename_axis("step")
    return frame, left


def finding_unanswered(found: Escalation) -> Finding:
    """Return whether customers leave more often while a complaint is not settled than after it was settled."""
    counts = found.hazard.loc[BAD, ["weeks", "departures"]].sum()
    return Finding(
        key="churn.unanswered",
        claim="Customers leave more often while a complaint is not settled than after it was settled.",
        source="Textbook 4.3.4: problem, complaint, no answer, leaving",
        estimate=found.ratio,
        criterion=Criterion(low=1.0),
        sentence=(
            "While a complaint was not settled, {bad:share2} of customers left a week, after settlement {good:share2}: "
            "{estimate} times as many, tenure being equal."
        ),
        if_supported=(
            "Settle complaints within days, the oldest open ones first; ask afterwards whether the customer is content."
        ),
        if_not_supported="Settle complaints for the customer's sake; these data do not show that it keeps anybody.",
        if_undecided="Settle open complaints, record departures, and look again when more have been followed.",
        values={"bad": counts["departures"] / counts["weeks"], "good": found.hazard["hazard"][GOOD],
                "kind": found.value_kind},
        currency=found.open.unit,
        money_at_stake=found.open,
        money_note="{kind:words} of the last year of customers with a complaint not settled; association, not effect",
    )  # fmt: skip
