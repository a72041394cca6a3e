"""The page holds what the tables say of one customer, and what it cannot say it leaves out with the reason."""

from __future__ import annotations

import datetime as dt
import io
import stat
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from rich.console import Console

from crm_lib import clv
from crm_lib.clv import CustomerValue
from crm_lib.company import Company
from crm_lib.customer_page import customer_page, print_page, write_html
from crm_lib.customer_page.actions import next_actions
from crm_lib.customer_page.customer import Customer
from crm_lib.customer_page.page import CustomerPage, page_html
from crm_lib.customer_page.sections import renewal_day
from crm_lib.errors import CrmError, MissingData
from crm_lib.scoring.kept import keep_scores, kept_scores
from tests.companies import write_company
from tests.customer_page.conftest import AS_OF, NAME, page_tables, table

NOT_SCORED = MissingData("transactions")


def made(shop: Company, customer: str, scores: pd.DataFrame | MissingData = NOT_SCORED) -> CustomerPage:
    def scored() -> pd.DataFrame:
        if isinstance(scores, MissingData):
            raise scores
        return scores

    return customer_page(shop, customer, scored)


def keys(shop: Company, customer: str, scores: pd.DataFrame | MissingData = NOT_SCORED) -> list[str]:
    return list(next_actions(Customer(company=shop, customer_id=customer, scores=scores)).index)


def printed(page: CustomerPage) -> str:
    out = io.StringIO()
    print_page(page, Console(file=out, width=200, color_system="truecolor", force_terminal=True))
    return out.getvalue()


def test_the_history_is_that_of_the_transactions(page_shop: Company, page_scores: pd.DataFrame) -> None:
    page = made(page_shop, "steady", page_scores)
    facts = dict(page.section("purchases").facts)
    days = pd.date_range("2024-01-10", "2026-01-05", freq="14D")
    assert facts["Orders"] == str(len(days))
    assert facts["Revenue, net of returns"] == f"£{80 * len(days):,}"
    assert facts["Last order"] == "24 Dec 2025 (188 days ago)"
    orders = page.section("purchases").tables[0].frame
    assert len(orders) == 12
    assert orders["ordered_at"].is_monotonic_decreasing
    labels = [label for section in page.sections for label, _ in section.facts if section.key == "identity"]
    assert len(labels) == len(set(labels))
    assert {"Name", "Region", "Contact allowed", "Favourite author"} < set(labels)
    worth = dict(page.section("worth").facts)
    best = page_scores["current"].rank(ascending=False, method="min")["steady"]
    assert worth["Place by current value"].startswith(f"{best:.0f} of ")
    assert not any(section.left_out for section in page.sections if section.key in ("identity", "complaints", "worth"))


def test_open_complaints_come_first_and_one_closed_without_a_settlement_is_not_settled(page_shop: Company) -> None:
    tables = made(page_shop, "steady").section("complaints").tables
    assert [table.title for table in tables] == ["Open or unsettled complaints", "Settled complaints"]
    states = [table.frame[["complaint_id", "state"]].to_numpy().tolist() for table in tables]
    assert states == [[["k1", "open"]], [["k2", "settled"]]]
    section = made(page_shop, "once").section("complaints")
    assert dict(section.facts) == {"Complaints": "1", "Open or unsettled": "1"}
    assert section.tables[0].frame[["state", "resolution"]].to_numpy().tolist() == [["closed unsettled", "none"]]
    first = made(page_shop, "once").section("actions").tables[0].frame.iloc[0]
    assert first["what"].startswith("Take up the unsettled complaint again before anything else")
    assert first["why"] == "1 complaint was closed unsettled, the last on 25 Jun 2026: wrong item"


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """The company where the complaint of `once` was settled, the membership ends, and one answer is on a rival."""
    tables = page_tables()
    tables["complaints"]["resolution"] = tables["complaints"]["resolution"].replace("none", "voucher")
    tables["memberships"]["ended_at"] = pd.to_datetime(["2026-06-30"])
    tables["surveys"]["brand"] = ["Rival", "Our House"]
    tables["competitors"] = table("brand own measure measured_at value", ("Our House", True, "m", "2026-01-01", 1.0))
    tables["customers"].loc[1, "contact_allowed"] = None
    return Company.open(write_company(tmp_path_factory.mktemp("other") / "shop", tables, how="parquet", as_of=AS_OF))


def test_who_is_dissatisfied_with_a_settlement_is_asked_again_and_unknown_consent_is_none(other: Company) -> None:
    assert keys(other, "once") == ["ask_again", "unresolved_contact", "second_purchase"]
    rows = made(other, "once").section("actions").tables[0].frame
    assert rows["what"].str.endswith("(when the customer turns to us)").tolist() == [False, False, True]


def test_a_membership_runs_on_its_last_day_and_answers_on_rivals_are_not_told(other: Company) -> None:
    page = made(other, "steady")
    assert dict(page.section("memberships").facts) == {"Memberships": "1", "Running": "yes"}
    assert "renewal" not in keys(other, "steady")
    assert dict(page.section("answers").facts)["Answers"] == "1"
    assert dict(made(other, "once").section("answers").facts)["Answers"] == "0"


def test_the_day_looked_at_hides_what_came_later(page_folder: Path) -> None:
    before = Company.open(page_folder, as_of=dt.date(2025, 2, 3))
    page = made(before, "steady")
    assert dict(page.section("complaints").facts) == {"Complaints": "1", "Open or unsettled": "1"}
    assert "closed_at" not in page.section("complaints").tables[0].frame
    with pytest.raises(CrmError, match="knows no customer 'once'"):
        made(before, "once")


@pytest.mark.parametrize("customer", ["quote ' \" ; --", "李雷", "../../etc/passwd"])
def test_any_number_that_the_company_uses_finds_its_customer(page_shop: Company, customer: str) -> None:
    page = made(page_shop, customer)
    assert dict(page.section("purchases").facts)["Orders"] == "1"
    assert customer in printed(page)


@pytest.mark.parametrize("customer", ["nobody", "", "' OR 1=1 --", "stead", "STEADY", "\x00", "%", "../steady"])
def test_an_unknown_number_is_a_clear_error_that_tells_of_nobody_else(page_shop: Company, customer: str) -> None:
    with pytest.raises(CrmError, match="knows no customer") as told:
        made(page_shop, customer)
    assert "once" not in str(told.value)
    assert "\x00" not in str(told.value)


def test_who_bought_nothing_has_a_page_without_a_value(page_shop: Company, page_scores: pd.DataFrame) -> None:
    page = made(page_shop, "returner", page_scores)
    assert "no purchase" in page.section("worth").left_out
    facts = dict(page.section("purchases").facts)
    assert facts["Orders"] == "0"
    assert facts["Returned"] == "£30.00"
    assert page.section("purchases").tables[0].frame["kind"].tolist() == ["return"]
    page = made(page_shop, "silent", page_scores)
    assert dict(page.section("identity").facts)["Name"] == "Cleo"
    assert page.section("purchases").left_out


def test_a_company_that_knows_little_has_pages_without_states_where_closings_are_not_recorded(tmp_path: Path) -> None:
    tables, columns = page_tables(), ["customer_id", "order_id", "ordered_at", "revenue"]
    little = {"transactions": tables["transactions"][columns], "complaints": tables["complaints"].iloc[:, [0, 1, 2, 4]]}
    shop = Company.open(write_company(tmp_path / "little", little, how="parquet", as_of=AS_OF))
    page = made(shop, "once")
    left_out = {section.key for section in page.sections if section.left_out}
    assert left_out >= {"identity", "contacts", "memberships", "campaigns", "answers", "referrals"}
    assert "table 'interactions'" in page.section("contacts").left_out
    assert dict(page.section("purchases").facts)["Orders"] == "1"
    assert "second purchase" in printed(page)
    assert "needs table" in page_html(page)
    assert dict(page.section("complaints").facts) == {"Complaints": "1"}
    assert "state" not in page.section("complaints").tables[0].frame
    assert keys(shop, "once") == ["second_purchase"]


def test_actions_stand_in_the_order_of_their_urgency(page_shop: Company, page_scores: pd.DataFrame) -> None:
    # Bought every fortnight for two years and then nothing for half a year.
    assert page_scores.loc["steady", "probability_alive"] < 0.1
    assert keys(page_shop, "steady", page_scores) == [
        "open_complaint", "no_consent", "won_back_once", "renewal", "thank", "ask_to_recommend",
    ]  # fmt: skip
    assert keys(page_shop, "once") == ["unsettled_complaint", "unresolved_contact", "unhappy_answer", "second_purchase"]
    assert keys(page_shop, "李雷") == []


def test_without_consent_the_customer_is_not_approached(page_shop: Company) -> None:
    table = made(page_shop, "steady").section("actions").tables[0].frame
    assert table["what"].iloc[0].startswith("Settle the open complaint")
    approaching = table["what"].str.contains("membership|recommendation")
    assert table.loc[approaching, "what"].str.endswith("(when the customer turns to us)").all()
    calm = made(page_shop, "李雷").section("actions")
    assert calm.note == "Nothing calls for an action: serve the customer as usual."


@pytest.mark.parametrize(
    ("started", "months", "day", "due"),
    [
        ("2024-01-31", 1, "2024-02-28", "2024-02-29"),
        ("2024-01-31", 1, "2024-02-29", "2024-03-31"),
        ("2026-06-30", 12, "2026-06-30", "2027-06-30"),
        ("2025-07-15", 3, "2026-06-30", "2026-07-15"),
    ],
)
def test_a_period_begins_on_the_day_of_the_first(started: str, months: int, day: str, due: str) -> None:
    rows = pd.DataFrame({"started_at": pd.to_datetime([started]), "period_months": [months]})
    assert renewal_day(rows, dt.date.fromisoformat(day)) == dt.date.fromisoformat(due)


def test_html_shows_what_customers_wrote_and_runs_none_of_it(
    page_shop: Company, page_scores: pd.DataFrame, tmp_path: Path
) -> None:
    page = made(page_shop, "steady", page_scores)
    html = page_html(page)
    assert "<script" not in html
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; O&#39;Brien &amp; 王" in html
    assert NAME not in html
    assert "http://" not in html.replace("http://www.w3.org/", "")
    assert "https://" not in html
    target = tmp_path / "page.html"
    write_html(page, target)
    assert target.read_text(encoding="utf-8") == html
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_a_terminal_obeys_nothing_in_the_data(page_shop: Company) -> None:
    shown = printed(made(page_shop, "steady"))
    assert "\x1b[31mEliot" not in shown
    assert "[31mEliot" in shown
    assert "<script>" in shown
    assert "[red]South[/red]" in printed(made(page_shop, "brought"))


def test_the_command_prints_a_page_and_writes_one(
    crm: Any, page_folder: Path, page_value: CustomerValue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(clv, "customer_value", lambda *_, **__: page_value)
    code, out, _ = crm("customer", str(page_folder), "steady")
    assert code == 0
    assert "Settle the open complaint" in out
    assert "still a customer with" in " ".join(out.split())
    target = tmp_path / "steady.html"
    code, out, _ = crm("customer", str(page_folder), "steady", "--html", str(target))
    assert code == 0
    assert target.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "O'Brien" not in out


def test_what_cannot_be_used_is_told_with_exit_code_2(crm: Any, page_folder: Path, tmp_path: Path) -> None:
    code, out, err = crm("customer", str(page_folder), "nobody")
    assert (code, out) == (2, "")
    assert "knows no customer 'nobody'" in " ".join(err.split())
    for target, told in ((tmp_path / "page.pdf", ".html"), (tmp_path / "no" / "page.html", "no folder")):
        code, _, err = crm("customer", "no-such-company", "x", "--html", str(target))
        assert code == 2
        assert told in err


def test_kept_scores_serve_the_next_page_until_the_data_change(
    page_shop: Company, page_folder: Path, page_value: CustomerValue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clv, "customer_value", lambda *_, **__: page_value)
    first = kept_scores(page_shop, tmp_path)
    kept = tmp_path / ".scores.parquet"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [".scores.parquet"]
    keep_scores(page_shop, first.assign(current=1.0), tmp_path)
    assert (kept_scores(page_shop, tmp_path)["current"] == 1.0).all()
    earlier = Company.open(page_folder, as_of=dt.date(2026, 5, 31))
    assert not (kept_scores(earlier, tmp_path)["current"] == 1.0).any()
    kept.write_bytes(b"half a file")
    pd.testing.assert_frame_equal(kept_scores(page_shop, tmp_path), first)
