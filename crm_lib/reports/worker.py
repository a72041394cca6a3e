"""The process that runs one notebook: ``python -m crm_lib.reports.worker``.

The job comes as one line of JSON on the standard input, what happens goes as lines of JSON to the standard output. The
input stays open as long as whoever asked is alive: when it closes, the worker and its kernel end at once.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, TextIO

import papermill
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, papermill_engines
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from crm_lib.reports.documents import read_document, write_document
from crm_lib.reports.scrub import scrub

_KERNEL = "crm-report"
_SOCKET_LIMIT = 90  # a Unix socket's path has at most about 107 bytes


class _Engine(Engine):  # type: ignore[misc]
    """Papermill's way of running, with sockets in our own folder and progress cell by cell."""

    folder: Path
    tell: TextIO
    client: PapermillNotebookClient | None = None

    @classmethod
    def execute_managed_notebook(cls, manager: Any, kernel_name: str, **_: Any) -> None:
        """Run the notebook that papermill prepared."""
        finish, cells = manager.cell_complete, len(manager.nb.cells)

        def finish_and_tell(cell: Any, cell_index: int = 0, **more: Any) -> None:
            finish(cell, cell_index=cell_index, **more)
            say(cls.tell, cell=cell_index + 1, cells=cells)

        manager.cell_complete = finish_and_tell
        config = Config()
        socket = str(cls.folder / "kernel")
        if hasattr(signal, "SIGKILL") and len(socket) < _SOCKET_LIMIT:
            # Sockets in a private folder: no other user can connect, and two runs cannot take each other's ports.
            config.KernelManager.transport = "ipc"
            config.KernelManager.ip = socket
        cls.client = PapermillNotebookClient(
            manager, kernel_name=kernel_name, config=config, timeout=None, startup_timeout=120, record_timing=False
        )
        cls.client.execute()


def say(tell: TextIO, **fields: Any) -> None:
    """Write one line of JSON."""
    print(json.dumps(fields), file=tell, flush=True)


def main() -> None:
    """Run the job on the standard input."""
    job = json.loads(sys.stdin.readline())
    # A library that writes to the standard output must not garble the messages.
    tell = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    folder = Path(tempfile.mkdtemp(prefix="crm-"))
    threading.Thread(target=_end_with_parent, args=(folder,), daemon=True).start()
    try:
        _prepare(folder)
        _Engine.folder, _Engine.tell = folder, tell
        papermill_engines.register("crm", _Engine)
        error = _execute(job)
        _scrub(job, folder)
        say(tell, done=True, error=error)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _prepare(folder: Path) -> None:
    """Make a home for the kernel in which nothing of the user's own set-up changes a report."""
    specification = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Python 3",
        "language": "python",
    }
    kernels = folder / "jupyter" / "kernels" / _KERNEL
    kernels.mkdir(parents=True)
    (kernels / "kernel.json").write_text(json.dumps(specification), encoding="utf-8")
    os.environ["JUPYTER_PATH"] = str(folder / "jupyter")
    os.environ["JUPYTER_RUNTIME_DIR"] = str(folder / "runtime")
    os.environ["IPYTHONDIR"] = str(folder / "ipython")


def _execute(job: dict[str, Any]) -> dict[str, Any] | None:
    """Run the notebook; return its error, or nothing where it went well."""
    try:
        papermill.execute_notebook(
            job["source"],
            job["target"],
            parameters=job["parameters"],
            engine_name="crm",
            kernel_name=_KERNEL,
            language="python",
            progress_bar=False,
        )
    except PapermillExecutionError as error:
        return {"kind": error.ename, "message": error.evalue, "cell": error.exec_count}
    except Exception as error:  # noqa: BLE001 - whatever stops one notebook must be told, and must not stop the others
        return {"kind": type(error).__name__, "message": str(error), "cell": None}
    return None


def _scrub(job: dict[str, Any], folder: Path) -> None:
    target = Path(job["target"])
    if not target.is_file():
        return
    original = read_document(Path(job["source"]))
    document = read_document(target)
    hidden = {**job["hidden"], str(folder): "temporary"}
    write_document(scrub(document, original=original, hidden=hidden), target)


def _end_with_parent(folder: Path) -> None:
    while sys.stdin.readline():
        pass
    client = _Engine.client
    process = getattr(getattr(getattr(client, "km", None), "provisioner", None), "process", None)
    if process is not None:
        process.kill()
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


if __name__ == "__main__":
    main()
