"""How a definition file is written, and read with errors that say where it is wrong."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, ValidationError

from crm_lib.customers.window import Value
from crm_lib.segments.rfm.rules import Condition, Interval, Rule
from crm_lib.segments.rfm.scores import Base
from crm_lib.segments.value.tiers import By

Returns = Literal["net", "gross"]
_NOTES = {
    "base": 'Who is scored ("buyers" of the window, or everybody "known") over how many days; returns taken off\n'
    '# ("net") or not ("gross"). Equal customers always stay together.',
    "rfm": "Scores of recency (days), frequency (orders) and monetary value; more is better.",
    "rfm.cut_points": "A value above a cut point lies in the next class; for recency the low class is the good one.",
    "tiers": "Value from which on a customer is key, major or ordinary, or the shares from which it is estimated.",
    "frozen": "When, and in which currency, the cut points were estimated.",
}


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Base(_Section):
    window_days: int = 365
    customers: Base = "buyers"
    returns: Returns = "net"
    ties: Literal["together"] = "together"


class _CutPoints(_Section):
    recency: list[float]
    frequency: list[float]
    monetary: list[float]


class _Scores(_Section):
    monetary: Value = "revenue"
    levels: int = 5
    cut_points: _CutPoints | None = None


class _Tiers(_Section):
    value: Value | None = None
    by: By = "value"
    shares: list[float] = []
    cut_points: list[float] = []


class _Frozen(_Section):
    currency: str = ""
    estimated_on: dt.date | None = None


def _condition(value: Any) -> Condition:
    """Return an interval or a set of numbers."""
    bounds = isinstance(value, dict) and value.keys() <= {"above", "up_to"}
    numbers = list(value.values()) if bounds else value
    if not isinstance(numbers, list) or not all(type(number) in (int, float) for number in numbers):
        raise ValueError("must be a list of numbers, or bounds such as { above = 1, up_to = 3 }")
    return Interval(**value) if bounds else frozenset(numbers)


class _Segment(_Section):
    name: str = ""
    action: str = ""
    when: dict[str, Annotated[Any, BeforeValidator(_condition)]] = {}
    otherwise: bool = False
    _rule: Rule = PrivateAttr()

    def model_post_init(self, _: Any) -> None:
        self._rule = Rule(name=self.name, action=self.action, when=self.when, otherwise=self.otherwise)


class DefinitionText(_Section):
    """A definition file as it was written."""

    base: _Base = _Base()
    rfm: _Scores = _Scores()
    tiers: _Tiers = _Tiers()
    frozen: _Frozen = _Frozen()
    segments: Annotated[list[_Segment], Field(title="sections [[segments]]")] = []

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules of the segments."""
        return tuple(segment._rule for segment in self.segments)


_MODELS: dict[str, type[_Section]] = {
    "": DefinitionText, "base": _Base, "rfm": _Scores, "rfm.cut_points": _CutPoints, "tiers": _Tiers, "frozen": _Frozen
}  # fmt: skip


def fault(error: ValidationError) -> str:
    """Say in which section and key the first error is, and what may stand there."""
    first = error.errors()[0]
    path = [f"number {part + 1}" if isinstance(part, int) else str(part) for part in first["loc"]]
    key = " ".join(path) if path[0] == "segments" else ".".join(path)
    if first["type"] == "extra_forbidden":
        model = _MODELS.get(".".join(path[:-1]), _Segment)
        return f"unknown key {key}; the keys are {', '.join(model.model_fields)}"
    if first["type"] == "missing":
        return f"{key} is missing"
    if first["type"] == "model_type":
        return f"{key} must be a section: write [{key}] on a line of its own"
    message = str(first["ctx"]["error"]) if first["type"] == "value_error" else first["msg"]
    if not message.startswith(("must", "Input should be")):
        return f"{key}: {message}"
    return f"{key} {message.replace('Input should be', 'must be')}, not {first['input']!r}"


def written(sections: Mapping[str, Mapping[str, Any]], rules: Sequence[Rule]) -> str:
    """Return a definition file."""
    lines = ["# How customers are put into segments and tiers."]
    for name, keys in sections.items():
        given = {key: value for key, value in keys.items() if value is not None}
        if given:
            lines += ["", f"# {_NOTES[name]}", f"[{name}]"]
            lines += [f"{key} = {_value(value)}" for key, value in given.items()]
    for rule in rules:
        lines += ["", "[[segments]]", f"name = {_value(rule.name)}"]
        lines += [f"action = {_value(rule.action)}"] if rule.action else []
        lines += ["otherwise = true"] if rule.otherwise else []
        lines += [f"when.{_value(key)} = {_value(part)}" for key, part in rule.when.items()]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, Interval):
        bounds = {"above": value.above, "up_to": value.up_to}
        told = [f"{key} = {bound!r}" for key, bound in bounds.items() if abs(bound) != float("inf")]
        return "{ " + ", ".join(told) + " }"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, frozenset):
        value = sorted(value)
    if isinstance(value, list):
        return "[" + ", ".join(_value(part) for part in value) + "]"
    # Texts of JSON are texts of TOML, but for one control character.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
