"""What a published run must keep: short findings, few a notebook, light pages; exit code 1 where it does not."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

WORDS, FINDINGS, PAGE = 30, 8, 500_000
"""Words of a sentence or a decision, findings a notebook, bytes a page: at most."""


def faults(run: Path) -> list[str]:
    """Return what is wrong with the run in a folder."""
    findings = json.loads((run / "findings.json").read_text(encoding="utf-8"))["findings"]
    wrong = [f"{one['notebook']}: {one['key']} has {len(one[part].split())} words in its {part}: {one[part]}"
             for one in findings for part in ("text", "decision") if len(one[part].split()) > WORDS]  # fmt: skip
    several = Counter(one["notebook"] for one in findings)
    wrong += [f"{name}: {count} findings" for name, count in several.items() if count > FINDINGS]
    pages = [page for page in sorted(run.glob("*.html")) if page.stat().st_size > PAGE]
    return wrong + [f"{page.name}: {page.stat().st_size:,} bytes" for page in pages]


if __name__ == "__main__":
    listed = faults(Path(sys.argv[1]))
    print("\n".join(listed) or "Findings are short and few, pages are light.")
    sys.exit(int(bool(listed)))
