"""Odd surveys: what cannot be used is left out with the reason, and too little data is said to be too little."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crm_lib import satisfaction
from crm_lib.company import Company
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.satisfaction.answers import usable
from crm_lib.satisfaction.weighting import estimated
from tests.companies import transactions, write_company
from tests.satisfaction.surveys import survey_of


def rows(n=40, seed=0, **more):
    rng = np.random.default_rng(seed)
    mood = rng.normal(7, 1.2, n)
    items = ("product_quality", "service_quality", "image", "satisfaction", "loyalty")
    made = {name: np.clip(np.round(mood + rng.normal(0, 1, n)), 1, 10) for name in items}
    return pd.DataFrame({"responded_at": "2025-03-01", "customer_id": [f"c{i}" for i in range(n)], **made, **more})


def opened(folder, surveys, **more):
    return Company.open(write_company(folder, {"surveys": surveys, **more}, as_of="2025-03-31"))


def test_a_survey_alone_is_a_company(tmp_path):
    own = {"driver_range": np.arange(200) % 9 + 1, "remark": "fine"}
    shop = opened(tmp_path / "alone", rows(200, **own).drop(columns="customer_id"))
    found = satisfaction.survey(shop)
    assert len(found.frame) == found.frame["respondent"].nunique() == 200
    assert found.waves == ("2025Q1",)
    assert satisfaction.measures(found).previous == ""
    assert "driver_range" in satisfaction.key_drivers(found).frame.index
    curve = satisfaction.loyalty_curve(shop, found)
    assert set(curve.points.index.get_level_values("level")) == {"all customers"}
    with pytest.raises(MissingData, match="'transactions'"):
        satisfaction.loyalty_kinds(shop, found)
    with pytest.raises(MissingData, match="'transactions'"):
        satisfaction.response(shop, found)
    with pytest.raises(TooLittleData, match="low and under high"):
        satisfaction.finding_false_loyalty(curve)


def test_without_sales_and_without_a_day_there_is_no_company(tmp_path):
    with pytest.raises(Exception, match="no section"):
        Company.open(write_company(tmp_path / "alone", {"surveys": rows()}))


def test_ratings_beyond_the_scale_are_no_answers_and_repeated_ones_count_once(tmp_path):
    frame = rows(40, wave="1")
    frame.loc[:4, "satisfaction"] = 99
    again = frame.iloc[[20]].assign(responded_at="2025-03-20", satisfaction=1.0)
    shop = opened(tmp_path / "odd", pd.concat([frame, again]), transactions=transactions())
    found = satisfaction.survey(shop)
    assert found.left_out == {"answered again in the same wave": 1}
    assert found.frame["satisfaction"].notna().sum() == 35
    assert found.frame.set_index("customer_id").loc["c20", "satisfaction"] == 1


def test_answers_without_a_positive_weight_stand_for_nobody(tmp_path):
    weight = [0.0, -1.0, None, *[1.0] * 37]
    found = satisfaction.survey(opened(tmp_path / "w", rows(weight=weight), transactions=transactions()))
    assert found.left_out == {"without a positive weight": 3}
    with pytest.raises(ValueError, match="positive numbers"):
        estimated(pd.DataFrame({"weight": [0.0] * 12, "respondent": range(12)}), np.ones(12))


def test_no_own_brand_and_one_respondent_are_too_little(tmp_path):
    with pytest.raises(TooLittleData, match="own brand names no brand"):
        satisfaction.survey(opened(tmp_path / "rivals", rows(brand="Rival"), transactions=transactions()))
    with pytest.raises(TooLittleData, match="there are 1"):
        satisfaction.survey(opened(tmp_path / "one", rows(1), transactions=transactions()))
    marked = pd.DataFrame({"brand": ["Mine"], "own": [True], "measure": "m", "measured_at": "2025-01-01", "value": 1.0})
    shop = opened(tmp_path / "own", rows(brand="Mine"), transactions=transactions(), competitors=marked)
    assert len(satisfaction.survey(shop).frame) == 40


def test_items_that_cannot_be_used_are_left_out_with_the_reason():
    frame = rows(60, image=7.0, value_for_money="good", driver_x=np.arange(60) % 20, driver_y=np.arange(60) % 7 + 1)
    found = satisfaction.key_drivers(survey_of(frame))
    assert found.left_out["image"] == "everybody answered 7"
    assert "texts" in found.left_out["value_for_money"]
    assert "reaches from 0 to 19" in found.left_out["driver_x"]
    assert set(found.frame.index) == {"product_quality", "service_quality", "driver_y"}
    assert usable(frame, ["nothing"])[1] == {"nothing": "fewer than 10 answers"}
    with pytest.raises(TooLittleData, match="everybody answered 8"):
        satisfaction.key_drivers(survey_of(rows(60, satisfaction=8.0)))
    with pytest.raises(TooLittleData, match="19 respondents for 3 drivers; there are 12"):
        satisfaction.key_drivers(survey_of(rows(12)))


def test_many_drivers_are_weighed_without_trying_all_orders():
    rng = np.random.default_rng(0)
    more = {f"driver_{i}": rng.integers(1, 11, 400) for i in range(9)}
    found = satisfaction.key_drivers(survey_of(rows(400, **more)))
    assert found.method == "relative weights"
    assert len(found.frame) == 12


def ecsi(n=400, **more):
    rng = np.random.default_rng(1)
    mood = rng.normal(7, 1, n)
    names = [f"{block}{i}" for block in ("IMAG", "CUEX", "PERQ", "PERV", "CUSA", "CUSL") for i in (1, 2, 3)]
    made = {name: np.clip(np.round(mood + rng.normal(0, 1, n)), 1, 10) for name in names}
    return survey_of(pd.DataFrame({**made, **more}))


def test_reversed_items_and_missing_blocks_are_left_out_of_the_path_model():
    survey = ecsi()
    survey.frame["PERQ2"] = 11 - survey.frame["PERQ2"]
    found = satisfaction.path_model(survey)
    assert "reverse it" in found.left_out["PERQ2"]
    assert found.left_out["complaints"] == "not asked"
    assert found.blocks.loc["quality", "items"] == 2
    assert ("complaints", "loyalty") not in found.paths.index
    assert found.paths["path"].map(lambda each: each.low <= each.value <= each.high).all()
    with pytest.raises(TooLittleData, match="too few parts"):
        satisfaction.path_model(survey_of(survey.frame.drop(columns=["CUSA1", "CUSA2", "CUSA3"])))
    with pytest.raises(TooLittleData, match="180 respondents for 18 items"):
        satisfaction.path_model(ecsi(100))


def test_close_classes_stay_undecided_and_other_words_are_no_answer():
    said = [("like", "neutral")] * 11 + [("like", "dislike")] * 10 + [("perhaps", None)] * 5
    found = satisfaction.kano(survey_of(pd.DataFrame(said, columns=["x_with", "x_without"]))).loc["x"]
    assert (found["class"], found["answers"]) == ("undecided", 21)
    with pytest.raises(TooLittleData, match="x_without"):
        satisfaction.kano(survey_of(rows(20)))


def test_small_groups_are_not_measured():
    found = estimated(pd.DataFrame({"weight": 1.0, "respondent": range(9)}), np.ones(9))
    assert np.isnan(found.value)
    with pytest.raises(TooLittleData, match="no answers on rivals"):
        satisfaction.delivered_value(survey_of(rows()))
