"""The life cycle of a relationship: exploration, build-up, stability, decline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib.demo.clock import NEVER, WEEKS, Bools, Floats, Ints, dates
from crm_lib.demo.draws import Streams
from crm_lib.demo.parameters import Relationship
from crm_lib.demo.people import People

STAGES = ("exploration", "build_up", "stable", "decline")


@dataclass(frozen=True, kw_only=True)
class Stages:
    """When each customer would enter each stage, if still there.

    Parameters
    ----------
    begins : ndarray of shape (n, 4)
        Days since the start; infinite for a stage never reached.
    """

    begins: Floats

    def at(self, days: Floats) -> Ints:
        """Return the number of each customer's stage at each customer's day."""
        return np.asarray((self.begins <= days[:, None]).sum(axis=1).clip(1) - 1)

    def weekly(self) -> Ints:
        """Return the stage in force at the beginning of each week, shape (n, WEEKS); before the first it is 0."""
        first = np.arange(WEEKS) * 7.0
        return sum(((begin[:, None] <= first).astype(np.int64) for begin in self.begins.T[1:]), np.zeros((1, 1), int))

    def factors(self, values: Mapping[str, float], relational: Bools) -> Floats:
        """Return the factor of each week, shape (n, WEEKS); transactional customers have 1 throughout."""
        return np.where(relational[:, None], np.array([values[name] for name in STAGES])[self.weekly()], 1.0)

    def history(self, people: People, gone: Floats) -> pd.DataFrame:
        """Return the true history: customer, stage, first and last day; the stage after the departure is "gone"."""
        n = len(people)
        ends = np.minimum(np.column_stack([self.begins[:, 1:], np.full(n, NEVER)]), gone[:, None])
        lived = self.begins < ends
        who, stage = np.nonzero(lived)
        lost = np.flatnonzero(np.isfinite(gone))
        begin = np.concatenate([self.begins[who, stage], gone[lost]])
        return (
            pd.DataFrame(
                {
                    "customer_id": people.customer_id[np.concatenate([who, lost])],
                    "stage": np.concatenate([np.array(STAGES)[stage], np.full(len(lost), "gone")]),
                    "begins_at": dates(begin),
                    "ends_at": dates(np.concatenate([ends[who, stage], np.full(len(lost), NEVER)])),
                    "begin": begin,
                }
            )
            .sort_values(["customer_id", "begin"], kind="stable", ignore_index=True)
            .drop(columns="begin")
        )


def make_stages(streams: Streams, people: People, relationship: Relationship) -> Stages:
    """Draw when each relational customer's stages begin; a transactional one stays in the first."""
    rng, n = streams("stages"), len(people)
    build_up = people.acquired + 7 * (3 + rng.exponential(relationship.exploration_weeks - 3, n))
    stable = build_up + 7 * (6 + rng.exponential(relationship.build_up_weeks - 6, n))
    losing = people.type == "relational_losing"
    weeks = np.where(losing, relationship.decline_weeks["relational_losing"], relationship.decline_weeks["other"])
    decline = stable + 7 * rng.exponential(1.0, n) * weeks
    later = np.where(people.relational[:, None], np.column_stack([build_up, stable, decline]), NEVER)
    return Stages(begins=np.column_stack([people.acquired, later]))
