"""Rules that put every customer into exactly one segment, proved and not hoped to do so."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

_CELLS = 20_000_000
"""Cells of the grid beyond which rules are not checked."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Numbers above one bound and up to another."""

    above: float = -math.inf
    up_to: float = math.inf

    def __post_init__(self) -> None:
        if not self.above < self.up_to:
            raise ValueError(f"no number lies above {self.above:g} and up to {self.up_to:g}")


Condition = Interval | frozenset[float]
"""An interval, or a set of numbers."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One segment, and who belongs to it."""

    name: str
    when: Mapping[str, Condition] = field(default_factory=dict)
    action: str = ""
    otherwise: bool = False

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("a rule needs a name")
        if self.otherwise and self.when:
            raise ValueError(f"rule '{self.name}' takes all others and has conditions: it can do one of them")


@dataclass(frozen=True, kw_only=True)
class Variable:
    """What numbers a variable of rules can be: these, or any."""

    choices: tuple[float, ...] | None = None


def check_rules(rules: Sequence[Rule], variables: Mapping[str, Variable]) -> None:
    """Prove that every customer there can be falls under exactly one rule, or say who does not.

    Conditions change only at the bounds of their intervals and from value to value. These divide each variable into
    finitely many cases, and their combinations are a finite grid, all cells of which are looked at.

    >>> young, old = Interval(up_to=30.0), Interval(above=31.0)
    >>> check_rules([Rule(name="young", when={"age": young}), Rule(name="old", when={"age": old})], {"age": Variable()})
    Traceback (most recent call last):
    ValueError: no rule takes a customer with age above 30 and up to 31
    """
    _check_names(rules)
    named = [rule for rule in rules if not rule.otherwise]
    for rule in named:
        for name, condition in rule.when.items():
            if name not in variables:
                raise ValueError(f"rule '{rule.name}': no variable '{name}'; there are {_listed(variables)}")
            _check_condition(rule.name, name, condition, variables[name])
    used = [name for name in variables if any(name in rule.when for rule in named)]
    cases = {name: _cases(name, variables[name], named) for name in used}
    shape = tuple(len(cases[name]) for name in used)
    if math.prod(shape) > _CELLS:
        raise ValueError(f"the rules divide their variables into {math.prod(shape):,} cells, more than {_CELLS:,}")
    hits = np.zeros(shape, dtype=np.int16)
    for rule in named:
        taken = np.ones((1,) * len(used), dtype=bool)
        for axis, name in enumerate(used):
            if name in rule.when:
                inside = holds(rule.when[name], cases[name])
                taken = taken & inside.reshape([-1 if place == axis else 1 for place in range(len(used))])
        if not taken.any():
            raise ValueError(f"rule '{rule.name}' can take nobody")
        hits += taken
    wrong = hits > 1 if any(rule.otherwise for rule in rules) else hits != 1
    if wrong.any():
        cell = {name: cases[name][place] for name, place in zip(used, np.argwhere(wrong)[0], strict=True)}
        raise ValueError(_example(cell, cases, named, variables))


def holds(condition: Condition, values: ArrayLike) -> NDArray[np.bool_]:
    """Return for which numbers a condition holds."""
    numbers = np.asarray(values, dtype=np.float64)
    if isinstance(condition, Interval):
        return (numbers <= condition.up_to) & ((numbers > condition.above) | (condition.above == -math.inf))
    return np.isin(numbers, list(condition))


def _check_names(rules: Sequence[Rule]) -> None:
    if not rules:
        raise ValueError("there are no rules")
    names = [rule.name for rule in rules]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"names of rules must differ; {_listed(twice)} is there more than once")
    others = [rule.name for rule in rules if rule.otherwise]
    if len(others) > 1:
        raise ValueError(f"only one rule can take all others, not {_listed(others)}")


def _check_condition(rule: str, name: str, condition: Condition, variable: Variable) -> None:
    if isinstance(condition, Interval):
        return
    if variable.choices is None:
        raise ValueError(f"rule '{rule}': {name} can be any number; give an interval, not values")
    if unknown := [value for value in condition if value not in variable.choices]:
        raise ValueError(f"rule '{rule}': {name} has no value {_listed(unknown)}; it has {_listed(variable.choices)}")


def _cases(name: str, variable: Variable, rules: Sequence[Rule]) -> list[float]:
    """Return one value for each case: the upper bound of an interval between cut points, or the value itself."""
    if variable.choices is not None:
        return list(variable.choices)
    conditions = [rule.when[name] for rule in rules if name in rule.when]
    bounds = {bound for part in conditions if isinstance(part, Interval) for bound in (part.above, part.up_to)}
    return [*sorted(bound for bound in bounds if math.isfinite(bound)), math.inf]


def _example(
    cell: Mapping[str, float],
    cases: Mapping[str, list[float]],
    rules: Sequence[Rule],
    variables: Mapping[str, Variable],
) -> str:
    parts = []
    for name, value in cell.items():
        if variables[name].choices is not None:
            parts.append(f"{name} {value}")
        else:
            place = cases[name].index(value)
            ends = [f"above {cases[name][place - 1]:g}"] if place else []
            ends += [f"up to {value:g}"] if value < math.inf else []
            parts.append(f"{name} {' and '.join(ends) or 'of any value'}")
    both = [rule.name for rule in rules if all(holds(part, cell[name]) for name, part in rule.when.items())]
    whom = f"a customer with {', '.join(parts)}" if parts else "every customer"
    return f"rules {_listed(both)} both take {whom}" if both else f"no rule takes {whom}"


def _listed(names: Iterable[Any]) -> str:
    return ", ".join(f"'{name}'" if isinstance(name, str) else str(name) for name in names)
