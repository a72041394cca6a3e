"""Running notebooks side by side, in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from crm_lib.errors import MissingData, TooLittleData
from crm_lib.language import say
from crm_lib.reports.documents import hide
from crm_lib.reports.notebooks import Notebook
from crm_lib.reports.parameters import Value

Status = Literal["done", "failed", "skipped"]
Progress = Callable[[str, int, int], None]
"""Told the key of a notebook, the number of the cell that was finished, and how many there are (0, 0 at the start)."""

_LACKING = (MissingData.__name__, TooLittleData.__name__)
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


@dataclass(frozen=True, kw_only=True)
class Failure:
    """The error that stopped a notebook: its class, what it says, and the number of the cell where it is known."""

    kind: str
    message: str
    cell: int | None = None

    def __str__(self) -> str:
        where = say(" in cell [{cell}]", cell=self.cell) if self.cell else ""
        return f"{self.kind}{where}: {self.message}"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one notebook.

    Parameters
    ----------
    notebook : Notebook
        The notebook.
    status : {"done", "failed", "skipped"}
        Skipped is a notebook for which the company lacks the data.
    missing : tuple of str
        The tables that a skipped notebook needed.
    too_little : str
        What else kept a skipped notebook from its analysis, such as a window without purchases.
    failure : Failure or None
        What stopped a failed one.
    executed : Path or None
        The executed notebook; a failed one is kept too, as far as it came.
    seconds : float
        How long it took.
    """

    notebook: Notebook
    status: Status
    missing: tuple[str, ...] = ()
    too_little: str = ""
    failure: Failure | None = None
    executed: Path | None = None
    seconds: float = 0.0

    @property
    def why(self) -> str:
        """Why a skipped notebook was left out."""
        needed = ", ".join(self.missing)
        return self.too_little or say("needs {needed}, which the company does not have", needed=needed)


def execute(
    notebooks: Sequence[Notebook],
    *,
    parameters: Mapping[str, Mapping[str, Value]],
    folder: Path,
    jobs: int,
    environment: Mapping[str, str],
    hidden: Mapping[str, str],
    progress: Progress,
) -> list[Outcome]:
    """Run `notebooks`, at most `jobs` at a time, and put the executed ones into `folder`.

    Parameters
    ----------
    notebooks : sequence of Notebook
        Which to run.
    parameters : mapping of str to mapping
        Values by notebook key and parameter name, checked already.
    folder : Path
        Where the executed notebooks go.
    jobs : int
        How many run at a time.
    environment : mapping of str to str
        Environment variables set for the kernels, over those of this process.
    hidden : mapping of str to str
        Texts that must not be published, and what stands for them.
    progress : callable
        Told of every finished cell.

    Returns
    -------
    list of Outcome
        One a notebook, in the order given.
    """
    if not notebooks:
        return []
    targets = {each.key: (folder / each.path.name).resolve() for each in notebooks}
    order = {
        "at_once": max(jobs, 1),
        "imports": list(dict.fromkeys(name for each in notebooks for name in each.imports)),
        "jobs": [
            {
                "key": each.key,
                "source": str(each.path.resolve()),
                "target": str(targets[each.key]),
                "parameters": dict(parameters[each.key]),
                "hidden": dict(hidden),
            }
            for each in notebooks
        ],
    }
    variables = {
        **os.environ,
        **dict.fromkeys(_ONE_THREAD, "1"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        **environment,
    }
    told, words = _work(order, variables, cwd=notebooks[0].path.parent, progress=progress)
    return [_outcome(each, told.get(each.key, {}), targets[each.key], words, hidden) for each in notebooks]


def _work(
    order: Mapping[str, Any], variables: Mapping[str, str], *, cwd: Path, progress: Progress
) -> tuple[dict[str, dict[str, Any]], str]:
    """Let the worker run the notebooks; return what it told of each, and its last words."""
    told: dict[str, dict[str, Any]] = {job["key"]: {} for job in order["jobs"]}
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "crm_lib.reports.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            encoding="utf-8",
            env=dict(variables),
            cwd=cwd,
            # Ctrl-C reaches this process only, which then ends the worker in order.
            start_new_session=True,
        )
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("a process that was given pipes has none")
        begun = time.monotonic()
        try:
            with suppress(BrokenPipeError):  # it died before it read: its exit code says so
                process.stdin.write(json.dumps(order) + "\n")
                process.stdin.flush()
            for line in process.stdout:
                message = json.loads(line)
                each = told[message["key"]]
                each.setdefault("begun", time.monotonic())
                each.update(message, seconds=time.monotonic() - each["begun"])
                if "cells" in message:
                    progress(message["key"], message["cell"], message["cells"])
        finally:
            # All that runs there ends when its input closes.
            with suppress(BrokenPipeError):
                process.stdin.close()
            code = process.wait()
        log.seek(0)
        words = next((line.strip() for line in reversed(log.readlines()) if line.strip()), "")
    for each in told.values():
        each.setdefault("ended", code)
        each.setdefault("seconds", time.monotonic() - begun)
    return told, words


def _outcome(
    notebook: Notebook, told: Mapping[str, Any], target: Path, words: str, hidden: Mapping[str, str]
) -> Outcome:
    seconds = told["seconds"]
    if told.get("done") and not told["error"]:
        return Outcome(notebook=notebook, status="done", executed=target, seconds=seconds)
    died = say("the process ended with code {code}. {words}", code=told["ended"], words=words).strip()
    error = told.get("error") or {"kind": "WorkerDied", "message": died, "cell": None}
    message = hide(error["message"], hidden)
    if error["kind"] in _LACKING:
        # The company has too little for this analysis: nothing is wrong, and half a page would say nothing.
        target.unlink(missing_ok=True)
        return Outcome(notebook=notebook, status="skipped", too_little=message, seconds=seconds)
    failure = Failure(kind=error["kind"], message=message, cell=error["cell"])
    executed = target if target.is_file() else None
    return Outcome(notebook=notebook, status="failed", failure=failure, executed=executed, seconds=seconds)
