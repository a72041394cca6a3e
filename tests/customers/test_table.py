"""One row per customer: definitions, invariances, and the same answer from every engine."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from crm_lib.clv.realised import realised
from crm_lib.company import Company
from crm_lib.customers import UNIT_DAYS, customer_attribute, customer_summary, in_ranges, parts, purchase_days
from crm_lib.customers.counting import number_of_ones
from crm_lib.errors import MissingData
from tests.companies import transactions, write_company
from tests.customers.reference import reference_summary

AS_OF = dt.date(2025, 3, 31)
START = dt.datetime(2025, 1, 1)  # noqa: DTZ001 - the times of transactions have no zone

_QUICK = settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))


def simulated(size: int, seed: int) -> pd.DataFrame:
    """Return transactions with returns, missing values, shared orders, and more categories than fit into a block."""
    generator = np.random.default_rng(seed)
    revenue = generator.integers(-2000, 9000, size) / 100
    category = [None if n > 80 else f"category {n}" for n in generator.integers(0, 90, size)]
    return pd.DataFrame(
        {
            "order_id": [f"o{n}" for n in generator.integers(0, size // 2 + 1, size)],
            "customer_id": [f"c{n}" for n in np.minimum(generator.geometric(0.01, size), 300)],
            "ordered_at": pd.Timestamp(START) + pd.to_timedelta(generator.integers(0, 89 * 24 * 60, size), unit="min"),
            "quantity": np.where(generator.random(size) < 0.05, np.nan, generator.choice([1, 2, 0, -1], size)),
            "revenue": revenue.round() if seed % 2 else revenue,
            "cost": (revenue * 60).round() / 100,
            "category": np.array(category, dtype=object),
        }
    )


# Few large examples find more than many small ones, as each holds some hundred customers with histories of their own.
_LINES = st.builds(simulated, size=st.sampled_from([1, 5, 60, 900, 900]), seed=st.integers(0, 2**32))


def opened(lines: pd.DataFrame, **more: Any) -> Company:
    """Return a company of these transactions, complete until the end of March."""
    with tempfile.TemporaryDirectory() as folder:
        # CSV files are read when the company is opened, so that the folder is not needed any longer.
        return Company.open(write_company(Path(folder) / "shop", {"transactions": lines}, as_of=AS_OF, **more))


def lines_of(*rows: tuple[str, str, str, float], **columns: list[Any]) -> pd.DataFrame:
    """Return transactions from (order, customer, moment, revenue) and further columns."""
    return pd.DataFrame(rows, columns=["order_id", "customer_id", "ordered_at", "revenue"]).assign(**columns)


def same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(left, right, check_dtype=False, check_index_type=False, rtol=1e-9, atol=1e-6)


@given(lines=_LINES, unit=st.sampled_from(sorted(UNIT_DAYS)))
@example(lines=simulated(size=1, seed=158), unit="D")
@_QUICK
def test_the_table_is_what_the_definitions_say(lines: pd.DataFrame, unit: str) -> None:
    summary, expected = customer_summary(opened(lines), unit), reference_summary(lines, AS_OF, UNIT_DAYS[unit])
    # A company whose file has a column without a single value does not have the column.
    if lines["category"].isna().all():
        expected = expected.drop(columns="categories", errors="ignore")
    if expected.empty:
        assert summary.empty
    else:
        same(summary.loc[expected.index], expected)
        assert len(summary) == len(expected)


@given(lines=_LINES)
@_QUICK
def test_neither_the_order_of_rows_nor_the_names_of_customers_matter(lines: pd.DataFrame) -> None:
    renamed = lines.assign(customer_id=lines["customer_id"].str[::-1] + " 王")
    shuffled = customer_summary(opened(renamed.sample(frac=1, random_state=7)))
    summary = customer_summary(opened(lines)).rename(index=lambda name: name[::-1] + " 王")
    pd.testing.assert_frame_equal(summary.sort_index(), shuffled)


@given(lines=_LINES, later=_LINES)
@_QUICK
def test_what_happens_after_as_of_changes_nothing(lines: pd.DataFrame, later: pd.DataFrame) -> None:
    later = later.assign(ordered_at=later["ordered_at"] + pd.Timedelta(days=90))
    with_later = opened(pd.concat([lines, later]))
    pd.testing.assert_frame_equal(customer_summary(with_later), customer_summary(opened(lines)))


def test_purchases_of_one_day_are_one_purchase() -> None:
    day = lines_of(
        ("1", "ann", "2025-01-01 00:00", 10), ("2", "ann", "2025-01-01 23:59", 20), ("3", "ann", "2025-01-02 00:00", 40)
    )  # fmt: skip
    ann = customer_summary(opened(day), "D").loc["ann"]
    assert (ann["frequency"], ann["recency"], ann["orders"], ann["monetary_value"]) == (1, 1, 3, 40)
    assert ann["age"] == 89


def test_a_return_lowers_revenue_but_is_no_purchase() -> None:
    returned = lines_of(
        ("1", "ann", "2025-01-01", 100), ("2", "ann", "2025-01-11", 50), ("3", "ann", "2025-02-01", -30),
        ("2", "ann", "2025-01-11", -5),
    )  # fmt: skip
    ann = customer_summary(opened(returned), "D").loc["ann"]
    assert (ann["frequency"], ann["recency"], ann["orders"]) == (1, 10, 2)
    assert (ann["revenue"], ann["returns"], ann["monetary_value"]) == (115, 35, 50)
    assert ann["last_purchase"] == pd.Timestamp("2025-01-11")


def test_negative_quantity_alone_makes_a_return() -> None:
    free_gift_back = lines_of(
        ("1", "ann", "2025-01-01", 10), ("2", "ann", "2025-01-05", 0), ("3", "ann", "2025-01-09", 0),
        quantity=[1, -1, None],
    )  # fmt: skip
    ann = customer_summary(opened(free_gift_back), "D").loc["ann"]
    assert (ann["frequency"], ann["recency"]) == (1, 8)


def test_who_only_returned_has_no_row() -> None:
    company = opened(lines_of(("1", "ann", "2025-01-01", 10), ("2", "ben", "2025-01-05", -3)))
    assert list(customer_summary(company).index) == ["ann"]


def test_a_company_with_returns_only_has_an_empty_table_of_the_same_form() -> None:
    company = opened(lines_of(("1", "ann", "2025-01-01", -10), category=["books"]))
    full = customer_summary(opened(lines_of(("1", "ann", "2025-01-01", 10), category=["books"])))
    empty = customer_summary(company)
    assert len(empty) == 0
    assert empty.dtypes.to_dict() == full.dtypes.to_dict()


def test_values_that_do_not_exist_are_missing_and_not_zero() -> None:
    once = customer_summary(opened(lines_of(("1", "ann", "2025-01-01", 0))))
    assert np.isnan(once.loc["ann", "monetary_value"])
    assert once.loc["ann", "recency"] == once.loc["ann", "revenue"] == 0


def test_columns_without_a_source_are_left_out() -> None:
    lines = lines_of(("1", "ann", "2025-01-01", 10), ("1", "ann", "2025-01-08", 10))
    always = {"frequency", "recency", "age", "monetary_value", "orders", "revenue", "first_purchase", "last_purchase"}
    always |= {"returns"}
    assert set(customer_summary(opened(lines))) == always
    assert set(customer_summary(opened(lines, margin_rate=0.3))) == always | {"margin"}
    assert set(customer_summary(opened(lines.assign(category="books")))) == always | {"categories"}


@given(st.integers(0, 2**62 - 1))
def test_ones_are_counted_as_python_does(bits: int) -> None:
    assert number_of_ones(bits) == bits.bit_count()


def test_more_values_than_a_number_has_bits_are_all_counted() -> None:
    generator = np.random.default_rng(11)
    lines = pd.DataFrame({"customer_id": generator.choice(["ann", "ben", "cleo"], 900, p=[0.9, 0.09, 0.01])})
    lines = lines.assign(
        order_id=generator.integers(0, 50, 900).astype(str), ordered_at="2025-02-01", revenue=1.0,
        category=generator.integers(0, 400, 900).astype(str),
    )  # fmt: skip
    summary, by_customer = customer_summary(opened(lines)), lines.groupby("customer_id")
    assert summary["categories"].max() > 2 * 62
    assert summary["categories"].to_dict() == by_customer["category"].nunique().to_dict()
    assert summary["orders"].to_dict() == by_customer["order_id"].nunique().to_dict()


@pytest.mark.parametrize("factor", [1e-6, 3e5, 1e9])
def test_no_unit_of_money_matters(factor: float) -> None:
    lines = simulated(900, seed=4)
    other = lines.assign(revenue=lines["revenue"] * factor, cost=lines["cost"] * factor)
    ours, theirs = customer_summary(opened(lines)), customer_summary(opened(other))
    money = ["revenue", "margin", "returns", "monetary_value"]
    np.testing.assert_allclose(theirs[money] / factor, ours[money], rtol=1e-9, atol=1e-9)
    days = [purchase_days(opened(each))["spend"] for each in (lines, other)]
    np.testing.assert_allclose(days[1] / factor, days[0], rtol=1e-9)


def test_what_was_bought_and_given_back_leaves_nothing_whatever_the_order_of_adding() -> None:
    back = lines_of(*[("1", "ann", "2025-01-01", amount) for amount in (0.1, 0.2, 0.7, -0.3, -0.7)])
    assert customer_summary(opened(back)).loc["ann", ["revenue", "returns"]].tolist() == [0.0, 1.0]


def test_purchases_in_a_data_frame_give_the_table_of_a_company_of_that_day() -> None:
    lines = simulated(900, seed=6).assign(quantity=1)
    company = opened(lines)
    ours = customer_summary(company, "M")
    days = lines.rename(columns={"ordered_at": "day", "revenue": "spend"})[["customer_id", "day", "spend"]]
    same(customer_summary(days, "M", as_of=AS_OF), ours[["frequency", "recency", "age", "monetary_value"]])
    assert customer_summary(days).attrs["unit"] == "W"
    with pytest.raises(MissingData, match="customer_id"):
        customer_summary(days.rename(columns={"customer_id": "client"}))
    with pytest.raises(ValueError, match=r"give as_of to Company\.open"):
        customer_summary(company, as_of=AS_OF)


@pytest.mark.parametrize("purchases", [opened(lines_of(("1", "ann", "2025-01-01", 10))), pd.DataFrame()])
def test_an_unknown_unit_is_refused_with_the_options(purchases: Any) -> None:
    with pytest.raises(ValueError, match=r"unknown unit of time 'Q'.*'D'.*'W'.*'M'.*'Y'"):
        customer_summary(purchases, "Q")


def test_ranges_of_customers_put_together_are_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = simulated(900, seed=8)
    monkeypatch.setenv("CRM_CACHE", "")
    company = Company.open(write_company(tmp_path / "shop", {"transactions": lines}, as_of=AS_OF))
    whole, worth = customer_summary(company), realised(company, annual_rate=0.1)
    monkeypatch.setattr(parts, "_AT_ONCE", 200)
    ranges = in_ranges(company.table("transactions"))
    assert len(ranges) > 2
    assert sum(part.count().execute() for part in ranges) == company.check.table("transactions").kept
    pd.testing.assert_frame_equal(customer_summary(company), whole)
    pd.testing.assert_frame_equal(realised(company, annual_rate=0.1), worth)
    other = opened(lines.sample(frac=1, random_state=1))  # the last digit is the same in whatever order lines come
    pd.testing.assert_frame_equal(realised(other, annual_rate=0.1), worth, check_exact=True)


def test_postgresql_gives_what_duckdb_gives(postgres_url: str, tmp_path: Path) -> None:
    lines = simulated(900, seed=20260101)
    file = Company.open(write_company(tmp_path / "file", {"transactions": lines}, as_of=AS_OF))
    connection = ibis.connect(postgres_url)
    connection.create_table("customer_table_lines", lines)
    settings = f'[database]\nurl = "{postgres_url}"\n[tables.transactions]\ntable = "customer_table_lines"'
    server = Company.open(write_company(tmp_path / "server", {}, as_of=AS_OF, more=settings))
    for unit in ("D", "M"):
        pd.testing.assert_frame_equal(customer_summary(server, unit), customer_summary(file, unit), rtol=1e-12)
    same(customer_summary(server, "W"), reference_summary(lines, AS_OF, 7))


def test_an_attribute_of_the_customers_is_text_by_customer(tmp_path: Path) -> None:
    customers = pd.DataFrame({"customer_id": ["anna", "ben"], "region": ["north", None]})
    company = Company.open(write_company(tmp_path / "shop", {"transactions": transactions(), "customers": customers}))
    assert customer_attribute(company, "region").to_dict() == {"anna": "north"}
    with pytest.raises(MissingData, match="customer_group"):
        customer_attribute(company, "customer_group")
