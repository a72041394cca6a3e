"""Every chart of satisfaction is drawn whole, and every finding is short and filled."""

from __future__ import annotations

import pandas as pd
import pytest

from crm_lib import figures, satisfaction
from crm_lib.segments import segment_customers
from tests.figures.conftest import drawn
from tests.satisfaction.surveys import survey_of


@pytest.fixture(scope="module")
def found(shop, answers):
    return {
        "measures": satisfaction.measures(answers), "curve": satisfaction.loyalty_curve(shop, answers),
        "model": satisfaction.path_model(answers), "talk": satisfaction.word_of_mouth(shop, answers),
        "value": satisfaction.delivered_value(answers), "drivers": satisfaction.key_drivers(answers),
        "layers": satisfaction.layers(shop, answers), "recovery": satisfaction.recovery(shop, answers),
        "care": satisfaction.care(shop), "kano": satisfaction.kano(answers),
        "core": satisfaction.core_satisfaction(shop, answers, segment_customers(shop)),
        "loyal": satisfaction.loyalty_kinds(shop, answers), "costs": satisfaction.own_costs(answers),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("chart", "result", "words"),
    [
        ("ratings_chart", "measures", "most low ratings"),
        ("waves_chart", "measures", "of 100 in wave 12"),
        ("gaps_chart", "measures", "worst against expectation"),
        ("core_measures_chart", "core", "Core customers score"),
        ("drivers_chart", "drivers", "Service quality matters most"),
        ("layers_chart", "layers", "Brand and service has most"),
        ("value_map", "value", "Corner Books Alliance delivers the most value"),
        ("path_chart", "model", "Quality leads to satisfaction"),
        ("importance_performance_map", "model", "A point more of quality"),
        ("loyalty_curve_chart", "curve", "Under high competition"),
        ("false_loyalty_chart", "curve", "Of the dissatisfied"),
        ("loyalty_kinds_chart", "loyal", "truly loyal"),
        ("word_of_mouth_chart", "talk", "A dissatisfied customer tells"),
        ("word_of_mouth_sensitivity", "talk", "ways to draw the line"),
        ("care_times_chart", "care", "Half of the complaints"),
        ("recovery_chart", "recovery", "A well-settled complaint"),
        ("own_costs_chart", "costs", "weighs heaviest"),
        ("kano_chart", "kano", "order tracking for granted"),
    ],
)
def test_charts_say_what_they_show(found, chart, result, words):
    _, fields = drawn(getattr(figures, chart)(found[result]))
    assert words in fields["alt"]


def test_a_single_wave_is_a_point_and_not_an_empty_line():
    measured = satisfaction.measures(survey_of(pd.DataFrame({"satisfaction": [float(i % 10 + 1) for i in range(50)]})))
    assert "Points of Index: 1 50" in drawn(figures.waves_chart(measured))[1]["alt"]
    assert "against" not in figures.measures_table(measured).to_html()


def test_tables_are_written(found, shop, answers):
    assert "Wave 12" in figures.measures_table(found["measures"]).to_html()
    assert "Did not answer" in figures.response_table(satisfaction.response(shop, answers)).to_html()
    assert "complaints (not asked)" in figures.reliability_table(found["model"]).to_html()
    assert "threshold" in figures.shapes_table(found["curve"]).to_html()
    assert "Settled at once" in figures.care_table(found["care"]).to_html()
    assert "late delivery" in figures.needs_table(satisfaction.needs(shop, answers)).to_html()
    assert "rated satisfaction below 6" in figures.dissatisfied_table(found["core"]).to_html()


def test_findings_are_short_and_filled(found):
    made = {
        "core": "core_satisfaction", "layers": "layers", "value": "delivered_value", "curve": "curve",
        "talk": "word_of_mouth", "recovery": "recovery",
    }  # fmt: skip
    for result, name in made.items():
        finding = getattr(satisfaction, f"finding_{name}")(found[result]).to_dict()
        assert len(finding["text"].split()) <= 30
        assert "{" not in finding["text"] + finding["decision"] + finding["claim"]
