"""Parameters are read from the notebook and checked before anything runs."""

from __future__ import annotations

import pytest

from crm_lib.reports.parameters import Parameter, ParameterError, check_values, read_parameters, split_assignments

CELL = """
# what is asked
company: str = "demo"  # name of the company
levels: int = 5  # groups a score
share: float | None = None  # share looked at
since: date = "2025-01-31"  # first day
way: Literal["mean", "median"] = "mean"  # how it is averaged
groups: list[str] = ["region", "channel"]  # dimensions
strict: bool = False
"""


def test_a_parameters_cell_is_read_with_types_defaults_and_meanings() -> None:
    found = {each.name: each for each in read_parameters(CELL)}
    assert list(found) == ["company", "levels", "share", "since", "way", "groups", "strict"]
    assert found["levels"] == Parameter(name="levels", type="int", default=5, meaning="groups a score")
    assert found["share"].type == "float | None"
    assert found["groups"].default == ["region", "channel"]
    assert found["strict"].meaning == ""


@pytest.mark.parametrize(
    ("type", "written", "value"),
    [
        ("int", "-4", -4), ("float", "1e-3", 0.001), ("float", "2", 2.0), ("str", "7", "7"), ("str", "", ""),
        ("bool", "Yes", True), ("bool", "0", False), ("date", "2024-02-29", "2024-02-29"),
        ("int | None", "none", None), ("int | None", "3", 3), ("str | None", "none", None),
        ("int | float", "2.5", 2.5), ("Literal['mean', 'median']", "median", "median"),
        ("list[str]", "a, b", ["a", "b"]), ("list[int]", "[1, 2]", [1, 2]), ("list[float]", "", []),
    ],
)  # fmt: skip
def test_a_written_value_becomes_one_of_its_type(type: str, written: str, value: object) -> None:
    parsed = Parameter(name="x", type=type, default=None, meaning="").parse(written)
    assert parsed == value
    assert parsed.__class__ is value.__class__


@pytest.mark.parametrize(
    ("type", "written", "told", "meaning"),
    [
        ("int", "4.5", "a valid integer", ""), ("int", "none", "a valid integer", ""), ("float", "nan", "finite", ""),
        ("float", "x", "a valid number", ""), ("bool", "perhaps", "a valid boolean", ""),
        ("date", "2025-02-30", "out of range for month", ""), ("date", "30.06.2026", "isoformat", ""),
        ("int | None", "few", "a valid integer", ""), ("Literal['mean', 'median']", "mode", "'mean' or 'median'", ""),
        ("list[int]", "1,b", "a valid integer", ""), ("list[int]", "[1,", "Expecting value", ""),
        ("int", "9", "it goes from 3 to 5", "number of scores (3 to 5)"),
        ("float | None", "0.51", "it goes from 0 to 0.5", "share (0 to 0.5)"),
        ("list[str]", "region, categry", "'categry' is not one of region", "crossed (one of: region, category)"),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_type_or_range_is_refused(type: str, written: str, told: str, meaning: str) -> None:
    with pytest.raises(ParameterError, match=r"parameter 'x' .*cannot be") as error:
        Parameter(name="x", type=type, default=None, meaning=meaning).parse(written)
    assert told in str(error.value)
    assert f"'{written}'" in str(error.value)


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("levels = 5", "name: type = default"), ("levels: int", "name: type = default"),
        ("import os", "name: type = default"), ("levels: int = five", "no plain value"),
        ("levels: complex = 1", "not known"), ("levels: int = 'five'", "does not fit"),
        ("levels: int = True", "does not fit"), ("way: Literal['a'] = 'b'", "does not fit"),
        ("levels: int = 6  # scores (3 to 5)", "it goes from 3 to 5"), ("levels: int = (", "not valid Python"),
    ],
)  # fmt: skip
def test_a_broken_parameters_cell_is_told_with_notebook_and_line(cell: str, told: str) -> None:
    with pytest.raises(ParameterError, match=r"'06_x\.ipynb', line 1") as error:
        read_parameters(cell, where="06_x.ipynb")
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (["levels"], "write -p name=value"), (["=4"], "write -p name=value"), (["a=1", "a=2"], "given twice"),
        (["as_of=2026-01-01"], "set by --as-of"), (["company=x"], "set by COMPANY"),
        (["level=4"], r"did you mean 'levels'\?\).*there are: levels, window"),
    ],
)  # fmt: skip
def test_assignments_that_mean_nothing_are_refused(written: list[str], told: str) -> None:
    parameters = [Parameter(name=name, type="int", default=1) for name in ("company", "levels", "window")]
    with pytest.raises(ParameterError, match=told):
        check_values(split_assignments(written), {"06": parameters})


def test_each_notebook_gets_the_parameters_that_it_has() -> None:
    levels, way = Parameter(name="levels", type="int", default=1), Parameter(name="way", type="str", default="")
    written = split_assignments(["levels=4", "way=x=y"])
    values = check_values(written, {"06": [levels, way], "07": [way]})
    assert values == {"06": {"levels": 4, "way": "x=y"}, "07": {"way": "x=y"}}
