"""The command line: clear errors, the right exit codes, nothing started before all is checked."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from crm_lib import cli
from crm_lib.reports import run as runs
from crm_lib.reports.documents import Collected
from crm_lib.reports.execute import Failure, Outcome
from crm_lib.reports.notebooks import Notebook
from tests.reports.shop import write_notebook

Crm = Callable[..., tuple[int, str, str]]
HEADER = "order_id,customer_id,ordered_at,revenue\n"
TRANSACTIONS = f"{HEADER}o1,a,2025-01-10 10:00,20.0\no2,b,2025-01-15 09:30,12.5\no3,a,2025-02-01 18:45,text\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a project of one company and two notebooks, which is the current folder."""
    shop = tmp_path / "data" / "shop"
    shop.mkdir(parents=True)
    settings = '[company]\nname = "Shop"\ncurrency = "GBP"\nallow_rejected = true\n\n'
    settings += '[tables.transactions]\nfile = "transactions.csv"\n'
    (shop / "company.toml").write_text(settings)
    (shop / "transactions.csv").write_text(TRANSACTIONS)
    write_notebook(tmp_path / "notebooks", "06_first", uses={"customers": ["region"]})
    write_notebook(tmp_path / "notebooks", "09_second", title="Second", needs={"surveys": ["loyalty"]})
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CRM_DATA", raising=False)
    return tmp_path


@pytest.fixture
def no_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the start of any notebook a failure of the test."""
    monkeypatch.setattr(runs, "execute", lambda *_, **__: pytest.fail("a notebook was started"))


@pytest.mark.usefixtures("project", "no_kernels")
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("report shop -p level=4", "did you mean 'levels'?"),
        ("report shop -p levels=many", "parameter 'levels' (int) cannot be 'many'"),
        ("report shop -p levels=9", "it goes from 3 to 5"),
        (
            "report shop -p dimensions=regoin",
            "no column 'regoin' (did you mean 'region'?) in 'customers', 'transactions'",
        ),
        ("report shop --as-of 2100-01-01", "must not lie in the future"),
        ("report shop -p levels", "write -p name=value"),
        ("report shop -p company=x", "is set by COMPANY"),
        ("report shop -p [red]x[/red]=1", "[red]x[/red]"),  # no markup
        ("report shop --as-of 2025-02-30", "2025-02-30"),
        ("report shop --as-of yesterday", "yesterday"),
        ("report shop --notebook 07", "there is no notebook '07'"),
        ("report shop --edition annual", "no notebook of edition 'annual'"),
        ("report shop --edition weekly", "weekly"),
        ("report shop --jobs 0", "--jobs"),
        ("report shop --keep 0", "--keep"),
        ("report shop --nonsense", "--nonsense"),
        ("demo --customers 20 --to made", "at least 50"),
        ("demo --seed -1", "greater than or equal to 0"),
        ("targets shop --levels 7", "--levels"),
        ("targets shop --window-days 0", "--window-days"),
        ("targets shop --contact-cost -1", "--contact-cost"),
        ("targets shop --saved-share 2", "--saved-share"),
        ("targets shop --budget -1", "--budget"),
        ("score no-such-company --to scores.xls", ".parquet"),
    ],
)
def test_what_is_given_wrongly_is_told_before_anything_starts(crm: Crm, arguments: str, told: str) -> None:
    code, out, err = crm(*arguments.split())
    assert (code, out) == (2, "")
    assert told in err
    assert "Traceback" not in err
    assert not Path("reports/shop").exists()


@pytest.mark.usefixtures("project", "no_kernels")
@pytest.mark.parametrize("company", ["shopp", "../shop", "", "a/b", "\x00"])
@pytest.mark.parametrize("command", ["report", "check"])
def test_a_company_that_is_not_there_is_a_clear_error(crm: Crm, command: str, company: str) -> None:
    code, _, err = crm(command, company)
    assert code == 2
    assert err.startswith("Error:")


@pytest.mark.parametrize(
    "arguments",
    [
        "report shop --reports taken", "check shop --rejected taken/rejected", "targets shop --to taken/lists",
        "demo --customers 60 --to taken/demo",
        "score shop --to taken/s.duckdb", "customer shop a --html taken/a.html",
    ],
)  # fmt: skip
@pytest.mark.usefixtures("no_kernels")
def test_what_cannot_be_written_is_told_in_a_line(project: Path, crm: Crm, arguments: str) -> None:
    (project / "taken").write_text("a file where a folder should be")
    code, _, err = crm(*arguments.split())
    assert code == 2
    assert err.count("Error:") == 1
    assert "taken" in err


def test_files_that_change_while_their_report_is_made_are_an_error(
    project: Path, crm: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(*_: object, **__: object) -> list[Outcome]:
        (project / "data" / "shop" / "transactions.csv").write_text(TRANSACTIONS + "o4,c,2025-02-03 10:00,5\n")
        return []

    monkeypatch.setattr(runs, "execute", change)
    code, _, err = crm("report", "shop", "-n", "6")
    assert code == 2
    assert "files changed while its report was made" in err
    assert not [path for path in (project / "reports" / "shop").glob("*") if path.name != ".lock"]


def outcome(name: str, status: str, **more: object) -> Outcome:
    notebook = Notebook(path=Path(f"{name}.ipynb"), title=name, edition="routine")
    return Outcome(notebook=notebook, status=status, **more)  # type: ignore[arg-type]


def test_a_failed_notebook_gives_exit_code_one_and_the_place_of_the_report(
    monkeypatch: pytest.MonkeyPatch, crm: Crm
) -> None:
    left_out = {"what": "By region", "why": "needs table 'customers'"}
    outcomes = (
        outcome("06_x", "done", shown=Collected(left_out=(left_out,))),
        outcome("08_y", "skipped", why="needs surveys"),
        outcome("09_z", "failed", failure=Failure(kind="ValueError", message="bad [x]", cell=3)),
    )
    asked = {}

    def run_report(company: str, **more: object) -> runs.Run:
        asked.update(more, company=company)
        return runs.Run(folder=Path("reports/shop/run"), outcomes=outcomes, unprinted=("no page was printed",))

    monkeypatch.setattr(runs, "run_report", run_report)
    code, out, err = crm(
        "report", "shop", "-n", "6", "--notebook", "08", "-p", "a=1", "-p", "b=2", "--as-of", "2025-01-31",
        "--jobs", "3", "--keep", "5", "--again", "--pdf", "--reports", "elsewhere", "--edition", "routine",
    )  # fmt: skip
    assert code == 1
    assert "reports/shop/run/index.html" in out.replace("\\", "/")
    assert "08_y: skipped – needs surveys" in out
    assert "left out: By region – needs table 'customers'" in out
    assert "ValueError in cell [3]: bad [x]" in err
    assert asked.pop("progress") is not None
    assert asked == {
        "company": "shop", "notebooks": ["6", "08"], "parameters": ["a=1", "b=2"], "as_of": "2025-01-31", "jobs": 3,
        "keep": 5, "reports": Path("elsewhere"), "edition": "routine", "again": True, "pdf": True,
    }  # fmt: skip
    assert "no page was printed" in err
    outcomes = outcomes[:2]
    assert crm("report", "shop", "--pdf")[0] == 3


def test_check_says_what_was_found_and_what_each_notebook_can_do(project: Path, crm: Crm) -> None:
    code, out, _ = crm("check", "shop")
    assert code == 0
    assert "3 rows, 2 kept, 1 rejected" in out
    assert "line 4: 'text'" in out  # the first offending row: the third below the head
    assert "06_first: partly: lacks customers" in out
    assert "09_second: not possible: lacks surveys" in out
    rejected = project / "reports" / "shop" / "rejected" / "transactions.csv"
    assert "o3,a" in rejected.read_text()
    assert str(rejected.parent) in out


def test_rejected_rows_are_written_for_a_company_that_cannot_be_opened_too(project: Path, crm: Crm) -> None:
    file, aside = project / "data" / "shop" / "transactions.csv", project / "aside" / "transactions.csv"
    file.write_text(f"{HEADER}1,a,2025-01-01,5\n2,,2025-01-01,5\n3,,2025-01-01,5\n")
    code, out, err = crm("check", "shop", "--rejected", "aside")
    assert code == 2
    assert "Shop (shop), GBP" in out
    assert "Fatal" in err
    assert len(aside.read_text().splitlines()) == 3
    file.write_text(f"{HEADER}1,a,2025-01-01,5\n")
    assert crm("check", "shop", "--rejected", "aside")[0] == 0
    assert not aside.exists()


@pytest.mark.usefixtures("project")
def test_notebooks_are_listed_with_what_they_need_and_their_parameters(crm: Crm) -> None:
    code, out, _ = crm("notebooks")
    assert code == 0
    for told in ("09_second · Second · routine", "needs: surveys (loyalty)", "-p levels=5", "(3 to 5)"):
        assert told in out
    assert "as_of" not in out


def test_the_dictionary_is_shown_and_written(project: Path, crm: Crm) -> None:
    code, out, _ = crm("dictionary")
    assert code == 0
    assert crm("dictionary", "--write")[0] == 0
    assert (project / "data" / "README.md").read_text(encoding="utf-8").strip() == out.strip()


def test_the_version_is_told_and_every_command_has_a_help(crm: Crm) -> None:
    assert crm("--version")[1].startswith("crm 0")
    for command in cli.app.registered_commands:
        assert command.callback is not None
        assert "Usage:" in crm(command.callback.__name__, "--help")[1]


def test_freezing_writes_definitions_that_lists_keep_to(
    project: Path, crm: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = project / "data" / "shop" / "segments.toml"
    code, _, err = crm("freeze", "shop")
    assert (code, err) == (0, "")  # no word on the steps where nobody looks
    frozen = file.read_text(encoding="utf-8")
    assert "[rfm.cut_points]" in frozen
    code, _, err = crm("freeze", "shop")
    assert code == 2
    assert "--again" in err
    file.write_text("# mine\n" + frozen.replace('name = "Champions"', 'name = "Stars"'), encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setattr(cli, "err", Console(stderr=True, force_terminal=True))
        code, _, err = crm("freeze", "shop", "--again")
    assert code == 0
    assert "Cut points are estimated" in err
    assert 'name = "Stars"' in file.read_text(encoding="utf-8")
    assert (file.parent / "segments.toml.bak").read_text(encoding="utf-8").startswith("# mine")
    code, out, err = crm("targets", "shop")
    assert code == 0
    assert "Why: needs table 'complaints', which the company does not have." in out
    assert "does not record who agreed to be contacted" in err
    assert (project / "reports" / "shop" / "targets" / "targets.xlsx").is_file()


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (duckdb.IOException("IO Error: no file\nLINE 1: SELECT"), 2, "Error: IO Error: no file\n"),
        (PermissionError(13, "Permission denied", "s.csv"), 2, "Error: [Errno 13] Permission denied: 's.csv'\n"),
        (RuntimeError("Query interrupted"), 128 + signal.SIGTERM, ""),
    ],
)
def test_errors_of_the_system_are_a_line_and_a_signal_that_an_engine_swallowed_ends_the_command(
    error: Exception, code: int, told: str, crm: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    def app() -> None:
        raise error

    monkeypatch.setattr(cli, "app", app)
    monkeypatch.setattr(cli, "_stopped", [] if told else [signal.SIGTERM])
    assert crm() == (code, "", told)
