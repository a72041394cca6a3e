"""No analysis can look ahead: what is later than as_of changes nothing."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from hypothesis import given, settings, strategies as st

from crm_lib.company import Company
from tests.companies import write_company

AS_OF = dt.date(2025, 3, 1)
DAYS = st.integers(-60, -1).map(lambda day: AS_OF + dt.timedelta(days=day + 1))
LATER = st.integers(1, 90).map(lambda day: AS_OF + dt.timedelta(days=day))
NAMES = st.sampled_from(["anna", "ben", "cleo"])


def line(day: dt.date, name: str, revenue: float, number: int, recorded: dt.date) -> dict[str, object]:
    return {
        "order_id": f"o{number}", "line_id": f"l{number}", "customer_id": name, "ordered_at": f"{day} 23:59:59",
        "recorded_at": f"{recorded} 23:59:59", "revenue": revenue, "channel": "web" if revenue > 50 else None,
    }  # fmt: skip


def complaint(day: dt.date, closed: dt.date | None, name: str, code: object) -> dict[str, object]:
    return {"customer_id": name, "opened_at": day, "closed_at": closed, "satisfied": "yes", "topic": code}


PAST_LINES = st.lists(st.builds(line, DAYS, NAMES, st.floats(1, 99), st.integers(0, 9), DAYS), min_size=1, max_size=9)
LATER_LINES = st.lists(
    st.one_of(
        st.builds(line, LATER, NAMES, st.floats(1, 99), st.integers(0, 9), LATER),
        st.builds(line, DAYS, NAMES, st.floats(1, 99), st.integers(0, 9), LATER),
    ),
    max_size=9,
)
PAST_COMPLAINTS = st.lists(st.builds(complaint, DAYS, st.one_of(st.none(), DAYS), NAMES, st.just("1")), max_size=4)
LATER_COMPLAINTS = st.lists(st.builds(complaint, LATER, st.none(), NAMES, st.sampled_from(["1", "late"])), max_size=4)


def shown(lines: list[dict[str, object]], complaints: list[dict[str, object]]) -> tuple[object, ...]:
    empty = pd.DataFrame(columns=["customer_id", "opened_at", "closed_at", "satisfied", "topic"])
    with TemporaryDirectory() as folder:
        tables = {"transactions": pd.DataFrame(lines), "complaints": pd.DataFrame(complaints) if complaints else empty}
        company = Company.open(write_company(Path(folder) / "shop", tables, max_rejected_share=1), as_of=AS_OF)
        return tuple(
            (name, tuple(company.check_all().table(name).columns), company.frame(name).astype(str).to_numpy().tolist())
            for name in company.tables
        )


@settings(max_examples=4, deadline=None)
@given(PAST_LINES, LATER_LINES, PAST_COMPLAINTS, LATER_COMPLAINTS)
def test_rows_later_than_as_of_change_nothing(
    lines: list[dict[str, object]],
    later: list[dict[str, object]],
    complaints: list[dict[str, object]],
    later_complaints: list[dict[str, object]],
) -> None:
    assert shown(lines, complaints) == shown([*later, *lines], [*later_complaints, *complaints])


def test_the_day_of_as_of_counts_to_its_end(tmp_path: Path) -> None:
    moments = ["2025-03-01 00:00:00", "2025-03-01 23:59:59.999999", "2025-03-02 00:00:00"]
    rows = pd.DataFrame({"order_id": ["1", "2", "3"], "customer_id": "anna", "ordered_at": moments, "revenue": 1.0})
    company = Company.open(write_company(tmp_path / "shop", {"transactions": rows}), as_of=AS_OF)
    assert company.frame("transactions").order_id.tolist() == ["1", "2"]
    assert company.check_all().table("transactions").cut == 1


def beside(folder: Path, **tables: pd.DataFrame) -> Company:
    """Open a company of one order and other tables."""
    rows = pd.DataFrame([line(dt.date(2025, 1, 5), "anna", 9.0, 1, dt.date(2025, 1, 5))])
    return Company.open(write_company(folder / "shop", {"transactions": rows, **tables}), as_of=AS_OF)


def test_an_outcome_is_hidden_until_it_was_known(tmp_path: Path) -> None:
    complaints = pd.DataFrame(
        [
            complaint(dt.date(2025, 1, 1), dt.date(2025, 3, 1), "anna", "late"),
            complaint(dt.date(2025, 1, 2), dt.date(2025, 3, 2), "ben", "late"),
            complaint(dt.date(2025, 1, 3), None, "cleo", "late"),
        ]
    )
    frame = beside(tmp_path, complaints=complaints).frame("complaints").set_index("customer_id")
    assert frame.satisfied.notna().to_dict() == {"anna": True, "ben": False, "cleo": False}
    assert frame.closed_at.notna().to_dict() == {"anna": True, "ben": False, "cleo": False}


def test_customers_whose_acquisition_day_nobody_knows_are_kept(tmp_path: Path) -> None:
    known = {"customer_id": ["anna", "ben", "cleo"], "acquired_at": ["2025-01-01", None, "2025-04-01"]}
    company = beside(tmp_path, customers=pd.DataFrame(known))
    assert company.frame("customers").customer_id.tolist() == ["anna", "ben"]


def test_a_table_of_which_all_rows_are_later_is_absent(tmp_path: Path) -> None:
    company = beside(tmp_path, complaints=pd.DataFrame([complaint(dt.date(2025, 4, 1), None, "anna", "late")]))
    assert not company.has("complaints")
    assert company.check_all().table("complaints").faults[0].severity == "tolerable"
