"""Paths are covered, the recovery paradox is no false alarm, and nothing after ``as_of`` is used."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crm_lib import satisfaction
from crm_lib.company import Company
from crm_lib.demo import simulate
from crm_lib.satisfaction.path_model import PATHS, fit_blocks, path_coefficients
from crm_lib.schema import TABLES
from tests.companies import write_company
from tests.satisfaction.surveys import survey_of

BLOCKS = {"image": "IMAG", "expectation": "CUEX", "quality": "PERQ", "value": "PERV", "satisfaction": "CUSA",
          "loyalty": "CUSL"}  # fmt: skip
LEADS = {to: [one for one in before if one in BLOCKS] for to, before in PATHS.items() if to in BLOCKS}
TRUE = {"expectation": [0.5], "quality": [0.6], "value": [0.2, 0.5], "satisfaction": [0.2, 0.1, 0.4, 0.2],
        "loyalty": [0.2, 0.5]}  # fmt: skip


@pytest.mark.validate
def test_intervals_of_paths_cover_the_paths_of_the_population():
    names = list(BLOCKS)
    numbered = {names.index(to): [names.index(one) for one in before] for to, before in LEADS.items()}
    inner = np.zeros((6, 6))
    for to, before in numbered.items():
        inner[to, before] = TRUE[names[to]]
    reach = np.linalg.inv(np.eye(6) - inner) * np.array([1.0, *[0.7] * 5])
    load = np.kron(np.eye(6), np.ones((2, 1)))
    covariance = load @ reach @ reach.T @ load.T + 0.4 * np.eye(12)
    spread = np.sqrt(np.diag(covariance))
    fit = fit_blocks((covariance / np.outer(spread, spread))[None], [[2 * i, 2 * i + 1] for i in range(6)], numbered)
    truth = path_coefficients(fit.blocks, numbered)[0]
    rng, hits = np.random.default_rng(11), []
    columns = [f"{prefix}{i}" for prefix in BLOCKS.values() for i in (1, 2)]
    for trial in range(100):
        answers = 5.5 + 0.5 * rng.multivariate_normal(np.zeros(12), covariance, 250)
        model = satisfaction.path_model(survey_of(pd.DataFrame(answers.clip(1, 10), columns=columns)), seed=trial)
        hits.append([one.low <= truth[names.index(to), names.index(source)] <= one.high
                     for (source, to), one in model.paths["path"].items()])  # fmt: skip
    assert 0.92 <= np.mean(hits) <= 0.98
    assert (np.mean(hits, axis=0) >= 0.87).all()


@pytest.mark.validate
def test_the_paradox_is_rarely_found_where_complaints_do_not_matter(tmp_path):
    who = [f"c{i}" for i in range(150)]
    complaints = pd.DataFrame(
        {"complaint_id": who[:60], "customer_id": who[:60], "opened_at": "2025-02-01", "closed_at": "2025-02-10",
         "state": "settled", "satisfied": [True] * 40 + [False] * 20}
    )  # fmt: skip
    moment = pd.Timestamp("2025-03-01")
    frame = pd.DataFrame({"customer_id": who, "respondent": who, "responded_at": moment, "satisfaction": 5.0})
    folder = write_company(tmp_path / "c", {"surveys": frame.drop(columns="respondent"), "complaints": complaints},
                           as_of="2025-03-31")  # fmt: skip
    shop, rng, told = Company.open(folder), np.random.default_rng(12), []
    for _ in range(300):
        drawn = frame.assign(satisfaction=rng.integers(1, 11, len(who)).astype(float))
        told.append(satisfaction.recovery(shop, survey_of(drawn)).paradox)
    # Both sides together are wrong in one case of twenty, "supported" in half of these.
    assert 0.02 <= np.mean([not one.low <= 0 <= one.high for one in told]) <= 0.085
    assert np.mean([one.low > 0 for one in told]) <= 0.055


def cut(tables, day):
    """Return tables as they were known at the end of a day."""
    end, known = pd.Timestamp(day) + pd.Timedelta(days=1), {}
    for name, frame in tables.items():
        happened = TABLES[name].happened_at
        frame = frame[pd.to_datetime(frame[happened]) < end] if happened else frame
        late = {column.name: pd.to_datetime(frame[column.known_at]) >= end for column in TABLES[name].columns
                if column.known_at and {column.name, column.known_at} <= set(frame)}  # fmt: skip
        known[name] = frame.assign(**{column: frame[column].mask(rows) for column, rows in late.items()})
    return known


def test_an_earlier_day_tells_what_was_known_on_it(tmp_path):
    tables, day = dict(simulate(seed=8, customers=800).tables), dt.date(2025, 12, 31)
    told = []
    for name, known in (("whole", tables), ("cut", cut(tables, day))):
        shop = Company.open(write_company(tmp_path / name, known, how="parquet", as_of=str(day)))
        answers = satisfaction.survey(shop)
        care = satisfaction.care(shop)
        told.append([
            satisfaction.measures(answers).now, care.phases, care.complaints, satisfaction.needs(shop, answers),
            satisfaction.loyalty_kinds(shop, answers).frame, satisfaction.response(shop, answers).habits,
        ])  # fmt: skip
    for whole, at_the_time in zip(*told, strict=True):
        assert whole.map(str).equals(at_the_time.map(str))
