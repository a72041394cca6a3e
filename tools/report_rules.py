"""What a published run must keep: short findings, few a notebook, light files; exit code 1 where it does not."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

WORDS, FINDINGS, BYTES = 30, 8, {".html": 500_000, ".ipynb": 1_000_000}
"""Words of a sentence or a decision, findings a notebook, bytes a page and an executed notebook: at most."""


def faults(run: Path) -> list[str]:
    """Return what is wrong with the run in a folder."""
    findings = json.loads((run / "findings.json").read_text(encoding="utf-8"))["findings"]
    wrong = [f"{one['notebook']}: {one['key']} has {len(one[part].split())} words in its {part}: {one[part]}"
             for one in findings for part in ("text", "decision") if len(one[part].split()) > WORDS]  # fmt: skip
    several = Counter(one["notebook"] for one in findings)
    wrong += [f"{name}: {count} findings" for name, count in several.items() if count > FINDINGS]
    heavy = [file for file in sorted(run.iterdir()) if file.stat().st_size > BYTES.get(file.suffix, float("inf"))]
    return wrong + [f"{file.name}: {file.stat().st_size:,} bytes" for file in heavy]


if __name__ == "__main__":
    listed = faults(Path(sys.argv[1]))
    print("\n".join(listed) or "Findings are short and few, pages and notebooks are light.")
    sys.exit(int(bool(listed)))
