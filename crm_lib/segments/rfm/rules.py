"""Rules that put every customer into exactly one segment, proved and not hoped to do so."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_CELLS = 20_000_000
"""Cells of the grid beyond which rules are not checked."""
Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Numbers above one bound and up to another."""

    above: float = -math.inf
    up_to: float = math.inf
    missing: bool = False

    def __post_init__(self) -> None:
        if not self.above < self.up_to:
            raise ValueError(f"no number lies above {self.above:g} and up to {self.up_to:g}")

    def holds(self, values: NDArray[np.float64]) -> Bools:
        """Return which values belong to the interval."""
        inside = values <= self.up_to
        if self.above > -math.inf:
            inside &= values > self.above
        return inside | np.isnan(values) if self.missing else inside


Condition = Interval | frozenset[Any]
"""An interval of a number, or a set of values (``None`` among them for a missing one)."""


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
    """What values a variable of rules can have."""

    choices: tuple[Any, ...] | None = None
    may_be_missing: bool = False


def check_rules(rules: Sequence[Rule], variables: Mapping[str, Variable]) -> None:
    """Prove that every customer there can be falls under exactly one rule, or say who does not.

    Notes
    -----
    Conditions change only at the bounds of their intervals and from value to value. These divide each variable into
    finitely many cases, a missing value being one of its own, and their combinations into a finite grid, all cells of
    which are looked at. What holds on the grid holds for every customer.

    Examples
    --------
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
                holds = _holds(rule.when[name], _column(cases[name], variables[name]))
                taken = taken & holds.reshape([-1 if place == axis else 1 for place in range(len(used))])
        if not taken.any():
            raise ValueError(f"rule '{rule.name}' can take nobody")
        hits += taken
    wrong = hits > 1 if any(rule.otherwise for rule in rules) else hits != 1
    if wrong.any():
        cell = {name: cases[name][place] for name, place in zip(used, np.argwhere(wrong)[0], strict=True)}
        raise ValueError(_example(cell, cases, named, variables))


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
        if variable.choices is not None and not all(_is_number(value) for value in variable.choices):
            raise ValueError(f"rule '{rule}': {name} is no number; give values out of {_listed(variable.choices)}")
        return
    if variable.choices is None:
        raise ValueError(f"rule '{rule}': {name} is a number; give an interval, not values")
    unknown = [value for value in condition if value is not None and value not in variable.choices]
    if unknown:
        raise ValueError(f"rule '{rule}': {name} has no value {_listed(unknown)}; it has {_listed(variable.choices)}")


def _cases(name: str, variable: Variable, rules: Sequence[Rule]) -> list[Any]:
    """Return one value for each case: the upper bound of an interval between cut points, or the value itself."""
    if variable.choices is None:
        conditions = [rule.when[name] for rule in rules if name in rule.when]
        bounds = {bound for part in conditions if isinstance(part, Interval) for bound in (part.above, part.up_to)}
        cases: list[Any] = [*sorted(bound for bound in bounds if math.isfinite(bound)), math.inf]
    else:
        cases = list(variable.choices)
    return [*cases, None] if variable.may_be_missing else cases


def _column(cases: Sequence[Any], variable: Variable) -> pd.Series[Any]:
    number = variable.choices is None or all(_is_number(value) for value in variable.choices)
    return pd.Series(cases, dtype="float64" if number else "object")


def _holds(condition: Condition, values: pd.Series[Any]) -> Bools:
    if isinstance(condition, Interval):
        return condition.holds(values.to_numpy(dtype=np.float64, na_value=np.nan))
    inside = values.isin([value for value in condition if value is not None]).to_numpy(dtype=bool)
    return inside | values.isna().to_numpy(dtype=bool) if None in condition else inside


def _takes(rule: Rule, row: pd.DataFrame) -> bool:
    return all(bool(_holds(condition, row[name])[0]) for name, condition in rule.when.items())


def _example(
    cell: Mapping[str, Any], cases: Mapping[str, list[Any]], rules: Sequence[Rule], variables: Mapping[str, Variable]
) -> str:
    parts = []
    for name, value in cell.items():
        if value is None:
            parts.append(f"{name} missing")
        elif variables[name].choices is not None:
            parts.append(f"{name} {value}")
        else:
            place = cases[name].index(value)
            ends = [f"above {cases[name][place - 1]:g}"] if place else []
            ends += [f"up to {value:g}"] if value < math.inf else []
            parts.append(f"{name} {' and '.join(ends) or 'of any value'}")
    row = pd.DataFrame({name: _column([value], variables[name]) for name, value in cell.items()}, index=[0])
    both = [rule.name for rule in rules if _takes(rule, row)]
    whom = f"a customer with {', '.join(parts)}" if parts else "every customer"
    return f"rules {_listed(both)} both take {whom}" if both else f"no rule takes {whom}"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _listed(names: Collection[Any] | Any) -> str:
    return ", ".join(f"'{name}'" if isinstance(name, str) else str(name) for name in names)
