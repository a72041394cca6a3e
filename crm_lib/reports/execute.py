"""Running notebooks side by side, each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from crm_lib import language
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.reports.notebooks import Notebook
from crm_lib.reports.parameter_types import Value
from crm_lib.reports.scrub import hide

Status = Literal["done", "failed", "skipped"]
Progress = Callable[[str, int, int], None]
"""Told the key of a notebook, the number of the cell that was finished, and how many there are (0, 0 at the start)."""

_LACKING = (MissingData.__name__, TooLittleData.__name__)
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


@dataclass(frozen=True, kw_only=True)
class Failure:
    """The error that stopped a notebook.

    Parameters
    ----------
    kind : str
        Its class.
    message : str
        What it says.
    cell : int or None
        Number of the cell, as in ``In [3]``; None where it is not known.
    """

    kind: str
    message: str
    cell: int | None = None

    def __str__(self) -> str:
        where = language.text(" in cell [{cell}]").format(cell=self.cell) if self.cell else ""
        return f"{self.kind}{where}: {self.message}"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one notebook.

    Parameters
    ----------
    notebook : Notebook
        The notebook.
    status : {"done", "failed", "skipped"}
        Skipped is a notebook for which the company lacks the tables.
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
        needs = language.text("needs {needed}, which the company does not have")
        return self.too_little or needs.format(needed=", ".join(self.missing))


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
    variables = {
        **os.environ,
        **dict.fromkeys(_ONE_THREAD, "1"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        **environment,
    }
    running: list[subprocess.Popen[str]] = []

    def run(notebook: Notebook) -> Outcome:
        job = {
            "source": str(notebook.path.resolve()),
            "target": str((folder / notebook.path.name).resolve()),
            "parameters": dict(parameters[notebook.key]),
            "hidden": dict(hidden),
        }
        return _run(notebook, job, variables, running, progress)

    with ThreadPoolExecutor(max_workers=max(jobs, 1)) as pool:
        futures = [pool.submit(run, notebook) for notebook in notebooks]
        try:
            return [future.result() for future in futures]
        except BaseException:
            # Asked to stop: the workers end when their input closes.
            pool.shutdown(wait=False, cancel_futures=True)
            for process in running:
                _close(process.stdin)
            raise


def _run(
    notebook: Notebook,
    job: dict[str, Any],
    variables: Mapping[str, str],
    running: list[subprocess.Popen[str]],
    progress: Progress,
) -> Outcome:
    begun = time.monotonic()
    progress(notebook.key, 0, 0)
    told: dict[str, Any] = {}
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "crm_lib.reports.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            encoding="utf-8",
            env=dict(variables),
            cwd=notebook.path.parent,
            # Ctrl-C reaches this process only, which then ends the workers in order.
            start_new_session=True,
        )
        running.append(process)
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("a process that was given pipes has none")
        _tell(process.stdin, job)
        for line in process.stdout:
            told = json.loads(line)
            if "cells" in told:
                progress(notebook.key, told["cell"], told["cells"])
        _close(process.stdin)
        code = process.wait()
        log.seek(0)
        last_words = [line.strip() for line in log.readlines() if line.strip()][-1:]
    seconds = time.monotonic() - begun
    target = Path(job["target"])
    executed = target if target.is_file() else None
    if not told.get("done"):
        message = language.text("the process ended with code {code}. {words}")
        words = " ".join(last_words)
        error: dict[str, Any] = {
            "kind": "WorkerDied",
            "message": message.format(code=code, words=words).strip(),
            "cell": None,
        }
    elif told["error"]:
        error = told["error"]
        if error["kind"] in _LACKING:
            # The company has too little for this analysis: nothing is wrong, and half a page would say nothing.
            target.unlink(missing_ok=True)
            why = hide(error["message"], job["hidden"])
            return Outcome(notebook=notebook, status="skipped", too_little=why, seconds=seconds)
    else:
        return Outcome(notebook=notebook, status="done", executed=executed, seconds=seconds)
    failure = Failure(kind=error["kind"], message=hide(error["message"], job["hidden"]), cell=error["cell"])
    return Outcome(notebook=notebook, status="failed", failure=failure, executed=executed, seconds=seconds)


def _tell(stream: IO[str], job: dict[str, Any]) -> None:
    try:
        stream.write(json.dumps(job) + "\n")
        stream.flush()
    except BrokenPipeError:
        # The worker died before it read: its exit code says so below.
        return


def _close(stream: IO[str] | None) -> None:
    if stream is not None:
        try:
            stream.close()
        except BrokenPipeError:
            return
