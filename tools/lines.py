"""The table of lines: each package beside its allowance in ``pyproject.toml``; exit code 1 where one is above it."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def files_of(room: str) -> list[Path]:
    """Return the Python files of a room: a folder, several joined by ``+``, or the files at a top (``x/*``)."""
    found: list[Path] = []
    for part in room.split("+"):
        folder = ROOT / part.strip().removesuffix("/*")
        found += folder.glob("*.py") if part.strip().endswith("/*") else folder.rglob("*.py")
    return found


def main() -> int:
    """Print the table and return the exit code."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["crm-lines"]
    above = []
    print(f"{'room':<44}{'files':>7}{'lines':>8}{'allowed':>9}")
    for room, allowed in settings["lines"].items():
        files = files_of(room)
        lines = sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files)
        most = settings["files"].get(room, len(files))
        if lines > allowed or len(files) > most:
            above.append(room)
        print(f"{room:<44}{len(files):>7}{lines:>8,}{allowed:>9,}{'  above' if room in above else ''}")
    if above:
        print(f"Above the allowance: {', '.join(above)}. Delete, merge or use a library before asking for more.")
    return int(bool(above))


if __name__ == "__main__":
    sys.exit(main())
