from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from crm_lib import figures, language
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion
from crm_lib.relationships import PrincipleCheck, ProspectModel, ProspectValidation, rank_prospects
from tests.relationships.prospects.prospect_samples import AS_OF, simulate_training


@pytest.fixture(scope="module")
def validation():
    rng = np.random.default_rng(1)
    n = 300
    predicted = rng.gamma(1.0, 20.0, n)
    won = rng.random(n) < 0.3
    prospects = pd.DataFrame(
        {
            "origin": AS_OF, "prospect_id": [f"q{i}" for i in range(n)], "cost": rng.uniform(1, 9, n),
            "actual": np.where(won, predicted / 0.3, 0.0), "converted": won, "model": predicted,
            "channel": predicted.mean(), "newest": -rng.integers(1, 90, n).astype(float),
        }
    )  # fmt: skip
    actual = rng.gamma(1.0, 50.0, n)
    customers = pd.DataFrame(
        {"origin": AS_OF, "actual": actual, "actual_later": actual / 2, "model": 50.0 + rng.normal(0, 5, n),
         "channel": 50.0, "boosted": 50.0}
    )  # fmt: skip
    return ProspectValidation(
        customers=customers, prospects=prospects, origins=(AS_OF,), rules={AS_OF: ("all", "channel")}, horizon_days=180,
        conversion_days=90, value_kind="margin", seed=1,
    )  # fmt: skip


@pytest.fixture(scope="module")
def model():
    return ProspectModel().fit(simulate_training(1, customers=400, prospects=400)[0])


@pytest.fixture(scope="module")
def ranking(model, validation):
    return rank_prospects(model, validation, currency="GBP", budget=300)


def _checked(chart):
    data, _ = chart._repr_mimebundle_()
    root = ET.fromstring(data["image/svg+xml"])  # noqa: S314 (our own text)
    assert root.tag.endswith("svg")
    assert data[figures.CHART_MIME]["table"]["rows"]
    return data[figures.CHART_MIME]


def test_calibration_shows_the_groups_and_counts_those_that_fit(validation):
    chart = figures.prospect_calibration_chart(validation, currency="GBP", groups=5)
    fields = _checked(chart)
    frame = chart.table.frame
    inside = ((frame["low"] <= frame["predicted"]) & (frame["predicted"] <= frame["high"])).sum()
    assert f"in {inside} of" in fields["alt"]
    assert frame["cases"].sum() == 300
    points = chart.axes.collections[-1].get_offsets()
    assert np.asarray(points) == pytest.approx(frame[["predicted", "actual"]].to_numpy())


@pytest.mark.parametrize(
    ("times", "title"),
    [
        (1.0, "What prospects were expected to bring fits what came in 1 of 1 groups"),
        (10.0, "1 of 1 groups of prospects brought less than expected, none more"),
        (0.1, "1 of 1 groups of prospects brought more than expected, none less"),
    ],
)
def test_the_title_of_the_calibration_says_which_way_predictions_miss(validation, times, title):
    # Three in ten bring what was predicted over 0.3: right on average.
    prospects = validation.prospects.assign(model=validation.prospects["model"] * times)
    told = dataclasses.replace(validation, prospects=prospects)
    chart = figures.prospect_calibration_chart(told, currency="GBP", groups=1)
    assert " ".join(chart.axes.get_figure(root=True).get_suptitle().split()) == title


def test_ranking_curve_passes_through_the_chosen(ranking):
    chart = figures.prospect_ranking_chart(ranking)
    fields = _checked(chart)
    curve = chart.axes.lines[0].get_xydata()
    assert curve[0].tolist() == [0.0, 0.0]
    assert curve[-1] == pytest.approx([ranking.frame["cost"].sum(), ranking.frame["expected"].sum()])
    assert str(ranking.promised) in fields["alt"]
    assert str(ranking.expected) in "".join(text.get_text() for text in chart.axes.texts)


def test_same_ranking_gives_the_same_bytes(ranking):
    one, other = (figures.prospect_ranking_chart(ranking) for _ in range(2))
    assert one.to_svg() == other.to_svg()


def test_with_nobody_worth_the_cost_the_chart_says_so(model):
    chart = figures.prospect_ranking_chart(rank_prospects(model, currency="GBP", cost=1e6))
    _checked(chart)
    figure = chart.axes.get_figure(root=True)
    assert "No prospect" in figure.get_suptitle()


def test_with_a_budget_too_small_for_anybody_the_chart_says_so(model):
    chart = figures.prospect_ranking_chart(rank_prospects(model, currency="GBP", budget=0))
    _checked(chart)
    assert "The budget does not reach" in chart.axes.get_figure(root=True).get_suptitle()


def test_without_anybody_to_address_there_is_no_chart(ranking):
    frame = ranking.frame.assign(reason="no contact", chosen=False)
    with pytest.raises(TooLittleData, match="may be contacted"):
        figures.prospect_ranking_chart(type(ranking)(**{**vars(ranking), "frame": frame}))


def test_list_has_a_row_a_prospect_and_no_names(ranking, model):
    table = figures.prospects_table(ranking)
    assert len(table.columns) == len(model.training_.open)
    assert list(table.columns.columns) == [
        "prospect_id", "rank", "chance", "value", "cost", "expected", "low", "high", "chosen", "reason",
    ]  # fmt: skip
    assert (table.columns["chosen"] == "yes").sum() == len(ranking.chosen)
    assert table.to_html().count("<tr>") == 16
    assert "180 days" in table.note


def test_rules_are_compared_by_name(validation):
    table = figures.prospect_rules_table(validation)
    assert table.columns["rule"].tolist() == [
        "expected value", "usual value of the channel", "the latest known first", "at random",
    ]  # fmt: skip
    assert isinstance(table.frame["lift"].iloc[0], Estimate)
    value = figures.prospect_value_table(validation)
    assert "by all that is known" in value.note
    assert value.write("slope", value.frame["slope"].iloc[1]) == "not estimable"


def test_principles_are_told_with_evidence_and_verdict():
    check = PrincipleCheck(
        key="caution", principle="<b>Care</b>", measured="share of strange ones", criterion=Criterion(high=0.2),
        evidence=Estimate.exact(0.35, n=20, unit="share"), note="one note",
    )  # fmt: skip
    table = figures.principles_table([check])
    row = table.columns.iloc[0]
    assert (row["evidence"], row["kept_if"], row["verdict"]) == ("35%", "at most 20%", "not supported")
    assert row["meaning"] == (
        "35% of the chosen are uncertain cases, more than the limit: ask before spending on them."
    )
    assert "<b>" not in table.to_html()


def test_every_text_goes_through_the_language(validation, ranking, monkeypatch):
    monkeypatch.setattr(language, "text", lambda message: "¤" + message)
    for table in (
        figures.prospects_table(ranking),
        figures.prospect_rules_table(validation),
        figures.prospect_value_table(validation),
        figures.prospect_calibration_chart(validation, currency="GBP").table,
    ):
        fields = table.to_dict()
        assert all(label.startswith("¤") for label in fields["labels"])
        assert fields["title"].startswith("¤")
        assert fields["note"].startswith("¤")
