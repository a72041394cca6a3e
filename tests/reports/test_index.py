"""The front page opens with decisions, and lists the findings, compared with the run before."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from crm_lib.company.report import CheckReport, Fault, TableCheck
from crm_lib.estimate import Estimate
from crm_lib.reports.changes import write_findings
from crm_lib.reports.documents import Collected
from crm_lib.reports.execute import Failure, Order, Outcome
from crm_lib.reports.index import render_index
from crm_lib.reports.notebooks import Notebook
from tests.reports.shop import HOSTILE, finding

CHECK = CheckReport(
    company="Shop", key="shop", currency="GBP", as_of=dt.date(2026, 6, 30),
    tables=(
        TableCheck(
            name="transactions", label="Transactions", origin="x.csv", available=True, rows=12345, rejected=17, cut=3,
            kept=12325, first=dt.date(2025, 1, 1), last=dt.date(2026, 6, 30),
            faults=(
                Fault(table="transactions", kind="not a number", severity="tolerable", treatment="row rejected",
                      column="revenue", count=17, examples=((4, HOSTILE),)),
                Fault(table="transactions", kind="rejected rows", severity="serious", treatment="allowed",
                      detail="93%"),
            ),
        ),
    ),
)  # fmt: skip


def found(key: str, value: float) -> dict[str, Any]:
    return finding(key, value).to_dict()


def pounds(value: float) -> Estimate:
    return Estimate.exact(value, n=1, unit="GBP")


def part(name: str, *findings: dict[str, Any], left_out: tuple[dict[str, str], ...] = (), **more: Any) -> Outcome:
    notebook = Notebook(path=Path(f"{name}.ipynb"), title=f"Title {name}", edition="routine")
    shown = Collected(findings=findings, left_out=left_out)
    return Outcome(notebook=notebook, shown=shown, **{"status": "done", **more})


def render(*parts: Outcome, previous: Path | None = None, hidden: dict[str, str] | None = None) -> str:
    company: Any = SimpleNamespace(name="Shop", as_of=CHECK.as_of, check=CHECK)
    started = dt.datetime(2026, 11, 22, 10, 5, tzinfo=dt.UTC)
    run = Order(run_id="r", company=company, started=started, values={}, root=Path(), hidden=hidden or {})
    return render_index(parts, run=run, seconds=12.3, previous=previous, manifest={})


def words(page: str) -> str:
    body = re.sub(r"</?b>|<script>.*?</script>", "", page.partition("</style>")[2], flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def test_changes_since_the_run_before_are_named(tmp_path: Path) -> None:
    before = [found(key, 0.7) for key in ("same", "moved", "turned", "dropped")]
    write_findings(tmp_path / "findings.json", company="shop", as_of="2026-05-31", findings={"06_x": before})
    now = [found("same", 0.72), found("moved", 0.85), found("turned", 0.35), found("fresh", 0.7)]
    text = words(render(part("06_x", *now), previous=tmp_path))
    for told in (
        "number moved: moved is 85% [75%, 95%]. Before: supported – moved is 70%",
        "verdict changed: turned is 35%",
        "not supported turned is 35% [25%, 45%]. verdict changed",
        "supported fresh is 70% [60%, 80%]. new",
        "no longer found: supported – dropped is 70%",
        "1 new, 1 verdict changed, 1 number moved, 1 unchanged",
    ):
        assert told in text
    assert "Before: supported – same" not in text
    assert "same is 72% [62%, 82%]. supported" in text  # the next one follows without a word on a change


def test_the_decisions_with_most_money_come_first() -> None:
    money = {str(value): finding(f"k{value}", 0.7, money_at_stake=pounds(value)).to_dict() for value in range(1, 9)}
    open_question = finding("open", 0.5, money_at_stake=pounds(99)).to_dict()
    page = render(part("06_x", *money.values(), open_question), part("07_y", found("poor", 0.7)))
    decide = words(page).partition("Decide now")[2].partition("Money at stake as")[0]
    assert re.findall(r"£(\d)\.00 Look after them\. (k\d) is", decide) == [(str(n), f"k{n}") for n in (8, 7, 6, 5, 4)]
    assert page.count("<b>70% [60%, 80%]</b>") == 5 + 8 + 1
    assert 'href="07_y.html#poor"' in page


def test_the_page_runs_no_script_but_its_own() -> None:
    page = render(part("06_x", found("a", 0.7)))
    allowed = re.search(r"script-src 'sha256-([^']+)'", page)
    script = re.search(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    assert allowed
    assert script
    assert base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode() == allowed[1]


def test_what_was_skipped_or_failed_is_said() -> None:
    page = render(
        part("06_x", found("a", 0.7), left_out=({"what": "By region", "why": "needs region"},)),
        part("08_y", status="skipped", why="needs surveys"),
        part("09_z", status="failed", failure=Failure(kind="ValueError", message=HOSTILE, cell=3)),
    )
    text = words(page)
    order = ("rejected rows: 93% (allowed)", "Failed: Title 09_z.", "a is 70%", "By region needs region")
    assert sorted(order, key=text.index) == list(order)
    assert "Title 08_y The whole analysis needs surveys" in text
    assert 'href="09_z.html"' in page
    assert 'href="08_y.html"' not in page
    assert page.count("<script") == 1
    assert page.count("&lt;script&gt;") == 2  # in the failure and in the remark of the data check


def test_the_data_check_is_summed_up_without_what_must_not_be_published() -> None:
    page = render(part("06_x"))
    assert "Transactions 12,345 12,325 17 3 1 Jan 2025 30 Jun 2026" in words(page)
    assert "2 remarks of the data check" in words(page)
    assert "22 Nov 2026, 10:05 UTC" in words(page)
    assert "&lt;script" in page
    assert "&lt;script" not in render(part("06_x"), hidden={HOSTILE: "hidden"})
