"""The extension, in a real IPython shell."""

from __future__ import annotations

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from crm_lib.errors import MissingData
from crm_lib.notebook import LEFT_OUT_MIME, LeftOut

MISSING = "raise_missing = __import__('crm_lib.errors').errors.MissingData\ndef f(): raise raise_missing('complaints')"


@pytest.fixture
def run():
    """Run a cell; return what it displayed and the error that stopped it, if any."""
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "crm_lib.notebook")
    shell.run_cell(MISSING)

    def _run(cell):
        with capture_output() as captured:
            result = shell.run_cell(cell, store_history=False)
        return captured, result.error_in_exec

    _run.shell = shell
    yield _run
    InteractiveShell.clear_instance()


def _notes(captured):
    return [output.data[LEFT_OUT_MIME]["why"] for output in captured.outputs if LEFT_OUT_MIME in output.data]


def test_a_statement_that_lacks_its_data_is_left_out_with_one_note(run):
    captured, error = run("core, more = f(), 2\nrest = core.frame\nprint('goes on')")
    assert error is None
    assert _notes(captured) == ["needs table 'complaints', which the company does not have"]
    assert "goes on" in captured.stdout
    assert isinstance(run.shell.user_ns["more"], LeftOut)
    assert isinstance(run.shell.user_ns["rest"], LeftOut)


@pytest.mark.parametrize("use", ["core", "core.frame", "core()", "core + 1", "core['a']", "len(core)", "[*core]"])
def test_what_rests_on_it_is_left_out_without_a_word(run, use):
    run("core = f()")
    captured, error = run(use)
    assert error is None
    assert not captured.outputs
    assert not captured.stdout


def test_it_raises_the_same_error_inside_a_function_of_the_library(run):
    run("core = f()")
    with pytest.raises(MissingData, match="complaints"):
        bool(run.shell.user_ns["core"])


def test_the_last_expression_still_shows_and_earlier_ones_do_not(run):
    captured, error = run("1 + 1\n2 + 2")
    assert error is None
    assert captured.stdout.strip().endswith("4")
    assert "2" not in captured.stdout


def test_a_result_of_the_library_shows_as_a_short_table(run):
    run("from crm_lib.customers.window import Basis\nbasis = Basis(kind='margin', currency='GBP', days=365)\nbasis")
    shown, _ = run.shell.display_formatter.format(run.shell.user_ns["basis"])
    assert "<caption>Basis</caption>" in shown["text/html"]
    assert "<td>margin</td>" in shown["text/html"]
    assert "Basis(" not in shown["text/plain"]


def test_any_other_error_stops_the_cell(run):
    captured, error = run("x = 1\n{}['absent']")
    assert isinstance(error, KeyError)
    assert not _notes(captured)


def test_a_name_made_good_later_is_used(run):
    run("core = f()")
    _, error = run("core = 3\nassert core == 3")
    assert error is None


def test_loaded_twice_it_wraps_once_and_unloaded_not_at_all(run):
    run.shell.run_line_magic("reload_ext", "crm_lib.notebook")
    assert len(run.shell.ast_transformers) == 1
    run.shell.run_line_magic("unload_ext", "crm_lib.notebook")
    _, error = run("f()")
    assert isinstance(error, MissingData)
