"""The profit table adds up exactly, losses and returns are judged with all the looks in mind; costs to serve."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.figures import loss_cells, profit_cells
from crm_lib.finding import Verdict
from crm_lib.segments import finding_returns, profit, profit_table
from crm_lib.segments.profit import NOT_KNOWN, SMALL_GROUPS, ProfitTable, losses, returns_by_group
from crm_lib.segments.relationship_levels import serving_costs
from tests.companies import transactions, write_company

ALL = ("customer_group", "category", "region")


@pytest.fixture(scope="module")
def expected(tables):
    """Return the window's lines joined with customers, by pandas."""
    lines = tables["transactions"]
    lines = lines[lines["ordered_at"].dt.normalize() > pd.Timestamp("2026-06-30") - pd.Timedelta(days=365)]
    both = lines.merge(tables["customers"], on="customer_id", how="left")
    both[list(ALL)] = both[list(ALL)].fillna(NOT_KNOWN)
    return both.assign(margin=both["revenue"] - both["cost"], returns=-both["revenue"].clip(upper=0))


def test_cells_add_up_to_the_totals_of_the_company_exactly(shop, expected):
    table = profit_table(shop)
    assert table.dimensions == ALL
    for measure in ("revenue", "margin", "returns"):
        # Amounts are quarters: binary fractions, so that sums are exact in any order.
        assert table.frame[measure].sum() == table.totals[measure] == expected[measure].sum()
    assert table.totals["customers"] == expected["customer_id"].nunique()


def test_cells_equal_a_group_by_in_pandas(shop, expected, monkeypatch):
    monkeypatch.setattr(profit, "SMALLEST_GROUP", 1)
    table = profit_table(shop)
    groups, bought = expected.groupby(list(ALL)), expected[expected["revenue"] > 0].groupby(list(ALL))
    assert table.frame["revenue"].to_dict() == groups["revenue"].sum().to_dict()
    assert table.frame["customers"].to_dict() == groups["customer_id"].nunique().to_dict()
    orders = bought["order_id"].nunique().reindex(table.frame.index, fill_value=0)
    assert table.frame["orders"].to_dict() == orders.to_dict()
    share = (groups["returns"].sum() / bought["revenue"].sum()).reindex(table.frame.index)
    assert table.frame["returns_share"].to_numpy() == pytest.approx(share.to_numpy(), nan_ok=True)
    assert table.frame["margin_rate"].dropna().to_numpy() == pytest.approx(0.5)
    assert NOT_KNOWN in table.frame.index.get_level_values("region")
    each = expected.assign(gross=expected["revenue"].clip(lower=0))
    each = each.groupby([*ALL, "customer_id"])[["returns", "gross", "margin"]].sum()
    cross = (each["returns"] * each["gross"]).groupby(level=list(ALL)).sum()
    assert table.moments["square_returns_gross"].to_dict() == pytest.approx(cross.to_dict())
    squares = (each["margin"] ** 2).groupby(level=list(ALL)).sum()
    assert table.moments["square_margin"].to_dict() == pytest.approx(squares.to_dict())


def test_small_groups_are_pooled_without_a_name_and_counted_once(shop, expected):
    table = profit_table(shop, "region", "category")
    sizes = expected.groupby(["region", "category"])["customer_id"].transform("nunique")
    small = expected[sizes < 10]
    assert "Island" in set(small["region"])
    assert "Island" not in table.frame.index.get_level_values("region")
    pooled = table.frame.loc[(SMALL_GROUPS, SMALL_GROUPS)]
    assert pooled["customers"] == small["customer_id"].nunique()
    assert pooled["orders"] == small.loc[small["revenue"] > 0, "order_id"].nunique()
    shown = profit_cells(table).columns
    assert shown["region"].iloc[-1] == SMALL_GROUPS
    assert shown["margin"].iloc[:-1].is_monotonic_decreasing


def made(cells):
    """Return a profit table of one dimension from the customers' returns, sales and margins of each cell."""
    index = pd.Index(list(cells), name="category")
    rows = [[np.asarray(part, dtype=float) for part in cell] for cell in cells.values()]
    frame = pd.DataFrame(
        {
            "customers": [len(back) for back, _, _ in rows],
            "revenue": [(sold - back).sum() for back, sold, _ in rows],
            "margin": [margin.sum() for _, _, margin in rows],
            "returns": [back.sum() for back, _, _ in rows],
            "returns_share": [back.sum() / sold.sum() for back, sold, _ in rows],
        },
        index=index,
    )
    moments = pd.DataFrame(
        {
            "gross": [sold.sum() for _, sold, _ in rows],
            "square_returns": [(back**2).sum() for back, _, _ in rows],
            "square_returns_gross": [(back * sold).sum() for back, sold, _ in rows],
            "square_gross": [(sold**2).sum() for _, sold, _ in rows],
            "square_margin": [(margin**2).sum() for _, _, margin in rows],
        },
        index=index,
    )
    totals = pd.Series({"gross": moments["gross"].sum(), "returns": frame["returns"].sum()})
    told = {"dimensions": ("category",), "left_out": (), "pooled": 0, "days": 365, "currency": "GBP"}
    return ProfitTable(frame=frame, moments=moments, totals=totals, **told)


def cell(rng, n=200, share=0.05, margin=2.0):
    sold = rng.gamma(2, 50, n)
    return sold * rng.binomial(1, share, n), sold, rng.normal(margin, 5, n)


def test_true_loss_holds_and_noise_is_called_chance():
    rng = np.random.default_rng(8)
    cells = {f"g{number}": cell(rng, n=60) for number in range(30)} | {"bad": cell(rng, margin=-4.0)}
    found = losses(made(cells))
    assert found.loc["bad", "holds"]
    assert not found.drop(index="bad")["holds"].any()
    table = loss_cells(made(cells))
    assert table.title.startswith(f"1 of {len(found)} suspected losses hold")
    assert "With 62 looks" in table.note
    none = loss_cells(made({"a": cell(rng, share=0, margin=9.0)}))
    assert none.title == "No cell loses money or has a striking share of returns"


def test_false_alarms_in_a_whole_list_are_as_rare_as_promised(monkeypatch):
    monkeypatch.setattr(profit, "STRIKING", 1.0)
    rng = np.random.default_rng(3)
    tries = 80
    lists = (made({f"g{n}": cell(rng, n=80, share=0.1, margin=0.0) for n in range(12)}) for _ in range(tries))
    alarms = sum(losses(each)["holds"].any() for each in lists)
    # At most 5 %, plus three standard errors and an allowance for skewed returns.
    assert alarms / tries <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / tries) + 0.02


def test_simultaneous_intervals_hold_all_at_once():
    rng = np.random.default_rng(6)
    tries = 80
    tables = (returns_by_group(made({f"g{n}": cell(rng, n=150, share=0.2) for n in range(8)})) for _ in range(tries))
    missed = sum(((table["low"] > 1) | (table["high"] < 1)).any() for table in tables)
    assert missed / tries <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / tries)


def test_verdict_on_even_returns():
    rng = np.random.default_rng(7)
    even = {f"g{number}": cell(rng, n=3000, share=0.1) for number in range(5)}
    assert finding_returns(made(even)).verdict is Verdict.SUPPORTED
    odd = finding_returns(made({**even, "{odd} goods": cell(rng, n=3000, share=0.4)}))
    assert odd.verdict is Verdict.NOT_SUPPORTED
    assert all("{odd} goods" in text for text in (odd.text, odd.decision, odd.to_dict()["money_note"]))
    few = finding_returns(made({f"g{number}": cell(rng, n=40, share=0.1) for number in range(5)}))
    assert few.verdict is Verdict.UNDECIDED
    unnamed = {**even, NOT_KNOWN: cell(rng, n=60, share=0.3)}
    assert returns_by_group(made(unnamed)).index[0] == NOT_KNOWN
    assert finding_returns(made(unnamed)).verdict is Verdict.SUPPORTED
    with pytest.raises(TooLittleData, match="fewer than two groups have a name"):
        finding_returns(made({"a": even["g0"], NOT_KNOWN: even["g1"]}))
    with pytest.raises(TooLittleData, match="nothing was returned"):
        returns_by_group(made({"a": cell(rng, share=0), "b": cell(rng, share=0)}))


CONTACTS = pd.DataFrame(
    [
        ("i1", "anna", "2025-03-01 09:00", 10.0, 5.0),
        ("i2", "anna", "2025-03-02 09:00", 6.0, 3.0),
        ("i3", "ben", "2025-03-05 09:00", 8.0, None),
        ("i4", "cleo", "2025-03-30 23:00", None, None),
        ("i5", "ben", "2024-03-31 09:00", 99.0, 99.0),
    ],
    columns=["interaction_id", "customer_id", "occurred_at", "minutes", "cost"],
)


def test_minutes_stand_in_where_a_cost_is_missing_and_the_average_where_both_are(tmp_path):
    tables = {"transactions": transactions(), "interactions": CONTACTS}
    shop = Company.open(write_company(tmp_path / "shop", tables, as_of="2025-03-31"))
    costs = serving_costs(shop, days=365)
    # A minute costs (5 + 3) / (10 + 6) = 0.5; the contacts known cost 5, 3 and 4, on average 4.
    assert costs["cost"].to_dict() == {"anna": 8.0, "ben": 4.0, "cleo": 4.0}
    assert costs["contacts"].to_dict() == {"anna": 2, "ben": 1, "cleo": 1}
    assert serving_costs(shop, days=366)["cost"]["ben"] == pytest.approx(99 + 8 * 107 / 115)
    with pytest.raises(TooLittleData, match="no contacts in the last 1 days"):
        serving_costs(shop, days=1)
    tables["interactions"] = CONTACTS.drop(columns="cost")
    with pytest.raises(MissingData, match="cost"):
        serving_costs(Company.open(write_company(tmp_path / "costless", tables, as_of="2025-03-31")))
