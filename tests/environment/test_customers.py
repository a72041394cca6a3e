"""Customers in the 3C analysis: whom the company has and had, moves between channels, the wish for the personal."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crm_lib import churn, environment, figures, satisfaction, segments
from crm_lib.company import Company
from crm_lib.errors import MissingData, TooLittleData
from tests.companies import write_company


def shop(folder, frame, **tables):
    return Company.open(write_company(folder / "shop", {"transactions": frame, **tables}, as_of="2024-12-31"))


def orders(customers, days, channels=None):
    frame = pd.DataFrame({"customer_id": customers, "ordered_at": days, "revenue": 10.0})
    frame["order_id"] = [f"o{i}" for i in range(len(frame))]
    return frame if channels is None else frame.assign(channel=channels)


def test_who_left_and_was_worth_a_core_customer_is_counted_with_the_year_before_leaving(tmp_path):
    rows = [(f"core{i}", f"2024-{month:02}-15", 100.0) for i in range(4) for month in range(1, 13)]
    rows += [(f"other{i}", "2024-12-01", 5.0) for i in range(6)]
    rows += [(f"gone{i}", f"2023-{month:02}-15", 150.0) for i in range(2) for month in range(1, 7)]
    rows += [(f"small{i}", "2023-05-05", 5.0) for i in range(3)]
    frame = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "revenue"])
    prospects = pd.DataFrame({
        "prospect_id": list("pqrs"), "first_seen_at": "2024-01-01",
        "converted_at": ["2024-02-01", None, None, "2026-01-01"],  # the last one after the day that counts
    })  # fmt: skip
    company = shop(tmp_path, frame.assign(order_id=range(len(frame))), prospects=prospects)
    segmented = segments.segment_customers(company, segments.definitions_of(company))
    found = environment.circles(company, segmented, churn.churned(company, 90))
    assert found.frame["customers"].to_dict() == {
        "core customers": 4, "other customers": 6, "left, worth a core customer": 0, "left, others": 5,
        "prospects who never bought": 3,
    }  # fmt: skip
    # Six months at 150 are 900 a year, less than the 1,200 of the least core customer; at 250 they are worth one.
    more = frame["revenue"].replace(150, 250)
    dearer = shop(tmp_path / "again", frame.assign(order_id=range(len(frame)), revenue=more))
    found = environment.circles(dearer, segmented, churn.churned(dearer, 90)).frame
    assert found.loc["left, worth a core customer"].tolist() == [2, 3000.0]


def test_moves_between_channels_are_those_from_one_order_to_the_next(tmp_path):
    who = np.repeat([f"c{i}" for i in range(40)], 3)
    days = ["2024-03-01 10:00", "2024-03-01 12:00", "2024-06-01"] * 40
    found = environment.channel_moves(shop(tmp_path, orders(who, days, ["web", "app", "web"] * 40)))
    assert found.matrix.loc["web", "app"] == 1.0
    assert found.matrix.loc["app", "web"] == 1.0
    assert found.moved.value == 1.0
    assert found.orders.to_dict() == {"web": 40, "app": 40}
    assert "app" in figures.channel_moves_chart(found).alt


@pytest.mark.parametrize(
    ("frame", "error", "told"),
    [
        (orders(["a"] * 40, pd.date_range("2024-01-01", periods=40), "web"), TooLittleData, "30 customers"),
        (orders([f"c{i % 50}" for i in range(100)], "2024-05-01", "web"), TooLittleData, "one channel"),
        (orders(["a", "b"], "2024-05-01"), MissingData, "channel"),
    ],
)
def test_without_channels_moves_are_left_out(frame, error, told, tmp_path):
    with pytest.raises(error, match=told):
        environment.channel_moves(shop(tmp_path, frame))


def test_the_demos_wish_for_personal_offers_is_found(demo, demo_answers, simulation, tmp_path):
    segmented = segments.segment_customers(demo, segments.definitions_of(demo))
    found = environment.prefer_the_personal(demo_answers, segmented)
    relational = simulation.truth["customers"].set_index("customer_id")["type"] != "transactional"
    last = demo_answers.latest()
    # Six or more once rounded: from 5.5 on, of a wish of 6.8 (relational) or 4.6 with a spread of 1.8.
    chance = np.where(relational[last["customer_id"]], stats.norm.sf(5.5, 6.8, 1.8), stats.norm.sf(5.5, 4.6, 1.8))
    everybody = found["all who answered"]
    truth, half = np.average(chance, weights=last["weight"]), (everybody.high - everybody.low) / 2
    assert abs(everybody.value - truth) < 1.7 * half  # 3.3 standard errors: further away is one draw in a thousand
    assert figures.personal_chart(found).table.frame.index.tolist() == list(found.index)
    with pytest.raises(TooLittleData, match="does not ask for personal offers"):
        environment.prefer_the_personal(satisfaction.survey(shop(
            tmp_path, orders(["a"], "2024-05-01"),
            surveys=pd.DataFrame({"responded_at": "2024-05-01", "satisfaction": [7] * 20}),
        )))  # fmt: skip
