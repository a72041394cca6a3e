"""How a definition file is written, and read with errors that say where it is wrong."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

from crm_lib.errors import CompanyError
from crm_lib.segments.rfm.rules import Condition, Interval, Rule

SECTIONS: dict[str, tuple[str, ...]] = {
    "base": ("window_days", "customers", "returns", "ties"),
    "rfm": ("monetary", "levels", "cut_points"),
    "rfm.cut_points": ("recency", "frequency", "monetary"),
    "tiers": ("value", "by", "shares", "cut_points"),
    "frozen": ("currency", "estimated_on"),
    "segments": ("name", "action", "when", "otherwise"),
}
"""Keys of each section, in the order in which they are written."""
_NOTES = {
    "base": 'Who is scored ("buyers" of the window, or everybody "known") over how many days; returns taken off\n'
    '# ("net") or not ("gross"). Equal customers always stay together.',
    "rfm": "Scores of recency (days), frequency (orders) and monetary value; more is better.",
    "rfm.cut_points": "A value above a cut point lies in the next class; for recency the low class is the good one.",
    "tiers": "Value from which on a customer is key, major or ordinary, or the shares from which it is estimated.",
    "frozen": "When, and in which currency, the cut points were estimated.",
}
_INTERVAL = ("above", "up_to", "missing")
_SET = ("one_of", "missing")


class Reader:
    """Reads keys of a definition file, and says which one is wrong."""

    def __init__(self, content: Mapping[str, Any], where: str) -> None:
        self._content, self._where = content, where

    def known(self) -> None:
        """Raise an error for a section or key that there is not."""
        _only(self._content, [name for name in SECTIONS if "." not in name], self._where, "")
        for name, keys in SECTIONS.items():
            if name != "segments":
                _only(self._section(name), keys, self._where, f"[{name}] ")

    def words(self, section: str, key: str) -> str:
        """Return a text, empty where there is none."""
        value = self._section(section).get(key, "")
        if not isinstance(value, str):
            raise self._wrong(section, key, "a text", value)
        return value

    def choice(self, section: str, key: str, options: Sequence[str], default: str | None) -> str | None:
        """Return one of several texts."""
        value: str | None = self._section(section).get(key, default)
        if value != default and value not in options:
            raise self._wrong(section, key, "one of " + ", ".join(f'"{option}"' for option in options), value)
        return value

    def count(self, section: str, key: str, default: int) -> int:
        """Return a whole number."""
        value = self._section(section).get(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong(section, key, "a whole number", value)
        return value

    def numbers(self, section: str, key: str) -> tuple[float, ...]:
        """Return a list of numbers, empty where there is none."""
        value = self._section(section).get(key, [])
        if not isinstance(value, list) or not all(_is_number(number) for number in value):
            raise self._wrong(section, key, "a list of numbers", value)
        return tuple(float(number) for number in value)

    def day(self, section: str, key: str) -> dt.date | None:
        """Return a day, or None where there is none."""
        value = self._section(section).get(key)
        if value is not None and (isinstance(value, dt.datetime) or not isinstance(value, dt.date)):
            raise self._wrong(section, key, "a day such as 2026-06-30", value)
        return value

    def _section(self, name: str) -> Mapping[str, Any]:
        found: Any = self._content
        for part in name.split("."):
            found = found.get(part, {})
            if not isinstance(found, dict):
                raise CompanyError(f"{self._where}: '{name}' must be a section: write [{name}] on a line of its own")
        section: Mapping[str, Any] = found
        return section

    def _wrong(self, section: str, key: str, wanted: str, value: Any) -> CompanyError:
        return CompanyError(f"{self._where}: [{section}] {key} must be {wanted}, not {value!r}")


def read_rules(content: Any, where: str) -> tuple[Rule, ...]:
    """Return the rules of the ``[[segments]]`` of a definition file."""
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        raise CompanyError(f"{where}: segments must be sections: write [[segments]] on a line of its own for each")
    rules = []
    for number, part in enumerate(content, 1):
        place = f"[[segments]] number {number}"
        _only(part, SECTIONS["segments"], where, f"{place} ")
        name, action, when = part.get("name", ""), part.get("action", ""), part.get("when", {})
        otherwise = part.get("otherwise", False)
        if not isinstance(name, str) or not isinstance(action, str):
            raise CompanyError(f"{where}: {place}: name and action must be texts")
        if not isinstance(when, dict) or not isinstance(otherwise, bool):
            raise CompanyError(f"{where}: {place}: when must be conditions, and otherwise true or false")
        try:
            conditions = {key: _condition(value, f"{place} when.{key}", where) for key, value in when.items()}
            rules.append(Rule(name=name, action=action, when=conditions, otherwise=otherwise))
        except ValueError as error:
            raise CompanyError(f"{where}: {place}: {error}") from None
    return tuple(rules)


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
        lines += [f"when.{_value(key)} = {_written_condition(part)}" for key, part in rule.when.items()]
    return "\n".join(lines) + "\n"


def _condition(value: Any, place: str, where: str) -> Condition:
    if isinstance(value, list):
        return frozenset(value)
    if not isinstance(value, dict):
        raise CompanyError(
            f"{where}: {place} must be a list of values, or bounds such as {{ above = 1, up_to = 3 }}, not {value!r}"
        )
    keys = _SET if "one_of" in value else _INTERVAL
    _only(value, keys, where, f"{place} ")
    missing = value.get("missing", False)
    if not isinstance(missing, bool):
        raise CompanyError(f"{where}: {place} missing must be true or false, not {missing!r}")
    if "one_of" in value:
        if not isinstance(value["one_of"], list):
            raise CompanyError(f"{where}: {place} one_of must be a list of values, not {value['one_of']!r}")
        return frozenset([*value["one_of"], *([None] if missing else [])])
    bounds = {key: value[key] for key in ("above", "up_to") if key in value}
    for key, bound in bounds.items():
        if not _is_number(bound):
            raise CompanyError(f"{where}: {place} {key} must be a number, not {bound!r}")
    return Interval(**bounds, missing=missing)


def _written_condition(condition: Condition) -> str:
    if isinstance(condition, Interval):
        bounds = {"above": condition.above, "up_to": condition.up_to, "missing": condition.missing}
        told = {key: value for key, value in bounds.items() if value not in (float("-inf"), float("inf"), False)}
        # Zero equals False, and is a bound all the same.
        told |= {key: bounds[key] for key in ("above", "up_to") if bounds[key] == 0}
        return "{ " + ", ".join(f"{key} = {_value(told[key])}" for key in bounds if key in told) + " }"
    values = sorted((value for value in condition if value is not None), key=lambda value: (str(type(value)), value))
    return f"{{ one_of = {_value(values)}, missing = true }}" if None in condition else _value(values)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, list):
        return "[" + ", ".join(_value(part) for part in value) + "]"
    # Texts of JSON are texts of TOML, but for one control character.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _only(content: Mapping[str, Any], keys: Sequence[str], where: str, place: str) -> None:
    unknown = [key for key in content if key not in keys]
    if unknown:
        raise CompanyError(f"{where}: {place}unknown key '{unknown[0]}'; the keys are {', '.join(keys)}")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
