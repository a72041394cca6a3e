"""Every notebook on companies that lack much: a statement is left out with its reason, and never the page."""

from __future__ import annotations

import re
import warnings

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display
from IPython.utils.capture import capture_output

from crm_lib.notebook import LEFT_OUT_MIME
from tests.companies import odd_companies, write_company
from tests.notebooks.test_rules import FILES

COMPANIES = odd_companies()
LONG = ("one_customer", "one_price_and_a_guest")
"""Companies of which the others show nearly all; they are tried with the long tests."""
NO_NUMBER = re.compile(r"\b(nan|NaN|NaT|None|inf)\b")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for name, frame in COMPANIES.items():
        write_company(folder / name, {"transactions": frame}, margin_rate=0.3)
    return folder


@pytest.fixture
def shell():
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.display_trap.hook = lambda value: value is None or display(value)  # the last value is captured as well
    yield shell
    InteractiveShell.clear_instance()


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
@pytest.mark.parametrize(
    "company", [pytest.param(name, marks=[pytest.mark.validate] * (name in LONG)) for name in COMPANIES]
)
def test_what_the_data_cannot_answer_is_left_out_and_the_page_stays(company, file, data, shell, monkeypatch):
    monkeypatch.setenv("CRM_DATA", str(data))
    shown, notes = [], []
    for cell in (cell for cell in nbformat.read(file, as_version=4).cells if cell.cell_type == "code"):
        with capture_output() as captured, warnings.catch_warnings(record=True) as told:
            result = shell.run_cell(cell.source, store_history=False)
        result.raise_error()
        if "parameters" in cell.metadata.get("tags", []):
            shell.user_ns["company"] = company
        # What the library says of a model is for the reader; a warning of another library is a fault.
        assert not [each for each in told if not issubclass(each.category, UserWarning) or "figures" in each.filename]
        notes += [each.data[LEFT_OUT_MIME]["why"] for each in captured.outputs if LEFT_OUT_MIME in each.data]
        shown += [each.data.get("text/html", each.data["text/plain"]) for each in captured.outputs]
    words = [re.sub(r"<(style|script).*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL) for page in shown]
    assert not [found.string[max(found.start() - 80, 0) :][:160] for found in map(NO_NUMBER.search, words) if found]
    assert notes
    assert all(re.fullmatch(r"[a-z][^{}]{15,250}", note) for note in notes), notes
