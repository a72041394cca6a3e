from __future__ import annotations

import datetime as dt
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from crm_lib import figures
from crm_lib.segments import check_structure, choose_clusters, compare_groupings, profiles


@pytest.fixture(scope="module")
def customers():
    rng = np.random.default_rng(3)
    index = pd.Index([f"客{number}" for number in range(400)], name="customer_id")
    measures = pd.DataFrame(rng.gamma(2, 30, (400, 2)), columns=["orders", "order_value"], index=index)
    features = pd.DataFrame(rng.normal(size=(400, 2)), columns=measures.columns, index=index)
    features.iloc[:200] += 6
    return features, measures


@pytest.fixture(scope="module")
def clusters(customers):
    return choose_clusters(customers[0], k=[2, 3], resamples=3)


@pytest.fixture(scope="module")
def found(clusters):
    rng = np.random.default_rng(4)
    variables = pd.DataFrame(
        {
            "contacts": rng.poisson(2, 400),
            "visits": rng.normal(size=400) + (clusters.labels == 1),
            "buys_in: $5 <Books> & 図書, games, cards and other things": rng.normal(size=400),
            "region": rng.choice(["North", "South"], 400),
        },
        index=clusters.labels.index,
    )
    return profiles(clusters.labels, variables)


@pytest.fixture(scope="module")
def compared():
    rng = np.random.default_rng(5)
    after = pd.Series(rng.gamma(1, 20, 300))
    groups = {"clusters": after.gt(20).map({True: "a", False: "b"}), "RFM segments": pd.Series(rng.integers(0, 5, 300))}
    return compare_groupings(groups, after, scored_on=dt.date(2026, 4, 1), days=90, value_kind="margin", resamples=99)


@pytest.fixture(scope="module")
def charts(customers, clusters, found, compared):
    return {
        "structure": figures.structure_chart(check_structure(customers[0], splits=3, samples=99)),
        "stability": figures.stability_chart(clusters),
        "profiles": figures.profile_chart(found),
        "predictive": figures.predictive_value_chart(compared),
    }


@pytest.mark.parametrize("name", ["structure", "stability", "profiles", "predictive"])
def test_each_chart_is_drawn_with_words_and_table(charts, name):
    chart = charts[name]
    assert ET.fromstring(chart.to_svg()).tag.endswith("svg")  # noqa: S314
    assert "{" not in chart.alt + chart.title
    assert len(chart.table.frame)
    assert "<table>" in chart.table.to_html()


def test_structure_is_told_in_the_headline(charts):
    assert "fall into kinds" in charts["structure"].axes.get_figure(root=True).get_suptitle()
    assert charts["structure"].table.frame["customers"].sum() == 400 - 400 // 3


def test_no_valley_is_told_of_the_measures_looked_at_only():
    cloud = pd.DataFrame(np.random.default_rng(1).normal(size=(200, 2)), columns=["recency", "order_value"])
    chart = figures.structure_chart(check_structure(cloud, splits=1, samples=99))
    assert chart.axes.get_figure(root=True).get_suptitle().strip() == "No valley found along recency and order value"
    assert "By rank only entered: recency (" in chart.table.note


def test_variables_that_rise_with_orders_are_marked(charts):
    assert "Rise with orders by themselves: contacts." in charts["profiles"].table.note
    assert "log odds" in charts["profiles"].alt


def test_number_of_clusters_of_the_earlier_day_is_told(charts):
    assert charts["predictive"].title.endswith("; the rule chose 2 clusters on that day")


def test_only_differences_that_passed_are_coloured(charts, found):
    mesh = charts["profiles"].axes.collections[0].get_array()
    assert np.isfinite(np.ma.filled(mesh, np.nan)).sum() == found.frame["differs"].sum()
    assert 0 < found.frame["differs"].sum() < len(found.frame)


def test_choice_is_named(charts, clusters):
    assert str(clusters.k) in charts["stability"].axes.get_figure(root=True).get_suptitle()
    assert charts["stability"].table.frame["chosen"].eq("yes").sum() == 1


def test_table_of_clusters_has_their_size_and_value(customers, clusters):
    features, measures = customers
    value = pd.Series(10.0, index=features.index)
    table = figures.clusters_table(clusters, measures, value, currency="GBP", value_label="margin")
    assert table.frame["customers"].sum() == 400
    assert table.frame["value_share"].to_numpy() == pytest.approx(table.frame["share"].to_numpy())
    medians = measures.groupby(clusters.labels)["orders"].median()
    assert table.frame["median_orders"].to_dict() == medians.to_dict()
    assert table.label("value_share") == "Share of margin"


def test_parts_of_a_continuum_are_not_called_kinds(customers, clusters):
    features, measures = customers
    cloud = check_structure(pd.DataFrame(np.random.default_rng(1).normal(size=(200, 2))), splits=1, samples=99)
    value = pd.Series(10.0, index=features.index)
    table = figures.clusters_table(clusters, measures, value, currency="GBP", value_label="margin", structure=cloud)
    assert "No kinds were found by these measures" in table.note


def test_cluster_of_one_value_is_called_a_heap(customers, clusters):
    features, measures = customers
    value = pd.Series(10.0, index=features.index)
    shown = {"currency": "GBP", "value_label": "margin"}
    own = clusters.labels == 2
    # Of the cluster 96% have one order, and 96% of those with one order are in it: 192 of 200, 8 elsewhere.
    orders = pd.Series(5.0, index=features.index).where(~own, 1.0)
    orders[own.index[own][:8]], orders[own.index[~own][:8]] = 4.0, 1.0
    orders += np.where(orders == 5.0, np.arange(400) % 7, 0)
    assert own.sum() == 200
    heap = figures.clusters_table(clusters, measures.assign(orders=orders), value, **shown)
    assert "Cluster 2 is a heap of one value: orders is 1 for 96% of it" in heap.note
    assert "heap" not in figures.clusters_table(clusters, measures, value, **shown).note
    # The same value with as many again outside is no heap of its own.
    common = orders.where(own, 1.0)
    assert "Cluster 2" not in figures.clusters_table(clusters, measures.assign(orders=common), value, **shown).note
