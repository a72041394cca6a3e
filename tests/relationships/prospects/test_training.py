from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.relationships import prospect_training
from tests.companies import write_company
from tests.relationships.prospects.prospect_samples import AS_OF, prospect_tables


@pytest.fixture(scope="module")
def tables():
    return prospect_tables()


@pytest.fixture(scope="module")
def shop(tables, tmp_path_factory):
    return _open(tmp_path_factory.mktemp("data") / "shop", tables)


def _open(folder, tables, as_of=AS_OF):
    return Company.open(write_company(folder, tables, how="parquet", as_of=as_of))


def test_value_is_what_the_first_days_brought(tables, shop):
    found = prospect_training(shop, horizon_days=120).customers
    lines = tables["transactions"].merge(tables["customers"][["customer_id", "acquired_at"]], on="customer_id")
    passed = (lines["ordered_at"].dt.normalize() - lines["acquired_at"]).dt.days
    inside = lines[(passed >= 0) & (passed < 120)]
    expected = inside.groupby("customer_id")["revenue"].sum().reindex(found.index).fillna(0.0)
    assert found["value"].to_numpy() == pytest.approx(expected.to_numpy())
    first = lines[passed == 0].groupby("customer_id")["revenue"].sum().reindex(found.index).fillna(0.0)
    assert found["first_value"].to_numpy() == pytest.approx(first.to_numpy())


def test_whoever_was_won_too_lately_is_left_out_and_counted(tables, shop):
    training = prospect_training(shop, horizon_days=120)
    acquired = tables["customers"]["acquired_at"]
    # The 120th day is the last that counts, and it must be over.
    young = acquired > pd.Timestamp(AS_OF) - pd.Timedelta(days=119)
    assert training.too_young == young.sum() > 0
    assert len(training.customers) == (~young).sum()


def test_attributes_are_those_of_both_tables_and_age_is_that_of_the_day(tables, shop):
    training = prospect_training(shop)
    assert set(training.attributes) == {
        "acquisition_channel", "customer_group", "size", "acquisition_cost", "age", "known_before",
    }  # fmt: skip
    row = tables["prospects"].iloc[0]
    assert training.prospects.loc[row["prospect_id"], "age"] == row["first_seen_at"].year - row["birth_year"]
    won = set(tables["prospects"]["customer_id"].dropna())
    assert set(training.customers.index[training.customers["known_before"] == "yes"]) <= won


def test_who_was_won_and_never_bought_counts_with_nothing(tables, tmp_path):
    nobody = tables["customers"]["customer_id"].iloc[0]
    lines = tables["transactions"]
    company = _open(tmp_path / "none", tables | {"transactions": lines[lines["customer_id"] != nobody]})
    assert prospect_training(company).customers.loc[nobody, "value"] == 0.0


def test_nothing_later_than_the_day_is_known_on_it(tables, shop, tmp_path):
    day = dt.date(2025, 12, 31)
    before = prospect_training(shop, ending=day)
    late = pd.Timestamp(day) + pd.Timedelta(days=1)
    lines, people, known = (tables[name] for name in ("transactions", "customers", "prospects"))
    later = known["converted_at"] >= late
    cut = {
        "transactions": lines[lines["ordered_at"] < late],
        "customers": people[people["acquired_at"] < late],
        "prospects": known[known["first_seen_at"] < late].assign(
            converted_at=known["converted_at"].mask(later), customer_id=known["customer_id"].mask(later)
        ),
    }
    alone = prospect_training(_open(tmp_path / "cut", cut, as_of=day))
    pd.testing.assert_frame_equal(before.customers, alone.customers, check_dtype=False)
    pd.testing.assert_frame_equal(before.prospects, alone.prospects, check_dtype=False)


def test_lines_entered_after_the_day_were_not_known_on_it(tables, tmp_path):
    lines = tables["transactions"]
    day = dt.date(2026, 3, 31)
    stamped = lines.assign(recorded_at=lines["ordered_at"].where(np.arange(len(lines)) > 0, pd.Timestamp("2026-05-01")))
    who = lines["customer_id"].iloc[0]
    company = _open(tmp_path / "late", tables | {"transactions": stamped})
    known, now = prospect_training(company, ending=day).customers, prospect_training(company).customers
    assert now.loc[who, "value"] - known.loc[who, "value"] == pytest.approx(lines["revenue"].iloc[0])


def test_the_order_of_rows_does_not_matter(tables, shop, tmp_path):
    mixed = _open(tmp_path / "mixed", {name: frame.sample(frac=1, random_state=1) for name, frame in tables.items()})
    one, other = prospect_training(shop), prospect_training(mixed)
    pd.testing.assert_frame_equal(one.customers, other.customers)
    pd.testing.assert_frame_equal(one.prospects, other.prospects)


def test_open_prospects_are_those_known_for_no_more_than_the_days(shop):
    training = prospect_training(shop, live_days=30)
    assert training.open["waited"].max() <= 30
    assert len(training.open) + training.stale + training.prospects["converted"].sum() == len(training.prospects)


def test_what_is_missing_is_said(tables, tmp_path):
    with pytest.raises(MissingData, match="table 'prospects'"):
        prospect_training(_open(tmp_path / "a", {"transactions": tables["transactions"]}))
    without = tables["prospects"].drop(columns="converted_at")
    with pytest.raises(MissingData, match="converted_at"):
        prospect_training(_open(tmp_path / "b", tables | {"prospects": without}))
    bare = tables | {name: tables[name][[*columns]] for name, columns in _BARE.items()}
    with pytest.raises(MissingData, match="acquisition_channel"):
        prospect_training(_open(tmp_path / "c", bare))
    with pytest.raises(TooLittleData, match="customers had been won"):
        prospect_training(_open(tmp_path / "d", tables | {"customers": tables["customers"].head(50)}))
    with pytest.raises(TooLittleData, match="prospects had become customers"):
        prospect_training(_open(tmp_path / "e", tables | {"prospects": tables["prospects"].head(20)}))


_BARE = {
    "prospects": ("prospect_id", "first_seen_at", "converted_at"),
    "customers": ("customer_id", "acquired_at"),
}


def test_arguments_out_of_range_are_refused(shop):
    with pytest.raises(ValueError, match="horizon_days"):
        prospect_training(shop, horizon_days=0)
    with pytest.raises(ValueError, match="after 2026-06-30"):
        prospect_training(shop, ending=dt.date(2026, 7, 1))
