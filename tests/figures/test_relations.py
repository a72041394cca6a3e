from __future__ import annotations

import datetime as dt
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from crm_lib import figures
from crm_lib.estimate import Estimate
from crm_lib.relationships import (
    Fading,
    RelationshipMixture,
    SilenceRisk,
    check_kinds,
    relational_kinds,
    switching_classes,
)
from crm_lib.statistics import reliability
from tests.relationships.relations.relation_samples import behaviour


@pytest.fixture(scope="module")
def sample():
    return behaviour(1500, seed=5)


@pytest.fixture(scope="module")
def mixture(sample):
    return RelationshipMixture().fit(sample[0])


@pytest.fixture(scope="module")
def kinds(sample, mixture):
    frame, _ = sample
    rng = np.random.default_rng(2)
    value = pd.Series(rng.gamma(0.7, 120, len(frame)), index=frame.index)
    recent = pd.DataFrame(
        {
            "recent": rng.poisson(2, len(frame)),
            "expected": 2.0,
            "unchanged": 0.8,
            "fading": rng.random(len(frame)) < 0.1,
        },
        index=frame.index,
    )
    fading = Fading(
        frame=recent, as_of=dt.date(2026, 6, 30), recent_days=182, shape=1.0, rate=60.0, pace=1.0, less_share=0.1,
        gone_share=0.1, fallen_to=0.5, false_share=0.1, judged=len(frame),
    )  # fmt: skip
    return relational_kinds(mixture.membership(frame), value, fading)


def drawn(chart):
    """Return the words of a chart after it was written, so that drawing itself is tested."""
    bundle, _ = chart._repr_mimebundle_()
    ET.fromstring(bundle["image/svg+xml"].split("?>", 1)[-1].split("<!DOCTYPE", 1)[0] or "<svg/>")  # noqa: S314
    assert "{" not in chart.title + chart.alt + chart.axes.get_figure(root=True).get_suptitle()
    return chart.axes.get_figure(root=True).get_suptitle()


def test_bars_of_probabilities_hold_everybody(sample, mixture):
    chance = mixture.membership(sample[0])
    chart = figures.membership_chart(chance)
    assert sum(bar.get_height() for bar in chart.axes.patches) == 1500
    clear = (np.maximum(chance, 1 - chance) >= 0.9).mean()
    assert f"{round(clear * 100)}%" in drawn(chart)


def test_reliability_points_are_the_groups():
    chance = pd.Series(np.linspace(0.01, 0.99, 500))
    measured = reliability(chance, pd.Series(np.random.default_rng(1).random(500) < chance))
    chart = figures.reliability_chart(measured, what="risk of falling silent", was="fell silent")
    points = chart.axes.collections[-1].get_offsets()
    assert np.asarray(points) == pytest.approx(measured.frame[["told", "was"]].to_numpy())
    assert drawn(chart).startswith("Risk of falling silent")


def test_kinds_are_drawn_with_their_intervals(kinds):
    chart = figures.relational_kinds_chart(kinds, currency="GBP", value_label="margin")
    table = kinds.table(currency="GBP")
    dots = [line.get_xdata()[0] for line in chart.axes.lines if line.get_marker() == "o"]
    assert dots == pytest.approx([estimate.value for estimate in table["mean_value"] if estimate is not None])
    # The share is of what relational customers bring, and says so.
    best, losing = table["customers"]["most profitable"], table["customers"]["losing value"]
    title = " ".join(drawn(chart).split())
    assert title.startswith(f"{best} of {table['customers'].sum()} relational customers bring")
    assert title.endswith(f"of what relational customers bring; {losing} lose value")
    assert "Keep:" in chart.table.to_html()
    assert "Share of relational margin" in chart.table.to_html()
    assert "fading" not in (title + chart.alt + chart.table.to_html()).lower()


def test_classes_are_written_into_the_map_and_the_table():
    rng = np.random.default_rng(3)
    value, risk = pd.Series(rng.lognormal(4, 1.2, 800)), pd.Series(rng.beta(0.7, 0.7, 800))
    found = switching_classes(value, risk, contact_cost=3.5)
    chart = figures.switching_chart(found, currency="GBP", value_label="margin")
    words = " ".join(text.get_text() for text in chart.axes.texts)
    for name, count in found.table()["customers"].items():
        assert str(count) in words, name
    looking = found.table().loc["valuable and looking around"]
    likely = "likely to fall silent" if found.risk_from >= 0.5 else "at a raised risk of falling silent"
    title = " ".join(drawn(chart).split())
    assert title.startswith(f"{looking['customers']} valuable customers are {likely} (£")
    assert title.endswith("of margin in the window)")
    assert f"{likely}: {looking['customers']} customers" in words
    assert "£3.50" in chart.table.note
    assert "upper bound" in chart.table.note
    # Everybody worthless, or nobody: still a picture.
    drawn(
        figures.switching_chart(switching_classes(-value, risk, contact_cost=3.5), currency="GBP", value_label="margin")
    )


def test_tables_tell_what_was_found(sample, mixture):
    frame, relational = sample
    evidence = figures.kinds_evidence_table(mixture)
    assert "Two kinds are visible" in evidence.note
    assert "Order lines bought on discount" in evidence.to_html()
    unclear = RelationshipMixture(least_separation=0.99).fit(frame)
    assert "must not be read as kinds" in figures.kinds_evidence_table(unclear).note
    check = check_kinds(mixture.membership(frame), frame, pd.Series(relational, index=frame.index))
    html = figures.kinds_check_table(check).to_html()
    assert "the mixture of two kinds" in html
    assert "Classified correctly" in html
    assert html.count("%") >= 9
    assert "are truly relational" in " ".join(drawn(figures.kinds_reliability_chart(check)).split())


def test_test_of_the_risk_is_told():
    area = Estimate(value=0.9, low=0.88, high=0.92, n=100, method="DeLong")
    chance = pd.Series([0.2, 0.8] * 50)
    outcome = pd.Series([0, 1] * 50)
    risk = SilenceRisk(
        risk=chance, horizon_days=91, tested_on=dt.date(2026, 3, 31), learnt_from=(dt.date(2025, 12, 30),),
        test=pd.DataFrame({"risk": chance, "silent": outcome == 1, "silence": 5}),
        reliability=reliability(chance, outcome), auc=area, auc_recency=area, gain=area, features=("silence",),
    )  # fmt: skip
    table = figures.silence_test_table(risk)
    assert "31 Mar 2026" in table.note
    assert "30 Dec 2025" in table.note
    assert "0.9" in table.to_html()
    assert "Share of pairs put in the right order" in table.to_html()
    assert "fell silent" in drawn(figures.silence_reliability_chart(risk))
