"""Core customers: known differences are found, competitors' answers stay out, open complaints are treated fairly."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.customers import Basis
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.finding import Verdict
from crm_lib.segments import compare_core, finding_core_complaints
from tests.companies import write_company

AS_OF = pd.Timestamp("2026-06-30")


def _tables(customers=1200, *, ratio=1.0, settled=(0.7, 0.7), seed=1):
    """Return a company whose core complains `ratio` times as often per order, and how often it is settled."""
    rng = np.random.default_rng(seed)
    core = np.arange(customers) < customers // 5
    orders = np.where(core, 5 + rng.poisson(15, customers), 1 + rng.poisson(2, customers))
    rate = 0.04 * np.where(core, ratio, 1) * orders * rng.gamma(2, 0.5, customers)
    who = np.repeat(np.arange(customers), rng.poisson(rate))
    opened = AS_OF - pd.to_timedelta(rng.uniform(0, 364, who.size), unit="D")
    good = rng.random(who.size) < np.where(core[who], *settled)
    closed = opened + pd.to_timedelta(rng.exponential(6, who.size), unit="D")
    closed = closed.where(good | (rng.random(who.size) < 0.3))
    ids = np.array([f"c{number:04d}" for number in range(customers)])
    complaints = pd.DataFrame(
        {
            "complaint_id": [f"b{number}" for number in range(who.size)],
            "customer_id": ids[who],
            "opened_at": opened,
            "closed_at": closed,
            "topic": "late",
            "resolution": np.where(closed.isna(), None, np.where(good, "refund", "none")),
            "satisfied": good,
        }
    )
    asked = rng.random(customers) < 0.6
    answers = pd.DataFrame(
        {
            "customer_id": ids[asked],
            "responded_at": AS_OF.normalize() - pd.Timedelta(days=40),
            "satisfaction": np.where(rng.random(asked.sum()) < np.where(core[asked], 0.3, 0.15), 3.0, 8.0),
            "weight": 2.0,
        }
    )
    lines = pd.DataFrame(
        {
            "order_id": [f"o{number}" for number in range(customers)],
            "customer_id": ids,
            "ordered_at": AS_OF - pd.Timedelta(days=100),
            "revenue": 10.0,
        }
    )
    people = pd.DataFrame(
        {
            "tier": np.where(core, "key", "small"),
            "value": np.where(core, 100.0, 10.0),
            "frequency": orders,
        },
        index=ids,
    )
    return {"transactions": lines, "complaints": complaints, "surveys": answers}, people


def _compared(company, people, **how):
    segmented = SimpleNamespace(
        tiers=SimpleNamespace(frame=people), rfm=SimpleNamespace(frame=people), basis=Basis(currency="GBP")
    )
    return compare_core(company, segmented, **how)


def _open(folder, tables):
    return Company.open(write_company(folder / "shop", tables, how="parquet", as_of="2026-06-30"))


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    tables, people = _tables()
    return _open(tmp_path_factory.mktemp("data"), tables), tables, people


def test_shares_are_what_counting_gives(shop):
    company, tables, people = shop
    found = _compared(company, people)
    core = people.index[people["tier"] == "key"]
    complaints = tables["complaints"]
    of_core = complaints["customer_id"].isin(core)
    frame = found.frame
    assert frame.loc["customers", "share"].value == pytest.approx(0.2)
    assert frame.loc["complaints", "share"].value == pytest.approx(of_core.mean())
    several = complaints["customer_id"].drop_duplicates()
    assert frame.loc["complaining customers", "share"].value == pytest.approx(several.isin(core).mean())
    # What was closed after the last day is open on it.
    unsettled = complaints[
        (complaints["resolution"].fillna("none") == "none") | (complaints["closed_at"] >= "2026-07-01")
    ]
    assert frame.loc["unsettled complaints", "total"] == len(unsettled)


def test_complaining_more_is_told_apart_from_buying_more(shop):
    company, _, people = shop
    row = _compared(company, people).frame.loc["complaints"]
    assert row["by_customer"].low > 3  # core customers buy 20 times against 3
    assert row["by_order"].low < 1 < row["by_order"].high
    assert finding_core_complaints(_compared(company, people)).verdict is (Verdict.SUPPORTED)


def test_complaints_that_orders_do_not_explain_are_found(tmp_path):
    tables, people = _tables(ratio=2.5, seed=2)
    found = _compared(_open(tmp_path, tables), people)
    estimate = found.frame.loc["complaints", "by_order"]
    assert estimate.low < 2.5 < estimate.high
    finding = finding_core_complaints(found)
    assert finding.verdict is Verdict.NOT_SUPPORTED
    assert finding.money_at_stake.value == pytest.approx(100.0 * 240)
    assert "{" not in finding.text + finding.decision


def test_worse_handling_of_core_customers_is_found(tmp_path):
    tables, people = _tables(settled=(0.5, 0.8), seed=3)
    found = _compared(_open(tmp_path, tables), people)
    difference = found.handling.loc["settled", "difference"]
    # Settled in 30 days: the share times the chance that an exponential time of mean 6 ends by then.
    assert difference.low < (0.5 - 0.8) * (1 - math.exp(-30 / 6)) < difference.high < 0


def test_complaints_too_young_to_be_settled_are_not_judged(shop, tmp_path):
    company, tables, people = shop
    young = tables["complaints"]["opened_at"] > AS_OF + pd.Timedelta(days=1 - 30)
    assert young.sum() > 10
    handling = _compared(company, people).handling
    assert (handling["complaints"] == (~young).sum()).all()
    closed = tables["complaints"].assign(closed_at=tables["complaints"]["closed_at"].mask(young))
    again = _compared(_open(tmp_path, {**tables, "complaints": closed}), people).handling
    pd.testing.assert_frame_equal(again.map(str), handling.map(str))


def test_the_end_of_a_complaint_is_not_known_before_it(shop, tmp_path):
    _, tables, people = shop
    folder = write_company(tmp_path / "early", tables, how="parquet", as_of="2026-06-30")
    early = _compared(Company.open(folder, "2026-04-30"), people)
    known = tables["complaints"].query("opened_at < '2026-05-01'").copy()
    open_then = known["closed_at"] >= "2026-05-01"
    assert open_then.any()
    known.loc[open_then, ["closed_at", "resolution"]] = None
    cut = Company.open(
        write_company(tmp_path / "cut", {**tables, "complaints": known}, how="parquet", as_of="2026-04-30")
    )
    assert _compared(cut, people).handling.map(str).equals(early.handling.map(str))


def test_what_is_missing_is_said(shop, tmp_path):
    company, tables, people = shop
    only = _open(tmp_path / "a", {"transactions": tables["transactions"]})
    with pytest.raises(MissingData, match="complaints"):
        _compared(only, people)
    unclosed = tables["complaints"][["complaint_id", "customer_id", "opened_at"]]
    found = _compared(_open(tmp_path / "b", {"transactions": tables["transactions"], "complaints": unclosed}), people)
    assert found.handling is None
    assert list(found.frame.index) == ["customers", "orders", "complaints", "complaining customers"]
    with pytest.raises(TooLittleData, match="at least 10 each"):
        _compared(company, people.iloc[235:])
    fewer = _compared(company, people.iloc[:-100])
    assert fewer.elsewhere == tables["complaints"]["customer_id"].isin(people.index[-100:]).sum()
    surveys_only = _open(tmp_path / "c", {"transactions": tables["transactions"], "surveys": tables["surveys"]})
    with pytest.raises(TooLittleData, match="too few complaints"):
        finding_core_complaints(_compared(surveys_only, people))
