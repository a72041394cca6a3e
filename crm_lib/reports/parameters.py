"""The parameters of a notebook, read from its parameters cell and checked before a kernel starts.

The cell is the one definition: annotated names, plain defaults and a comment each, which may end in a range, in the
choices, or in tables whose columns (those of the schema, and the company's own) are the choices. ::

    levels: int = 5  # number of scores (3 to 5)
    window_days: int | None = None  # days looked at; None for all
    dimensions: list[str] = ["region"]  # what the table crosses (columns of: customers, transactions)

Types are ``str``, ``int``, ``float``, ``bool``, ``date`` (kept as ISO text), ``Literal[...]``, ``list[...]`` of them,
and alternatives with ``|``.
"""

from __future__ import annotations

import ast
import datetime as dt
import json
import re
import tokenize
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from io import StringIO
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from crm_lib.company.names import quoted_list, suggestion
from crm_lib.errors import CrmError
from crm_lib.language import say
from crm_lib.schema import TABLES

if TYPE_CHECKING:
    from crm_lib.company import Company

Value = str | int | float | bool | list[Any] | None

SET_BY_COMMAND = {"company": "COMPANY", "as_of": "--as-of"}
"""Parameters that the command fills from its own arguments."""
_RANGE = re.compile(r"\((?P<low>-?\d[\d.]*) to (?P<high>-?\d[\d.]*)\)$")
_COLUMNS = re.compile(r"\(columns of: (?P<tables>[^()]+)\)$")
_CHOICES = re.compile(r"\(one of: (?P<names>[^()]+)\)$")


class ParameterError(CrmError):
    """A parameter does not exist or its value does not fit its type."""


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter of a notebook: name, type as written in the cell, default, and the comment behind it."""

    name: str
    type: str
    default: Value
    meaning: str = ""

    def parse(self, written: str) -> Value:
        """Return the value that a user wrote: lists with commas or as JSON, None as ``none``, dates as 2026-06-30."""
        written = written.strip()
        try:
            return self.check(_parsed(self.type, written))
        except ValueError as error:
            message = "parameter '{name}' ({type}) cannot be '{written}': {why}"
            values = {"name": self.name, "type": self.type, "written": written, "why": _reason(error)}
            raise ParameterError(say(message, **values)) from error

    def check(self, value: Value) -> Value:
        """Return `value`, or raise ValueError where it is outside the range or the choices of the comment."""
        limits, choices = _RANGE.search(self.meaning), _CHOICES.search(self.meaning)
        for each in value if isinstance(value, list) else [value]:
            if limits and each is not None and not float(limits["low"]) <= float(each) <= float(limits["high"]):
                raise ValueError(say("it goes from {low} to {high}", **limits.groupdict()))
            if choices and each is not None and str(each) not in re.split(r",\s*", choices["names"]):
                raise ValueError(say("'{each}' is not one of {names}", each=str(each), names=choices["names"]))
        return value


def check_columns(values: Mapping[str, Value], parameters: Iterable[Parameter], company: Company) -> None:
    """Raise an error where one of the `values` should name a column, and neither the schema nor the company has it."""
    for each in parameters:
        if each.name in values and (found := _COLUMNS.search(each.meaning)):
            tables, written = re.split(r",\s*", found["tables"]), values[each.name]
            own = [name for table in tables if company.has(table) for name in company.columns(table)]
            known = [*own, *(name for table in tables for name in TABLES[table].column_names)]
            for name in map(str, written if isinstance(written, list) else [written]):
                if name not in known:
                    message = "parameter '{parameter}': there is no column '{name}'{hint} in {tables}"
                    told = {"parameter": each.name, "name": name, "hint": suggestion(name, known)}
                    raise ParameterError(say(message, tables=quoted_list(tables), **told))


def read_parameters(source: str, *, where: str = "the notebook") -> tuple[Parameter, ...]:
    """Read the parameters cell of the notebook called `where`, in its order."""
    try:
        body = ast.parse(source).body
    except SyntaxError as error:
        raise _broken(where, error.lineno or 1, say("it is not valid Python")) from error
    tokens = [each for each in tokenize.generate_tokens(StringIO(source).readline) if each.type == tokenize.COMMENT]
    comments = {token.start[0]: token.string.lstrip("# ").strip() for token in tokens}
    found = []
    for line in body:
        if not (isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and line.value is not None):
            raise _broken(where, line.lineno, say("every line must be: name: type = default  # comment"))
        name, annotation = line.target.id, ast.unparse(line.annotation)
        try:
            adapter, default = _adapter(annotation), ast.literal_eval(line.value)
        except (ValueError, NameError, TypeError) as error:
            reason = say("'{name}' has a type that is not known here or a default that is no plain value", name=name)
            raise _broken(where, line.lineno, reason) from error
        each = Parameter(
            name=name, type=annotation, default=default, meaning=comments.get(line.end_lineno or line.lineno, "")
        )
        try:
            each.check(adapter.validate_python(default, strict=True))
        except ValueError as error:
            reason = say("the default of '{name}' does not fit {type}: {why}", **vars(each), why=_reason(error))
            raise _broken(where, line.lineno, reason) from error
        found.append(each)
    return tuple(found)


def split_assignments(written: Iterable[str]) -> dict[str, str]:
    """Split ``name=value`` strings of the command line."""
    values: dict[str, str] = {}
    for assignment in written:
        name, sign, value = assignment.partition("=")
        name = name.strip()
        if not sign or not name:
            raise ParameterError(say("'{written}' is not a parameter: write -p name=value", written=assignment))
        if name in values:
            raise ParameterError(say("parameter '{name}' is given twice", name=name))
        if name in SET_BY_COMMAND:
            option = SET_BY_COMMAND[name]
            raise ParameterError(say("parameter '{name}' is set by {option}, not by -p", name=name, option=option))
        values[name] = value
    return values


def check_values(
    written: Mapping[str, str], parameters: Mapping[str, Sequence[Parameter]]
) -> dict[str, dict[str, Value]]:
    """Give each notebook (by key) the values of the parameters that it has; every name must go to one at least."""
    known = list(dict.fromkeys(each.name for several in parameters.values() for each in several))
    offered = [name for name in known if name not in SET_BY_COMMAND]
    for name in written:
        if name not in known:
            message = "no notebook of this run has a parameter '{name}'{hint}; there are: {names}"
            hint = suggestion(name, offered)
            raise ParameterError(say(message, name=name, hint=hint, names=", ".join(offered) or "–"))
    return {
        key: {each.name: each.parse(written[each.name]) for each in several if each.name in written}
        for key, several in parameters.items()
    }


def _parsed(annotation: str, written: str) -> Value:
    if written.lower() == "none" and "None" in annotation:
        return None
    value: Any = written
    if annotation.startswith("list"):
        value = json.loads(written) if written.startswith("[") else written.split(",")
        value = [str(part).strip() for part in value if str(part).strip()]
    return _adapter(annotation).validate_python(value)  # type: ignore[no-any-return]


@cache
def _adapter(annotation: str) -> TypeAdapter[Any]:
    """Return what checks values of a type; a name that is none of a parameter's is a NameError."""
    known: dict[str, Any] = {each.__name__: each for each in (str, int, bool, list)}
    known |= {"float": Annotated[float, Field(allow_inf_nan=False)], "Literal": Literal, "__builtins__": {}}
    known["date"] = Annotated[str, AfterValidator(lambda written: dt.date.fromisoformat(written).isoformat())]
    # The text is a notebook's own code, which is run anyway.
    return TypeAdapter(eval(annotation, known))  # noqa: S307


def _reason(error: ValueError) -> str:
    """Return why a value does not fit, in a few words."""
    if isinstance(error, ValidationError):
        return str(error.errors()[0]["msg"]).removeprefix("Value error, ").replace("Input", "it", 1)
    return str(error)


def _broken(where: str, line: int, reason: str) -> ParameterError:
    message = "the parameters cell of '{where}', line {line}: {reason}"
    return ParameterError(say(message, where=where, line=str(line), reason=reason))
