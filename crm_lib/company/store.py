"""What was computed from a company's files, kept for the next process in a folder that only the user can read.

Entries are named by all that they rest on: the files' content, the settings, the day, the library's own code and the
versions of what it computes with. An entry that is damaged counts as none.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import pickle
import secrets
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import platformdirs

from crm_lib.errors import CrmError
from crm_lib.language import say
from crm_lib.writing import fcntl

if TYPE_CHECKING:
    from crm_lib.company.company import Company

P = ParamSpec("P")
T = TypeVar("T")

VARIABLE = "CRM_CACHE"
"""The environment variable that names another folder; where it is empty, nothing is kept."""
_SIZE, _GIGABYTES = "CRM_CACHE_GB", 5
"""The environment variable that says how much room all that is kept may take, and what holds without it."""
_COMPUTED_WITH = ("duckdb", "ibis-framework", "numpy", "pandas", "scikit-learn", "scipy", "statsmodels")
_UNUSED_DAYS = 14
_RECENT = 2.0
"""Seconds within which a file may change again without a new time."""


def cache_folder() -> Path | None:
    """Return the folder of what is kept; None where nothing is to be."""
    named = os.environ.get(VARIABLE)
    if named is None:
        return platformdirs.user_cache_path("crm-lib")
    return Path(named) if named else None


def clean() -> None:
    """Remove all that is kept, of all companies."""
    if (folder := cache_folder()) is not None:
        shutil.rmtree(folder, ignore_errors=True)


class Store:
    """What is kept of one company: in its own cache folder, or in this process alone where there can be none."""

    def __init__(self, about: str, *, on_disk: bool) -> None:
        root = cache_folder() if on_disk else None
        self.folder = root / digest(about)[:16] if root else None
        self._memory: dict[str, bytes] = {}
        if root and self.folder:
            try:
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                with suppress(FileNotFoundError):  # another process removed or renamed it: then at another time
                    _forget(root)
            except OSError:
                self.folder = None

    def read(self, key: str) -> Any:
        """Return what was kept under a key; None if there is nothing, or it is damaged."""
        with suppress(Exception):  # whatever a damaged file does to its reader
            if self.folder is None:
                return pickle.loads(self._memory[key])  # noqa: S301 - made by this process
            file = self.folder / key
            content = memoryview(file.read_bytes())
            if hashlib.sha256(content[32:]).digest() == content[:32]:
                os.utime(file)
                return pickle.loads(content[32:])  # noqa: S301 - the user's own file, as it was written
        return None

    def write(self, key: str, value: Any) -> None:
        """Keep a value under a key; readers see the whole of it or nothing."""
        content = pickle.dumps(value)
        if self.folder is None:
            self._memory[key] = content
            return
        file = self.new_file()
        with suppress(OSError):  # a full disk, or a folder that was removed: then nothing is kept
            file.touch(0o600)
            with file.open("wb") as opened:
                opened.write(hashlib.sha256(content).digest())
                opened.write(content)
            file.replace(self.folder / key)
        with suppress(OSError):
            file.unlink(missing_ok=True)

    def new_file(self) -> Path:
        """Return the name of a new file in the folder."""
        return Path(self.folder or "") / secrets.token_hex(16)

    def file_digest(self, file: Path) -> str:
        """Return the SHA-256 of a file; one that kept its place on the disk, size and times is not read again."""
        state = file.stat()
        about = (state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)  # mtime alone may be carried over
        key = "file-" + digest(str(file.resolve()), *about)
        known = self.read(key)
        if known is None:
            with file.open("rb") as content:
                known = hashlib.file_digest(content, "sha256").hexdigest()
            if time.time() - max(state.st_mtime, state.st_ctime) > _RECENT:
                self.write(key, known)
        return str(known)


def _forget(root: Path) -> None:
    """Remove what was not used for two weeks and, where all takes too much room, what was used longest ago."""
    try:
        most = 1e9 * float(os.environ.get(_SIZE) or _GIGABYTES)
    except ValueError:
        raise CrmError(say("{name} must be a number of gigabytes", name=_SIZE)) from None
    files = [(file.stat(), file) for file in root.glob("*/*")]
    total, before = sum(state.st_size for state, _ in files), time.time() - _UNUSED_DAYS * 86_400
    for state, file in sorted(files, key=lambda each: each[0].st_mtime):
        if state.st_mtime < before or total > most:
            with suppress(OSError), file.open("rb") as opened:  # what a company that is open reads is locked
                if fcntl is not None:
                    fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
                file.unlink()
                total -= state.st_size


def digest(*parts: Any) -> str:
    """Return a SHA-256 of plain values."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


@lru_cache(maxsize=1)
def code_digest() -> str:
    """Return a SHA-256 of the library's own code, and of the versions of what it computes with."""
    package = Path(__file__).parents[1]
    content = hashlib.sha256()
    for file in sorted(package.rglob("*.py")):
        content.update(file.read_bytes())
    return digest(content.hexdigest(), [importlib.metadata.version(name) for name in _COMPUTED_WITH])


def kept(function: Callable[Concatenate[Company, P], T]) -> Callable[Concatenate[Company, P], T]:
    """Keep what a function of a company and of plain values returns: it is computed again only for other data."""

    @wraps(function)
    def read_or_computed(company: Company, /, *args: P.args, **kwargs: P.kwargs) -> T:
        place = digest(company.content, function.__module__, args, sorted(kwargs.items()))
        key = f"{function.__name__}-{place}"
        found: T | None = company.store.read(key)
        if found is None:
            found = function(company, *args, **kwargs)
            company.store.write(key, found)
        return found

    return read_or_computed
