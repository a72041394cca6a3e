"""CDNOW: the data and numbers of Fader, Hardie & Lee (2005), Marketing Science 24(2), 275-284."""

from __future__ import annotations

import importlib.resources
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lifetimes.utils import summary_data_from_transaction_data

from crm_lib.clv import BGNBD
from crm_lib.company import Company
from crm_lib.customers import customer_summary
from tests.companies import write_company

CALIBRATION_END = "1997-09-30"


@pytest.fixture(scope="module")
def purchases() -> pd.DataFrame:
    """Return the one-in-ten sample as it ships with `lifetimes`, all 78 weeks of it."""
    file = importlib.resources.files("lifetimes") / "datasets" / "CDNOW_sample.txt"
    names = ["master_id", "customer_id", "ordered_at", "quantity", "revenue"]
    with file.open() as lines:
        frame = pd.read_csv(lines, sep=r"\s+", names=names, dtype={"master_id": str, "customer_id": str})
    return frame.assign(
        order_id=np.arange(len(frame)).astype(str), ordered_at=pd.to_datetime(frame["ordered_at"].astype(str))
    )


@pytest.fixture(scope="module")
def cdnow(purchases: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Company:
    columns = ["order_id", "customer_id", "ordered_at", "quantity", "revenue"]
    folder: Path = tmp_path_factory.mktemp("cdnow")
    write_company(folder, {"transactions": purchases[columns]}, how="parquet", currency="USD")
    return Company.open(folder, as_of=CALIBRATION_END)


def test_the_company_that_comes_with_the_project_holds_the_sample() -> None:
    shipped = Company.open(Path(__file__).parents[2] / "data" / "cdnow", as_of=CALIBRATION_END)
    summary = customer_summary(shipped)
    assert (len(summary), summary["frequency"].sum(), (summary["frequency"] > 0).sum()) == (2357, 2457, 946)
    model = BGNBD().fit(summary)
    assert model.log_likelihood_ == pytest.approx(-9582.429, abs=1e-3)
    assert len(Company.open(shipped.folder).frame("transactions")) == 6919


def test_frequency_recency_age_and_monetary_value_equal_those_of_lifetimes(
    cdnow: Company, purchases: pd.DataFrame
) -> None:
    peer = summary_data_from_transaction_data(
        purchases, "customer_id", "ordered_at", "revenue", observation_period_end=CALIBRATION_END, freq="D"
    )
    ours = customer_summary(cdnow, unit="D").loc[peer.index]
    for column, theirs in {"frequency": "frequency", "recency": "recency", "age": "T"}.items():
        np.testing.assert_array_equal(ours[column], peer[theirs])
    # Without repeats there is no repeat purchase to be worth anything: lifetimes writes 0, we NaN.
    np.testing.assert_array_equal(ours["monetary_value"].isna(), peer["frequency"] == 0)
    np.testing.assert_allclose(ours["monetary_value"].fillna(0), peer["monetary_value"], rtol=1e-6)
