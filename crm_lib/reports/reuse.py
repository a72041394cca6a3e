"""Notebooks that need not run again: an earlier run had the same notebook, parameters, data, settings and code."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from crm_lib.company.store import digest
from crm_lib.reports.changes import MANIFEST_FILE, read_json
from crm_lib.reports.execute import Order, Outcome
from crm_lib.reports.manifest import LOCK_FILE, hash_file
from crm_lib.reports.notebooks import Notebook
from crm_lib.reports.publish import runs

_LOOKED_AT = 20
"""How many of the newest runs are looked through."""


def keys(notebooks: Sequence[Notebook], run: Order) -> dict[str, str]:
    """Return a SHA-256 of all that each notebook's results rest on; empty where nobody can tell (a database)."""
    company = run.company
    if company.store.folder is None:
        return {each.key: "" for each in notebooks}
    settings = [(file.name, hash_file(file)) for file in sorted(company.folder.glob("*.toml"))]
    # Of the results of the register those of earlier days count: the day's own follow from the rest.
    kept = company.folder / "hypotheses.csv"
    lines = kept.read_bytes().splitlines() if kept.is_file() else []
    earlier = [line for line in lines if line[:10] < company.as_of.isoformat().encode()]
    common = digest(company.content, settings, earlier, hash_file(run.root / LOCK_FILE))
    return {each.key: digest(common, hash_file(each.path), sorted(run.values[each.key].items())) for each in notebooks}


def reused(notebook: Notebook, *, run: Order, shelf: Path, aside: Path) -> Outcome | None:
    """Put what the newest run with the same key left of a notebook into the new one; None where no run has it whole."""
    key = run.keys.get(notebook.key)
    for earlier in reversed(runs(shelf)[-_LOOKED_AT:]) if key else ():
        for told in read_json(earlier, MANIFEST_FILE).get("notebooks", []):
            if told.get("key") != key or told.get("status") != "done":
                continue
            files = {name: content for name, content in told.get("files", {}).items() if content}
            if notebook.path.name in files and all(hash_file(earlier / name) == files[name] for name in files):
                for name in files:
                    shutil.copyfile(earlier / name, aside / name)
                return Outcome(notebook=notebook, status="done", ran=str(told.get("ran") or earlier.name))
    return None
