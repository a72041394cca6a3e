"""Running a published report again, to see whether it says the same."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crm_lib.errors import CrmError
from crm_lib.language import say, text
from crm_lib.reports import changes
from crm_lib.reports.documents import UNREADABLE, Collected, collect, read_document
from crm_lib.reports.execute import Progress
from crm_lib.reports.notebooks import all_notebooks, find_folder
from crm_lib.reports.parameters import SET_BY_COMMAND
from crm_lib.reports.run import run_report


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What a report run again showed: how much was the same, what was not, and what else has changed since."""

    same: int
    different: tuple[str, ...]
    since: tuple[str, ...]


def verify_run(run: Path, *, progress: Progress | None = None) -> Verification:
    """Run a published report again from its manifest, and compare findings and tables.

    Parameters
    ----------
    run : Path
        The folder of a published run.
    progress : callable, optional
        Told of every finished cell.

    Raises
    ------
    CrmError
        If the folder holds no run, or what it was made of is not there any more.
    """
    manifest = changes.read_json(run, changes.MANIFEST_FILE)
    done = [each["notebook"] for each in manifest.get("notebooks", []) if each.get("status") == "done"]
    if not done:
        raise CrmError(say("'{run}' holds no published run with a notebook that was done", run=run))
    company = manifest["company"]
    with tempfile.TemporaryDirectory() as aside:
        again = run_report(
            company["key"],
            notebooks=done,
            as_of=company["as_of"],
            parameters=_assignments(manifest["parameters"], done),
            reports=Path(aside),
            again=True,
            progress=progress,
        )
        same, different = 0, []
        for key in done:
            equal, unequal = _compared(_shown(run / f"{key}.ipynb"), _shown(again.folder / f"{key}.ipynb"))
            same += equal
            different += [f"{key}: {what}" for what in unequal]
        since = changes.differences(changes.read_json(again.folder, changes.MANIFEST_FILE), manifest)
    return Verification(same=same, different=tuple(different), since=tuple(since))


def _assignments(parameters: Mapping[str, Mapping[str, Any]], done: list[str]) -> list[str]:
    """Return what was set on the command line: one value for every notebook that has the parameter."""
    defaults = {each.key: {one.name: one.default for one in each.parameters} for each in all_notebooks(find_folder())}
    given = {}
    for key in done:
        for name, value in parameters[key].items():
            if name not in SET_BY_COMMAND and value != defaults.get(key, {}).get(name):
                given[name] = ",".join(value) if isinstance(value, list) else value
    return [f"{name}={value}" for name, value in given.items()]


def _shown(executed: Path) -> Collected:
    try:
        return collect(read_document(executed))
    except UNREADABLE:
        return Collected()


def _compared(before: Collected, after: Collected) -> tuple[int, list[str]]:
    """Return how many findings and tables are the same, and the names of the others."""
    same, different = 0, []
    for word, name, earlier, later in (
        (text("finding"), "key", before.findings, after.findings),
        (text("table"), "title", before.tables, after.tables),
    ):
        missing = [each for each in earlier if each not in later]
        same += len(earlier) - len(missing)
        names = dict.fromkeys(each[name] for each in [*missing, *(each for each in later if each not in earlier)])
        different += [f"{word} '{each}'" for each in names]
    return same, different
