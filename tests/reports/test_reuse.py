"""What did not change is not run again, and a published run can be run again to see that it says the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crm_lib.errors import CrmError
from crm_lib.reports.run import Run, run_report
from crm_lib.reports.verify import verify_run
from tests.reports.shop import write_notebook

CELLS = (
    "# Who buys?",
    "from crm_lib.company import Company\nfrom crm_lib.exhibit import Table\nshop = Company.open(company, as_of=as_of)",
    "frame = shop.frame('transactions')[['revenue']].agg(['sum']) * levels\n"
    "Table(name='sold', title='What was sold', frame=frame)",
)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project of one company and one notebook, with a cache of its own."""
    shop = tmp_path / "data" / "shop"
    shop.mkdir(parents=True)
    (shop / "company.toml").write_text(
        '[company]\nname = "Shop"\ncurrency = "GBP"\n[tables.transactions]\nfile = "t.csv"\n'
    )
    (shop / "t.csv").write_text("order_id,customer_id,ordered_at,revenue\n1,a,2025-01-10,20\n2,b,2025-02-15,12.5\n")
    write_notebook(tmp_path / "notebooks", "06_buyers", *CELLS, title="Buyers")
    monkeypatch.setenv("CRM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CRM_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def report(root: Path, **more: Any) -> Run:
    return run_report("shop", folder=root / "notebooks", **more)


def test_only_what_changed_is_run_again(root: Path) -> None:
    first = report(root)
    second, third = report(root), report(root)
    for again in (second, third):
        assert again.outcomes[0].ran == first.folder.name
        assert again.outcomes[0].shown == first.outcomes[0].shown
        for name in ("06_buyers.ipynb", "06_buyers.xlsx", "findings.json"):
            assert (again.folder / name).read_bytes() == (first.folder / name).read_bytes()
    for name in ("index.html", "06_buyers.html"):
        assert "unchanged since the run of" in (third.folder / name).read_text()
        assert "unchanged since the run of" not in (first.folder / name).read_text()
    assert not report(root, parameters=["levels=4"]).outcomes[0].ran
    with (root / "data" / "shop" / "t.csv").open("a") as table:
        table.write("3,a,2025-02-15,7.5\n")
    changed = report(root)
    assert not changed.outcomes[0].ran
    assert changed.outcomes[0].shown != first.outcomes[0].shown


def test_what_was_damaged_or_is_asked_for_again_is_run_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = report(root)
    with (first.folder / "06_buyers.ipynb").open("a") as executed:
        executed.write(" ")
    assert not report(root).outcomes[0].ran
    assert not report(root, again=True).outcomes[0].ran
    monkeypatch.setenv("CRM_CACHE", "")
    assert not report(root).outcomes[0].ran


def test_a_run_that_is_verified_says_the_same_or_what_differs(root: Path) -> None:
    run = report(root, parameters=["levels=4"])
    told = verify_run(run.folder)
    assert (told.same, told.different, told.since) == (1, (), ())
    (root / "data" / "shop" / "t.csv").write_text("order_id,customer_id,ordered_at,revenue\n1,a,2025-02-15,21\n")
    told = verify_run(run.folder)
    assert (told.same, told.different, told.since) == (0, ("06_buyers: table 'What was sold'",), ("the data",))
    assert len(list((root / "reports" / "shop").glob("2025*"))) == 1
    manifest = json.loads((run.folder / "manifest.json").read_text())
    (run.folder / "manifest.json").write_text(json.dumps({**manifest, "notebooks": []}))
    with pytest.raises(CrmError, match="holds no published run"):
        verify_run(run.folder)
