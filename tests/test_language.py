import datetime as dt
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from crm_lib import language


@pytest.fixture(autouse=True)
def _english_afterwards():
    yield
    language.set_language("en_GB")


def test_numbers_money_and_dates_follow_the_language():
    language.set_language("de_DE")
    assert language.number(12345.6) == "12.346"
    assert language.date(dt.date(2026, 11, 22)) == "22.11.2026"
    assert language.language() == "de-DE"


def test_a_text_without_translation_stays_english():
    language.set_language("zh_CN")
    assert language.text("Revenue") == "Revenue"


def test_an_unknown_language_is_refused():
    with pytest.raises(ValueError, match="zh_CN"):
        language.set_language("klingon")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (math.nan, "–"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (-3.14159, "−3.14"),
        (0.0, "0"),
        (-1e-15, "0"),
        (9.9999, "10.0"),
        (99.96, "100"),
        (1.23e-9, "0.00000000123"),
        (1e30, "1" + ",000" * 10),
    ],
)
def test_special_values_have_a_form(value, written):
    assert language.number(value) == written


@pytest.mark.parametrize(
    ("value", "decimals", "written"),
    [
        (0.996, 0, ">99%"), (0.9996, 1, ">99.9%"), (0.004, 0, "<1%"), (1, 0, "100%"), (0.0, 0, "0%"), (-0.004, 0, "0%"),
        (1 - 1e-12, 0, "100%"), (1.0004, 0, "100%"), (0.994, 0, "99%"),
    ],
)  # fmt: skip
def test_a_share_is_called_none_or_all_only_where_it_is(value, decimals, written):
    assert language.share(value, decimals) == written


def test_no_minus_stands_before_nothing_and_money_loses_pence_after_rounding():
    assert language.money(-0.2, "GBP", 0) == language.short_money(-0.0, "GBP") == "£0"
    assert language.money(99.999, "GBP") == "£100"
    assert language.short_money(9.999, "GBP") == "£10"


def test_missing_money_and_shares_are_dashes():
    assert language.money(math.nan, "GBP") == language.share(math.nan) == "–"


def test_the_environment_sets_the_language_of_a_notebook():
    command = "from crm_lib import language; print(language.number(1234.5, 1))"
    run = subprocess.run(
        [sys.executable, "-c", command],
        env={**os.environ, "CRM_LANGUAGE": "de_DE"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == "1.234,5"


@pytest.mark.parametrize(
    "template", sorted(Path(language.__file__).parent.glob("reports/templates/*.html")), ids=lambda path: path.name
)
def test_no_word_stands_in_a_template_outside_the_catalogue(template):
    markup = r"{% block shape %}\w+|{%.*?%}|{{.*?}}|\w+\.json|<(\"[^\"]*\"|[^>\"])*>"
    bare = re.sub(markup, " ", template.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert not re.findall(r"[A-Za-z]{2,}", bare)
