"""The value of all customers under other models, all else equal."""

from __future__ import annotations

import pandas as pd
import pytest

from crm_lib.clv import BGBB, BGNBD, NBD, customer_value, value_by_model
from crm_lib.company import Company
from crm_lib.figures import model_choice_table
from tests.clv.shop import AS_OF, shop_tables
from tests.companies import write_company

DRAWS = 100


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    tables, _ = shop_tables(300, seed=6)
    return Company.open(write_company(tmp_path_factory.mktemp("data") / "shop", tables, how="parquet", as_of=AS_OF))


@pytest.fixture(scope="module")
def value(shop):
    return customer_value(shop, model=BGNBD(), annual_rate=0.15, serving=False, draws=DRAWS)


def test_each_row_is_what_the_model_alone_would_say(shop, value):
    found = value_by_model(shop, value, models=[NBD(), BGBB(unit="M")], draws=DRAWS)
    assert found.index.tolist() == ["BG/NBD", "NBD", "BG/BB"]
    assert found["chosen"].tolist() == [True, False, False]
    assert found.loc["BG/NBD", "current"] == value.totals["current"].value
    alone = customer_value(shop, model=NBD(), spend=value.future.spend, annual_rate=0.15, serving=False, draws=DRAWS)
    assert found.loc["NBD", "current"] == pytest.approx(alone.totals["current"].value, rel=1e-9)
    # Where nobody leaves, customers are worth more.
    assert found.loc["NBD", "current"] > found.loc["BG/NBD", "current"]


def test_the_chosen_model_is_not_listed_twice(shop, value):
    found = value_by_model(shop, value, draws=DRAWS)
    assert found.index.tolist() == ["BG/NBD", "Pareto/NBD", "MBG/NBD"]


def test_the_table_says_whether_the_models_disagree_by_more_than_the_interval(shop, value):
    far = value_by_model(shop, value, models=[NBD()], draws=DRAWS)
    assert "larger doubt" in model_choice_table(far, currency="GBP").note
    near = far.iloc[[0, 0]].set_axis(pd.Index(["BG/NBD", "NBD"], name="model"))
    table = model_choice_table(near, currency="GBP")
    assert "no further apart" in table.note
    assert table.frame["against"].tolist() == [0.0, 0.0]
    assert table.to_html().count("<tr>") == 3
