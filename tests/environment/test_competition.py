"""Competition by region and core competence: planted truths are found, and nothing is scored without a source."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from crm_lib import environment, figures
from crm_lib.company import Company
from crm_lib.demo.people import REGIONS
from crm_lib.errors import MissingData, TooLittleData
from tests.companies import transactions, write_company
from tests.environment.answers import answers


def test_the_demos_competition_by_region_is_found(demo):
    found = environment.competition_levels(demo)
    planted = pd.Series({name: row[3] for name, row in REGIONS.items()})
    near = found.frame["near"]
    assert all(one.low <= planted[name] <= one.high for name, one in near.items())
    assert near.index[0] == planted.idxmax() == "London"
    assert {"left", "price"} <= set(found.frame)
    table = figures.competition_table(found, environment.brand_switching(demo))
    assert "Herfindahl" in table.note


def shop(tmp_path, people, **tables):
    lines = [(f"o{number}", who, "2023-11-10 10:00", 10.0) for number, who in enumerate(people["customer_id"])]
    tables |= {"transactions": transactions(lines), "customers": people}
    return Company.open(write_company(tmp_path / "shop", tables, as_of="2024-12-31"))


def people(sizes):
    regions = [name for name, n in sizes.items() for _ in range(n)]
    return pd.DataFrame({"customer_id": [f"c{n}" for n in range(len(regions))], "region": regions})


def test_who_left_for_a_rival_is_counted_by_hand_and_small_regions_are_not_named(tmp_path):
    who = people({"north": 40, "south": 30, "isle": 4})
    gone = pd.DataFrame([
        ("c0", "2024-06-01", "competition"), ("c1", "2024-06-01", "competition"), ("c2", "2024-06-01", "natural"),
        ("c3", "2023-12-01", "competition"), ("c41", "2024-03-01", "competition"),
    ], columns=["customer_id", "departed_at", "cause"])  # fmt: skip
    found = environment.competition_levels(shop(tmp_path, who, departures=gone))
    left = found.frame["left"]
    assert (found.frame["customers"].to_dict(), found.small) == ({"north": 39, "south": 30}, 4)  # c3 had left before
    assert (left["north"].value, left["south"].value) == pytest.approx((2 / 39, 1 / 30))
    assert found.frame.index[0] == "north"


def test_without_a_sign_or_a_second_region_nothing_is_told(tmp_path):
    with pytest.raises(MissingData, match="local_competition"):
        environment.competition_levels(shop(tmp_path / "a", people({"north": 40, "south": 40})))
    known = people({"north": 40}).assign(local_competition="high")
    with pytest.raises(TooLittleData, match="two regions"):
        environment.competition_levels(shop(tmp_path / "b", known))


ITEMS = ("service_quality", "image", "product_quality")


def rated(rng, lead, *, years=2):
    """Return a survey in which service is what satisfaction hangs on, with a lead of so many points."""
    means = {None: dict(zip(ITEMS, (6.0 + lead, 6.0, 6.0), strict=True)), "A": dict.fromkeys(ITEMS, 6.0)}
    parts = []
    for year in range(years):
        one = answers(rng, means, (300, 150))
        for rows in (one.frame, one.rivals):
            rows["responded_at"] -= pd.Timedelta(days=365 * year)
            rows["respondent"] += f" {year}"
        one.frame["satisfaction"] = 0.9 * one.frame["service_quality"] + 0.1 * one.frame["image"]
        one.frame["satisfaction"] += rng.normal(0, 0.2, 300) - 0.5
        parts.append(one)
    frame, rivals = (pd.concat([getattr(one, name) for one in parts]) for name in ("frame", "rivals"))
    return type(one)(frame=frame, rivals=rivals, waves=("1",), left_out={}, as_of=one.as_of)


def test_a_valued_rare_and_lasting_lead_is_a_core_competence_and_others_are_not():
    rng = np.random.default_rng(4)
    survey = rated(rng, 1.0)
    found = environment.core_competence(survey, environment.benchmark_gaps(survey)).frame
    assert found.loc["service_quality", ["value", "rarity", "imitability", "organisation"]].tolist() == [
        "yes", "yes", "yes", "–",
    ]  # fmt: skip
    assert found["core"].tolist() == [True, False, False]
    young = rated(rng, 1.0, years=1)
    assert environment.core_competence(young, environment.benchmark_gaps(young)).frame["imitability"].eq("–").all()
    level = rated(rng, 0.0)
    assert not environment.core_competence(level, environment.benchmark_gaps(level)).frame["core"].any()


def test_the_demos_service_is_valued_but_the_alliance_leads(demo, demo_answers):
    gaps = environment.benchmark_gaps(demo_answers)
    found = environment.core_competence(demo_answers, gaps, environment.readiness(demo))
    assert found.frame.loc["service_quality", "value"] == "yes"
    assert not found.frame["core"].any()
    assert found.frame.loc["personnel_quality", "rarity"] == "no"
    assert found.frame.loc["personnel_quality", "organisation"] != "–"
    table = figures.competence_table(found)
    assert table.frame["item"].iloc[0] == "Service quality"
    with pytest.raises(TooLittleData, match="matters most"):
        environment.core_competence(demo_answers, dataclasses.replace(gaps, importance=gaps.importance.head(0)))
