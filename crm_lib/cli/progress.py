"""How far each notebook of a report is."""

from __future__ import annotations

from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from crm_lib.cli.console import err


class Bars:
    """A bar a notebook; nothing is drawn before the first notebook starts."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=err
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._tasks:
            self._progress.stop()

    def move(self, key: str, cell: int, cells: int) -> None:
        """Show that a cell was finished."""
        self._progress.start()
        if key not in self._tasks:
            self._tasks[key] = self._progress.add_task(key, total=None)
        self._progress.update(self._tasks[key], completed=cell, total=cells or None)
