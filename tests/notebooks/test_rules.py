"""The rules that every notebook keeps; `make check` runs them."""

from __future__ import annotations

import ast
import itertools
import re
from pathlib import Path

import nbformat
import pytest

from crm_lib.reports.parameters import read_parameters
from crm_lib.schema import TABLES

FOLDER = Path(__file__).parents[2] / "notebooks"
NAMES = (
    "01_environment", "02_goals", "03_strategy", "04_processes", "05_systems", "06_segmentation", "07_relationships",
    "08_customer_value", "09_satisfaction", "10_churn", "11_retention_evaluation", "12_campaigns", "13_knowledge",
)  # fmt: skip
FILES = sorted(FOLDER.glob("*.ipynb"))
FORBIDDEN = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.AsyncFor, ast.While, ast.If,
    ast.IfExp, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Try,
)  # fmt: skip
PATHS = re.compile(r"(^|[^:])//|\\\\|^[./~]|/[\w-]+\.\w+$|^[A-Za-z]:\\")

pytestmark = pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])


def _read(file):
    return nbformat.read(file, as_version=4)


EXTENSION = "%load_ext crm_lib.notebook\n"


def _code(file):
    """Return the code cells, the line that loads the extension left out."""
    cells = [cell for cell in _read(file).cells if cell.cell_type == "code"]
    for cell in cells:
        cell.source = cell.source.removeprefix(EXTENSION)
    return cells


def _statements(file):
    return [statement for cell in _code(file) for statement in ast.parse(cell.source).body]


def _parameters(file):
    cells = [cell for cell in _code(file) if "parameters" in cell.metadata.get("tags", [])]
    assert len(cells) == 1, "one cell is tagged 'parameters'"
    return read_parameters(cells[0].source, where=file.stem)


def test_name_is_one_of_the_collection(file):
    assert file.stem in NAMES


def test_file_is_valid_and_ends_with_one_line_end(file):
    nbformat.validate(_read(file))
    assert re.search(r"[^\n]\n\Z", file.read_text(encoding="utf-8"))


def test_no_definitions_loops_or_conditions(file):
    for cell in _code(file):
        found = [type(node).__name__ for node in ast.walk(ast.parse(cell.source)) if isinstance(node, FORBIDDEN)]
        assert not found, f"{found} in cell:\n{cell.source}"


def test_no_paths(file):
    for cell in _code(file):
        tree = ast.parse(cell.source)
        imported = {
            name.name
            for node in ast.walk(tree)
            if isinstance(node, (ast.Import, ast.ImportFrom))
            for name in node.names
        }
        assert not imported & {"pathlib", "Path", "os", "glob", "open"}, cell.source
        words = [
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        assert not [word for word in words if PATHS.search(word)], cell.source


def test_the_extension_is_loaded_before_any_analysis_and_no_other_magic_is_used(file):
    cells = [cell for cell in _read(file).cells if cell.cell_type == "code"]
    first = next(cell for cell in cells if "parameters" not in cell.metadata.get("tags", []))
    assert first.source.startswith(EXTENSION)
    assert not [cell.source for cell in _code(file) if re.search(r"^\s*[%!]", cell.source, re.MULTILINE)]


def test_code_cells_are_short_and_not_empty(file):
    for cell in _code(file):
        parameters = "parameters" in cell.metadata.get("tags", [])
        assert 1 <= len(cell.source.splitlines()) <= (40 if parameters else 8), cell.source


def test_a_statement_binds_a_name_or_shows_one_exhibit(file):
    for cell in _code(file):
        statements = ast.parse(cell.source).body
        for place, statement in enumerate(statements):
            if not isinstance(statement, ast.Expr):
                assert isinstance(statement, (ast.Assign, ast.AnnAssign, ast.Import, ast.ImportFrom)), cell.source
                continue
            shown = _shown(statement)
            assert place == len(statements) - 1 or shown, f"only the last expression of a cell shows:\n{cell.source}"
            assert shown is None or len(shown) == 1, f"one exhibit a display:\n{cell.source}"


def _shown(statement):
    """Return the arguments of a call of display, or None where the statement is something else."""
    call = statement.value
    named = isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "display"
    return call.args if named else None


def test_at_most_eight_findings(file):
    called = [node.attr for each in _statements(file) for node in ast.walk(each) if isinstance(node, ast.Attribute)]
    assert 1 <= len([name for name in called if name.startswith("finding_")]) <= 8


def test_prose_stands_between_code_cells(file):
    kinds = [cell.cell_type for cell in _read(file).cells]
    assert ("code", "code") not in itertools.pairwise(kinds)
    assert all(cell.source.strip() for cell in _read(file).cells)


def test_not_too_long(file):
    assert len(_read(file).cells) <= 40


def test_stored_without_outputs(file):
    for cell in _code(file):
        assert cell.outputs == []
        assert cell.execution_count is None
    assert "papermill" not in _read(file).metadata


def test_cells_have_distinct_names(file):
    names = [cell.id for cell in _read(file).cells]
    assert len(set(names)) == len(names)


def test_kernel_is_found_everywhere(file):
    assert _read(file).metadata.kernelspec.name == "python3"


def test_metadata_tell_title_edition_and_tables(file):
    about = _read(file).metadata["crm"]
    assert about["title"].strip()
    assert about["edition"] == ("annual" if int(file.stem[:2]) <= 5 else "routine")
    assert about["needs"] or about["uses"]
    for wanted in (about["needs"], about["uses"]):
        for table, columns in wanted.items():
            assert set(columns) <= set(TABLES[table].column_names), table


def test_parameters_are_annotated_and_explained(file):
    parameters = {each.name: each for each in _parameters(file)}
    assert parameters["company"].type == "str"
    assert parameters["company"].default == "demo"
    assert parameters["as_of"].type == "str | None"
    assert parameters["as_of"].default is None
    assert parameters["seed"].type == "int"
    assert all(each.meaning for each in parameters.values())


def test_every_parameter_is_used(file):
    used = {
        node.id
        for cell in _code(file)
        if "parameters" not in cell.metadata.get("tags", [])
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Name)
    }
    assert not {each.name for each in _parameters(file)} - used


def test_opens_with_a_question(file):
    cells = _read(file).cells
    assert cells[0].cell_type == "markdown"
    title = cells[0].source.splitlines()[0]
    assert title.startswith("# ")
    assert title.endswith("?")
    assert title.removeprefix("# ") == _read(file).metadata["crm"]["title"]
    assert len(cells[0].source.split()) > 50, "the idea behind the question is told before any code"


def test_closes_with_findings_actions_and_limits(file):
    close = _read(file).cells[-1]
    assert close.cell_type == "markdown"
    headings = [line.lstrip("# ").lower() for line in close.source.splitlines() if line.startswith("#")]
    for part in ("findings", "what to do", "what the data cannot say"):
        assert part in headings, part


def test_headings_go_down_one_step_at_a_time(file):
    lines = [line for cell in _read(file).cells if cell.cell_type == "markdown" for line in cell.source.splitlines()]
    depths = [len(found[1]) for found in (re.match(r"(#+) ", line) for line in lines) if found]
    assert depths.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(depths))
