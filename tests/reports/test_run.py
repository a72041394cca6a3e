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
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import nbformat
import pytest
from python_calamine import CalamineWorkbook

from crm_lib.reports.publish import clear_abandoned, latest, runs
from crm_lib.reports.run import Run, run_report
from tests.reports.shop import HOSTILE, write_notebook

PASSWORD = "s3cret-of-the-shop"
FILES = {
    "company.toml": """
[company]
name = "Corner <shop>"
currency = "GBP"
allow_rejected = true

[tables.transactions]
file = "transactions.csv"

[tables.customers]
file = "customers.csv"

[database]
url = "duckdb://shop.duckdb"
password_env = "SHOP_PASSWORD"
""",
    "transactions.csv": """order_id,customer_id,ordered_at,revenue,product
o1,a,2025-01-10 10:00,20.0,=cmd|' /C calc'!A0
o2,b,2025-01-15 09:30,12.5,tea
o3,a,2025-02-01 18:45,30.0,tea
o4,c,2025-02-20 12:00,99.9,jam
o5,b,2025-03-05 08:15,text,jam
o6,c,2025-03-31 16:20,45.0,tea
""",
    "customers.csv": f"customer_id,name,region\na,{HOSTILE},north\nb,Zoë O'Neil,south\nc,陈明,north\n",
}
CELLS = (
    "# Who buys?\n\nThe **idea**: $L(p) = \\frac{1}{2}$ <b>bold</b>.",
    "%load_ext crm_lib.notebook\n"
    "from crm_lib.company import Company\n"
    "from crm_lib.estimate import Estimate\n"
    "from crm_lib.exhibit import Table\n"
    "from crm_lib.figures.chart import Chart\n"
    "from crm_lib.figures.style import new_axes\n"
    "from crm_lib.finding import Criterion, Finding\n"
    "shop = Company.open(company, as_of=as_of)",
    "## The data",
    "frame = shop.frame('customers').assign(value=1 / 3)\n"
    "table = Table(name='customers', title='All customers', frame=frame)\n"
    "table",
    "products = shop.frame('transactions')[['product', 'revenue']]\n"
    "Table(name='products', title='Products', frame=products, kinds={'revenue': 'money'}, currency=shop.currency)",
    "axes = new_axes()\n"
    "axes.plot([1, 2, levels])\n"
    "Chart(name='line', title='A line', axes=axes, alt='A line that rises.', table=table)",
    "frame",
    "## What follows",
    "estimate = Estimate(value=0.7, low=0.6, high=0.8, n=3, method='counted', unit='share')\n"
    "Finding(key='demo.best', claim='The best bring most.', source='textbook', estimate=estimate,\n"
    "        criterion=Criterion(low=0.5), sentence='They bring {estimate}.',\n"
    "        if_supported='Look after them.', if_not_supported='Leave it.', if_undecided='Wait.')",
    "## Regions",
    "regions = shop.frame('surveys')\nprint('never printed')",
)


def report(root: Path, **more: Any) -> Run:
    return run_report(root / "data" / "shop", folder=root / "notebooks", **more)


@pytest.fixture(scope="module", autouse=True)
def _password() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHOP_PASSWORD", PASSWORD)
        patch.setenv("CRM_SMTP_PASSWORD", PASSWORD)
        yield


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project of one company and two notebooks, of which the second needs a table that is not there."""
    root = tmp_path_factory.mktemp("project")
    shop = root / "data" / "shop"
    shop.mkdir(parents=True)
    for name, content in FILES.items():
        (shop / name).write_text(content, encoding="utf-8")
    duckdb.connect(str(shop / "shop.duckdb")).close()
    (root / "requirements.lock").write_text("nothing==1\n", encoding="utf-8")
    uses = {"customers": ["region"], "surveys": []}
    write_notebook(root / "notebooks", "06_buyers", *CELLS, title="Buyers", uses=uses)
    write_notebook(root / "notebooks", "09_answers", "## Answers", title="Answers", needs={"surveys": ["loyalty"]})
    return root


@pytest.fixture(scope="module")
def twins(root: Path) -> tuple[Run, Run]:
    """Return two equal runs, made at the same time."""
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: report(root, parameters=["levels=4"]), range(2))
    return first, second


def give_nothing_away(run: Run, root: Path) -> None:
    secrets = [text.encode() for text in (PASSWORD, str(root), str(Path.home()) + os.sep)]
    assert not any(secret in path.read_bytes() for path in run.folder.iterdir() for secret in secrets)


def test_two_runs_at_once_are_both_published_with_all_their_parts(root: Path, twins: tuple[Run, Run]) -> None:
    shelf = root / "reports" / "shop"
    assert all(run.good for run in twins)
    assert {run.folder for run in twins} == set(runs(shelf))
    assert latest(shelf) in [run.folder.resolve() for run in twins]
    assert not list(shelf.glob(".building-*"))
    parts = {"index.html", "findings.json", "manifest.json", "06_buyers.html", "06_buyers.xlsx", "06_buyers.ipynb"}
    for run in twins:
        assert {path.name for path in run.folder.iterdir()} == parts
        give_nothing_away(run, root)


def test_equal_runs_give_equal_findings_tables_and_notebooks(twins: tuple[Run, Run]) -> None:
    for name in ("findings.json", "06_buyers.xlsx", "06_buyers.ipynb"):
        first, second = (run.folder / name for run in twins)
        assert first.read_bytes() == second.read_bytes(), name


def test_the_workbook_and_the_executed_notebook_hold_what_was_shown(twins: tuple[Run, Run]) -> None:
    book = CalamineWorkbook.from_path(twins[0].folder / "06_buyers.xlsx")
    assert book.sheet_names == ["Contents", "Findings", "customers", "products"]
    assert book.get_sheet_by_name("products").to_python()[1] == ["=cmd|' /C calc'!A0", 20.0]
    document = nbformat.read(twins[0].folder / "06_buyers.ipynb", as_version=4)
    nbformat.validate(document)
    assert 'company = "shop"' in document.cells[1].source
    assert "papermill" not in document.metadata


def test_the_manifest_names_what_a_repetition_needs(twins: tuple[Run, Run]) -> None:
    manifest = json.loads((twins[0].folder / "manifest.json").read_text())
    given = {"company": "shop", "as_of": "2025-03-31", "levels": 4, "dimensions": ["region"]}
    assert manifest["parameters"]["06_buyers"] == given
    data, code = manifest["data"]["transactions"], manifest["code"]
    for sha256 in (data.pop("sha256"), code["crm_lib"], code["lock_file"]):
        assert re.fullmatch(r"[0-9a-f]{64}", sha256)
    assert data == {"rows": 6, "kept": 5, "rejected": 1, "excluded": 0, "cut": 0}
    status = {each["notebook"]: each["status"] for each in manifest["notebooks"]}
    assert status == {"06_buyers": "done", "09_answers": "skipped"}
    assert {"python", "pandas", "ibis-framework"} <= set(manifest["versions"])


@pytest.fixture
def copy(root: Path, twins: tuple[Run, Run], tmp_path: Path) -> Path:
    """Return a project that has a good run already."""
    assert twins[0].good
    shutil.copytree(root, tmp_path / "copy", symlinks=True)
    return tmp_path / "copy"


def test_notebooks_that_fail_lack_data_or_die_are_told_and_the_others_published(copy: Path) -> None:
    breaks = ("import os\nprint('came so far')", "raise ValueError(os.environ['SHOP_PASSWORD'] + os.getcwd())")
    thin = "from crm_lib.errors import TooLittleData\nraise TooLittleData('nobody bought in the window')"
    seen = "import os\nprint('as it should be', [name for name in os.environ if 'SMTP' in name])"
    write_notebook(copy / "notebooks", "06_buyers", seen)
    write_notebook(copy / "notebooks", "10_breaks", "# Breaks", *breaks, "print('never')")
    write_notebook(copy / "notebooks", "11_thin", thin)
    write_notebook(copy / "notebooks", "12_dies", "import os\nos.kill(os.getpid(), 9)")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("crm_lib.reports.pdf.browser", list)
        run = report(copy, pdf=True)
    assert len(run.unprinted) == 1
    assert not run.good
    assert latest(copy / "reports" / "shop") != run.folder
    give_nothing_away(run, copy)
    assert [outcome.status for outcome in run.outcomes] == ["done", "skipped", "failed", "skipped", "failed"]
    for name, told in (
        ("06_buyers.html", "as it should be []"),
        ("10_breaks.html", "came so far"),
        ("10_breaks.html", "ValueError in cell [4]"),
        ("12_dies.html", "DeadKernelError"),
        ("index.html", "Failed: 10_breaks."),
        ("index.html", "nobody bought in the window"),
    ):
        assert told in re.sub(r"<[^>]+>", "", (run.folder / name).read_text())
    assert (run.folder / "10_breaks.ipynb").exists()
    assert not list(run.folder.glob("11_thin.*"))


def alive(process: str) -> bool:
    try:
        return (Path("/proc") / process / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_run_leaves_the_last_good_report_whole(copy: Path, how: signal.Signals) -> None:
    shelf, started = copy / "reports" / "shop", copy / "started"
    before = latest(shelf)
    assert before is not None
    content = {path.name: path.read_bytes() for path in before.iterdir()}
    tell = f"half = pathlib.Path('half')\nhalf.write_text(str(os.getpid()))\nhalf.rename({str(started)!r})\n"
    write_notebook(copy / "notebooks", "10_waits", f"import os, pathlib, time\n{tell}time.sleep(600)")
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
    until = time.monotonic() + 60
    while alive(started.read_text()):
        assert time.monotonic() < until, "the kernel of the killed run is still there"
        time.sleep(0.1)
    assert code == (-how if how == signal.SIGKILL else 128 + how)
    # What a process that could not clear up leaves is cleared away as the next run does first of all.
    assert len(clear_abandoned(shelf)) == (how == signal.SIGKILL)
    assert not list(shelf.glob(".building-*"))
