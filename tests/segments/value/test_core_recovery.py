"""The demo company: what complaints tell of core customers against the problems that really happened."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.demo import simulate
from crm_lib.segments import compare_core, customer_window

DAYS = 365


def _tiers(value):
    """Return tiers by share of value: half of it, four fifths, 95 %, the rest."""
    ordered = value.sort_values(ascending=False)
    above = ordered.cumsum().shift(fill_value=0.0) / ordered.sum()
    names = np.array(["key", "major", "ordinary", "small"])
    return pd.Series(names[np.searchsorted([0.5, 0.8, 0.95], above, side="right")], index=ordered.index)[value.index]


def _compare(folder, *, as_of, problems):
    shop = Company.open(folder, as_of)
    window = customer_window(shop, days=DAYS)
    tier = _tiers(window["margin"])
    found = compare_core(shop, tier=tier, value=window["margin"], orders=window["orders"], days=DAYS)
    core = tier.isin(["key", "major"])
    end = pd.Timestamp(as_of) + pd.Timedelta(days=1)
    happened = problems[(problems["ordered_at"] < end) & (problems["ordered_at"] >= end - pd.Timedelta(days=DAYS))]
    each = happened["customer_id"].value_counts().reindex(window.index).fillna(0)
    by_order = [each[side].sum() / window.loc[side, "orders"].sum() for side in (core, ~core)]
    return found, by_order[0] / by_order[1]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    made = simulate(seed=11, customers=1500)
    folder = tmp_path_factory.mktemp("data") / "demo"
    made.write(folder)
    shutil.copy(Path(__file__).parents[3] / "data" / "demo" / "company.toml", folder)
    return folder, made.truth["problems"]


@pytest.mark.validate
@pytest.mark.parametrize("as_of", ["2025-06-30", "2026-06-30"])
def test_core_customers_complain_as_the_problems_of_their_orders_tell(demo, as_of):
    folder, problems = demo
    found, truth = _compare(folder, as_of=as_of, problems=problems)
    row = found.frame.loc["complaints"]
    assert row["by_order"].low <= truth <= row["by_order"].high
    # The rule of thumb, complaints a customer, is several times too high.
    assert row["by_customer"].low > 2 * truth
    # Who settles complaints does not know the tier: no difference is the truth.
    difference = found.handling.loc["settled", "difference"]
    assert difference.low <= 0 <= difference.high
