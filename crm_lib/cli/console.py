"""What the command line prints, and what it prints as errors."""

from __future__ import annotations

import warnings

from rich.console import Console

from crm_lib.language import text

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def print_lines(lines: list[str]) -> None:
    """Print lines as they are."""
    for line in lines:
        out.print(line, markup=False)


def print_warnings(told: list[warnings.WarningMessage]) -> None:
    """Print what users were warned of, each warning once."""
    for message in dict.fromkeys(str(each.message) for each in told if issubclass(each.category, UserWarning)):
        err.print(f"{text('Warning:')} {message}", markup=False, style="yellow")
