"""IBM's Telco sample of customers (CRM_PUBLISHED_DATA names the folder that holds it): survival and its tests."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.duration.survfunc import survdiff

from crm_lib.churn import cumulative_incidence

FILE = Path(os.environ.get("CRM_PUBLISHED_DATA", "")) / "ibm_telco.csv"
pytestmark = pytest.mark.skipif(not FILE.is_file(), reason="CRM_PUBLISHED_DATA names no folder with ibm_telco.csv")


@pytest.fixture(scope="module")
def telco():
    return pd.read_csv(FILE)


def test_survival_is_the_published_one(telco):
    left = (telco["Churn"] == "Yes").to_numpy()
    assert (len(left), left.mean()) == (7043, pytest.approx(0.2654, abs=5e-5))
    stayed = cumulative_incidence(telco["tenure"], left.astype(int), causes=["left"]).frame["stayed"]
    published = {12: 0.8432, 24: 0.7887, 36: 0.7485, 60: 0.6644, 72: 0.5928}
    for months, share in published.items():
        assert stayed[stayed.index <= months].iloc[-1] == pytest.approx(share, abs=5e-5)


def test_median_and_log_rank_by_contract_are_the_published_ones(telco):
    left = (telco["Churn"] == "Yes").astype(int)
    monthly = (telco["Contract"] == "Month-to-month").to_numpy()
    stayed = cumulative_incidence(telco["tenure"][monthly], left[monthly], causes=["left"]).frame["stayed"]
    assert stayed.index[stayed <= 0.5][0] == 35
    statistic, _ = survdiff(telco["tenure"].to_numpy(), left.to_numpy(), telco["Contract"].to_numpy())
    assert statistic == pytest.approx(2352.87, abs=0.005)


def test_causes_of_contracts_sum_to_all_who_left(telco):
    kinds = {"Month-to-month": 1, "One year": 2, "Two year": 3}
    cause = telco["Contract"].map(kinds).where(telco["Churn"] == "Yes", 0)
    found = cumulative_incidence(telco["tenure"], cause, causes=list(kinds)).frame
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
