from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.customers import customer_window
from crm_lib.errors import TooLittleData
from crm_lib.finding import Verdict
from crm_lib.segments import SegmentDefinitions, estimated, finding_champions, follow_up
from tests.companies import write_company
from tests.segments.conftest import shop_tables
from tests.segments.rfm.reference import rfm_scores


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    tables = shop_tables(customers=800, seed=12)
    shop = Company.open(
        write_company(tmp_path_factory.mktemp("data") / "large", tables, how="parquet", as_of="2026-06-30")
    )
    return shop, follow_up(shop, resamples=199, seed=1)


def test_lift_is_share_of_value_over_share_of_customers(followed):
    shop, result = followed
    scored = rfm_scores(customer_window(shop, days=365, ending=result.scored_on), as_of=result.scored_on).frame
    after = customer_window(shop, days=90).reindex(scored.index).fillna(0)
    later = after["margin"]
    assert result.frame["active"].equals(after["orders"] > 0)  # who only returned something is not active
    best = scored["segment"] == "Champions"
    assert result.lift.value == pytest.approx((later[best].sum() / later.sum()) / best.mean())
    assert result.table().loc["Champions", "lift"] == pytest.approx(result.lift.value)


def test_steady_differences_between_customers_make_champions_last(followed):
    # Rates are gamma with shape 1.2: who bought often buys often again.
    finding = finding_champions(followed[1], at_least=1.5)
    assert finding.verdict is Verdict.SUPPORTED
    assert finding.decision.startswith("Put Champions first")
    assert finding.money_at_stake.value > 0


def test_without_differences_champions_are_chance(tmp_path):
    rng = np.random.default_rng(3)
    n = 12_000
    lines = pd.DataFrame(
        {
            "order_id": np.arange(n).astype(str),
            "customer_id": rng.integers(0, 900, n).astype(str),
            "ordered_at": pd.Timestamp("2025-01-01") + pd.to_timedelta(rng.integers(0, 545, n), unit="D"),
            "revenue": rng.gamma(4, 10, n),
        }
    )
    alike = Company.open(write_company(tmp_path / "alike", {"transactions": lines}, how="parquet", as_of="2026-06-29"))
    result = follow_up(alike, resamples=199, seed=1)
    assert result.lift.low <= 1 <= result.lift.high
    assert finding_champions(result).verdict is Verdict.NOT_SUPPORTED


def test_short_history_says_what_is_too_little(tmp_path):
    lines = shop_tables()["transactions"].query("ordered_at >= '2026-05-01'")
    company = Company.open(
        write_company(tmp_path / "short", {"transactions": lines}, how="parquet", as_of="2026-06-30")
    )
    with pytest.raises(TooLittleData, match="nobody bought in the 365 days up to 1 Apr 2026"):
        follow_up(company)


def test_cut_points_frozen_later_are_not_used_on_the_earlier_day(followed):
    shop, result = followed
    frozen = estimated(SegmentDefinitions(), shop)
    assert frozen.known_on(result.scored_on).rfm_cut_points is None
    assert frozen.known_on(shop.as_of) is frozen
    again = follow_up(shop, frozen, resamples=19, seed=1)
    assert again.frame["segment"].to_dict() == result.frame["segment"].to_dict()
