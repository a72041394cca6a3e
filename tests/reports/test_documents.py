"""Exhibits are taken from the outputs of a notebook, and what belongs to the machine is left out."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from crm_lib.exhibit import CHART_MIME, Table
from crm_lib.notebook import Note
from crm_lib.reports.documents import collect, scrub
from tests.reports.exhibits import finding


def notebook(*bundles: dict[str, Any]) -> NotebookNode:
    outputs = [new_output("display_data", data=data) for data in bundles]
    return new_notebook(cells=[new_markdown_cell("## W\n\nwords"), new_code_cell("x", outputs=outputs)])


def shown(value: float) -> dict[str, Any]:
    return finding(value=value)._repr_mimebundle_()


def table(name: str, **columns: list[Any]) -> Table:
    return Table(name=name, title=name, frame=pd.DataFrame(columns))


def test_every_kind_of_exhibit_is_found_in_order() -> None:
    behind = table("behind", x=[1])
    chart = {"name": "c", "title": "T", "alt": "A", "source": "S", "table": behind.to_dict(), "table_html": ""}
    found = collect(
        notebook(
            finding("b")._repr_mimebundle_(),
            table("first", x=[1])._repr_mimebundle_(),
            {CHART_MIME: chart, "image/svg+xml": "<svg/>"},
            Note(why="Y")._repr_mimebundle_(),
            finding("a")._repr_mimebundle_(),
        )
    )
    assert [each["key"] for each in found.findings] == ["b", "a"]
    assert [each["name"] for each in found.tables] == ["first", "behind"]
    assert found.charts == ({"name": "c", "title": "T", "alt": "A", "source": "S"},)
    assert found.left_out == ({"what": "W", "why": "Y"},)


def test_what_is_shown_again_counts_once_and_the_later_number_of_a_finding_counts() -> None:
    again = table("t", x=[1])._repr_mimebundle_()
    other = table("t", x=[2])._repr_mimebundle_()
    found = collect(
        notebook(finding(value=0.6)._repr_mimebundle_(), again, again, other, finding(value=0.7)._repr_mimebundle_())
    )
    assert [each["estimate"]["value"] for each in found.findings] == [0.7]
    assert [each["rows"] for each in found.tables] == [[[1]], [[2]]]


def test_last_bits_that_depend_on_the_order_of_a_sum_are_cut() -> None:
    one, other = 0.1 + 0.2 + 0.3, 0.3 + 0.2 + 0.1
    assert one != other
    assert collect(notebook(shown(one))) == collect(notebook(shown(other)))


def test_times_paths_secrets_and_marks_of_the_tool_are_left_out() -> None:
    document = notebook({"text/plain": "at /home/ann/project/x.py with s3cret"})
    document.metadata = {
        "papermill": {"output_path": "/home/ann"},
        "kernelspec": {"name": "crm-report", "display_name": "x"},
    }
    document.cells[1].metadata = {
        "papermill": {"duration": 1},
        "execution": {"x": "now"},
        "tags": ["injected-parameters"],
    }
    document.cells[1].outputs.append(
        new_output("error", ename="E", evalue="s3cret", traceback=["/home/ann/project/y.py", "/home/ann/z"])
    )
    document.cells.insert(0, new_markdown_cell("failed", metadata={"tags": ["papermill-error-cell-tag"]}))
    specification = {"name": "python3", "display_name": "Python 3"}
    original = new_notebook(metadata={"kernelspec": specification})
    hidden = {"/home/ann": "~", "/home/ann/project": ".", "s3cret": "•••", "": "!"}
    clean = scrub(document, original=original, hidden=hidden)
    written = json.dumps(clean, ensure_ascii=False)
    assert [cell.source for cell in clean.cells] == ["## W\n\nwords", "x"]
    assert clean.metadata == {"kernelspec": specification}
    assert not any(word in written for word in ("papermill", "/home/ann", "s3cret", '"now"'))
    assert clean.cells[1].outputs[0].data["text/plain"] == "at ./x.py with •••"
    assert clean.cells[1].outputs[1].traceback == ["./y.py", "~/z"]
    assert clean.cells[1].id == "injected-parameters"
