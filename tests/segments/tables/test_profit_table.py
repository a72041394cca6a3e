from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.figures import loss_cells
from crm_lib.finding import Verdict
from crm_lib.segments import ProfitTable, finding_returns, losses, profit_table, returns_by_group
from crm_lib.segments.tables.profit_table import NOT_KNOWN, SMALL_GROUPS
from tests.companies import write_company

ALL = ("customer_group", "category", "region")
DAYS = 365


def _expected(tables):
    """Return the window's lines joined with customers, by pandas."""
    lines = tables["transactions"]
    lines = lines[lines["ordered_at"].dt.normalize() > pd.Timestamp("2026-06-30") - pd.Timedelta(days=DAYS)]
    both = lines.merge(tables["customers"], on="customer_id", how="left")
    both[list(ALL)] = both[list(ALL)].fillna(NOT_KNOWN)
    return both.assign(margin=both["revenue"] - both["cost"], returns=-both["revenue"].clip(upper=0))


@pytest.mark.parametrize("smallest_group", [1, 10, 60])
def test_cells_add_up_to_the_totals_of_the_company_exactly(shop, tables, smallest_group):
    profit = profit_table(shop, dimensions=ALL, days=DAYS, smallest_group=smallest_group)
    for measure in ("revenue", "margin", "returns"):
        # Amounts are quarters: binary fractions, so that sums are exact in any order.
        assert profit.frame[measure].sum() == profit.totals[measure] == _expected(tables)[measure].sum()


def test_cells_equal_a_group_by_in_pandas(shop, tables):
    frame = profit_table(shop, dimensions=ALL, days=DAYS, smallest_group=1).frame
    lines = _expected(tables)
    groups = lines.groupby(list(ALL))
    assert frame["revenue"].to_dict() == groups["revenue"].sum().to_dict()
    assert frame["customers"].to_dict() == groups["customer_id"].nunique().to_dict()
    bought = lines[lines["revenue"] > 0].groupby(list(ALL))
    orders = bought["order_id"].nunique().reindex(frame.index, fill_value=0)
    assert frame["orders"].to_dict() == orders.to_dict()
    share = (groups["returns"].sum() / bought["revenue"].sum()).reindex(frame.index)
    assert frame["returns_share"].to_numpy() == pytest.approx(share.to_numpy(), nan_ok=True)
    assert frame["margin_rate"].dropna().to_numpy() == pytest.approx(0.5)


def test_missing_values_have_a_row_of_their_own(shop):
    frame = profit_table(shop, dimensions=["region"], smallest_group=1).frame
    assert NOT_KNOWN in frame.index


def test_small_groups_are_pooled_without_a_name_and_counted_once(shop, tables):
    profit = profit_table(shop, dimensions=["region"], days=DAYS, smallest_group=10)
    lines = _expected(tables)
    assert "Island" not in profit.frame.index
    island = lines[lines["region"] == "Island"]
    assert profit.frame.loc[SMALL_GROUPS, "customers"] == island["customer_id"].nunique()
    assert profit.frame.loc[SMALL_GROUPS, "orders"] == island.loc[island["revenue"] > 0, "order_id"].nunique()
    assert profit.pooled == 1


def test_customer_in_two_small_cells_is_one_customer_of_the_pool(shop, tables):
    profit = profit_table(shop, dimensions=["region", "category"], days=DAYS, smallest_group=20)
    lines = _expected(tables)
    sizes = lines.groupby(["region", "category"])["customer_id"].transform("nunique")
    expected = lines.loc[sizes < 20, "customer_id"].nunique()
    assert profit.frame.loc[(SMALL_GROUPS, SMALL_GROUPS), "customers"] == expected
    assert lines.loc[sizes < 20].groupby(["region", "category"])["customer_id"].nunique().sum() > expected


def test_absent_dimension_raises_or_is_left_out_by_name(bare_shop, shop):
    with pytest.raises(MissingData, match="customer_group"):
        profit_table(bare_shop, dimensions=["customer_group"], absent="leave_out")
    with pytest.raises(MissingData, match="department"):
        profit_table(shop, dimensions=["category", "department"])
    assert profit_table(shop, dimensions=["category", "department"], absent="leave_out").left_out == ("department",)


def test_company_without_costs_has_no_margin(tables, tmp_path):
    lines = tables["transactions"].drop(columns="cost")
    company = Company.open(write_company(tmp_path / "costless", {"transactions": lines}, as_of="2026-06-30"))
    profit = profit_table(company, dimensions=["category"])
    assert not profit.has_margin
    assert "margin_rate" not in profit.frame


@pytest.mark.parametrize("dimensions", [[], ["region", "region"]])
def test_dimensions_must_be_given_once(shop, dimensions):
    with pytest.raises(ValueError, match="each once"):
        profit_table(shop, dimensions=dimensions)


def _profit(cells):
    """Return a profit table of one dimension from the customers' returns, sales and margins of each cell."""
    index = pd.Index(list(cells), name="category")
    rows = [[np.asarray(part, dtype=float) for part in cell] for cell in cells.values()]
    frame = pd.DataFrame(
        {
            "customers": [len(back) for back, _, _ in rows],
            "orders": [len(back) for back, _, _ in rows],
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
            "returns2": [(back**2).sum() for back, _, _ in rows],
            "returns_gross": [(back * sold).sum() for back, sold, _ in rows],
            "gross2": [(sold**2).sum() for _, sold, _ in rows],
            "margin2": [(margin**2).sum() for _, _, margin in rows],
        },
        index=index,
    )
    totals = pd.Series({"gross": moments["gross"].sum(), "returns": frame["returns"].sum()})
    return ProfitTable(
        frame=frame, moments=moments, dimensions=("category",), left_out=(), totals=totals, pooled=0, days=365
    )


def _cell(rng, n=200, share=0.05, margin=2.0):
    sold = rng.gamma(2, 50, n)
    return sold * rng.binomial(1, share, n), sold, rng.normal(margin, 5, n)


def test_moments_in_the_engine_are_those_of_customers(shop, tables):
    moments = profit_table(shop, dimensions=["category"], days=DAYS, smallest_group=1).moments
    lines = _expected(tables).assign(gross=lambda frame: frame["revenue"].clip(lower=0))
    each = lines.groupby(["category", "customer_id"])[["returns", "gross", "margin"]].sum()
    expected = each.assign(cross=each["returns"] * each["gross"]).groupby("category")
    assert moments["returns_gross"].to_dict() == pytest.approx(expected["cross"].sum().to_dict())
    assert moments["margin2"].to_dict() == pytest.approx((each["margin"] ** 2).groupby("category").sum().to_dict())


def test_true_loss_holds_and_noise_is_called_chance():
    rng = np.random.default_rng(8)
    cells = {f"g{number}": _cell(rng, n=60) for number in range(30)}
    cells["bad"] = _cell(rng, margin=-4.0)
    found = losses(_profit(cells), times=1.5)
    assert found.loc["bad", "holds"]
    assert not found.drop(index="bad")["holds"].any()


def test_false_alarms_in_a_whole_list_are_as_rare_as_promised():
    rng = np.random.default_rng(3)
    tries, alarms = 200, 0
    for _ in range(tries):
        cells = {f"g{number}": _cell(rng, n=80, share=0.1, margin=0.0) for number in range(12)}
        alarms += losses(_profit(cells), times=1.0)["holds"].any()
    # At most 5 %, plus three standard errors and an allowance for skewed returns.
    assert alarms / tries <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / tries) + 0.02


def test_simultaneous_intervals_hold_all_at_once():
    rng = np.random.default_rng(6)
    tries, missed = 200, 0
    for _ in range(tries):
        cells = {f"g{number}": _cell(rng, n=150, share=0.2) for number in range(8)}
        table = returns_by_group(_profit(cells))
        missed += ((table["low"] > 1) | (table["high"] < 1)).any()
    assert missed / tries <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / tries)


def test_verdict_on_even_returns():
    rng = np.random.default_rng(7)
    even = {f"g{number}": _cell(rng, n=3000, share=0.1) for number in range(5)}
    assert finding_returns(_profit(even), currency="GBP").verdict is Verdict.SUPPORTED
    odd = finding_returns(_profit({**even, "{odd} goods": _cell(rng, n=3000, share=0.4)}), currency="GBP")
    assert odd.verdict is Verdict.NOT_SUPPORTED
    assert "{odd} goods" in odd.text
    assert "{odd} goods" in odd.decision
    assert "{odd} goods" in odd.money_note
    few = {f"g{number}": _cell(rng, n=40, share=0.1) for number in range(5)}
    assert finding_returns(_profit(few), currency="GBP").verdict is Verdict.UNDECIDED


def test_the_highest_group_has_its_own_interval_and_the_open_ones_are_named():
    rng = np.random.default_rng(11)
    cells = {f"g{number}": _cell(rng, n=4000, share=0.1) for number in range(4)}
    cells["open"] = _cell(rng, n=60, share=0.1)
    profit = _profit(cells)
    groups = returns_by_group(profit)
    top = groups.iloc[0]
    finding = finding_returns(profit, currency="GBP")
    assert groups.index[groups["high"] > 1.5].tolist() == ["open"]
    assert finding.verdict is Verdict.UNDECIDED
    assert f"{groups.index[0]}, has {top['times']:.2f} [{top['low']:.2f}, {top['high']:.2f}] times" in finding.text
    assert finding.text.endswith("May exceed 1.50 times: open.")
    assert finding.decision.endswith("ask again with more data: open.")


def test_goods_of_no_known_group_do_not_decide_on_the_named_ones():
    rng = np.random.default_rng(12)
    named = {f"g{number}": _cell(rng, n=4000, share=0.1) for number in range(4)}
    profit = _profit({**named, NOT_KNOWN: _cell(rng, n=60, share=0.3)})
    assert returns_by_group(profit).index[0] == NOT_KNOWN
    finding = finding_returns(profit, currency="GBP")
    assert finding.verdict is Verdict.SUPPORTED
    assert NOT_KNOWN not in finding.text + finding.money_note
    alone = _profit({"a": named["g0"], NOT_KNOWN: named["g1"]})
    with pytest.raises(TooLittleData, match="fewer than two groups have a name"):
        finding_returns(alone, currency="GBP")


def test_loss_table_says_in_its_title_what_holds():
    rng = np.random.default_rng(8)
    cells = {f"g{number}": _cell(rng, n=60) for number in range(30)}
    noise = loss_cells(_profit(cells), currency="GBP", times=1.5)
    assert noise.title == f"No loss holds: {len(noise.frame)} suspicions, all may be chance"
    assert "(GBP in 365 days)" in noise.to_html()
    bad = loss_cells(_profit({**cells, "bad": _cell(rng, margin=-4.0)}), currency="GBP", times=1.5)
    assert bad.title == f"1 of {len(bad.frame)} suspicions of a loss hold"
    none = loss_cells(_profit({"a": _cell(rng, share=0, margin=9.0)}), currency="GBP")
    assert none.title == "No cell loses money or has a striking share of returns"


def test_company_without_returns_has_nothing_to_compare():
    rng = np.random.default_rng(9)
    with pytest.raises(TooLittleData, match="nothing was returned"):
        returns_by_group(_profit({"a": _cell(rng, share=0), "b": _cell(rng, share=0)}))
