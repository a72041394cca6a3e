"""What goes with staying: planted differences are covered, none is seen where there is none, and bases are not few."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crm_lib import figures
from crm_lib.company import Company
from crm_lib.errors import TooLittleData
from crm_lib.retention import staying
from tests.companies import transactions, write_company
from tests.figures.conftest import drawn


def test_planted_differences_are_covered_and_a_region_of_rivals_without_one_is_chance(tmp_path):
    rng, n = np.random.default_rng(1), 4000
    member, group = rng.random(n) < 0.3, rng.choice(["home", "firm"], n, p=[0.7, 0.3])
    rivals = rng.choice(["low", "high"], n)
    # Firms are members more often: plainly compared, they would stay for it.
    member |= (group == "firm") & (rng.random(n) < 0.5)
    again = rng.random(n) < 0.4 + 0.2 * member
    names = [f"c{i:04}" for i in range(n)]
    rows = [(f"o{i}", c, "2025-11-10", 10.0) for i, c in enumerate(names)]
    rows += [(f"p{i}", names[i], "2026-03-01", 10.0) for i in np.flatnonzero(again)]
    people = pd.DataFrame({"customer_id": names, "customer_group": group, "local_competition": rivals})
    contracts = pd.DataFrame({"customer_id": np.array(names)[member], "started_at": "2025-11-11"})
    tables = {"transactions": transactions(rows), "customers": people, "memberships": contracts}
    found = staying(Company.open(write_company(tmp_path / "shop", tables, as_of="2026-06-30")))
    points, q = found.frame["points"], found.frame["q_value"]
    assert points["contract", "yes"].low < 20 < points["contract", "yes"].high
    assert q["contract", "yes"] < 1e-6
    assert points["customer_group", "firm"].low < 0 < points["customer_group", "firm"].high
    assert q.drop(("contract", "yes")).min() > 0.05
    assert found.stayed == pytest.approx(again.mean())
    assert found.frame["base"]["customer_group", "firm"] == "home"
    assert "1 of 3 states go with" in drawn(figures.staying_chart(found))[1]["alt"]


def test_a_company_in_which_everybody_stays_or_nothing_is_known_is_told_so(tmp_path):
    with pytest.raises(TooLittleData):
        staying(Company.open(write_company(tmp_path / "bare", {"transactions": transactions()})))
