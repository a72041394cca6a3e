"""Whole runs, with real kernels: few, as each takes seconds."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import nbformat
import pytest
from nbformat import NotebookNode
from python_calamine import CalamineWorkbook

from crm_lib.reports.publish import clear_abandoned, latest, runs
from crm_lib.reports.run import Run, run_report

PASSWORD = "s3cret-of-the-shop"


def report(root: Path, **more: object) -> Run:
    return run_report(root / "data" / "shop", folder=root / "notebooks", **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, project_writer: Callable[[Path], Path]) -> Path:
    root = project_writer(tmp_path_factory.mktemp("project"))
    toml = root / "data" / "shop" / "company.toml"
    toml.write_text(toml.read_text() + '\n[database]\nurl = "duckdb://shop.duckdb"\npassword_env = "SHOP_PASSWORD"\n')
    duckdb.connect(str(root / "data" / "shop" / "shop.duckdb")).close()
    return root


@pytest.fixture(scope="module")
def twins(root: Path) -> tuple[Run, Run]:
    """Return two equal runs, made at the same time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHOP_PASSWORD", PASSWORD)
        with ThreadPoolExecutor(2) as pool:
            first, second = pool.map(lambda _: report(root, parameters=["levels=4"]), range(2))
    return first, second


def test_two_runs_at_once_are_both_published(root: Path, twins: tuple[Run, Run]) -> None:
    first, second = twins
    assert first.good
    assert second.good
    assert {run.folder for run in twins} == set(runs(root / "reports" / "shop"))
    assert latest(root / "reports" / "shop") in (first.folder.resolve(), second.folder.resolve())
    assert not list((root / "reports" / "shop").glob(".building-*"))


def test_a_run_holds_all_its_parts(twins: tuple[Run, Run]) -> None:
    names = {path.name for path in twins[0].folder.iterdir()}
    assert names == {
        "index.html", "findings.json", "manifest.json", "06_buyers.html", "06_buyers.xlsx", "06_buyers.ipynb"
    }  # fmt: skip


@pytest.mark.parametrize("name", ["findings.json", "06_buyers.xlsx", "06_buyers.ipynb"])
def test_equal_runs_give_equal_findings_tables_and_notebooks(twins: tuple[Run, Run], name: str) -> None:
    first, second = (run.folder / name for run in twins)
    assert first.read_bytes() == second.read_bytes()


def test_the_page_is_small_and_shows_no_markup_of_the_data(twins: tuple[Run, Run]) -> None:
    page = (twins[0].folder / "06_buyers.html").read_text()
    assert len(page.encode()) < 500_000
    assert "<script" not in page
    assert "&lt;script&gt;alert(" in page
    assert not re.search(r"https?://", page)
    assert all(re.search(r'\balt="[^"]+"', image) for image in re.findall(r"<img[^>]*>", page))


def test_the_workbook_holds_hostile_text_as_text(twins: tuple[Run, Run]) -> None:
    book = CalamineWorkbook.from_path(twins[0].folder / "06_buyers.xlsx")
    assert book.sheet_names == ["Contents", "Findings", "customers", "products"]
    assert book.get_sheet_by_name("products").to_python()[1] == ["=cmd|' /C calc'!A0", 20.0]
    assert [row[3] for row in book.get_sheet_by_name("customers").to_python()[1:]] == pytest.approx([1 / 3] * 3)


def test_the_front_page_opens_with_findings_and_says_what_was_left_out(twins: tuple[Run, Run]) -> None:
    front = (twins[0].folder / "index.html").read_text()
    assert front.index("They bring 70%") < front.index("What was left out") < front.index("The data</h2>")
    assert "surveys" in front  # the notebook that was skipped
    assert "<td>Regions</td>" in front  # the part that was skipped
    assert "<script" not in front
    assert 'href="06_buyers.html"' in front
    assert "09_answers.html" not in front


def test_the_manifest_names_what_a_repetition_needs_and_nothing_of_the_machine(
    root: Path, twins: tuple[Run, Run]
) -> None:
    written = (twins[0].folder / "manifest.json").read_text()
    manifest = json.loads(written)
    assert manifest["parameters"]["06_buyers"] == {"company": "shop", "as_of": "2025-03-31", "seed": 7, "levels": 4}
    assert manifest["data"]["transactions"] == {
        "sha256": manifest["data"]["transactions"]["sha256"], "rows": 6, "kept": 5, "rejected": 1, "cut": 0
    }  # fmt: skip
    hashes = [manifest["data"]["transactions"]["sha256"], manifest["code"]["crm_lib"], manifest["code"]["lock_file"]]
    assert all(re.fullmatch(r"[0-9a-f]{64}", each) for each in hashes)
    assert {each["notebook"]: each["status"] for each in manifest["notebooks"]} == {
        "06_buyers": "done", "09_answers": "skipped"
    }  # fmt: skip
    assert {"python", "pandas", "ibis-framework"} <= set(manifest["versions"])
    for path in twins[0].folder.iterdir():
        if path.suffix in (".json", ".html", ".ipynb"):
            content = path.read_text()
            assert PASSWORD not in content
            assert str(root) not in content
            assert str(Path.home()) + os.sep not in content


def test_the_executed_notebook_opens_like_the_original(twins: tuple[Run, Run]) -> None:
    document: NotebookNode = nbformat.read(twins[0].folder / "06_buyers.ipynb", as_version=4)
    nbformat.validate(document)
    assert 'company = "shop"' in document.cells[1].source
    assert "papermill" not in document.metadata


@pytest.fixture
def copy(root: Path, twins: tuple[Run, Run], tmp_path: Path) -> Path:
    """Return a project that has a good run already."""
    assert twins[0].good
    shutil.copytree(root, tmp_path / "copy", symlinks=True)
    return tmp_path / "copy"


@pytest.fixture(scope="module")
def troubled(root: Path, twins: tuple[Run, Run], notebook_writer: Callable[..., Path], tmp_path_factory: Any) -> Run:
    """Return a run in which one notebook fails, one has too little data, and the kernel of one dies."""
    assert twins[0].good
    copy = tmp_path_factory.mktemp("troubled") / "copy"
    shutil.copytree(root, copy, symlinks=True)
    notebook_writer(copy / "notebooks", "06_buyers", ["# Fine", "print('as it should be')"], title="Fine")
    cells = ["import os\nprint('came so far')", "raise ValueError(os.environ['SHOP_PASSWORD'] + os.getcwd())"]
    notebook_writer(copy / "notebooks", "10_breaks", ["# Breaks", *cells, "print('never')"], title="Breaks")
    thin = "from crm_lib.errors import TooLittleData\nraise TooLittleData('nobody bought in the window')"
    notebook_writer(copy / "notebooks", "11_thin", ["# Thin", thin], title="Thin")
    notebook_writer(copy / "notebooks", "12_dies", ["# Dies", "import os\nos.kill(os.getpid(), 9)"], title="Dies")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHOP_PASSWORD", PASSWORD)
        run = report(copy)
    assert latest(copy / "reports" / "shop") != run.folder
    assert not any(secret in path.read_bytes() for path in run.folder.glob("*.*") for secret in (PASSWORD.encode(),))
    assert not any(str(copy).encode() in path.read_bytes() for path in run.folder.glob("*.*"))
    return run


def test_a_failing_notebook_keeps_its_error_and_the_others_are_published(troubled: Run) -> None:
    assert not troubled.good
    assert [outcome.status for outcome in troubled.outcomes] == ["done", "skipped", "failed", "skipped", "failed"]
    page, front = ((troubled.folder / name).read_text() for name in ("10_breaks.html", "index.html"))
    assert "came so far" in page
    assert "ValueError in cell [4]" in page
    assert "Failed: Breaks." in re.sub(r"<[^>]+>", "", front)
    assert "as it should be" in (troubled.folder / "06_buyers.html").read_text()
    assert (troubled.folder / "10_breaks.ipynb").exists()


def test_an_analysis_for_which_there_is_too_little_is_left_out(troubled: Run) -> None:
    assert "nobody bought in the window" in (troubled.folder / "index.html").read_text()
    assert not list(troubled.folder.glob("11_thin.*"))


def test_a_kernel_that_dies_is_a_failure_that_is_told(troubled: Run) -> None:
    failure = troubled.outcomes[4].failure
    assert failure is not None
    assert failure.kind == "DeadKernelError"
    assert "DeadKernelError" in (troubled.folder / "12_dies.html").read_text()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_run_leaves_the_last_good_report_whole(
    copy: Path, notebook_writer: Callable[..., Path], how: signal.Signals
) -> None:
    shelf = copy / "reports" / "shop"
    before = latest(shelf)
    assert before is not None
    content = {path.name: path.read_bytes() for path in before.iterdir()}
    started = copy / "started"
    waiting = (
        "import os, pathlib, time\n"
        f"half = pathlib.Path({str(started)!r} + '.half')\n"
        "half.write_text(str(os.getpid()))\n"
        f"half.rename({str(started)!r})\n"
        "time.sleep(600)"
    )
    notebook_writer(copy / "notebooks", "10_waits", ["# Waits", waiting])
    crm = [sys.executable, "-c", "from crm_lib.cli import main; main()", "report", "shop", "--notebook", "10"]
    process = subprocess.Popen(crm, cwd=copy, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not started.exists():
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(how)
    code = process.wait()
    assert latest(shelf) == before
    assert {path.name: path.read_bytes() for path in before.iterdir()} == content
    assert len(runs(shelf)) == 2
    # The kernel does not go on without anyone who waits for it.
    kernel = Path("/proc") / started.read_text()
    for _ in range(600):
        if not kernel.exists() or (kernel / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
            break
        time.sleep(0.1)
    else:
        pytest.fail("the kernel of the killed run is still there")
    if how == signal.SIGKILL:
        assert code == -signal.SIGKILL
        assert len(clear_abandoned(shelf)) == 1  # as the next run does first of all
    else:
        assert code == 128 + signal.SIGTERM
    assert not list(shelf.glob(".building-*"))
