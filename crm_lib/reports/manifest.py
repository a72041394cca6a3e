"""The manifest of a run: all that is needed to repeat it and to trust it, and nothing of the machine or its secrets."""

from __future__ import annotations

import datetime as dt
import hashlib
import platform
import re
import shutil
import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from crm_lib.company.store import code_digest
from crm_lib.reports.execute import Order, Outcome
from crm_lib.reports.page import effective

LOCK_FILE = "requirements.lock"
_COUNTS = ("rows", "kept", "rejected", "excluded", "cut")
_REQUIREMENT = re.compile(r"[\w.-]+")


def make_manifest(outcomes: Sequence[Outcome], *, run: Order, finished: dt.datetime, folder: Path) -> dict[str, Any]:
    """Return the manifest as plain values for JSON.

    It states parameters in effect, hashes of data, code and lock file, versions, row counts, durations and what became
    of each notebook.
    """
    company = run.company
    hashes = company.fingerprint()
    return {
        "run": run.run_id,
        "company": {
            **{name: getattr(company, name) for name in ("key", "name", "currency", "margin_rate")},
            "as_of": company.as_of.isoformat(),
            "settings": hash_file(company.folder / "company.toml"),
        },
        "started": run.started.isoformat(timespec="seconds"),
        "finished": finished.isoformat(timespec="seconds"),
        "seconds": round((finished - run.started).total_seconds(), 2),
        "parameters": {
            one.notebook.key: {each["name"]: each["value"] for each in effective(one.notebook, run)} for one in outcomes
        },
        "notebooks": [_outcome(outcome, run, folder) for outcome in outcomes],
        "data": {
            each.name: {"sha256": hashes.get(each.name), **{name: getattr(each, name) for name in _COUNTS}}
            for each in company.check.tables
        },
        "code": {
            "crm_lib": code_digest(),
            "lock_file": hash_file(run.root / LOCK_FILE),
            "revision": _revision(run.root),
        },
        "versions": {"python": platform.python_version(), **_versions()},
    }


def hash_file(path: Path) -> str | None:
    """Return the SHA-256 of a file, None where there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def _outcome(outcome: Outcome, run: Order, folder: Path) -> dict[str, Any]:
    return {
        "notebook": outcome.notebook.key,
        "title": outcome.notebook.title,
        "sha256": hash_file(outcome.notebook.path),
        "status": outcome.status,
        "left_out": outcome.why or None,
        "parts_left_out": [f"{each['what']}: {each['why']}" for each in outcome.shown.left_out],
        "failure": str(outcome.failure) if outcome.failure else None,
        "seconds": round(outcome.seconds, 2),
        "key": run.keys.get(outcome.notebook.key) or None,
        "ran": outcome.ran or None,
        "files": {
            name: hash_file(folder / name) for name in (outcome.notebook.path.name, f"{outcome.notebook.key}.xlsx")
        },
    }


def _versions() -> dict[str, str]:
    try:
        required = metadata.requires("crm-lib") or []
        names = [match[0] for each in required if "extra ==" not in each and (match := _REQUIREMENT.match(each))]
        return {name: metadata.version(name) for name in ("crm-lib", *sorted(names))}
    except metadata.PackageNotFoundError:
        return {}


def _revision(root: Path) -> dict[str, Any] | None:
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        return None

    def ask(*words: str) -> str | None:
        answer = subprocess.run(  # noqa: S603 - fixed words
            [git, *words], cwd=root, capture_output=True, text=True, check=False, timeout=30
        )
        return answer.stdout.strip() if answer.returncode == 0 else None

    commit = ask("rev-parse", "HEAD")
    # The working tree may hold changes that the commit does not name.
    return {"commit": commit, "clean": ask("status", "--porcelain") == ""} if commit else None
