from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crm_lib import figures
from crm_lib.exhibit import TABLE_MIME
from crm_lib.relationships import decline_warning, fit_stages, stage_agreement, stage_by_rule, stage_transitions
from crm_lib.relationships.stages.life_cycle import LifeCycle, life_cycle
from crm_lib.relationships.stages.simulation import simulate_stages
from tests.relationships.stages.test_stage_moves import DAY, KNOWN, starts


@pytest.fixture(scope="module")
def cycle() -> LifeCycle:
    """Return stages of simulated customers, some of whom bought once and some on the last day."""
    made = simulate_stages(starts(), KNOWN, customers=1500, seed=12)
    h = made.histories
    who, back = np.nonzero(h.counts)
    last = pd.Timestamp(DAY)
    age = (h.periods[who] - 1 - back) * h.period_days + 3
    first = pd.DataFrame(
        {"customer_id": np.arange(len(h)), "age": np.rint((h.periods - 1 + h.part) * h.period_days).astype(int)}
    )
    rows = pd.concat([first, pd.DataFrame({"customer_id": who, "age": age})], ignore_index=True)
    rows["day"] = last - pd.to_timedelta(rows["age"].clip(lower=0), unit="D")
    rows["customer_id"] = "客户 $" + rows["customer_id"].astype(str)
    return life_cycle(rows, as_of=DAY, parameters=KNOWN)


@pytest.fixture(scope="module")
def warning(cycle):
    return decline_warning(cycle, simulated=3000)


def _charts(cycle, warning):
    busiest = cycle.frame["purchases"].idxmax()
    newest = cycle.frame["tenure_days"].idxmin()
    return [
        figures.stage_transitions_chart(stage_transitions(cycle)),
        figures.stage_history_chart(cycle, busiest),
        figures.stage_history_chart(cycle, newest, customer="A $1 & <B>"),
        figures.warning_chart(warning),
    ]


def test_charts_have_words_a_table_and_a_drawing(cycle, warning):
    for chart in _charts(cycle, warning):
        ET.fromstring(chart.to_svg())  # noqa: S314
        assert "{" not in chart.alt + chart.title
        assert "nan" not in chart.alt
        assert chart.table.to_dict()["rows"]


def test_transition_shares_are_written_in_their_cells(cycle):
    moved = stage_transitions(cycle)
    chart = figures.stage_transitions_chart(moved)
    written = {(text.get_position()[1], text.get_position()[0]): text.get_text() for text in chart.axes.texts}
    assert written[2, 2] == f"{moved.matrix.loc['stable', 'stable']:.0%}"


def test_history_chart_draws_the_probabilities_of_the_path(cycle):
    customer = cycle.frame["purchases"].idxmax()
    chart = figures.stage_history_chart(cycle, customer)
    areas = [
        collection for collection in chart.axes.collections if type(collection).__name__ == "FillBetweenPolyCollection"
    ]
    assert len(areas) == 5
    top = areas[-1].get_paths()[0].vertices[:, 1]
    assert top.max() == pytest.approx(1)
    with pytest.raises(ValueError, match="no customer"):
        figures.stage_history_chart(cycle, "nobody")


def test_tables_show_every_stage_and_hide_the_value_of_few(cycle, warning):
    value = pd.Series(1.0, index=cycle.frame.index)
    table = figures.stages_table(cycle, value, currency="GBP", value_label="margin")
    assert table.columns["stage"].tolist() == ["exploration", "build-up", "stable", "decline", "gone"]
    assert TABLE_MIME in table._repr_mimebundle_()
    few = cycle.frame.iloc[:8]
    small = LifeCycle(
        frame=few, as_of=cycle.as_of, period_days=28, parameters=cycle.parameters, histories=cycle.histories
    )
    hidden = figures.stages_table(small, value, currency="GBP", value_label="margin").columns["value"]
    assert hidden.isna().any()
    times = figures.time_in_stage_table(cycle)
    assert len(times.columns) == 4
    new = warning.frame.index[warning.frame["new"]]
    how = {"currency": "GBP", "value_label": "margin"}
    listed = figures.warned_customers_table(warning, cycle, value, allowed=None, **how)
    assert len(listed.columns) == len(new)
    assert "make sure before anybody is" in listed.note
    # One agreed, one did not, and of the others nothing is known.
    allowed = pd.Series({new[0]: True, new[1]: False})
    fewer = figures.warned_customers_table(warning, cycle, value, allowed=allowed, **how)
    assert fewer.columns["customer_id"].tolist() == [new[0]]
    assert f"{len(new) - 1} more were newly warned of, and did not agree" in fewer.note
    rates = figures.warning_rates_table(warning)
    assert len(rates.columns) == 6
    assert "simulated" in rates.source
    assert "In customers simulated by the model" in figures.warning_chart(warning).axes.get_figure().get_suptitle()


def test_agreement_table_names_every_way_of_judging(cycle):
    rule = stage_by_rule(cycle.frame)
    table = figures.agreement_table(stage_agreement(cycle.frame["stage"], rule, rule=rule, resamples=49))
    assert table.columns["method"].tolist() == [
        "Life-cycle model", "Everybody in the commonest stage", "Rule of thumb: silence and tenure",
        "Model less rule of thumb",
    ]  # fmt: skip
    assert table.columns.columns.tolist() == ["method", "accuracy", "balanced_accuracy", "kappa"]
    # The rule is right by definition here; the model is less so by the rest, in percentage points.
    right, by_rule, less = (table.frame["accuracy"].iloc[row] for row in (0, 2, 3))
    assert (right.unit, str(by_rule), less.unit) == ("share", "100%", "percentage points")
    assert less.value == pytest.approx(100 * (right.value - 1))


def test_parameters_table_gives_every_estimated_parameter_a_name(cycle):
    found = fit_stages(cycle.histories, sample=150)
    table = figures.stage_parameters_table(replace(cycle, parameters=found))
    assert len(table.columns) == len(found.intervals)
    assert "within 28 days" in table.note
