from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_lib.errors import TooLittleData
from crm_lib.relationships import SWITCHING_CLASSES, switching_classes

NAMES = [row.name for row in SWITCHING_CLASSES]


def test_borders_are_those_of_the_money():
    value = pd.Series([49.0, 50.0, 100.0, 100.0, 1000.0, 1000.0, -5.0], index=list("abcdefg"))
    risk = pd.Series([0.9, 0.9, 0.4, 0.5, 0.29, 0.97, 0.9], index=list("abcdefg"))
    found = switching_classes(value, risk, contact_cost=5.0, saved_share=0.1, risk_from=0.3)
    # A contact pays from 5 / 0.1 = 50 on if leaving is certain, and at a value of 100 from a risk of a half on.
    expected = [NAMES[0], NAMES[1], NAMES[1], NAMES[2], NAMES[1], NAMES[3], NAMES[0]]
    assert found.frame["class"].tolist() == expected
    assert found.frame.loc["d", "gain"] == pytest.approx(0.0)
    assert found.frame.loc["g", "at_risk"] == 0
    assert found.value_from == 50


def test_table_adds_up_and_hides_small_classes():
    value = pd.Series([10.0] * 20 + [100.0] * 30 + [200.0] * 5)
    risk = pd.Series([0.5] * 20 + [0.1] * 30 + [0.8] * 5)
    table = switching_classes(value, risk, contact_cost=5.0, risk_from=0.5).table()
    assert table.index.tolist() == NAMES
    assert table["customers"].tolist() == [20, 30, 5, 0]
    assert table["value"].dropna().tolist() == [200.0, 3000.0]
    assert table["value_share"].iloc[1] == pytest.approx(3000 / 4200)
    assert table.loc["little value", "gain"] == pytest.approx(20 * (10 * 0.5 * 0.1 - 5))


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10_000), st.floats(0, 50), st.floats(0.01, 1), st.one_of(st.none(), st.floats(0, 1)),
    st.floats(0.5, 1),
)  # fmt: skip
def test_everybody_has_one_class_whatever_the_order(seed, cost, saved, risk_from, gone_from):
    rng = np.random.default_rng(seed)
    names = [f"c{number}" for number in range(50)]
    value, risk = pd.Series(rng.normal(60, 80, 50), index=names), pd.Series(rng.random(50), index=names)
    how = {"contact_cost": cost, "saved_share": saved, "risk_from": risk_from, "gone_from": gone_from}
    found = switching_classes(value, risk, **how)
    assert found.frame["class"].isin(NAMES).all()
    assert found.table()["customers"].sum() == 50
    looking = found.frame["class"] == NAMES[2]
    assert (found.frame.loc[looking, "gain"] >= 0).all()
    mixed = switching_classes(value.sample(frac=1, random_state=1), risk, **how)
    assert mixed.frame["class"].reindex(names).equals(found.frame["class"].reindex(names))


def test_only_a_risk_of_a_half_is_called_likely():
    value, risk = pd.Series([100.0] * 4), pd.Series([0.1, 0.2, 0.6, 0.7])
    assert switching_classes(value, risk, contact_cost=1.0, risk_from=0.5).looking_means == "likely to fall silent"
    # By default from the mean risk on, here 0.4.
    assert switching_classes(value, risk, contact_cost=1.0).looking_means == "at a raised risk of falling silent"


def test_wrong_arguments_are_told():
    value, risk = pd.Series([5.0], index=["a"]), pd.Series([0.5], index=["a"])
    with pytest.raises(ValueError, match="contact_cost"):
        switching_classes(value, risk, contact_cost=-1.0)
    with pytest.raises(ValueError, match="saved_share"):
        switching_classes(value, risk, contact_cost=1.0, saved_share=0.0)
    with pytest.raises(ValueError, match="risk_from"):
        switching_classes(value, risk, contact_cost=1.0, risk_from=2.0)
    with pytest.raises(TooLittleData, match="both a value and a risk"):
        switching_classes(value, risk.rename({"a": "b"}), contact_cost=1.0)
