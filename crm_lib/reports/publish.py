"""Publishing a run whole or not at all.

A run is built in ``reports/<company>/.building-<run>/`` and moved to ``reports/<company>/<run>/`` by one rename, which
the operating system does wholly or not at all. Then, if every notebook went well, the link ``latest`` is replaced in
the same manner. Whenever a run is killed, ``latest`` is the last good run, untouched.

Where links cannot be made (Windows without the right to), the file ``latest.html``, replaced in one step too, leads to
the last good run instead.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from crm_lib.writing import fcntl

LATEST = "latest"
_BUILDING, _REMOVING = ".building-", ".removing-"
_POINTING = f".{LATEST}-"
_RUN = re.compile(r"\d{4}-\d\d-\d\d_(?P<started>\d{8}T\d{6}Z)_[0-9a-f]{6}")
_ABANDONED = 7 * 24 * 3600.0  # seconds after which a folder that cannot be locked is taken for abandoned


def new_run_id(as_of: dt.date, now: dt.datetime | None = None) -> str:
    """Return a name for a run that no other run has: as-of date, moment of the start, and a random part."""
    moment = (now or dt.datetime.now(dt.UTC)).astimezone(dt.UTC)
    return f"{as_of.isoformat()}_{moment:%Y%m%dT%H%M%SZ}_{secrets.token_hex(3)}"


def started(run_id: str) -> dt.datetime | None:
    """Return the moment at which a run started, by its name; None of what is no run's name."""
    match = _RUN.fullmatch(run_id)
    return dt.datetime.strptime(match["started"], "%Y%m%dT%H%M%S%z") if match else None


@contextlib.contextmanager
def building(folder: Path, run_id: str) -> Iterator[Path]:
    """Give a folder in which the run is built; what is still there at the end is removed.

    The folder is locked as long as this process lives, so that another run can tell it from what a dead one left.
    """
    aside = folder / f"{_BUILDING}{run_id}"
    lock = _make_locked(aside)
    try:
        yield aside
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def publish(aside: Path, *, good: bool, readable_by: str = "owner") -> Path:
    """Move a finished run into place and return its folder; a good one becomes the latest."""
    target = aside.parent / aside.name.removeprefix(_BUILDING)
    mode = {"owner": 0o700, "group": 0o750, "all": 0o755}[readable_by]
    for file in aside.iterdir():
        file.chmod(mode & 0o666)
    aside.chmod(mode)
    with _alone(aside.parent):
        aside.rename(target)
        if good:
            _point(aside.parent, target.name)
    return target


def latest(folder: Path) -> Path | None:
    """Return the last good run of a company, or None where there is none."""
    link, page = folder / LATEST, folder / f"{LATEST}.html"
    if link.is_dir():
        return link.resolve()
    named = re.search(r"url=([\w.-]+)/", page.read_text(encoding="utf-8")) if page.is_file() else None
    return folder / named[1] if named and (folder / named[1]).is_dir() else None


def runs(folder: Path) -> list[Path]:
    """Return the published runs, the oldest first."""
    found = {path: match["started"] for path in folder.glob("*") if (match := _RUN.fullmatch(path.name))}
    return sorted(found, key=lambda path: (found[path], path.name))


def keep_newest(folder: Path, number: int) -> list[Path]:
    """Remove all but the `number` newest runs and the latest good one; return what was removed."""
    with _alone(folder):
        last = latest(folder)
        old = [run for run in runs(folder)[:-number] if last is None or run.resolve() != last.resolve()]
        for run in old:
            # Out of sight in one step first: nobody finds half a run.
            run.rename(run.with_name(f"{_REMOVING}{run.name}"))
    for run in old:
        shutil.rmtree(run.with_name(f"{_REMOVING}{run.name}"), ignore_errors=True)
    return old


def clear_abandoned(folder: Path) -> list[Path]:
    """Remove what killed runs left behind, and return it; runs that are being built at this moment are let alone."""
    removed = []
    for path in sorted(folder.glob(".*")):
        if path.name.startswith(_REMOVING):
            shutil.rmtree(path, ignore_errors=True)
            removed.append(path)
        elif path.name.startswith(_POINTING) and not path.exists():
            path.unlink(missing_ok=True)  # a link left by a killed run whose folder has gone since
            removed.append(path)
        elif path.name.startswith(_BUILDING) and _remove_if_abandoned(path):
            removed.append(path)
    return removed


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep two runs from publishing and clearing away in the same moment; the lock ends with the process."""
    if fcntl is None:
        yield
        return
    with (folder / ".lock").open("a") as lock:
        with contextlib.suppress(OSError):  # some network folders have no locks
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make_locked(aside: Path) -> int | None:
    while True:
        aside.mkdir(mode=0o700, parents=True)
        if fcntl is None:
            return None
        lock = os.open(aside, os.O_RDONLY)
        with contextlib.suppress(OSError):  # some network folders have no locks
            fcntl.flock(lock, fcntl.LOCK_EX)
        if aside.is_dir():
            return lock
        # Another run took the new folder for an abandoned one before it was locked.
        os.close(lock)


def _remove_if_abandoned(path: Path) -> bool:
    with contextlib.ExitStack() as held:  # the lock is held until the folder is gone
        try:
            if fcntl is None:
                raise OSError("no locks")
            lock = os.open(path, os.O_RDONLY)
            held.callback(os.close, lock)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # it cannot be locked: only its age can tell
            if not path.exists() or time.time() - path.stat().st_mtime < _ABANDONED:
                return False
        shutil.rmtree(path, ignore_errors=True)
    return True


def _point(folder: Path, run: str) -> None:
    aside = folder / f"{_POINTING}{secrets.token_hex(4)}"
    link = folder / LATEST
    if link.is_dir() and not link.is_symlink():
        # A copy or an unpacked archive made a folder of the link; nothing replaces a folder in one step.
        link.rename(folder / f"{_REMOVING}{LATEST}-{secrets.token_hex(4)}")
    try:
        aside.symlink_to(run, target_is_directory=True)
        aside.replace(folder / LATEST)
    except (OSError, NotImplementedError):
        aside.unlink(missing_ok=True)
        aside.write_text(
            f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={run}/index.html">'
            f'<a href="{run}/index.html">{run}</a>',
            encoding="utf-8",
        )
        aside.replace(folder / f"{LATEST}.html")
