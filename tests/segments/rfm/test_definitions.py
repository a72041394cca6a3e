from __future__ import annotations

import datetime as dt
import math

import pytest
from hypothesis import given, settings, strategies as st

from crm_lib.company import Company
from crm_lib.errors import CompanyError
from crm_lib.segments import SegmentDefinitions, definitions_of
from crm_lib.segments.rfm.rules import Interval, Rule
from tests.companies import transactions, write_company

numbers = st.floats(-1e9, 1e9)
scores = st.sampled_from(["recency_score", "frequency_score", "monetary_score"])


def ascending(size):
    return st.lists(st.one_of(numbers, st.just(-math.inf)), min_size=size, max_size=size).map(sorted).map(tuple)


@st.composite
def definitions(draw):
    levels = draw(st.integers(3, 5))
    cut = draw(numbers)
    rules = draw(
        st.sampled_from(
            [
                (),
                (
                    Rule(name="low", when={"monetary": Interval(up_to=cut)}, action=draw(st.text())),
                    Rule(name="high", when={"monetary": Interval(above=cut)}),
                ),
                (
                    Rule(name='"quoted" — 优\n\x7f', when={draw(scores): frozenset({1, 3})}),
                    Rule(name="Other", action=draw(st.text()), otherwise=True),
                ),
                (Rule(name="all", when={"recency": Interval(up_to=math.inf)}),),
            ]
        )
    )
    measures = ("recency", "frequency", "monetary")
    return SegmentDefinitions(
        window_days=draw(st.integers(1, 4000)),
        base=draw(st.sampled_from(["buyers", "known"])),
        returns=draw(st.sampled_from(["net", "gross"])),
        monetary=draw(st.sampled_from(["revenue", "margin"])),
        levels=levels,
        rfm_cut_points=draw(st.none() | st.fixed_dictionaries(dict.fromkeys(measures, ascending(levels - 1)))),
        tier_value=draw(st.sampled_from([None, "revenue", "margin"])),
        tier_by=draw(st.sampled_from(["value", "count"])),
        tier_shares=draw(st.sampled_from([(), (0.1, 0.2, 1.0)])),
        tier_cut_points=draw(st.sampled_from([None, (math.inf, 1 / 3, 1e-9)])),
        rules=rules,
        currency=draw(st.sampled_from(["", "CNY"])),
        estimated_on=draw(st.none() | st.dates()),
    )


@settings(deadline=None, max_examples=60)
@given(definitions())
def test_what_is_written_is_read_back_to_the_last_digit(given_):
    assert SegmentDefinitions.from_toml(given_.to_toml()) == given_


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[base", "seg.toml is not valid TOML"),
        ("[bases]", "seg.toml: unknown key bases; the keys are base, rfm, tiers, frozen, segments"),
        ("base = 3", r"base must be a section: write \[base\]"),
        ("[base]\nwindow = 3", r"unknown key base.window; the keys are window_days, customers, returns, ties"),
        ("[base]\nwindow_days = 0", "at least one day"),
        ("[base]\nwindow_days = 10000000", "at most 36,525, not 10000000"),
        ("[base]\nwindow_days = 1.5", "base.window_days must be a valid integer, not 1.5"),
        ('[base]\ncustomers = "all"', "base.customers must be 'buyers' or 'known', not 'all'"),
        ('[base]\nties = "random"', "base.ties must be 'together', not 'random'"),
        ("[rfm]\nlevels = 7", "levels must be 3, 4 or 5, not 7"),
        ("[rfm.cut_points]\nrecency = [1, 2, 3, 4]", "rfm.cut_points.frequency is missing"),
        ("[rfm.cut_points]\nrecency = [2, 1]\nfrequency = [1]\nmonetary = [1]", "recency needs 4 cut points"),
        ('[tiers]\nshares = ["half"]', "tiers.shares.number 1 must be a valid number, not 'half'"),
        ("[tiers]\nshares = [0.5]", "tiers need 3 ascending shares"),
        ("[tiers]\ncut_points = [1, 2, 3]", "3 positive cut points in descending order"),
        ('[frozen]\nestimated_on = "soon"', "frozen.estimated_on must be a valid date, not 'soon'"),
        ('segments = "all"', "segments must be a valid list, not 'all'"),
        ("[[segments]]\nwhen.recency = {}", "segments number 1: a rule needs a name"),
        (
            '[[segments]]\nname = "a"\nwhen.recency = 3',
            "segments number 1 when recency must be a list of numbers, or bounds",
        ),
        (
            '[[segments]]\nname = "a"\nwhen.recency = { below = 3 }',
            "when recency must be a list of numbers, or bounds such as { above = 1, up_to = 3 }, not",
        ),
        (
            '[[segments]]\nname = "a"\nwhen.recency = { up_to = "x" }',
            "when recency must be a list of numbers, or bounds",
        ),
        ('[[segments]]\nname = "a"\nwhen.recency_score = [[1, 2], 3]', "when recency_score must be a list of numbers"),
        (f'[[segments]]\nname = "a"\nwhen.recency.up_to = 1{"0" * 400}', "seg.toml: int too large"),
        ('[[segments]]\nname = "a"\nwhen.recency = { up_to = 9 }', "seg.toml: no rule takes a customer with recency"),
        (
            '[[segments]]\nname = "a"\nwhen.age = { up_to = 9 }',
            "rule 'a': no variable 'age'; there are 'recency",
        ),
    ],
)
def test_errors_name_file_key_and_what_is_allowed(content, words):
    with pytest.raises(CompanyError, match=words):
        SegmentDefinitions.from_toml(content, where="seg.toml")


@pytest.fixture
def folder(tmp_path):
    return write_company(tmp_path / "shop", {"transactions": transactions()}, as_of="2025-03-31")


def test_company_without_a_file_has_the_defaults_and_with_one_its_own(folder):
    company = Company.open(folder)
    assert definitions_of(company) == SegmentDefinitions()
    assert definitions_of(company, window_days=90, levels=3) == SegmentDefinitions(window_days=90, levels=3)
    own = SegmentDefinitions(window_days=90, levels=3, currency="GBP", estimated_on=dt.date(2025, 3, 1))
    (folder / "segments.toml").write_text(own.to_toml(), encoding="utf-8")
    assert definitions_of(company, window_days=30, levels=4) == own


def test_cut_points_of_a_later_day_are_left_aside_so_that_an_earlier_report_can_be_repeated(folder):
    cuts = {"recency": (1.0, 2.0), "frequency": (1.0, 2.0), "monetary": (1.0, 2.0)}
    own = SegmentDefinitions(levels=3, rfm_cut_points=cuts, currency="GBP", estimated_on=dt.date(2025, 4, 1))
    (folder / "segments.toml").write_text(own.to_toml(), encoding="utf-8")
    with pytest.warns(UserWarning, match="The frozen cut points are of 1 Apr 2025; for 31 Mar 2025"):
        found = definitions_of(Company.open(folder))
    assert (found.levels, found.rfm_cut_points, found.estimated_on) == (3, None, None)


def test_frozen_cut_points_are_left_aside_on_request(folder):
    cuts = {"recency": (1.0, 2.0), "frequency": (1.0, 2.0), "monetary": (1.0, 2.0)}
    own = SegmentDefinitions(levels=3, rfm_cut_points=cuts, currency="GBP", estimated_on=dt.date(2025, 3, 1))
    (folder / "segments.toml").write_text(own.to_toml(), encoding="utf-8")
    company = Company.open(folder)
    assert definitions_of(company).rfm_cut_points == cuts
    assert definitions_of(company, anew=True).rfm_cut_points is None


def test_cut_points_of_another_currency_are_refused(folder):
    own = SegmentDefinitions(currency="EUR", estimated_on=dt.date(2025, 4, 1))
    (folder / "segments.toml").write_text(own.to_toml(), encoding="utf-8")
    with pytest.raises(CompanyError, match="currency is EUR, but the company counts in GBP"):
        definitions_of(Company.open(folder))
    (folder / "segments.toml").write_bytes(b"# \xff")
    with pytest.raises(CompanyError, match=r"segments.toml is not UTF-8 \(byte 3\)"):
        definitions_of(Company.open(folder))
