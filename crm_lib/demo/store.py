"""Writing the demo company to a folder, each file whole or not at all, and reading the truth back."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from crm_lib.errors import CompanyError

PARQUET = ("transactions",)
"""Tables written as Parquet; the others are small enough for CSV, which opens everywhere."""
TRUTH = "truth"
"""Folder of the truth, within the company's."""


def table_file(name: str) -> str:
    """Return the name of the file that holds a table."""
    return f"{name}.parquet" if name in PARQUET else f"{name}.csv"


def write(
    folder: Path, tables: Mapping[str, pd.DataFrame], truth_tables: Mapping[str, pd.DataFrame], parameters: str
) -> None:
    """Write tables, truth and parameters; transactions come last, so that where they are, all is there.

    Parameters
    ----------
    folder : Path
        The company's folder, made where missing.
    tables, truth_tables : mapping of str to DataFrame
        By name.
    parameters : str
        The population parameters, as TOML.
    """
    (folder / TRUTH).mkdir(parents=True, exist_ok=True)
    for name, frame in truth_tables.items():
        _whole(folder / TRUTH / f"{name}.parquet", partial(_write_table, frame))
    _whole(folder / TRUTH / "parameters.toml", partial(_write_text, parameters))
    for name, frame in sorted(tables.items(), key=lambda item: item[0] in PARQUET):
        _whole(folder / table_file(name), partial(_write_table, frame))


def truth(folder: Path | str) -> dict[str, pd.DataFrame]:
    """Return the truth about a demo company that was written to `folder`.

    Parameters
    ----------
    folder : Path or str
        The company's folder, such as ``data/demo``.

    Returns
    -------
    dict of str to DataFrame
        By topic: customers, stages, satisfaction, memberships, problems, uplift, win_back, channels, switching.

    Raises
    ------
    CompanyError
        If the folder holds no truth.
    """
    files = sorted((Path(folder) / TRUTH).glob("*.parquet"))
    if not files:
        raise CompanyError(
            f"folder '{folder}' holds no simulated truth; 'crm demo' writes the demo company with its truth"
        )
    return {file.stem: pd.read_parquet(file) for file in files}


def _whole(path: Path, write_to: Callable[[Path], None]) -> None:
    """Write beside the file and move into place, so that no reader ever meets half a file."""
    aside = path.with_name(f".{secrets.token_hex(4)}.{path.name}")
    try:
        write_to(aside)
        os.replace(aside, path)  # noqa: PTH105  (replaces on every system)
    finally:
        aside.unlink(missing_ok=True)


def _write_table(frame: pd.DataFrame, path: Path) -> None:
    if path.name.endswith(".parquet"):
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False, lineterminator="\n")


def _write_text(content: str, path: Path) -> None:
    path.write_text(content, encoding="utf-8")


def to_toml(topics: Mapping[str, Any]) -> str:
    """Return numbers, names, and mappings and sequences of them as TOML, a section a topic.

    Parameters
    ----------
    topics : mapping of str to mapping
        What to write, by topic.

    Returns
    -------
    str

    Examples
    --------
    >>> print(to_toml({"dirt": {"late": 0.01, "months": (1, 2)}}))
    [dirt]
    "late" = 0.01
    "months" = [1, 2]
    <BLANKLINE>
    """
    lines: list[str] = []
    for topic, values in topics.items():
        lines.append(f"[{topic}]")
        lines += [f'"{name}" = {_toml(value)}' for name, value in values.items()]
        lines.append("")
    return "\n".join(lines)


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f'"{name}" = {_toml(part)}' for name, part in value.items()) + " }"
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(_toml(part) for part in value) + "]"
    return repr(value)
