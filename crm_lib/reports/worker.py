"""The process that runs the notebooks of a report: ``python -m crm_lib.reports.worker``.

The order comes as one line of JSON on the standard input, what happens goes as lines of JSON to the standard output.
The input stays open as long as whoever asked is alive: when it closes, all notebooks end at once.

What the notebooks import is imported here, once. Where processes can be forked (Linux), each notebook's runner and its
kernel are forks of this one and have it all at no cost; elsewhere they are started anew.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import papermill
from jupyter_client.provisioning import local_provisioner
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, papermill_engines
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from crm_lib.reports.documents import read_document, scrub, write_document

_KERNEL = "crm-report"
_SOCKET_LIMIT = 90  # a Unix socket's path has at most about 107 bytes
_FORKS = sys.platform == "linux"
_processes: Any = multiprocessing.get_context("fork" if _FORKS else "spawn")


class _ForkedKernel:
    """A kernel that was forked before this process had threads or sockets, and waits for its connection file.

    It looks like a :class:`subprocess.Popen` to Jupyter.
    """

    stdin = stdout = stderr = None

    def __init__(self) -> None:
        told, self._tell = os.pipe()
        self.returncode: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._tell)
            _be_kernel(told)
        os.setpgid(self.pid, self.pid)  # Jupyter ends kernels by their group
        os.close(told)

    def launch(self, command: list[str], **_: Any) -> _ForkedKernel:
        """Tell the kernel its connection file, the last word of Jupyter's `command`."""
        os.write(self._tell, os.fsencode(command[-1]))
        os.close(self._tell)
        return self

    def poll(self) -> int | None:
        """Return the exit code; None while it lives."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self) -> int | None:
        """Wait for the end."""
        while self.poll() is None:
            time.sleep(0.02)
        return self.returncode

    def kill(self) -> None:
        """End it at once, if it lives."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    terminate = kill


def _be_kernel(told: int) -> None:
    """Wait for the name of the connection file, and be the kernel from then on; this process never returns."""
    try:
        name = os.read(told, 4096)
        if name:
            from ipykernel.kernelapp import launch_new_instance

            os.environ["JPY_PARENT_PID"] = str(os.getppid())  # the kernel ends when its runner does
            sys.argv = ["kernel"]
            launch_new_instance(argv=["-f", os.fsdecode(name)])
    finally:
        os._exit(0)


class _Engine(Engine):  # type: ignore[misc]
    """Papermill's way of running, with sockets in our own folder and progress cell by cell."""

    folder: Path
    tell: Callable[..., None]
    client: PapermillNotebookClient | None = None

    @classmethod
    def execute_managed_notebook(cls, manager: Any, kernel_name: str, **_: Any) -> None:
        """Run the notebook that papermill prepared."""
        finish, cells = manager.cell_complete, len(manager.nb.cells)

        def finish_and_tell(cell: Any, cell_index: int = 0, **more: Any) -> None:
            finish(cell, cell_index=cell_index, **more)
            cls.tell(cell=cell_index + 1, cells=cells)

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


def main() -> None:
    """Run the notebooks ordered on the standard input."""
    order = json.loads(sys.stdin.readline())
    # A library that writes to the standard output must not garble the messages.
    tell = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def say(**fields: Any) -> None:
        print(json.dumps(fields), file=tell, flush=True)

    if _FORKS:
        for name in order["imports"]:
            with contextlib.suppress(Exception):  # the notebook will say what is wrong with it
                importlib.import_module(name)
    else:
        threading.Thread(target=_end_with_input, daemon=True).start()
    waiting: list[dict[str, Any]] = order["jobs"]
    running: dict[Any, tuple[str, Any]] = {}
    while waiting or running:
        while waiting and len(running) < order["at_once"]:
            job = waiting.pop(0)
            ours, theirs = _processes.Pipe(duplex=False)
            process = _processes.Process(target=_run, args=(job, order["hidden"], theirs))
            process.start()
            theirs.close()
            running[ours] = job["key"], process
            say(key=job["key"], cell=0, cells=0)
        for ready in wait([*running, 0] if _FORKS else list(running)):
            if not isinstance(ready, Connection):
                _end_with_input()
                return
            key, process = running[ready]
            try:
                told = ready.recv()
            except EOFError:
                process.join()
                told = {"ended": process.exitcode}
                del running[ready]
            say(key=key, **told)
    os._exit(0)  # nothing is left to be done, and clearing away all that was imported takes a second


def _end_with_input() -> None:
    """End with all runners once the input closes."""
    while sys.stdin.readline():
        pass
    os._exit(1)


def _run(job: dict[str, Any], hidden: dict[str, str], connection: Connection) -> None:
    """Run one notebook, in a process of its own."""
    kernel = _ForkedKernel() if _FORKS else None
    folder = Path(tempfile.mkdtemp(prefix="crm-"))
    threading.Thread(target=_end_with_parent, args=(folder,), daemon=True).start()
    try:
        _prepare(folder)
        if kernel is not None:
            provisioner: Any = local_provisioner
            provisioner.launch_kernel = kernel.launch
        _Engine.folder = folder
        _Engine.tell = staticmethod(lambda **fields: connection.send(fields))
        papermill_engines.register("crm", _Engine)
        error = _execute(job)
        _scrub(job, hidden, folder)
        connection.send({"done": True, "error": error})
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if kernel is not None:
            kernel.kill()


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


def _scrub(job: dict[str, Any], hidden: dict[str, str], folder: Path) -> None:
    target = Path(job["target"])
    if target.is_file():
        original, hidden = read_document(Path(job["source"])), {**hidden, str(folder): "temporary"}
        write_document(scrub(read_document(target), original=original, hidden=hidden), target)


def _end_with_parent(folder: Path) -> None:
    """End this runner and its kernel when the process that started it is gone."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
    process = getattr(getattr(getattr(_Engine.client, "km", None), "provisioner", None), "process", None)
    if process is not None:
        process.kill()
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


if __name__ == "__main__":
    main()
