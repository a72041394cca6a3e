"""Small companies for tests: frames in, a company's folder out."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import xlsxwriter


def write_company(
    folder: Path,
    tables: dict[str, pd.DataFrame],
    *,
    how: Literal["csv", "parquet"] = "csv",
    more: str = "",
    **settings: Any,
) -> Path:
    """Write a company of the given tables and return its folder.

    `settings` go into the section ``[company]`` (unless they say else, the currency is GBP, and rejected rows may hold
    much: in a small table each does); `more` is appended to ``company.toml`` as it is. Tables already described in
    `more` are written but not mapped.
    """
    folder.mkdir(parents=True, exist_ok=True)
    company = {"name": "Test company", "currency": "GBP", "allow_rejected": True, **settings}
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


def odd_companies() -> dict[str, pd.DataFrame]:
    """Return transactions of companies that lack what most analyses take for granted."""
    rng = np.random.default_rng(7)

    def lines(days: Any, customers: Any, revenue: Any) -> pd.DataFrame:
        moments = pd.Timestamp("2023-01-02 10:00") + pd.to_timedelta(np.asarray(days, dtype=int), unit="D")
        frame = pd.DataFrame({"customer_id": customers, "ordered_at": moments, "revenue": revenue})
        return frame.assign(order_id=[f"o{number}" for number in range(len(frame))])

    def ids(numbers: Any) -> list[str]:
        return [f"c{number:03d}" for number in numbers]

    who = np.repeat(np.arange(150), rng.geometric(0.15, 150))
    days, guest = rng.integers(0, 800, len(who)), int(len(who) / 1.5)
    renewing = np.repeat(np.arange(250), rng.integers(1, 5, 250))
    year = pd.Series(renewing).groupby(renewing).cumcount().to_numpy()
    return {
        "one_customer": lines(range(0, 360, 30), "anna", rng.gamma(3, 10, 12).round(2)),
        "two_purchases": lines([0, 150], "anna", [10.0, 20.0]),
        "all_once": lines(rng.integers(0, 500, 130), ids(range(130)), rng.gamma(3, 10, 130).round(2)),
        "yearly_renewals": lines(renewing + 365 * year, ids(renewing), 60.0),
        "three_days": lines(rng.integers(0, 3, 200), ids(rng.integers(0, 120, 200)), rng.gamma(3, 10, 200).round(2)),
        "returns_only": lines(days, ids(who), -10.0),
        "one_price_and_a_guest": lines([*days, *days[:guest]], [*ids(who), *["guest"] * guest], 10.0),
    }


def write_workbook(file: Path, rows: list[list[Any]]) -> Path:
    """Write a workbook of one sheet whose cells are texts, numbers and moments, as they are given."""
    with xlsxwriter.Workbook(file, {"default_date_format": "dd.mm.yyyy hh:mm"}) as book:
        sheet = book.add_worksheet()
        sheet.add_write_handler(str, lambda sheet, *cell: sheet.write_string(*cell))
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return file


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
