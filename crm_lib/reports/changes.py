"""What changed since an earlier run, finding by finding."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from crm_lib.language import say

FINDINGS_FILE = "findings.json"
MANIFEST_FILE = "manifest.json"
Fields = Mapping[str, Any]


class Change(StrEnum):
    """How a finding stands to the earlier run."""

    NEW = "new"
    VERDICT = "verdict changed"
    MOVED = "number moved"
    UNCHANGED = "unchanged"


def change(now: Fields, before: Fields | None) -> Change:
    """Compare a finding with the same one of an earlier run; *moved* is a value outside the earlier interval."""
    if before is None:
        return Change.NEW
    if now["verdict"] != before["verdict"]:
        return Change.VERDICT
    value, earlier = now["estimate"]["value"], before["estimate"]
    if value is None or earlier["value"] is None:
        return Change.UNCHANGED if value == earlier["value"] else Change.MOVED
    low = -math.inf if earlier["low"] is None else earlier["low"]
    high = math.inf if earlier["high"] is None else earlier["high"]
    slack = 1e-9 * max(1.0, abs(value))
    return Change.UNCHANGED if low - slack <= value <= high + slack else Change.MOVED


def gone(before: Mapping[str, Fields], keys: Iterable[str], notebooks: Iterable[str]) -> list[Fields]:
    """Return earlier findings of `notebooks` that are not among `keys` any more."""
    notebooks, keys = set(notebooks), set(keys)
    return [each for key, each in before.items() if key not in keys and each.get("notebook") in notebooks]


def write_json(path: Path, document: Fields) -> None:
    """Write plain values as JSON."""
    path.write_text(json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2) + "\n", encoding="utf-8")


def write_findings(path: Path, *, company: str, as_of: str, findings: Mapping[str, Iterable[Fields]]) -> None:
    """Write the findings of a run, by notebook; nothing in the file depends on the hour or the machine."""
    listed = [{"notebook": key, **fields} for key, several in findings.items() for fields in several]
    write_json(path, {"company": company, "as_of": as_of, "findings": listed})


def read_findings(run: Path | None) -> dict[str, Fields]:
    """Return the findings of an earlier run by key; none where there is no run or its file cannot be read."""
    try:
        return {fields["key"]: fields for fields in read_json(run, FINDINGS_FILE)["findings"]}
    except (KeyError, TypeError):
        return {}


def read_json(run: Path | None, name: str) -> Fields:
    """Return what a file of an earlier run holds; nothing where it cannot be read."""
    try:
        document = json.loads((run / name).read_text(encoding="utf-8")) if run else {}
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def differences(now: Fields, before: Fields) -> list[str]:
    """Say in words what else differs between the manifests of two runs; nothing where the earlier one is empty."""
    if not before:
        return []
    words = []
    company, earlier = (manifest.get("company", {}) for manifest in (now, before))
    if company.get("as_of") != earlier.get("as_of"):
        words.append(say("the as-of day ({before} → {now})", before=earlier.get("as_of"), now=company.get("as_of")))
    if _hashes(now) != _hashes(before):
        words.append(say("the data"))
    if company.get("settings") != earlier.get("settings"):
        words.append(say("the company's settings"))
    if now.get("code", {}).get("crm_lib") != before.get("code", {}).get("crm_lib"):
        words.append(say("the software"))
    before_by_key = {each.get("notebook"): each.get("sha256") for each in before.get("notebooks", [])}
    for each in now.get("notebooks", []):
        key = each.get("notebook")
        if before_by_key.get(key, each.get("sha256")) != each.get("sha256"):
            words.append(say("notebook {name}", name=key))
    set_before = before.get("parameters", {})
    for notebook, values in now.get("parameters", {}).items():
        for name, value in values.items() if notebook in set_before else ():
            was = set_before[notebook].get(name)
            if name not in ("company", "as_of") and value != was:
                words.append(f"{notebook} {name} ({was} → {value})")
    return words


def _hashes(manifest: Fields) -> dict[str, Any]:
    return {table: about.get("sha256") for table, about in manifest.get("data", {}).items()}
