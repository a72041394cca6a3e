"""Relationships: their stages, the paid membership, when and why customers leave, and who comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib.demo.clock import DAYS, NEVER, START, WEEKS, Bools, Floats, Ints, Names, dates, overlap, whole_weeks
from crm_lib.demo.draws import frame, logistic, look_up, names, numbered, text_where
from crm_lib.demo.parameters import Leaving
from crm_lib.demo.people import People

STAGES = ("exploration", "build_up", "stable", "decline")


def make_stages(people: People) -> Floats:
    """Draw the day on which each customer would enter each stage, shape (n, 4); the transactional stay in the first."""
    rng, n, relationship = people.streams("stages"), len(people), people.parameters.relationship
    build_up = people.acquired + 7 * (3 + rng.exponential(relationship.exploration_weeks - 3, n))
    stable = build_up + 7 * (6 + rng.exponential(relationship.build_up_weeks - 6, n))
    losing = people.type == "relational_losing"
    weeks = np.where(losing, relationship.decline_weeks["relational_losing"], relationship.decline_weeks["other"])
    decline = stable + 7 * rng.exponential(1.0, n) * weeks
    later = np.where(people.relational[:, None], np.column_stack([build_up, stable, decline]), NEVER)
    return np.column_stack([people.acquired, later])


def stage_factors(stages: Floats, values: Mapping[str, float], relational: Bools) -> Floats:
    """Return the factor of each week, shape (n, WEEKS); transactional customers have 1 throughout."""
    number = sum(whole_weeks(begin, np.full(len(begin), NEVER)).astype(int) for begin in stages.T[1:])
    return np.where(relational[:, None], np.array([values[name] for name in STAGES])[number], 1.0)


def true_stages(stages: Floats, people: People, gone: Floats) -> pd.DataFrame:
    """Return the true history: customer, stage, first and last day; the stage after the departure is "gone"."""
    begins = np.column_stack([stages, gone])
    ends = np.column_stack([np.minimum(stages[:, 1:], gone[:, None]), gone, np.full(len(gone), NEVER)])
    who, stage = np.nonzero(begins < ends)
    return frame(
        customer_id=people.customer_id[who],
        stage=np.array([*STAGES, "gone"])[stage],
        begins_at=dates(begins[who, stage]),
        ends_at=dates(ends[who, stage]),
    )


class Memberships:
    """Who joins when, on which plan, and how long the renewals would go on if no customer ever left."""

    def __init__(self, people: People) -> None:
        rng, n, members = people.streams("memberships"), len(people), people.parameters.members
        joined = np.floor(people.acquired + rng.exponential(members.joining_weeks * 7, n))
        joins = (rng.random(n) < look_up(members.joining, people.side)) & (joined < DAYS)
        monthly = rng.random(n) < members.monthly_share
        thetas = [rng.beta(plan["a"], plan["b"], n).clip(1e-6) for plan in (members.monthly, members.annual)]
        theta = np.where(monthly, *thetas)
        # The inverse of the geometric distribution; nobody renews for more than sixty years.
        periods = np.ceil(np.log(rng.random(n)) / np.log1p(-theta.clip(max=1 - 1e-9))).clip(1, 720).astype(np.int64)
        self.failed = (rng.random(n) < members.payment_failed)[joins]
        self.customer, self.joined, self.theta = np.flatnonzero(joins), joined[joins], theta[joins]
        monthly = monthly[joins]
        self.plan = names(np.where(monthly, "monthly", "annual"))
        self.months = np.where(monthly, 1, 12)
        self.price = np.where(monthly, members.monthly["price"], members.annual["price"])
        # The last day of the periods until the coin first falls the wrong way.
        self.ended = _add_months(self.joined, periods[joins] * self.months) - 1

    def weekly(self, n: int) -> Bools:
        """Return in which weeks each of `n` customers would be a member at the beginning, shape (n, WEEKS)."""
        joined, ended = np.full(n, NEVER), np.full(n, NEVER)
        joined[self.customer], ended[self.customer] = self.joined, self.ended + 1
        return whole_weeks(joined, ended)

    def tables(self, people: People, gone: Floats) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return contracts and the truth about them; who leaves the shop stays a member to the end of the period."""
        left = gone[self.customer]
        begun = self.joined < np.minimum(left, DAYS)
        run_out = self._run_out(np.minimum(left, 4.0 * DAYS))
        by_leaving = run_out <= self.ended
        ended = np.where(by_leaving, run_out, self.ended)
        reason = np.where(by_leaving, "customer left", np.where(self.failed, "payment failed", "not renewed"))
        contracts = frame(
            customer_id=people.customer_id[self.customer],
            started_at=dates(self.joined),
            ended_at=dates(np.where(ended < DAYS, ended, NEVER)),
            plan=self.plan,
            price=self.price,
            period_months=self.months,
            end_reason=text_where(ended < DAYS, reason),
            theta=self.theta,
        )[begun].sort_values(["started_at", "customer_id"], kind="stable", ignore_index=True)
        contracts.insert(0, "membership_id", numbered("M", len(contracts)))
        return contracts.drop(columns="theta"), contracts[["membership_id", "customer_id", "plan", "theta"]]

    def _run_out(self, left: Floats) -> Floats:
        """Return the last day of the period in which each member leaves the shop."""
        period = np.maximum(np.floor((left - self.joined) / (30.5 * self.months)), 1).astype(np.int64)
        run_out = _add_months(self.joined, period * self.months) - 1
        # Months differ in length: the estimate above may be a period or two early, never late.
        for _ in range(2):
            period = period + (run_out < left - 1)
            run_out = _add_months(self.joined, period * self.months) - 1
        return run_out


def _add_months(days: Floats, months: Ints) -> Floats:
    date = START.astype("datetime64[D]") + days.astype("timedelta64[D]")
    month = date.astype("datetime64[M]")
    # Contracts that begin on the 29th to 31st run to the 28th of their last month.
    day = np.minimum((date - month.astype("datetime64[D]")).astype(int), 27)
    moved = (month + months).astype("datetime64[D]") + day
    return np.asarray((moved - START.astype("datetime64[D]")).astype(float))


@dataclass(frozen=True, kw_only=True)
class Lives:
    """The span in which each customer is one: from `begun` to `left`; infinite where it goes on."""

    begun: Floats
    left: Floats
    cause: Names
    returned: Floats
    left_again: Floats
    cause_again: Names

    def alive(self, customer: Ints, day: Floats | float) -> Bools:
        """Return whether each numbered customer is one on each day, or on one day."""
        first = (day >= self.begun[customer]) & (day < self.left[customer])
        return np.asarray(first | ((day >= self.returned[customer]) & (day < self.left_again[customer])))

    def weeks(self) -> Floats:
        """Return how much of each week each customer is one, in weeks, shape (n, WEEKS)."""
        return overlap(self.begun, self.left) + overlap(self.returned, self.left_again)


class Hazard:
    """The hazard of leaving in each week, and draws of day and cause; what bears on it has the shape (n, WEEKS)."""

    def __init__(self, people: People, satisfaction: Floats, stage: Floats, unresolved: Bools, member: Bools) -> None:
        self._people = people
        self._leaving = leaving = people.parameters.leaving
        self._discontent = leaving.spread ** (1 - 2 * loyalty(satisfaction, people.competition, leaving))
        self._stage, self._unresolved, self._member = stage, unresolved, member
        every = self.by_cause(np.arange(len(people))[:, None], np.arange(WEEKS))
        self.weekly: Floats = sum(every.values(), np.zeros((1, 1)))

    def by_cause(self, customer: Ints, week: Ints) -> dict[str, Floats]:
        """Return the hazard of each cause, of numbered customers in numbered weeks."""
        leaving, people, unresolved = self._leaving, self._people, self._unresolved[customer, week]
        discontent, member = self._discontent[customer, week], self._member[customer, week]
        common = people.dropout[customer] * self._stage[customer, week]
        hazard = {cause: leaving.share[cause] * common for cause in leaving.share}
        hazard["competition"] *= (
            discontent
            * look_up(leaving.competition_effect, people.competition)[customer]
            * np.where(unresolved, leaving.unresolved_effect["competition"], 1.0)
            * np.where(member, leaving.member_effect["competition"], 1.0)
        )
        hazard["own_fault"] *= discontent * np.where(unresolved, leaving.unresolved_effect["own_fault"], 1.0)
        hazard["given_up"] *= look_up(leaving.given_up_effect, people.side)[customer]
        return hazard

    def draw(self, rng: np.random.Generator, begin: Floats) -> tuple[Floats, Names]:
        """Draw when and why each customer leaves who is one from `begin` on; never begun stays never left."""
        n, begun = len(begin), np.isfinite(begin)
        exposure = overlap(np.where(begun, begin, DAYS), np.full(n, float(DAYS)))
        risk = self.weekly * exposure
        cumulated = np.cumsum(risk, axis=1)
        level, chance = rng.exponential(1.0, n), rng.random(n)
        week = (cumulated < level[:, None]).sum(axis=1)
        leaves = begun & (week < WEEKS)
        who, week = np.flatnonzero(leaves), week[leaves]
        left, cause = np.full(n, NEVER), np.full(n, None, dtype=object)
        before = cumulated[who, week] - risk[who, week]
        # Within the week the hazard is constant: the day follows by proportion.
        passed = (level[who] - before) / risk[who, week] * exposure[who, week] * 7
        left[who] = np.maximum(begin[who], 7.0 * week) + passed
        parts = np.column_stack(list(self.by_cause(who, week).values()))
        bounds = np.cumsum(parts, axis=1) / parts.sum(axis=1, keepdims=True)
        causes = names(list(self._leaving.share))
        cause[who] = causes[(bounds < chance[who, None]).sum(axis=1).clip(max=len(causes) - 1)]
        return left, cause


def loyalty(satisfaction: Floats, competition: Names, leaving: Leaving) -> Floats:
    """Return loyalty (0 to 1): the share of attachment that satisfaction earns under each customer's competition."""
    shape = (-1,) + (1,) * (satisfaction.ndim - 1)
    centre = look_up(leaving.loyalty_centre, competition).reshape(shape)
    width = look_up(leaving.loyalty_width, competition).reshape(shape)
    return logistic((satisfaction - centre) / width)


def make_lives(people: People, hazard: Hazard) -> Lives:
    """Draw the first life of each customer; nobody has come back yet."""
    left, cause = hazard.draw(people.streams("lives"), people.acquired)
    never, nobody = np.full(len(people), NEVER), np.full(len(people), None, dtype=object)
    return Lives(begun=people.acquired, left=left, cause=cause, returned=never, left_again=never, cause_again=nobody)


def departures(people: People, lives: Lives) -> pd.DataFrame:
    """Return the departures that the company learnt of, second ones included; the others are silent."""
    rng, parts, documented = people.streams("departures"), [], people.parameters.leaving.documented
    for left, cause in ((lives.left, lives.cause), (lives.left_again, lives.cause_again)):
        who = np.flatnonzero((rng.random(len(people)) < documented) & np.isfinite(left))
        parts.append(frame(customer_id=people.customer_id[who], departed_at=dates(left[who]), cause=cause[who]))
    return pd.concat(parts).sort_values(["departed_at", "customer_id"], kind="stable", ignore_index=True)
