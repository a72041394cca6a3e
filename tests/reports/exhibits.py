"""A finding to be shown, as tests of pages, front pages and workbooks need it."""

from __future__ import annotations

from typing import Any

from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Finding

DECISIONS = dict.fromkeys(("if_supported", "if_not_supported", "if_undecided"), "Look after them.")


def finding(key: str = "k", value: float = 0.7, **more: Any) -> Finding:
    """Return a finding whose claim holds from 0.5 on, and whose interval reaches 0.1 to either side."""
    estimate = Estimate(value=value, low=value - 0.1, high=value + 0.1, n=3, method="counted", unit="share")
    fields: dict[str, Any] = {
        "claim": "C.", "source": "S", "criterion": Criterion(low=0.5), "sentence": f"{key} is {{estimate}}.",
        "estimate": estimate, **DECISIONS,
    }  # fmt: skip
    return Finding(key=key, **{**fields, **more})
