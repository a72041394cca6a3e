"""Findings and notebooks as the tests of reports need them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Finding

HOSTILE = "<script>alert('owned')</script>"
PARAMETERS = """company: str = "shop"  # name of the company
as_of: str | None = None  # last day looked at
levels: int = 5  # groups a score (3 to 5)
dimensions: list[str] = ["region"]  # crossed (columns of: customers, transactions)
"""


def finding(key: str = "k", value: float = 0.7, **more: Any) -> Finding:
    """Return a finding whose claim holds from 0.5 on, and whose interval reaches 0.1 to either side."""
    estimate = Estimate(value=value, low=value - 0.1, high=value + 0.1, n=3, method="counted", unit="share")
    fields: dict[str, Any] = {
        "claim": "C.", "source": "S", "criterion": Criterion(low=0.5), "sentence": f"{key} is {{estimate}}.",
        "estimate": estimate, **dict.fromkeys(("if_supported", "if_not_supported", "if_undecided"), "Look after them."),
    }  # fmt: skip
    return Finding(key=key, **{**fields, **more})


def write_notebook(folder: Path, name: str, *cells: str, **about: Any) -> Path:
    """Write a notebook; a cell that begins with # and a space, or ##, is prose."""
    written = [new_code_cell(PARAMETERS, id="parameters", metadata={"tags": ["parameters"]})]
    for index, source in enumerate(cells):
        new_cell = new_markdown_cell if source.startswith(("# ", "## ")) else new_code_cell
        written.append(new_cell(source, id=f"cell{index}"))
    crm = {"title": name, "edition": "routine", "needs": {"transactions": []}, "uses": {}, **about}
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=written, metadata={"crm": crm}), folder / f"{name}.ipynb")
    return folder / f"{name}.ipynb"
