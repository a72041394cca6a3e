"""What changed since an earlier run, finding by finding."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from crm_lib import language

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
    """Compare a finding with the same finding of an earlier run.

    Parameters
    ----------
    now, before : mapping
        Fields of :meth:`crm_lib.finding.Finding.to_dict`; `before` is None where the earlier run did not have it.

    Returns
    -------
    Change
        *Number moved* says that the new value lies outside the earlier interval.
    """
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


def write_findings(path: Path, *, company: str, as_of: str, findings: Mapping[str, Iterable[Fields]]) -> None:
    """Write the findings of a run, by notebook; nothing in the file depends on the hour or the machine."""
    document = {
        "company": company,
        "as_of": as_of,
        "findings": [{"notebook": key, **fields} for key, several in findings.items() for fields in several],
    }
    path.write_text(json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2) + "\n", encoding="utf-8")


def read_findings(run: Path | None) -> dict[str, Fields]:
    """Return the findings of an earlier run by key; none where there is no run or its file cannot be read."""
    if run is None:
        return {}
    try:
        document = json.loads((run / FINDINGS_FILE).read_text(encoding="utf-8"))
        return {fields["key"]: fields for fields in document["findings"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def gone(before: Mapping[str, Fields], keys: Iterable[str], notebooks: Iterable[str]) -> list[Fields]:
    """Return earlier findings of `notebooks` that are not among `keys` any more."""
    notebooks, keys = set(notebooks), set(keys)
    return [each for key, each in before.items() if key not in keys and each.get("notebook") in notebooks]


def read_manifest(run: Path) -> Fields:
    """Return the manifest of an earlier run; empty where it cannot be read."""
    try:
        document = json.loads((run / MANIFEST_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def differences(now: Fields, before: Fields) -> list[str]:
    """Say in words what else differs between two runs: as-of day, data, settings, code, notebooks, parameters.

    Parameters
    ----------
    now, before : mapping
        Their manifests.

    Returns
    -------
    list of str
        Empty where nothing differs, or where the earlier manifest could not be read.
    """
    if not before:
        return []
    words = []
    days = [manifest.get("company", {}).get("as_of") for manifest in (before, now)]
    if days[0] != days[1]:
        words.append(language.text("the as-of day ({before} → {now})").format(before=days[0], now=days[1]))
    if _hashes(now) != _hashes(before):
        words.append(language.text("the data"))
    if now.get("company", {}).get("settings") != before.get("company", {}).get("settings"):
        words.append(language.text("the company's settings"))
    if now.get("code", {}).get("crm_lib") != before.get("code", {}).get("crm_lib"):
        words.append(language.text("the software"))
    earlier_notebooks = _notebooks(before)
    for notebook, sha256 in _notebooks(now).items():
        if earlier_notebooks.get(notebook, sha256) != sha256:
            words.append(language.text("notebook {name}").format(name=notebook))
    set_now, set_before = now.get("parameters", {}), before.get("parameters", {})
    for notebook in [key for key in set_now if key in set_before]:
        for name, value in set_now[notebook].items():
            earlier = set_before[notebook].get(name)
            if name not in ("company", "as_of") and value != earlier:
                words.append(f"{notebook} {name} ({earlier} → {value})")
    return words


def _notebooks(manifest: Fields) -> dict[str, Any]:
    return {each.get("notebook"): each.get("sha256") for each in manifest.get("notebooks", [])}


def _hashes(manifest: Fields) -> dict[str, Any]:
    return {table: about.get("sha256") for table, about in manifest.get("data", {}).items()}
