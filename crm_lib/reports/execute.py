"""Running notebooks side by side, in processes of their own."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from crm_lib import language
from crm_lib.company import Company
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.language import say
from crm_lib.reports.documents import Collected, hide
from crm_lib.reports.notebooks import Notebook
from crm_lib.reports.parameters import Value

Status = Literal["done", "failed", "skipped"]
Progress = Callable[[str, int, int], None]
"""Told the key of a notebook, the number of the cell that was finished, and how many there are (0, 0 at the start)."""

MAIL = "CRM_SMTP_"
"""What the environment variables of mail begin with: its password is none of a notebook's business."""
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
    """What became of one notebook, why it was left out or what stopped it, and what it shows.

    `ran` names the earlier run that it was taken from, unchanged; empty if it ran now.
    """

    notebook: Notebook
    status: Status
    why: str = ""
    failure: Failure | None = None
    shown: Collected = field(default_factory=Collected)
    seconds: float = 0.0
    ran: str = ""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be run: a company with the parameters of each notebook by its key, all of it checked.

    `root` is the folder of the project; `hidden` maps texts that must not be published to what stands for them; `keys`
    tell by what each notebook's results are known again.
    """

    run_id: str
    company: Company
    started: dt.datetime
    values: Mapping[str, Mapping[str, Value]]
    root: Path
    hidden: Mapping[str, str]
    keys: Mapping[str, str] = field(default_factory=dict)


def execute(notebooks: Sequence[Notebook], *, run: Order, folder: Path, jobs: int, progress: Progress) -> list[Outcome]:
    """Run `notebooks`, at most `jobs` at a time, put the executed ones into `folder`, and tell what became of each."""
    if not notebooks:
        return []
    targets = {each.key: (folder / each.path.name).resolve() for each in notebooks}
    order = {
        "at_once": jobs,
        "imports": list(dict.fromkeys(name for each in notebooks for name in each.imports)),
        "hidden": dict(run.hidden),
        "jobs": [
            {
                "key": each.key,
                "source": str(each.path.resolve()),
                "target": str(targets[each.key]),
                "parameters": dict(run.values[each.key]),
            }
            for each in notebooks
        ],
    }
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(MAIL)},
        **dict.fromkeys(_ONE_THREAD, "1"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        # The kernels find the company by its key, so that no path gets into a notebook.
        "CRM_DATA": str(run.company.folder.resolve().parent),
        language.VARIABLE: language.language(),
    }
    told, words = _work(order, environment, cwd=notebooks[0].path.parent, progress=progress)
    return [_outcome(each, told[each.key], targets[each.key], words, run.hidden) for each in notebooks]


def _work(
    order: Mapping[str, Any], environment: Mapping[str, str], *, cwd: Path, progress: Progress
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
            env=dict(environment),
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
        return Outcome(notebook=notebook, status="done", seconds=seconds)
    died = say("the process ended with code {code}. {words}", code=told["ended"], words=words).strip()
    error = told.get("error") or {"kind": "WorkerDied", "message": died, "cell": None}
    message = hide(error["message"], hidden)
    if error["kind"] in _LACKING:
        # The company has too little for this analysis: nothing is wrong, and half a page would say nothing.
        target.unlink(missing_ok=True)
        return Outcome(notebook=notebook, status="skipped", why=message, seconds=seconds)
    failure = Failure(kind=error["kind"], message=message, cell=error["cell"])
    return Outcome(notebook=notebook, status="failed", failure=failure, seconds=seconds)
