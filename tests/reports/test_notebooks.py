"""Notebooks are found, read and chosen without being run."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from crm_lib.reports.notebooks import (
    Notebook,
    NotebookError,
    all_notebooks,
    find_folder,
    lacking,
    read_notebook,
    select,
)
from tests.reports.shop import write_notebook


def has(**tables: str) -> Any:
    """Return what stands for a company: it knows its tables and columns."""
    return SimpleNamespace(has=lambda table, *columns: table in tables and set(columns) <= set(tables[table].split()))


def notebook(name: str, edition: Any = "routine", **more: Any) -> Notebook:
    return Notebook(path=Path(f"{name}.ipynb"), title=name, edition=edition, **more)


SHELF = (notebook("01_environment", "annual"), notebook("06_segmentation"), notebook("09_satisfaction"))


def test_notebooks_are_found_from_below_in_order_and_others_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("10_b", "02_a", "scratch", "x1_y"):
        write_notebook(tmp_path / "notebooks", name, "## x")
    below = tmp_path / "data" / "shop"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert find_folder() == tmp_path / "notebooks"
    assert [each.key for each in all_notebooks(find_folder())] == ["02_a", "10_b"]


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        *(
            ({"names": [name]}, "06")
            for name in ("06", "6", "06_segmentation", "06_segmentation.ipynb", "Segmentation")
        ),
        ({"names": ["09", "1", "09"]}, "01 09"),  # in their own order, once
        ({"edition": "routine"}, "06 09"),
        ({"edition": "annual"}, "01"),
        ({"edition": "all"}, "01 06 09"),
    ],
)
def test_notebooks_are_chosen_by_number_name_or_edition(wanted: Any, chosen: str) -> None:
    assert [each.key[:2] for each in select(SHELF, **wanted)] == chosen.split()


def test_an_unknown_notebook_is_refused_naming_the_nearest_and_all() -> None:
    with pytest.raises(NotebookError) as error:
        select(SHELF, names=["segmentaton"])
    assert "did you mean 'segmentation'?" in str(error.value)
    assert "01_environment, 06_segmentation, 09_satisfaction" in str(error.value)


def test_what_is_missing_is_told_by_table_and_column() -> None:
    needs, uses = {"transactions": ["margin"], "surveys": []}, {"customers": ["region", "name"]}
    wants: Any = notebook("06_x", needs=needs, uses=uses)
    company = has(transactions="revenue", customers="name")
    assert lacking(wants.needs, company) == ("transactions.margin", "surveys")
    assert lacking(wants.uses, company) == ("customers.region",)
    assert lacking(wants.needs, has(transactions="margin", surveys="")) == ()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"cells": 3}', "\x00"])
def test_a_file_that_is_no_notebook_is_a_clear_error(tmp_path: Path, content: str) -> None:
    path = tmp_path / "06_x.ipynb"
    path.write_text(content)
    with pytest.raises(NotebookError, match=r"06_x\.ipynb"):
        read_notebook(path)


def test_a_notebook_without_edition_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(NotebookError, match="routine or annual"):
        read_notebook(write_notebook(tmp_path, "06_x", "## x", edition="weekly"))
