"""``crm notebooks``: which there are, what they need, and their parameters."""

from __future__ import annotations

from rich.markup import escape

from crm_lib.cli.console import out
from crm_lib.language import text


def notebooks() -> None:
    """List the notebooks.

    Tells the edition of each, the tables that it needs and can use, and its parameters with their defaults.
    """
    from crm_lib.reports.notebooks import all_notebooks, find_folder
    from crm_lib.reports.parameters import SET_BY_COMMAND

    for each in all_notebooks(find_folder()):
        out.print(f"[bold]{escape(each.key)}[/] · {escape(each.title)} · {text(each.edition)}")
        for label, tables in ((text("needs"), each.needs), (text("can use"), each.uses)):
            if tables:
                wanted = (f"{name} ({', '.join(columns)})" if columns else name for name, columns in tables.items())
                out.print(f"  {label}: {', '.join(wanted)}", markup=False)
        for parameter in each.parameters:
            if parameter.name not in SET_BY_COMMAND:
                shown = f"  -p {parameter.name}={_written(parameter.default)}"
                out.print(f"{shown}  ({parameter.type}) {parameter.meaning}", markup=False)


def _written(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value).lower() if value is None else str(value)
