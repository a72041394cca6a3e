"""The command line: from ``crm demo`` and ``check`` over ``report`` to ``score``, ``targets`` and ``customer``.

Exit codes: 0 when all went well, 1 when a notebook failed, 2 when something given cannot be used.

Each command, a module of its own, imports what it needs itself, so that help and mistyped arguments are answered at
once.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType

import typer
from rich.markup import escape

from crm_lib.cli import check, customer, demo, dictionary, freeze, notebooks, report, score, targets
from crm_lib.cli.console import err
from crm_lib.errors import CrmError
from crm_lib.language import text

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help=text("Customer relationship management: from a company's tables to a published report."),
)
# In the order in which help lists them.
for _command in (
    demo.demo, check.check, report.report, score.score, customer.customer, freeze.freeze, targets.targets,
    notebooks.notebooks, dictionary.dictionary,
):  # fmt: skip
    app.command()(_command)


def main() -> None:
    """Run the command line; errors that a user can mend are told without a traceback."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        app()
    except CrmError as error:
        err.print(f"[bold red]{escape(text('Error:'))}[/] {escape(str(error))}")
        sys.exit(2)


def _stop(number: int, _: FrameType | None) -> None:
    # As an exception, so that kernels are ended and what was half built is removed.
    sys.exit(128 + number)
