"""Counting different values by bits."""

from __future__ import annotations

from hypothesis import given, strategies as st

from crm_lib.customers.counting import number_of_ones


@given(st.integers(0, 2**62 - 1))
def test_ones_are_counted_as_python_does(bits: int) -> None:
    assert number_of_ones(bits) == bits.bit_count()
