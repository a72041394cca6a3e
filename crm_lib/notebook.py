"""The Jupyter extension that leaves out what a company's data cannot answer, instead of failing the notebook.

``%load_ext crm_lib.notebook`` in the first cell wraps every top-level statement that follows. When one raises
:class:`~crm_lib.errors.MissingData`, a note says why it was left out, and the names it would have bound become
:class:`LeftOut`, whose every use raises the same error again: what rests on it is left out without a further word.
Any other error is a fault and stops the notebook. In a script nothing is wrapped, and the error is raised as ever.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from dataclasses import dataclass, is_dataclass
from html import escape
from typing import Any, NoReturn

from crm_lib.errors import MissingData
from crm_lib.exhibit import result_table
from crm_lib.language import say

LEFT_OUT_MIME = "application/vnd.crm-lib.skipped+json"
"""Under this type a note on what was left out travels in the outputs of an executed notebook."""
_HANDLER, _SHOW = "_crm_left_out", "_crm_show"
_PLAIN = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Pass)


class LeftOut:
    """What a name is bound to whose statement was left out; every use raises the error that left it out."""

    def __init__(self, error: MissingData) -> None:
        object.__setattr__(self, "_error", error)

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith(("_repr_", "_ipython_canary")):
            raise AttributeError(name)
        _raise(self)

    def _ipython_display_(self) -> None:
        """Show nothing: the note has been shown."""

    def __repr__(self) -> str:
        return say("left out: {why}", why=self.__dict__["_error"])


def _raise(self: LeftOut, *_: Any, **__: Any) -> NoReturn:
    error: MissingData = self.__dict__["_error"]
    raise error.with_traceback(None)


_USES = (
    "abs add and array bool call contains delitem enter eq float floordiv ge getitem gt hash index int invert iter le "
    "len lt matmul mod mul ne neg next or pow radd rand rmul ror rsub rtruediv setattr setitem str sub truediv"
)
for _name in _USES.split():
    setattr(LeftOut, f"__{_name}__", _raise)


@dataclass(frozen=True)
class Note:
    """A note that a part of a notebook was left out, and why; the heading above it says what."""

    why: str

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        line = say("Left out: {why}.", why=self.why.rstrip("."))
        style = "border-left:5px solid #5b5f66;padding:.4em 1em;margin:.8em 0;background:rgba(127,127,127,.08)"
        html = f'<aside class="skipped" style="{style}"><p style="margin:0">{escape(line)}</p></aside>'
        return {LEFT_OUT_MIME: {"what": "", "why": self.why}, "text/html": html, "text/plain": line}


class Wrapper:
    """Wraps the top-level statements of a cell; IPython calls :meth:`visit` with each cell's tree."""

    def visit(self, node: ast.AST) -> ast.AST:
        """Return the tree of a cell with its statements wrapped."""
        if isinstance(node, ast.Module):
            last = len(node.body) - 1
            node.body = [_wrapped(one, shown=place == last) for place, one in enumerate(node.body)]
            ast.fix_missing_locations(node)
        return node


def _wrapped(statement: ast.stmt, *, shown: bool) -> ast.stmt:
    if isinstance(statement, _PLAIN):
        return statement
    names = sorted({each.id for each in ast.walk(statement) if isinstance(each, ast.Name) and _bound(each)})
    if isinstance(statement, ast.Expr) and shown:
        statement.value = ast.Call(ast.Name(_SHOW, ast.Load()), [statement.value], [])
    handler: ast.Try = ast.parse(
        f"try: pass\nexcept Exception as _crm_error:\n if not {_HANDLER}(_crm_error, {names!r}): raise"
    ).body[0]  # type: ignore[assignment]  # the text is a try statement
    handler.body = [statement]
    return ast.copy_location(handler, statement)


def _bound(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Store)


def load_ipython_extension(shell: Any) -> None:
    """Wrap the statements of every cell from now on; IPython calls this with its shell."""

    def left_out(error: Exception, names: Sequence[str]) -> bool:
        if not isinstance(error, MissingData):
            return False
        for name in names:
            shell.user_ns[name] = LeftOut(error)
        if not getattr(error, "told", False):
            error.told = True  # type: ignore[attr-defined]  # one note for one error, however much rests on it
            from IPython.display import display

            display(Note(str(error)))  # type: ignore[no-untyped-call]
        return True

    def show(value: Any) -> None:
        kind = type(value)
        if is_dataclass(value) and kind.__module__.startswith("crm_lib.") and not hasattr(value, "_repr_mimebundle_"):
            shown = shell.display_formatter.formatters
            shown["text/html"].for_type(kind, lambda one: result_table(one).to_html())
            shown["text/plain"].for_type(kind, lambda one, page, _: page.text(str(result_table(one).frame)))
        if kind is not LeftOut:
            sys.displayhook(value)

    shell.push({_HANDLER: left_out, _SHOW: show}, interactive=False)
    unload_ipython_extension(shell)
    shell.ast_transformers.append(Wrapper())


def unload_ipython_extension(shell: Any) -> None:
    """Leave cells as they are from now on."""
    shell.ast_transformers[:] = [each for each in shell.ast_transformers if not isinstance(each, Wrapper)]
