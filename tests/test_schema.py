import pytest

from crm_lib.schema import TABLES


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_a_contract_names_only_columns_it_has(table):
    names = table.column_names
    assert len(set(names)) == len(names)
    assert set(table.key) <= set(names)
    assert {table.happened_at, table.recorded_at} - {""} <= set(names)
    for column in table.columns:
        assert column.meaning[-1] in ".…?"
        if column.known_at:
            assert table.column(column.known_at).type in {"date", "time"}
        if column.type == "money":
            assert column.unit == "currency"


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_table_can_be_cut_at_a_date(table):
    event = table.column(table.happened_at)
    assert event.type in {"date", "time"}
    assert event.required or table.name == "customers"


def test_an_unknown_column_error_names_the_columns():
    with pytest.raises(KeyError, match="order_id"):
        TABLES["transactions"].column("oder_id")
