from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crm_lib.errors import TooLittleData
from crm_lib.segments import behaviour, customer_window, prepare_features


def _measures(n=800, seed=1):
    rng = np.random.default_rng(seed)
    orders = 1.0 + rng.poisson(rng.gamma(0.7, 4, n))
    value = np.exp(rng.normal(3, 1.2, n))
    return pd.DataFrame(
        {"orders": orders, "order_value": value, "balance": rng.normal(-5, 40, n), "köln": rng.gamma(2, 3, n)},
        index=[f"c{number}" for number in range(n)],
    )


def test_prepared_features_are_symmetric_and_on_one_scale():
    prepared = prepare_features(_measures()).frame
    assert (prepared[["order_value", "balance", "köln"]].skew().abs() < 0.5).all()
    quartiles = prepared[["order_value", "balance", "köln"]].quantile([0.25, 0.5, 0.75])
    assert quartiles.loc[0.5].to_numpy() == pytest.approx(0.0, abs=1e-9)
    # The quartiles of a normal distribution are 1.349 standard deviations apart.
    assert (quartiles.loc[0.75] - quartiles.loc[0.25]).to_numpy() == pytest.approx(1.349, abs=1e-9)


def test_natural_units_come_back():
    measures = _measures()
    prepared = prepare_features(measures)
    inside = prepared.frame.abs() < 3.5
    back = prepared.inverse(prepared.frame)
    assert inside.to_numpy().mean() > 0.99
    for name in prepared.names:
        own = inside[name]
        assert back.loc[own, name].to_numpy() == pytest.approx(measures.loc[own, name].to_numpy(), rel=1e-9, abs=1e-9)


def test_order_of_rows_and_names_of_customers_change_nothing():
    measures = _measures()
    plain = prepare_features(measures)
    shuffled = measures.sample(frac=1, random_state=3)
    again = prepare_features(shuffled)
    assert again.frame.reindex(measures.index).equals(plain.frame)
    assert again.recipe.equals(plain.recipe)


def test_order_of_customers_is_kept_within_each_feature():
    measures = _measures()
    prepared = prepare_features(measures).frame
    for name in measures:
        assert stats.spearmanr(measures[name], prepared[name]).statistic > 0.9999


def test_what_is_left_out_is_said():
    measures = _measures().assign(country=1.0, again=lambda frame: 2 * frame["orders"] + 3, rare=np.nan)
    measures.loc[measures.index[:10], "rare"] = np.arange(10.0)
    prepared = prepare_features(measures)
    assert set(prepared.dropped) == {"country", "again", "rare"}
    assert "orders" in prepared.dropped["again"]
    assert "again" not in prepared.frame


def test_missing_values_become_the_median_and_outliers_are_drawn_in():
    measures = _measures()
    measures.iloc[0, 2], measures.iloc[1, 2] = np.nan, 1e7
    prepared = prepare_features(measures)
    assert prepared.recipe.loc["balance", "filled"] == 1
    assert prepared.frame.iloc[0, 2] == pytest.approx(0.0, abs=0.01)
    assert prepared.frame.iloc[1, 2] == 3.5
    assert prepared.recipe.loc["balance", "drawn_in"] >= 1


def test_other_customers_get_the_same_recipe():
    measures = _measures()
    prepared = prepare_features(measures)
    assert prepared.apply(measures.iloc[5:9]).equals(prepared.frame.iloc[5:9])
    with pytest.raises(ValueError, match="lack orders"):
        prepared.apply(measures.drop(columns="orders"))


def test_impossible_measures_are_refused():
    with pytest.raises(ValueError, match="'region' is not numeric"):
        prepare_features(pd.DataFrame({"region": ["North", "South"]}))
    with pytest.raises(ValueError, match="infinite"):
        prepare_features(pd.DataFrame({"orders": [1.0, np.inf]}))
    with pytest.raises(TooLittleData, match="no measure"):
        prepare_features(pd.DataFrame({"orders": [1.0]}, index=["only"]))


def test_behaviour_is_counted_from_the_window(shop):
    window = customer_window(shop, days=365)
    measures = behaviour(window, as_of=shop.as_of)
    bought = window[window["orders"] > 0]
    assert measures.index.equals(bought.index)
    assert (measures["orders"] * measures["order_value"] - bought["returns"]).to_numpy() == pytest.approx(
        bought["revenue"].to_numpy()
    )
    last = pd.Timestamp(shop.as_of) - pd.to_timedelta(measures["recency"], unit="D")
    assert last.eq(bought["last_purchase"]).all()


def test_nobody_who_bought_is_too_little():
    window = pd.DataFrame({"orders": [0], "revenue": [-5.0], "returns": [5.0], "last_purchase": [pd.NaT]})
    with pytest.raises(TooLittleData, match="nobody bought"):
        behaviour(window, as_of=dt.date(2026, 1, 1))
