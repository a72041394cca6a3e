"""The parameters of a notebook, read from its parameters cell and checked before a kernel starts.

The cell is the one definition: annotated names, plain defaults and a comment each. ::

    levels: int = 5  # how many groups each score has
    window_days: int | None = None  # days looked at; None for all
"""

from __future__ import annotations

import ast
import difflib
import tokenize
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO

from crm_lib import language
from crm_lib.errors import CrmError
from crm_lib.reports import parameter_types
from crm_lib.reports.parameter_types import Value

SET_BY_COMMAND = {"company": "COMPANY", "as_of": "--as-of"}
"""Parameters that the command fills from its own arguments."""


class ParameterError(CrmError):
    """A parameter does not exist or its value does not fit its type."""


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter of a notebook.

    Parameters
    ----------
    name : str
        Name in the notebook.
    type : str
        Its type as written in the cell.
    default : object
        Value where none is given.
    meaning : str
        The comment behind it.
    """

    name: str
    type: str
    default: Value
    meaning: str = ""

    def parse(self, written: str) -> Value:
        """Return the value that a user wrote on the command line.

        Lists are written with commas (``a,b``) or as JSON; None as ``none``; dates as year-month-day.

        Raises
        ------
        ParameterError
            If it does not fit the type.

        Examples
        --------
        >>> Parameter(name="levels", type="int", default=5).parse("4")
        4
        >>> Parameter(name="groups", type="list[str]", default=[]).parse("region, channel")
        ['region', 'channel']
        """
        try:
            return parameter_types.parse(self.type, written.strip())
        except ValueError as error:
            raise ParameterError(
                language.text("parameter '{name}' must be {type}, not '{written}'{why}").format(
                    name=self.name,
                    type=parameter_types.describe(self.type),
                    written=written,
                    why=f": {error}" if str(error) else "",
                )
            ) from error


def read_parameters(source: str, *, where: str = "the notebook") -> tuple[Parameter, ...]:
    """Read the parameters cell.

    Parameters
    ----------
    source : str
        The cell.
    where : str
        Name of the notebook, for error messages.

    Returns
    -------
    tuple of Parameter
        In the order of the cell.

    Raises
    ------
    ParameterError
        If a line is not ``name: type = default`` with a type known here and a plain default that fits it.

    Examples
    --------
    >>> read_parameters("levels: int = 5  # groups a score")
    (Parameter(name='levels', type='int', default=5, meaning='groups a score'),)
    """
    comments = _comments(source)
    found = []
    try:
        body = ast.parse(source).body
    except SyntaxError as error:
        raise _broken(where, error.lineno or 1, language.text("it is not valid Python")) from error
    for line in body:
        if not (isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and line.value is not None):
            raise _broken(where, line.lineno, language.text("every line must be: name: type = default  # comment"))
        name, annotation = line.target.id, ast.unparse(line.annotation)
        try:
            default = ast.literal_eval(line.value)
            fits = parameter_types.fits(annotation, default)
        except ValueError as error:
            reason = language.text("'{name}' has a type that is not known here or a default that is no plain value")
            raise _broken(where, line.lineno, reason.format(name=name)) from error
        if not fits:
            reason = language.text("the default {default!r} of '{name}' does not fit its type {type}")
            raise _broken(where, line.lineno, reason.format(default=default, name=name, type=annotation))
        meaning = comments.get(line.end_lineno or line.lineno, "")
        found.append(Parameter(name=name, type=annotation, default=default, meaning=meaning))
    return tuple(found)


def split_assignments(written: Iterable[str]) -> dict[str, str]:
    """Split ``name=value`` strings of the command line.

    Raises
    ------
    ParameterError
        If a string has no ``=``, a name is given twice, or the command sets it by an argument of its own.

    Examples
    --------
    >>> split_assignments(["levels=4", "note=a=b"])
    {'levels': '4', 'note': 'a=b'}
    """
    values: dict[str, str] = {}
    for assignment in written:
        name, sign, value = assignment.partition("=")
        name = name.strip()
        if not sign or not name:
            raise ParameterError(
                language.text("'{written}' is not a parameter: write -p name=value").format(written=assignment)
            )
        if name in values:
            raise ParameterError(language.text("parameter '{name}' is given twice").format(name=name))
        if name in SET_BY_COMMAND:
            raise ParameterError(
                language.text("parameter '{name}' is set by {option}, not by -p").format(
                    name=name, option=SET_BY_COMMAND[name]
                )
            )
        values[name] = value
    return values


def check_values(
    written: Mapping[str, str], parameters: Mapping[str, Sequence[Parameter]]
) -> dict[str, dict[str, Value]]:
    """Give each notebook the parameters that it has, parsed and checked.

    Parameters
    ----------
    written : mapping of str to str
        Values as a user wrote them.
    parameters : mapping of str to sequence of Parameter
        The parameters of each notebook asked for, by its key.

    Returns
    -------
    dict of str to dict
        Values by notebook and parameter; every name went to at least one notebook.

    Raises
    ------
    ParameterError
        If no notebook has the parameter, or the value does not fit.
    """
    known = list(dict.fromkeys(each.name for several in parameters.values() for each in several))
    offered = [name for name in known if name not in SET_BY_COMMAND]
    for name in written:
        if name not in known:
            near = difflib.get_close_matches(name, offered, n=1)
            raise ParameterError(
                language.text("no notebook of this run has a parameter '{name}'.{hint} There are: {names}").format(
                    name=name,
                    hint=language.text(" Did you mean '{near}'?").format(near=near[0]) if near else "",
                    names=", ".join(offered) or "–",
                )
            )
    return {
        key: {each.name: each.parse(written[each.name]) for each in several if each.name in written}
        for key, several in parameters.items()
    }


def _broken(where: str, line: int, reason: str) -> ParameterError:
    return ParameterError(
        language.text("the parameters cell of '{where}', line {line}: {reason}").format(
            where=where, line=line, reason=reason
        )
    )


def _comments(source: str) -> dict[int, str]:
    try:
        tokens = list(tokenize.generate_tokens(StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError):
        return {}
    return {token.start[0]: token.string.lstrip("# ").strip() for token in tokens if token.type == tokenize.COMMENT}
