"""Scores join what the models and the segments say of each customer, and the command writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from crm_lib import clv
from crm_lib.clv import BGNBD, CustomerValue, customer_value
from crm_lib.company import Company
from crm_lib.estimate import LEVEL
from crm_lib.scoring import customer_scores
from tests.clv.shop import AS_OF, shop_tables
from tests.companies import write_company


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tables, _ = shop_tables(300, seed=5)
    project = tmp_path_factory.mktemp("scoring")
    return write_company(project / "data" / "shop", tables, how="parquet", as_of=AS_OF)


@pytest.fixture(scope="module")
def company(folder: Path) -> Company:
    return Company.open(folder)


@pytest.fixture(scope="module")
def value(company: Company) -> CustomerValue:
    return customer_value(company, model=BGNBD(), draws=100)


@pytest.fixture(scope="module")
def scores(company: Company, value: CustomerValue) -> pd.DataFrame:
    return customer_scores(company, value)


def test_every_customer_has_one_row_that_tells_how_it_is_to_be_read(
    scores: pd.DataFrame, value: CustomerValue, company: Company
) -> None:
    pd.testing.assert_index_equal(scores.index, value.frame.index)
    assert scores.index.is_unique
    assert (scores["current_low"] <= scores["current"]).all()
    assert (scores["current"] <= scores["current_high"]).all()
    assert scores["probability_alive"].between(0, 1).all()
    names = ["as_of", "currency", "basis", "annual_rate", "horizon_days", "level", "model"]
    day = pd.Timestamp(company.as_of)
    told = scores[names].drop_duplicates().to_numpy().tolist()
    assert told == [[day, company.currency, "margin", 0.1, 365, LEVEL, "BG/NBD"]]


def test_who_did_not_buy_in_the_window_has_a_value_but_no_segment(scores: pd.DataFrame, company: Company) -> None:
    bought = company.frame("transactions").query("revenue > 0").groupby("customer_id")["ordered_at"].max()
    recent = bought.index[bought >= pd.Timestamp(company.as_of) - pd.Timedelta(days=364)]
    assert 0 < len(recent) < len(scores)
    assert set(scores.index[scores["segment"].notna()]) == set(recent)
    assert scores["current"].notna().all()
    assert scores.loc[scores["segment"].isna(), "recency_score"].isna().all()


def test_the_command_writes_the_scores(crm: Any, folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "scores.csv"
    code, out, _ = crm("score", str(folder), "--to", str(target), "--model", "bg-nbd")
    assert code == 0
    written = pd.read_csv(target)
    assert len(written) == 300
    assert {"basis", "annual_rate", "horizon_days", "level", "model"} <= set(written)
    assert json.dumps(str(target))[1:-1] in out.replace("\n", "")


def test_a_question_of_ones_own_leaves_the_scores_of_the_customer_page_alone(
    crm: Any, folder: Path, value: CustomerValue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(clv, "customer_value", lambda *_, **__: value)
    target, kept = str(tmp_path / "scores.csv"), tmp_path / "reports" / "shop" / ".scores.parquet"
    for option in ("--annual-rate=0.2", "--horizon-days=30", "--model=bg-nbd", "--seed=1"):
        assert crm("score", str(folder), "--to", target, option)[0] == 0
        assert not kept.exists(), option
    assert crm("score", str(folder), "--to", target)[0] == 0
    assert kept.exists()
