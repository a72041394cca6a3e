"""When and why customers leave, and who comes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from crm_lib.demo.clock import DAYS, NEVER, WEEKS, Bools, Floats, Ints, overlap
from crm_lib.demo.draws import Streams, look_up
from crm_lib.demo.parameters import Leaving
from crm_lib.demo.people import Names, People
from crm_lib.demo.satisfaction import loyalty


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What bears on leaving in each week, shape (n, WEEKS) each: satisfaction, the stage's factor, marks of weeks."""

    satisfaction: Floats
    stage: Floats
    unresolved: Bools
    member: Bools


@dataclass(frozen=True, kw_only=True)
class Lives:
    """The span in which each customer is one: from `begun` to `left`; infinite where it goes on."""

    begun: Floats
    left: Floats
    cause: Names
    returned: Floats
    left_again: Floats
    cause_again: Names

    def alive(self, customer: Ints, day: Floats) -> Bools:
        """Return whether each numbered customer is one on each day."""
        first = (day >= self.begun[customer]) & (day < self.left[customer])
        return first | ((day >= self.returned[customer]) & (day < self.left_again[customer]))

    def alive_at(self, day: float) -> Bools:
        """Return which customers are customers on one day."""
        everyone = np.arange(len(self.begun))
        return self.alive(everyone, np.full(len(everyone), day))

    def weeks(self) -> Floats:
        """Return how much of each week each customer is one, in weeks, shape (n, WEEKS)."""
        return overlap(self.begun, np.minimum(self.left, DAYS)) + overlap(
            self.returned, np.minimum(self.left_again, DAYS)
        )

    def with_return(self, returned: Floats, left_again: Floats, cause_again: Names) -> Self:
        """Return the lives with a second span for those who came back."""
        return replace(self, returned=returned, left_again=left_again, cause_again=cause_again)


class Hazard:
    """The hazard of leaving in each week, and draws of the day and cause of leaving from it.

    Parameters
    ----------
    people : People
        The customers.
    circumstances : Circumstances
        What bears on leaving.
    leaving : Leaving
        Shares of the causes and effects.

    Attributes
    ----------
    weekly : ndarray of shape (n, WEEKS)
        Hazard of all causes a week.
    """

    def __init__(self, people: People, circumstances: Circumstances, leaving: Leaving) -> None:
        self._leaving = leaving
        self._side = look_up(leaving.given_up_effect, people.side)
        self._rivals = look_up(leaving.competition_effect, people.competition)
        self._dropout = people.dropout
        attachment = loyalty(circumstances.satisfaction, people.competition, leaving)
        self._discontent = leaving.spread ** (1 - 2 * attachment)
        self._at = circumstances
        self.weekly: Floats = sum((part for part in self.by_cause().values()), np.zeros((1, 1)))

    def by_cause(self, customer: Any = slice(None), week: Any = slice(None)) -> dict[str, Floats]:
        """Return the hazard of each cause, in all weeks, or of numbered customers in one week each."""
        cell, whole = (customer, week), isinstance(customer, slice)
        leaving, at = self._leaving, self._at

        def wide(values: Floats) -> Floats:
            return values[:, None] if whole else values[customer]

        def marked(marks: Bools, effect: float) -> Floats:
            return np.where(marks[cell], effect, 1.0)

        effects: dict[str, Callable[[], Floats | float]] = {
            "natural": lambda: 1.0,
            "competition": lambda: (
                self._discontent[cell]
                * wide(self._rivals)
                * marked(at.unresolved, leaving.unresolved_effect["competition"])
                * marked(at.member, leaving.member_effect["competition"])
            ),
            "own_fault": lambda: self._discontent[cell] * marked(at.unresolved, leaving.unresolved_effect["own_fault"]),
            "given_up": lambda: wide(self._side),
            "other": lambda: 1.0,
        }
        common = wide(self._dropout) * at.stage[cell]
        return {cause: leaving.share[cause] * common * effect() for cause, effect in effects.items()}

    def draw(self, rng: np.random.Generator, begin: Floats) -> tuple[Floats, Names]:
        """Draw when and why each customer leaves who is one from `begin` on; never begun stays never left."""
        begun = np.isfinite(begin)
        exposure = overlap(np.where(begun, begin, DAYS), np.full(len(begin), float(DAYS)))
        risk = self.weekly * exposure
        cumulated = np.cumsum(risk, axis=1)
        level = rng.exponential(1.0, len(begin))
        chance = rng.random(len(begin))
        week = (cumulated < level[:, None]).sum(axis=1)
        leaves = begun & (week < WEEKS)
        who, week = np.flatnonzero(leaves), week[leaves]
        left, cause = np.full(len(begin), NEVER), np.full(len(begin), None, dtype=object)
        before = cumulated[who, week] - risk[who, week]
        # Within the week the hazard is constant: the day follows by proportion.
        passed = (level[who] - before) / risk[who, week] * exposure[who, week] * 7
        left[who] = np.maximum(begin[who], 7.0 * week) + passed
        parts = np.column_stack(list(self.by_cause(who, week).values()))
        bounds = np.cumsum(parts, axis=1) / parts.sum(axis=1, keepdims=True)
        names = np.array(list(self._leaving.share), dtype=object)
        cause[who] = names[(bounds < chance[who, None]).sum(axis=1).clip(max=len(names) - 1)]
        return left, cause


def make_lives(streams: Streams, people: People, hazard: Hazard) -> Lives:
    """Draw the first life of each customer; nobody has come back yet."""
    left, cause = hazard.draw(streams("lives"), people.acquired)
    never = np.full(len(people), NEVER)
    nobody = np.full(len(people), None, dtype=object)
    return Lives(begun=people.acquired, left=left, cause=cause, returned=never, left_again=never, cause_again=nobody)
