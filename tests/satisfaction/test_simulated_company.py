"""On a simulated company the planted order, weights, curve, competition and classes are found."""

from __future__ import annotations

import numpy as np
import pytest

from crm_lib import satisfaction
from crm_lib.demo.opinions import BRANDS, KANO
from crm_lib.demo.parameters import Satisfaction
from crm_lib.finding import Verdict
from crm_lib.satisfaction.delivered import OWN
from crm_lib.segments import segment_customers

TRUE = Satisfaction().weights


def test_drivers_stand_in_the_order_of_their_true_weights(answers):
    found = satisfaction.key_drivers(answers)
    assert list(found.frame.index[:2]) == ["service_quality", "product_quality"]
    first, second = found.frame["importance"].iloc[:2]
    assert first.low > second.value
    assert found.frame.index[-1] == "image"
    assert found.frame["importance"].map(lambda each: each.value).sum() == pytest.approx(1)
    # Treated as ranks, the ratings tell the same first driver, and Johnson's weights nearly the same shares.
    assert found.frame["ordinal"].idxmax() == "service_quality"
    assert found.frame["johnson"].tolist() == pytest.approx([e.value for e in found.frame["importance"]], abs=0.02)
    assert "Improve first" in found.frame.loc["service_quality", "priority"]


def test_weights_of_delivered_value_are_those_by_which_customers_were_made(answers):
    found = satisfaction.delivered_value(answers)
    value = found.weights[found.weights["side"] == "value"]["weight"]
    true = np.array([TRUE[name] for name in value.index])
    assert (value / value.sum()).tolist() == pytest.approx((true / true.sum()).tolist(), abs=0.06)
    assert found.not_compared == ("time_burden", "energy_burden", "effort_burden")
    # The order of the rivals is that of what customers truly perceive of them.
    truth = {brand: np.dot(values, list(TRUE.values())) for brand, values in BRANDS.items()}
    told = found.brands["delivered"].drop(OWN).map(lambda each: each.value)
    assert list(told.sort_values().index) == sorted(truth, key=truth.get)


def test_given_weights_are_used_as_they_are_and_wrong_ones_refused(answers):
    given = satisfaction.delivered_value(answers, weights=[1, 1, 1, 1, 4, 0, 0, 0])
    assert given.weights["weight"].tolist() == [0.125, 0.125, 0.125, 0.125, 0.5]
    with pytest.raises(ValueError, match="eight weights"):
        satisfaction.delivered_value(answers, weights=[1.0, 2.0])


def test_the_curve_bends_and_hangs_on_competition(shop, answers):
    # Few of this small company's customers rate below 6: below 7 there are enough at each level of competition.
    found = satisfaction.loyalty_curve(shop, answers, dissatisfied_below=7.0)
    assert satisfaction.finding_curve(found).verdict is Verdict.SUPPORTED
    assert satisfaction.finding_false_loyalty(found).verdict is Verdict.SUPPORTED
    curves = found.points["curve"].xs("intends to stay").unstack("level")
    assert (curves.diff().dropna() >= -1e-9).all(axis=None)
    # Under low competition loyalty is high at every rating, under high competition only at the top.
    assert curves.loc[7, "low"] > 9 > curves.loc[10, "high"] > curves.loc[7, "high"] + 4


def test_service_and_brand_drive_staying_and_quality_does_not(shop, answers):
    finding = satisfaction.finding_layers(satisfaction.layers(shop, answers))
    assert finding.verdict is Verdict.NOT_SUPPORTED
    assert "brand and service" in finding.decision


def test_dissatisfied_customers_tell_more_people(shop, answers):
    found = satisfaction.word_of_mouth(shop, answers, dissatisfied_below=5.0)
    true = Satisfaction().persons_told
    # Mood is told by a rating with noise, which mixes the moods: the truth is approached, in order.
    assert true["neutral"] < found.frame.loc["satisfied", "told"].value < true["satisfied"]
    assert found.more.value > 0
    assert found.referred is not None


def test_a_well_settled_complaint_is_no_gain_and_an_unsettled_one_a_loss(shop, answers):
    found = satisfaction.recovery(shop, answers)
    assert satisfaction.finding_recovery(found).verdict is not Verdict.SUPPORTED
    assert found.harm.high < 0
    assert found.harm.value < found.paradox.value


def test_features_are_put_into_their_true_classes(answers):
    found = satisfaction.kano(answers)["class"]
    assert {name.replace(" ", "_"): kind for name, kind in found.items()} == {
        name: max(shares, key=lambda pair: pair[1])[0] for name, shares in KANO.items()
    }


def test_who_answers_buys_more_and_raking_tells_so(shop, answers):
    found = satisfaction.response(shop, answers)
    assert found.habits.loc["purchase_days", "difference"].low > 0
    assert set(found.raked) == {"as they came", "by survey weights", "raked to all customers"}


def test_dissatisfied_core_customers_are_listed_with_reason_and_last_contact(shop, answers):
    segmented = segment_customers(shop)
    found = satisfaction.core_satisfaction(shop, answers, segmented, dissatisfied_below=7.0)
    listed = found.dissatisfied
    assert listed["satisfaction"].max() < 7
    assert listed["value"].is_monotonic_decreasing
    assert set(segmented.tiers.frame.loc[listed.index, "tier"]) <= {"key", "major"}
    assert listed["reason"].str.len().gt(0).all()
    assert (listed["contact"].dropna() <= np.datetime64(shop.as_of)).all()


def test_kinds_of_loyalty_are_followed_up_without_looking_ahead(shop, answers):
    found = satisfaction.loyalty_kinds(shop, answers)
    assert found.frame["share"].map(lambda each: each.value).sum() == pytest.approx(1, abs=0.02)
    silent = found.frame["silent"].map(lambda each: each.value)
    assert silent["true"] < silent["latent"]
    earlier = type(shop).open(shop.folder, as_of=found.day)
    before = satisfaction.survey(earlier)
    assert before.frame["responded_at"].max() <= np.datetime64(found.day)


def test_care_tells_each_phase_and_needs_name_the_commonest_topic(shop, answers):
    found = satisfaction.care(shop)
    assert list(found.phases.index) == ["before", "during", "after"]
    assert found.phases["again"].map(lambda each: 0 < each.value < 1).all()
    assert (found.times >= 0).all()
    assert satisfaction.needs(shop, answers).loc["complaints"].index[0] == "late delivery"
    assert satisfaction.own_costs(answers)["loyalty"].map(lambda each: each.high < 0).all()


def test_the_path_model_tells_that_quality_matters_most(answers):
    model = satisfaction.path_model(answers)
    to_goal = model.paths.xs("satisfaction", level="target")["path"].map(lambda each: each.value)
    assert to_goal.idxmax() == "quality"
    assert model.left_out == {"complaints": "not asked"}
    effects = model.blocks["effect"].dropna().map(lambda each: each.value)
    assert effects.idxmax() == "quality"
