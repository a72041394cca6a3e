"""Charts and tables of customer value: what they say, draw and carry, on a small company with hostile names."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from crm_lib import clv, customers, figures
from crm_lib.clv import NBD, Acquisition, ParetoNBD
from crm_lib.company import Company
from crm_lib.errors import TooLittleData
from tests.clv.cdnow import cdnow_purchases, cdnow_summary
from tests.clv.shop import AS_OF, shop_tables
from tests.companies import write_company
from tests.figures.conftest import drawn

HOSTILE = "<script>$1 {x}"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    tables, _ = shop_tables(400)
    tables = {name: table.replace({"customer_id": {"c0007": HOSTILE}}) for name, table in tables.items()}
    rng = np.random.default_rng(1)
    begin = pd.Timestamp("2023-07-05") + pd.to_timedelta(rng.integers(0, 400, 90), unit="D")
    lasts = np.minimum(rng.geometric(rng.beta(1, 4, 90)), 40)
    ended = pd.Series([first + pd.DateOffset(months=int(n), days=-1) for first, n in zip(begin, lasts, strict=True)])
    tables["memberships"] = pd.DataFrame(
        {
            "membership_id": np.arange(90).astype(str), "customer_id": [f"c{n:04d}" for n in range(90)],
            "started_at": begin, "ended_at": ended.where(ended <= pd.Timestamp(AS_OF)), "plan": "monthly",
            "price": 9.9, "period_months": 1,
        }
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("data") / "shop"
    return Company.open(write_company(folder, tables, how="parquet", as_of=AS_OF))


@pytest.fixture(scope="module")
def members(shop):
    return clv.membership_value(shop)


@pytest.fixture(scope="module")
def value(shop):
    return clv.customer_value(shop, model=ParetoNBD(), draws=100)


@pytest.fixture(scope="module")
def compared():
    return clv.compare_models(
        cdnow_purchases(), as_of="1998-06-30", horizon_days=273, cut_offs=1, models=[NBD(), ParetoNBD()], rivals=[]
    )


def channels(**changes):
    """Channels by hand: one that pays, one that loses, one that nobody can tell, one whose cost is unknown."""
    rows = {
        HOSTILE: (400, 10.0, 50.0, 40.0, 60.0, 5.0, 4.0, 6.0, 0.0, 0.0, 0.0),
        "ads": (300, 80.0, 30.0, 20.0, 45.0, 0.4, 0.25, 0.6, np.inf, np.inf, np.inf),
        "広告": (200, 30.0, 35.0, 25.0, 48.0, 1.2, 0.8, 1.6, 410.0, 120.0, np.inf),
        "direct": (100, np.nan, 35.0, 25.0, 48.0, *[np.nan] * 6),
    }
    columns = [
        "customers", "acquisition_cost", "clv", "clv_low", "clv_high", "ratio", "ratio_low", "ratio_high",
        "payback_days", "payback_days_low", "payback_days_high",
    ]  # fmt: skip
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("channel").assign(**changes)
    return Acquisition(
        frame=frame.assign(highest_bid=frame["clv"], pooled=False), draws={}, channels=pd.Series(dtype=object),
        won_last_year=pd.Series(dtype="int64"), basis="margin", currency="GBP", annual_rate=0.1,
    )  # fmt: skip


@pytest.fixture(scope="module")
def charts(shop, value, compared, members):
    model, summary = value.future.model, value.future.summary
    bought = customers.purchase_days(shop)
    told = figures.telling_customer(model, summary)
    truth = value.frame[["current"]].rename(columns={"current": "value"}).assign(true_value=value.frame["current"])
    truth.attrs["currency"] = "GBP"
    return {
        "tracking": figures.tracking_chart(compared),
        "calibration": figures.forecast_calibration_chart(compared),
        "frequency": figures.frequency_chart(compared),
        "map": figures.alive_map(model, summary),
        "history": figures.customer_history_chart(
            model, bought.loc[bought["customer_id"] == told, "day"], as_of=shop.as_of, customer=HOSTILE
        ),
        "equity": figures.equity_waterfall(value),
        "distribution": figures.value_distribution_chart(value),
        "truth": figures.value_truth_chart(truth),
        "channels": figures.channel_value_chart(channels()),
        "retention": figures.plan_retention_chart(members),
    }


def test_charts_travel_with_drawing_words_and_table_and_are_light(charts):
    assert len({chart.name for chart in charts.values()}) == len(charts)
    for chart in charts.values():
        drawn(chart, letters=70_000)


def test_tables_are_written_without_faults(shop, value, compared, members):
    limits = clv.spending_limits(value, clv.acquisition_value(shop, model=ParetoNBD()))
    tables = [
        figures.comparison_table(compared),
        figures.model_table(value.future.model),
        figures.year_table(clv.value_by_year(value)),
        figures.model_value_table(clv.value_by_model(value)),
        figures.top_customers_table(value, most=400),
        figures.equity_table(clv.equity_by(value, clv.acquisition_cohorts(value)), by="year"),
        figures.acquisition_table(channels()),
        figures.spending_limits_table(limits),
        figures.membership_table(members),
    ]
    for table in tables:
        assert "<script>" not in table.to_html()
        assert not re.search(r"\bnan\b|\{\w{2,}", table.to_html() + table.note)


def test_waterfall_adds_up_and_the_best_hold_what_the_sorted_values_say(charts, value):
    frame = charts["equity"].table.frame
    assert frame["value"].iloc[3] == pytest.approx(frame["value"].iloc[:3].sum())
    assert frame["low"].iloc[3] < frame["value"].iloc[3] < frame["high"].iloc[3]
    assert "deducted" in charts["equity"].table.note
    amounts = value.frame["current"].sort_values(ascending=False)
    best = amounts.head(80).sum() / amounts.sum()
    assert charts["distribution"].table.frame["value_share"].iloc[8] == pytest.approx(best, abs=0.003)


def test_the_map_follows_the_model_and_falls_with_silence(charts, value):
    frame = charts["map"].table.frame
    age = float(value.future.summary["age"].max())
    history = pd.DataFrame({"frequency": [5.0], "recency": [age - 26.0], "age": [age]})
    assert frame.loc[182, "5"] == pytest.approx(value.future.model.probability_alive(history).iloc[0])
    assert (frame.diff().dropna() <= 1e-9).all(axis=None)
    with pytest.raises(TooLittleData, match="bought a second time"):
        figures.alive_map(value.future.model, value.future.summary.assign(frequency=0))


def test_the_history_judges_each_day_by_what_was_known_then(value):
    model = value.future.model
    days = pd.to_datetime(["2025-01-01", "2025-01-08", "2025-01-22", "2025-02-05", "2026-01-01"])
    chart = figures.customer_history_chart(model, pd.Series(days), as_of=pd.Timestamp("2025-03-01").date())
    known = pd.DataFrame({"frequency": [3.0], "recency": [5.0], "age": [59 / 7]})
    now = chart.table.frame["probability_alive"].iloc[-1]
    assert now == pytest.approx(np.median(model.drawn("alive", known)[:, 0]))
    assert "24 days" in chart.alt
    with pytest.raises(TooLittleData, match="needs a purchase"):
        figures.customer_history_chart(model, pd.Series(days), as_of=pd.Timestamp("2024-01-01").date())
    with pytest.raises(TooLittleData, match="5 to 40"):
        figures.telling_customer(model, cdnow_summary().assign(frequency=1))


def test_channels_are_judged_by_their_intervals(charts):
    table = figures.acquisition_table(channels()).frame
    assert table["judgement"].to_dict() == {HOSTILE: "pays", "広告": "undecided", "ads": "does not pay", "direct": "–"}
    assert table["payback"].tolist() == ["first purchase", "410 days [120, never]", "never", "–"]
    assert "1 of 3 channels cost more than they bring" in charts["channels"].alt
    assert "3 of 4 channels" in figures.channel_value_chart(channels(acquisition_cost=[1.0, 1.0, 30.0, 1.0])).alt
    with pytest.raises(TooLittleData, match="known cost"):
        figures.channel_value_chart(channels(acquisition_cost=np.nan))


def test_the_actual_curve_of_contracts_is_kaplan_and_meiers(charts, members):
    from statsmodels.duration.survfunc import SurvfuncRight

    frame = charts["retention"].table.frame["actual"].dropna()
    ended = members.contracts["ended"]
    own = SurvfuncRight(members.contracts["duration"].clip(lower=0.5), ended.astype(int)).summary()["Surv prob"]
    steps = own.loc[own.index.isin(frame.index)]
    np.testing.assert_allclose(frame[steps.index], steps, rtol=1e-9)


def test_the_table_of_models_says_whether_they_disagree_by_more_than_the_interval():
    frame = pd.DataFrame(
        {"current": [10.0, 20.0], "current_low": 9.0, "current_high": [11.0, 21.0]}, index=["Pareto/NBD", "BG/NBD"]
    )
    for shown, words in ((frame, "larger doubt"), (frame.assign(current=10.0), "no further apart")):
        shown.attrs["currency"] = "GBP"
        assert words in figures.model_value_table(shown).note
