"""The classes by value and risk."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from crm_lib.errors import TooLittleData
from crm_lib.finding import Verdict
from crm_lib.relationships import SWITCHING_ACTIONS, finding_looking_around, switching_classes
from crm_lib.relationships.switching import LOOKING, _sorted


def test_the_border_of_value_is_where_a_contact_can_pay():
    value = pd.Series({"small": 49.0, "safe": 900.0, "restless": 900.0, "lost": 900.0})
    risk = pd.Series({"small": 0.9, "safe": 0.1, "restless": 0.6, "lost": 0.97})
    told, risk_from = _sorted(value, risk, contact_cost=5.0, saved_share=0.1)
    assert dict(told["class"]) == dict(zip(value.index, SWITCHING_ACTIONS, strict=True))
    assert risk_from == pytest.approx((0.1 + 0.6 + 0.97) / 3)
    assert told.loc["restless", "gain"] == pytest.approx(900 * 0.6 * 0.1 - 5)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 50), st.floats(0.01, 1), st.floats(1e-3, 1e6))
def test_everybody_has_one_class_whatever_the_order_and_the_currency(seed, cost, saved, unit):
    rng = np.random.default_rng(seed)
    names = [f"c{number}" for number in range(50)]
    value, risk = pd.Series(rng.normal(60, 80, 50), index=names), pd.Series(rng.random(50), index=names)
    found = _sorted(value, risk, cost, saved)[0]["class"]
    assert found.isin(SWITCHING_ACTIONS).all()
    mixed = _sorted(value.sample(frac=1, random_state=1) * unit, risk, cost * unit, saved)[0]["class"]
    assert (mixed.reindex(names) == found).mean() >= 0.98  # rounding may move one at a border


def test_classes_of_an_earlier_day_are_held_against_what_followed(risk):
    classes = switching_classes(risk.frame["value"], risk, contact_cost=3.5)
    finding = finding_looking_around(classes)
    looking = classes.before.loc[classes.before["class"] == LOOKING, "silent"]
    assert finding.values["looking"] == looking.mean()  # noqa: PD011 (the values of a finding)
    assert finding.verdict is Verdict.SUPPORTED
    assert classes.table()["customers"].sum() == len(classes.frame)
    nobody = dataclasses.replace(classes, before=classes.before[classes.before["class"] != LOOKING])
    with pytest.raises(TooLittleData, match="looking around"):
        finding_looking_around(nobody)
    with pytest.raises(ValueError, match="saved_share"):
        switching_classes(risk.frame["value"], risk, contact_cost=1.0, saved_share=0.0)
    with pytest.raises(ValueError, match="contact_cost"):
        switching_classes(risk.frame["value"], risk, contact_cost=-1.0)
