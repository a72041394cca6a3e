"""Files written whole or not at all, with a clear word on what stopped it, and readable by those who may."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crm_lib.errors import CrmError
from crm_lib.language import say

try:
    import fcntl as fcntl
except ImportError:  # Windows, which removes no file that is open
    fcntl = None  # type: ignore[assignment]

_SYSTEM = {"OSError", "IOException", "FileCreateError"}
"""Errors by which Python, DuckDB and XlsxWriter tell of a full disk, a missing right or a vanished file."""


def of_the_system(error: Exception) -> bool:
    """Return whether an error is one of the operating system, which a user can mend."""
    # By name, so that nobody waits for the import of an engine that is not used.
    return any(kind.__name__ in _SYSTEM for kind in type(error).__mro__)


@contextmanager
def replaced(path: Path, *, private: bool = True) -> Iterator[Path]:
    """Give a file to write that takes the place of another whole, or not at all where the writing fails.

    A `private` file is readable by its owner alone, whatever was there before: it names people.
    """
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".", ignore_cleanup_errors=True) as folder:
            yield (aside := Path(folder, path.name))  # in a folder that is its owner's alone from the start
            mask = os.umask(0)
            os.umask(mask)
            aside.chmod(0o600 if private else 0o666 & ~mask)
            aside.replace(path)
    except Exception as error:
        if not of_the_system(error):
            raise
        reason = getattr(error, "strerror", None) or error
        raise CrmError(say("'{path}' cannot be written: {reason}", path=path, reason=reason)) from error
