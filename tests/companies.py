"""Small companies for tests: frames in, a company's folder out."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, Literal

import pandas as pd


def write_company(
    folder: Path,
    tables: dict[str, pd.DataFrame],
    *,
    how: Literal["csv", "parquet"] = "csv",
    more: str = "",
    **settings: Any,
) -> Path:
    """Write a company of the given tables and return its folder.

    `settings` go into the section ``[company]`` (the currency is GBP where none is given); `more` is appended to
    ``company.toml`` as it is. Tables already described in `more` are written but not mapped.
    """
    folder.mkdir(parents=True, exist_ok=True)
    company = {"name": "Test company", "currency": "GBP", **settings}
    lines = ["[company]", *(f"{key} = {_toml(value)}" for key, value in company.items() if value is not None)]
    for name, frame in tables.items():
        file = f"{name}.{how}"
        if how == "csv":
            frame.to_csv(folder / file, index=False)
        else:
            frame.to_parquet(folder / file, index=False)
        if f"[tables.{name}]" not in more:
            lines += ["", f"[tables.{name}]", f'file = "{file}"']
    (folder / "company.toml").write_text("\n".join([*lines, "", more, ""]), encoding="utf-8")
    return folder


def transactions(rows: list[tuple[str, str, str, float]] | None = None) -> pd.DataFrame:
    """Return a small table of transactions: (order, customer, moment, revenue), by default eight lines of three."""
    if rows is None:
        rows = [
            ("o1", "anna", "2025-01-10 10:00", 20.0),
            ("o1", "anna", "2025-01-10 10:00", 5.0),
            ("o2", "ben", "2025-01-15 09:30", 12.5),
            ("o3", "anna", "2025-02-01 18:45", 30.0),
            ("o4", "cleo", "2025-02-20 12:00", 99.9),
            ("o5", "ben", "2025-03-05 08:15", 7.5),
            ("o6", "anna", "2025-03-09 11:00", -5.0),
            ("o7", "cleo", "2025-03-31 16:20", 45.0),
        ]
    return pd.DataFrame(rows, columns=["order_id", "customer_id", "ordered_at", "revenue"])


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
