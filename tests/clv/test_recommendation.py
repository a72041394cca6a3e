"""The rule: the simplest forecaster that is not demonstrably worse than the best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from crm_lib.clv.recommendation import Contest, hold_contest


@dataclass(frozen=True)
class Someone:
    name: str
    parameters: int
    kind: str = "dropout"


def contest_of(
    losses: dict[str, np.ndarray], parameters: dict[str, int], squared: list[float] | None = None, **kinds: str
) -> Contest:
    who = [Someone(name, parameters[name], kinds.get(name, "dropout")) for name in losses]
    table = np.column_stack(list(losses.values()))
    squared = np.zeros(len(who)) if squared is None else np.array(squared)
    return hold_contest(who, [(np.arange(len(table)), table)], squared, level=0.9, seed=1)


def test_a_difference_within_chance_goes_to_the_simpler() -> None:
    rng = np.random.default_rng(1)
    simple, noise = rng.gamma(1, 1, 500), rng.normal(0, 1, 500)
    better_by_a_hair = simple + noise - noise.mean() - 0.01
    contest = contest_of({"simple": simple, "complex": better_by_a_hair}, {"simple": 2, "complex": 4})
    assert contest.forecasters[contest.best].name == "complex"
    assert contest.forecasters[contest.choose()].name == "simple"
    assert "not demonstrably worse" in contest.reason(contest.choose())


def test_a_small_difference_that_every_customer_shows_goes_to_the_better() -> None:
    """Losses scatter widely, their differences do not: only a paired comparison sees it."""
    rng = np.random.default_rng(2)
    simple = rng.gamma(0.3, 3, 500)
    contest = contest_of(
        {"simple": simple, "complex": simple - 0.01 - 0.01 * rng.random(500)}, {"simple": 2, "complex": 4}
    )
    assert contest.forecasters[contest.choose()].name == "complex"
    assert "lowest" in contest.reason(contest.choose())


def test_of_equally_simple_and_good_ones_the_nearer_expectations_decide() -> None:
    rng = np.random.default_rng(3)
    noise = rng.gamma(1, 1, (3, 300))
    noise += np.array([[1.0], [1.001], [1.002]]) - noise.mean(axis=1, keepdims=True)
    losses = dict(zip(("one", "two", "three"), noise, strict=True))
    chosen = [
        contest_of(losses, dict.fromkeys(losses, 4), squared).choose() for squared in ([3, 2, 1], [3, 1, 2], [1, 2, 3])
    ]
    assert chosen == [2, 1, 0]


def test_nearer_expectations_do_not_make_up_for_worse_forecasts() -> None:
    losses = {"good": np.full(300, 1.0), "bad": np.full(300, 2.0)}
    assert contest_of(losses, dict.fromkeys(losses, 4), [2.0, 1.0]).choose() == 0


def test_the_choice_can_be_confined_to_some() -> None:
    losses = {"rule": np.full(100, 1.0), "bad": np.full(100, 3.0), "model": np.full(100, 2.0)}
    contest = contest_of(losses, {"rule": 0, "bad": 2, "model": 4}, rule="baseline")
    assert contest.choose() == 0
    assert contest.choose([1, 2]) == 2


def test_a_winning_baseline_is_called_one() -> None:
    losses = {"rule": np.full(100, 1.0), "model": np.full(100, 2.0)}
    contest = contest_of(losses, {"rule": 0, "model": 4}, rule="baseline")
    assert "A baseline wins" in contest.reason(contest.choose())


def test_the_advantage_is_that_of_the_best_of_either_kind() -> None:
    rng = np.random.default_rng(4)
    noise = rng.gamma(1, 1, 2000)
    losses = {"rule": noise * 1.5, "worse rule": noise * 2, "model": noise * 1.2, "learner": noise * 0.1}
    contest = contest_of(
        losses, dict.fromkeys(losses, 1), **{"rule": "baseline", "worse rule": "baseline", "learner": "learner"}
    )
    advantage = contest.advantage()
    assert advantage is not None
    assert advantage.value == pytest.approx(1 - 1.2 / 1.5)
    assert advantage.high - advantage.low < 1e-9
    assert contest_of({"model": noise}, {"model": 4}).advantage() is None


def test_means_are_over_customers_and_then_over_cut_offs() -> None:
    losses = [(np.array([0, 1]), np.array([[1.0], [3.0]])), (np.array([0, 1, 2, 3]), np.array([[8.0]] * 4))]
    contest = hold_contest([Someone("one", 1)], losses, np.zeros(1), level=0.9, seed=1)
    assert contest.means.tolist() == [5.0]
    assert contest.customers == 4


def test_a_customer_is_drawn_with_all_cut_offs() -> None:
    """Two cut-offs with the same customers and losses are as uncertain as one."""
    rng = np.random.default_rng(5)
    loss = rng.gamma(1, 1, (400, 1))
    once, twice = (
        hold_contest([Someone("one", 1)], [(np.arange(400), loss)] * number, np.zeros(1), level=0.9, seed=1)
        for number in (1, 2)
    )
    assert twice.resampled.std() == pytest.approx(once.resampled.std(), rel=1e-9)
    assert once.resampled.std() == pytest.approx(loss.std() / 20, rel=0.1)
