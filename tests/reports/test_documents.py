"""Exhibits are taken from the outputs of a notebook, and what belongs to the machine is left out."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from crm_lib.exhibit import CHART_MIME, Table
from crm_lib.notebook import Note
from crm_lib.reports.documents import collect, scrub, shorten
from tests.reports.shop import finding


def notebook(*shown: Any) -> NotebookNode:
    """Return a notebook whose one code cell shows exhibits, or outputs as plain values."""
    bundles = [each if isinstance(each, dict) else each._repr_mimebundle_() for each in shown]
    outputs = [new_output("display_data", data=data) for data in bundles]
    return new_notebook(cells=[new_markdown_cell("## W\n\nwords"), new_code_cell("x", outputs=outputs)])


def table(name: str, x: int) -> Table:
    return Table(name=name, title=name, frame=pd.DataFrame({"x": [x]}))


def test_every_kind_of_exhibit_is_found_in_order() -> None:
    chart = {"name": "c", "title": "T", "alt": "A"}
    behind = {"table": table("behind", 1).to_dict(), "table_html": ""}
    drawn = {CHART_MIME: {**chart, **behind}, "image/svg+xml": "<svg/>"}
    found = collect(notebook(finding("b"), table("first", 1), drawn, Note(why="Y"), finding("a")))
    assert [each["key"] for each in found.findings] == ["b", "a"]
    assert [each["name"] for each in found.tables] == ["first", "behind"]
    assert found.charts == (chart,)
    assert found.left_out == ({"what": "W", "why": "Y"},)


def test_what_is_shown_again_counts_once_and_the_later_number_of_a_finding_counts() -> None:
    found = collect(notebook(finding(value=0.6), table("t", 1), table("t", 1), table("t", 2), finding(value=0.7)))
    assert [each["estimate"]["value"] for each in found.findings] == [0.7]
    assert [each["rows"] for each in found.tables] == [[[1]], [[2]]]


def test_last_bits_that_depend_on_the_order_of_a_sum_are_cut() -> None:
    one, other = 0.1 + 0.2 + 0.3, 0.3 + 0.2 + 0.1
    assert one != other
    assert collect(notebook(finding(value=one))) == collect(notebook(finding(value=other)))


def test_times_paths_secrets_and_marks_of_the_tool_are_left_out() -> None:
    document = notebook({"text/plain": "at /home/ann/project/x.py with s3cret"})
    document.metadata = {"papermill": {"output_path": "/home/ann"}, "kernelspec": {"name": "crm-report"}}
    document.cells[1].metadata = {
        "papermill": {"duration": 1}, "execution": {"x": "now"}, "tags": ["injected-parameters"]
    }  # fmt: skip
    trace = ["/home/ann/project/y.py", "/home/ann/z"]
    document.cells[1].outputs.append(new_output("error", ename="E", evalue="s3cret", traceback=trace))
    document.cells.insert(0, new_markdown_cell("failed", metadata={"tags": ["papermill-error-cell-tag"]}))
    original = new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    hidden = {"/home/ann": "~", "/home/ann/project": ".", "s3cret": "•••", "": "!"}
    clean = scrub(document, original=original, hidden=hidden)
    written = json.dumps(clean, ensure_ascii=False)
    assert [cell.source for cell in clean.cells] == ["## W\n\nwords", "x"]
    assert clean.metadata == original.metadata
    assert not any(word in written for word in ("papermill", "/home/ann", "s3cret", '"now"'))
    assert clean.cells[1].outputs[0].data["text/plain"] == "at ./x.py with •••"
    assert clean.cells[1].outputs[1].traceback == ["./y.py", "~/z"]
    assert clean.cells[1].id == "injected-parameters"


def test_long_tables_are_cut_and_still_told_apart_by_a_row_that_was_cut() -> None:
    first, second = ({"n": [*range(9_999), last]} for last in (1, 2))
    documents = [notebook(Table(name="t", title="T", frame=pd.DataFrame(rows))) for rows in (first, first, second)]
    assert not shorten(notebook(table("short", 1)))
    assert all(shorten(document) for document in documents)
    same, again, other = (collect(document).tables for document in documents)
    assert same == again != other
    assert len(json.dumps(documents[0])) < 50_000
    assert same[0]["all_rows"]["n"] == 10_000
    assert not shorten(documents[0])
