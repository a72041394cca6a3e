"""Value by year adds up to the whole, comes the sooner the faster customers leave, and says what was not observed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crm_lib.clv import NBD, ParetoNBD
from crm_lib.clv.horizons import value_by_horizon
from crm_lib.clv.purchase_model import PurchaseModel
from crm_lib.clv.value import CustomerValue, customer_value
from crm_lib.company import Company
from tests.companies import write_company


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Two hundred customers over a year and a half, buying at rates of their own."""
    rng = np.random.default_rng(4)
    begin = pd.Timestamp("2024-01-01")
    rows = []
    for customer, rate in enumerate(rng.gamma(1.0, 1.0, 200)):
        moments = rng.uniform(0, 540, 1 + rng.poisson(3 * rate))
        rows += [
            (f"o{customer}-{number}", f"c{customer}", begin + pd.Timedelta(days=float(moment)), 20.0)
            for number, moment in enumerate(np.sort(moments))
        ]
    lines = pd.DataFrame(rows, columns=["order_id", "customer_id", "ordered_at", "revenue"])
    lines["revenue"] = rng.gamma(4, 5, len(lines))
    folder: Path = write_company(tmp_path_factory.mktemp("horizons"), {"transactions": lines}, as_of="2025-06-30")
    return Company.open(folder)


def valued(shop: Company, model: PurchaseModel) -> CustomerValue:
    return customer_value(shop, model=model, draws=100)


def test_what_arises_in_a_hundred_years_is_all_of_it(shop: Company) -> None:
    model = ParetoNBD().with_parameters(r=0.8, alpha=20.0, s=0.7, beta=30.0)
    summary = valued(shop, NBD()).summary
    model = model.fit(model.simulate(summary["age"].to_numpy(), seed=3))
    frame = value_by_horizon(valued(shop, model), years=(1, 5, 100))
    assert frame["share"].is_monotonic_increasing
    assert frame.loc[100, "share"] == pytest.approx(1.0, abs=2e-3)


def test_without_leaving_each_year_brings_what_interest_leaves_of_it(shop: Company) -> None:
    # Nobody leaves and purchases come at constant rates: the share until year n is 1 - (1 + i)^-n.
    frame = value_by_horizon(valued(shop, NBD()), years=(1, 2, 10))
    assert frame["share"].to_numpy() == pytest.approx(1 - 1.1 ** -np.array([1.0, 2.0, 10.0]), abs=1e-4)


def test_years_that_no_customer_was_seen_for_are_marked(shop: Company) -> None:
    frame = value_by_horizon(valued(shop, NBD()), years=(1, 2))
    assert list(frame["observed"]) == [True, False]
