"""Counting different values by bits."""

from __future__ import annotations

from hypothesis import given, strategies as st

from crm_lib.customers.counting import number_of_ones


@given(st.integers(0, 2**62 - 1))
def test_ones_are_counted_as_python_does(bits: int) -> None:
    assert number_of_ones(bits) == bits.bit_count()


def test_a_full_and_an_empty_block_are_counted() -> None:
    assert (number_of_ones(0), number_of_ones(2**62 - 1)) == (0, 62)
