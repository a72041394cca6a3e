from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_lib.errors import TooLittleData
from crm_lib.relationships import RELATIONAL_KINDS, Fading, alike_customers, relational_kinds


def fading(frame):
    return Fading(
        frame=frame, as_of=dt.date(2026, 6, 30), recent_days=182, shape=1.0, rate=60.0, pace=1.0, less_share=0.1,
        gone_share=0.1, fallen_to=0.5, false_share=0.1, judged=len(frame),
    )  # fmt: skip


def sample():
    """Return twenty relational customers worth 10, 20 … 200, the first four of whom are cases of their own."""
    names = [f"c{number:02d}" for number in range(1, 21)] + ["t1", "t2"]
    value = pd.Series([10.0 * number for number in range(1, 21)] + [500.0, 5.0], index=names)
    membership = pd.Series([0.9] * 20 + [0.1, 0.49], index=names)
    recent = pd.DataFrame({"recent": 2, "expected": 2.0, "unchanged": 0.9, "fading": False}, index=names)
    recent.loc["c20", ["recent", "unchanged", "fading"]] = [0, 0.02, True]
    recent.loc["c02", "recent"] = 0
    return membership, value, recent.drop("c01")


def test_rules_are_applied_in_their_order():
    membership, value, recent = sample()
    found = relational_kinds(membership, value, fading(recent))
    kinds = found.frame["kind"]
    # A quarter of twenty lies above the quantile 152.5 of 10 … 200, which 160 is the first to reach.
    assert found.best_from == pytest.approx(152.5)
    assert kinds["c20"] == "losing value"
    assert kinds[["c16", "c17", "c18", "c19"]].eq("most profitable").all()
    # Growable lies a quarter below 152.5, at 114.375 or less; 120 … 150 are too near, c01 is new, c02 silent.
    assert kinds[[f"c{number:02d}" for number in range(3, 12)]].eq("growable").all()
    assert kinds[["c01", "c02", "c12", "c13", "c14", "c15"]].eq("other relational").all()
    assert found.transactional == 2
    assert not {"t1", "t2"} & set(found.frame.index)
    assert found.frame.loc["c05", "gap"] == pytest.approx(102.5)


def test_potential_is_that_of_alike_customers():
    membership, value, recent = sample()
    small = pd.Series("student", index=[f"c{number:02d}" for number in range(1, 11)])
    found = relational_kinds(membership, value, fading(recent), alike=small).frame
    # The best quarter of 10 … 100 begins at 77.5.
    assert found.loc["c05", "gap"] == pytest.approx(27.5)
    assert found.loc["c08", "gap"] == 0
    few = relational_kinds(membership, value, fading(recent), alike=small.iloc[:9]).frame
    assert few.loc["c05", "gap"] == pytest.approx(102.5)


def test_table_adds_up_and_hides_small_groups():
    membership, value, recent = sample()
    found = relational_kinds(membership, value, fading(recent))
    table = found.table(currency="GBP", resamples=99)
    assert table.index.tolist() == [kind.name for kind in RELATIONAL_KINDS]
    assert table["customers"].sum() == 20
    assert table["customers"].tolist() == [4, 9, 1, 6]
    assert table["value"].isna().all()
    assert table["mean_value"].isna().all()
    many = pd.concat([value.rename(lambda name, copy=copy: f"{name}-{copy}") for copy in range(12)])
    often = pd.concat([recent.rename(lambda name, copy=copy: f"{name}-{copy}") for copy in range(12)])
    wide = pd.concat([membership.rename(lambda name, copy=copy: f"{name}-{copy}") for copy in range(12)])
    table = relational_kinds(wide, many, fading(often)).table(currency="GBP", resamples=99)
    assert table.loc["growable", "mean_value"].value == pytest.approx(70.0)
    assert table.loc["losing value", "change"].value == 0
    assert table["value_share"].sum() == pytest.approx(1.0)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.05, 0.95), st.floats(0.05, 0.95))
def test_every_relational_customer_has_one_kind_whatever_the_order(seed, best_share, least_gap):
    rng = np.random.default_rng(seed)
    names = [f"c{number}" for number in range(60)]
    value = pd.Series(rng.gamma(0.7, 100, 60) * rng.choice([1, 1, 0, -0.1], 60), index=names)
    membership = pd.Series(rng.random(60), index=names)
    recent = pd.DataFrame(
        {"recent": rng.poisson(1, 60), "expected": 1.0, "unchanged": 0.5, "fading": rng.random(60) < 0.2}, index=names
    ).sample(45, random_state=seed)
    how = {"best_share": best_share, "least_gap": least_gap, "relational_from": 0.2}
    found = relational_kinds(membership, value, fading(recent), **how).frame
    assert found["kind"].isin([kind.name for kind in RELATIONAL_KINDS]).all()
    assert set(found.index) == set(membership.index[membership >= 0.2])
    assert (found.loc[found["value"] <= 0, "kind"] == "other relational").all()
    mixed = relational_kinds(membership, value.sample(frac=1, random_state=1), fading(recent), **how).frame
    assert mixed["kind"].reindex(found.index).equals(found["kind"])


def test_too_little_and_wrong_settings_are_told(bare_shop, shop):
    membership, value, recent = sample()
    with pytest.raises(TooLittleData, match="relational customers bring anything"):
        relational_kinds(membership * 0.1, value, fading(recent))
    with pytest.raises(ValueError, match="best_share"):
        relational_kinds(membership, value, fading(recent), best_share=1.5)
    assert alike_customers(bare_shop).empty
    assert set(alike_customers(shop)) == {"household", "business"}
    kinds = relational_kinds(membership, value, fading(recent), alike=alike_customers(bare_shop))
    assert kinds.frame.loc["c05", "gap"] == pytest.approx(102.5)
