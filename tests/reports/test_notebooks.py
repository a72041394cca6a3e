"""Notebooks are found, read and chosen without being run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crm_lib.reports.notebooks import Notebook, NotebookError, all_notebooks, find_folder, read_notebook, select


class Has:
    """Stands for a company: knows its tables and columns."""

    def __init__(self, **tables: str) -> None:
        self.tables = tables

    def has(self, table: str, *columns: str) -> bool:
        return table in self.tables and set(columns) <= set(self.tables[table].split())


def notebook(name: str, edition: str = "routine", **more: object) -> Notebook:
    return Notebook(path=Path(f"{name}.ipynb"), title=name, edition=edition, **more)  # type: ignore[arg-type]


SHELF = (notebook("01_environment", "annual"), notebook("06_segmentation"), notebook("09_satisfaction"))


def test_the_folder_is_found_from_below(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = project / "data" / "shop"
    monkeypatch.chdir(below)
    assert find_folder() == project / "notebooks"


def test_all_notebooks_come_in_order_and_others_are_left_out(
    tmp_path: Path, notebook_writer: Callable[..., Path]
) -> None:
    for name in ("10_b", "02_a", "scratch", "x1_y"):
        notebook_writer(tmp_path, name, ["## x"])
    assert [each.key for each in all_notebooks(tmp_path)] == ["02_a", "10_b"]


@pytest.mark.parametrize(
    "name", ["06", "6", "06_segmentation", "segmentation", "06_segmentation.ipynb", "Segmentation"]
)
def test_a_notebook_is_chosen_by_number_or_name(name: str) -> None:
    assert [each.key for each in select(SHELF, names=[name])] == ["06_segmentation"]


def test_chosen_notebooks_keep_their_own_order_and_come_once() -> None:
    assert [each.key[:2] for each in select(SHELF, names=["09", "1", "09"])] == ["01", "09"]


def test_an_edition_chooses_its_notebooks() -> None:
    assert [each.key[:2] for each in select(SHELF, edition="routine")] == ["06", "09"]
    assert [each.key[:2] for each in select(SHELF, edition="annual")] == ["01"]
    assert len(select(SHELF, edition="all")) == 3


def test_an_unknown_notebook_is_refused_naming_the_nearest_and_all() -> None:
    with pytest.raises(NotebookError) as error:
        select(SHELF, names=["segmentaton"])
    assert "Did you mean 'segmentation'?" in str(error.value)
    assert "01_environment, 06_segmentation, 09_satisfaction" in str(error.value)


def test_what_is_missing_is_told_by_table_and_column() -> None:
    wants: Any = notebook(
        "06_x", needs={"transactions": ["margin"], "surveys": []}, uses={"customers": ["region", "name"]}
    )
    company = Has(transactions="revenue", customers="name")
    assert wants.missing(company) == ("transactions.margin", "surveys")
    assert wants.unused(company) == ("customers.region",)
    assert wants.missing(Has(transactions="margin", surveys="")) == ()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"cells": 3}', "\x00"])
def test_a_file_that_is_no_notebook_is_a_clear_error(tmp_path: Path, content: str) -> None:
    path = tmp_path / "06_x.ipynb"
    path.write_text(content)
    with pytest.raises(NotebookError, match=r"06_x\.ipynb"):
        read_notebook(path)


def test_a_notebook_without_edition_is_a_clear_error(tmp_path: Path, notebook_writer: Callable[..., Path]) -> None:
    with pytest.raises(NotebookError, match="routine or annual"):
        read_notebook(notebook_writer(tmp_path, "06_x", ["## x"], edition="weekly"))
