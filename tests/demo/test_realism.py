"""The demo company looks like a shop: the figures its tables were calibrated to."""

from __future__ import annotations

import pandas as pd
import pytest


@pytest.fixture(scope="module")
def lines(demo):
    lines = demo.tables["transactions"].drop_duplicates("line_id")
    return lines.assign(margin=lines["revenue"] - lines["cost"])


@pytest.fixture(scope="module")
def last_year(lines):
    return lines[lines["ordered_at"] >= "2025-07-01"]


def test_a_million_a_year_at_a_plausible_margin(last_year, lines):
    assert 0.8e6 < last_year["revenue"].sum() < 2e6
    assert 0.35 < last_year["margin"].sum() / last_year["revenue"].sum() < 0.42
    assert 100_000 < len(lines) < 250_000


def test_about_half_of_the_customers_buy_again(lines):
    days = lines[lines["revenue"] > 0].assign(day=lambda frame: frame["ordered_at"].dt.normalize())
    repeats = days.drop_duplicates(["customer_id", "day"]).groupby("customer_id").size() > 1
    assert 0.45 < repeats.mean() < 0.62


def test_a_fifth_of_the_customers_bring_most_of_the_margin(last_year):
    margin = last_year.groupby("customer_id")["margin"].sum().sort_values(ascending=False)
    top = margin.head(round(len(margin) / 5)).sum() / margin.sum()
    assert 0.60 < top < 0.78


def test_a_modest_christmas_peak(lines):
    months = lines.groupby(lines["ordered_at"].dt.to_period("M"))["revenue"].sum()
    for year in (2024, 2025):
        peak = months[pd.Period(f"{year}-12")] / months[f"{year}-01" : f"{year}-12"].mean()
        assert 1.2 < peak < 1.8


def test_more_promoters_than_detractors(demo):
    surveys = demo.tables["surveys"]
    answers = surveys.loc[surveys["brand"].isna(), "recommendation"]
    assert 0.2 < (answers >= 9).mean() - (answers <= 6).mean() < 0.4


def test_every_type_and_group_has_a_share_worth_analysing(demo):
    assert demo.truth["customers"]["type"].value_counts(normalize=True).min() > 0.08
    assert demo.tables["customers"]["customer_group"].value_counts(normalize=True).min() > 0.05
    assert demo.tables["customers"]["region"].value_counts(normalize=True).min() > 0.05


def test_letters_help_some_customers_and_harm_others(demo):
    effects = demo.truth["uplift"].query("arm == 'email_voucher'")
    gain = effects.loc[effects["usual_orders"] > 0, "profit"]
    assert 0.05 < (gain < 0).mean() < 0.7
    assert gain.mean() > 0
