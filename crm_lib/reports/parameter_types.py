"""The types a parameter may have: reading a value as a user writes it, and checking a default.

A type is the text of an annotation: ``str``, ``int``, ``float``, ``bool``, ``date`` (kept as ISO text),
``Literal[...]``, ``list[...]`` of them, and alternatives with ``|``, of which one may be ``None``.
"""

from __future__ import annotations

import ast
import datetime as dt
import json
import math
from collections.abc import Callable
from typing import Any

from crm_lib import language

Value = str | int | float | bool | list[Any] | None


def parse(type: str, written: str) -> Value:
    """Return the value that `written` stands for.

    Raises
    ------
    ValueError
        If it does not fit; the message says why where there is more to say than that.

    Examples
    --------
    >>> parse("int | None", "none"), parse("list[float]", "0.1, 0.2"), parse("Literal['low', 'high']", "low")
    (None, [0.1, 0.2], 'low')
    """
    return _parse(_tree(type), written)


def fits(type: str, value: Any) -> bool:
    """Return whether `value` is of the type.

    Raises
    ------
    ValueError
        If the type is not one that a parameter may have.

    Examples
    --------
    >>> fits("int | None", None), fits("int", True), fits("float", 2)
    (True, False, True)
    """
    return _fits(_tree(type), value)


def describe(type: str) -> str:
    """Return the type in words for an error message or a help text.

    Examples
    --------
    >>> describe("int | None")
    'a whole number or none'
    """
    return language.text(" or ").join(_describe(option) for option in _options(_tree(type)))


def _tree(type: str) -> ast.expr:
    return ast.parse(type, mode="eval").body


def _options(type: ast.expr) -> list[ast.expr]:
    if isinstance(type, ast.BinOp) and isinstance(type.op, ast.BitOr):
        return [*_options(type.left), *_options(type.right)]
    return [type]


def _is_none(type: ast.expr) -> bool:
    return isinstance(type, ast.Constant) and type.value is None


def _generic(type: ast.expr) -> tuple[str, ast.expr] | None:
    return (ast.unparse(type.value), type.slice) if isinstance(type, ast.Subscript) else None


def _choices(slice: ast.expr) -> list[Any]:
    return [ast.literal_eval(each) for each in (slice.elts if isinstance(slice, ast.Tuple) else [slice])]


def _parse(type: ast.expr, written: str) -> Value:
    options = _options(type)
    if any(map(_is_none, options)) and written.lower() == "none":
        return None
    first: ValueError | None = None
    for option in options:
        if not _is_none(option):
            try:
                return _parse_one(option, written)
            except ValueError as error:
                first = first or error
    raise first or ValueError


def _parse_one(type: ast.expr, written: str) -> Value:
    match _generic(type):
        case ("Literal", slice):
            chosen = [choice for choice in _choices(slice) if str(choice) == written]
            if not chosen:
                raise ValueError
            return chosen[0]  # type: ignore[no-any-return]
        case (_, slice):
            parts = json.loads(written) if written.startswith("[") else written.split(",")
            return [_parse(slice, str(part).strip()) for part in parts if str(part).strip()]
    return _PARSERS[ast.unparse(type)](written)


def _integer(written: str) -> int:
    try:
        return int(written)
    except ValueError:
        # Python's own words ("invalid literal for int() with base 10") say nothing to a user.
        raise ValueError from None


def _number(written: str) -> float:
    try:
        value = float(written)
    except ValueError:
        raise ValueError from None
    if not math.isfinite(value):
        raise ValueError(language.text("it must be finite"))
    return value


def _truth(written: str) -> bool:
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if written.lower() not in words:
        raise ValueError
    return words[written.lower()]


def _date(written: str) -> str:
    try:
        return dt.date.fromisoformat(written).isoformat()
    except ValueError as error:
        raise ValueError("" if "isoformat" in str(error) else str(error)) from None


_PARSERS: dict[str, Callable[[str], Value]] = {
    "str": str,
    "int": _integer,
    "float": _number,
    "bool": _truth,
    "date": _date,
}


def _fits(type: ast.expr, value: Any) -> bool:
    # Every option is looked at, so that an unknown type is found whatever the default.
    fitting = [_fits_one(option, value) for option in _options(type)]
    return any(fitting)


def _fits_one(type: ast.expr, value: Any) -> bool:
    if _is_none(type):
        return value is None
    match _generic(type):
        case ("Literal", slice):
            return any(value == choice and isinstance(value, choice.__class__) for choice in _choices(slice))
        case ("list", slice):
            return isinstance(value, list) and all(_fits(slice, each) for each in value)
    match ast.unparse(type):
        case "str":
            return isinstance(value, str)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "float":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case "bool":
            return isinstance(value, bool)
        case "date":
            return isinstance(value, str) and _date(value) == value
        case unknown:
            raise ValueError(f"unknown type {unknown}")


def _describe(type: ast.expr) -> str:
    match _generic(type):
        case ("Literal", slice):
            choices = ", ".join(str(choice) for choice in _choices(slice))
            return language.text("one of {choices}").format(choices=choices)
        case (_, slice):
            return language.text("a list such as a,b, each {type}").format(type=describe(ast.unparse(slice)))
    return {
        "str": language.text("a text"),
        "int": language.text("a whole number"),
        "float": language.text("a number"),
        "bool": language.text("true or false"),
        "date": language.text("a date such as 2026-06-30"),
        "None": language.text("none"),
    }[ast.unparse(type)]
