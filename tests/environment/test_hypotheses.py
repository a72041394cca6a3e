"""The register: read with clear errors, tested with all claims in mind, and remembered."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crm_lib import environment, figures, retention, satisfaction, segments
from crm_lib.cli.hypotheses import keep_published
from crm_lib.company import Company
from crm_lib.environment.hypotheses import FILE, read_register, textbook
from crm_lib.environment.measures import MEASURES, PERCENT
from crm_lib.environment.register import COLUMNS, PUBLISHED, RECORD, at_level, common_level, deciding_p
from crm_lib.errors import CompanyError, TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Verdict
from crm_lib.reports.reuse import keys
from crm_lib.statistics.proportions import wilson
from tests.companies import transactions, write_company

OURS = """\
textbook = false

[[hypothesis]]
claim = "Most of last year's customers buy again"
c = "customers"
measure = "customers_kept"
at_least = 0.5
owner = "Sales"
"""


def mean(value: float, error: float = 1.0, *, unit: str = "") -> Estimate:
    z = stats.norm.ppf(0.975)
    return Estimate(value=value, low=value - z * error, high=value + z * error, n=100, method="normal", unit=unit)


@pytest.fixture
def shop(tmp_path):
    """Return a shop of two years in which nothing differs but by chance."""
    rng = np.random.default_rng(3)
    n = 1500
    frame = pd.DataFrame({
        "order_id": [f"o{i}" for i in range(n)], "customer_id": [f"c{i}" for i in rng.integers(0, 200, n)],
        "ordered_at": pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 730, n), unit="D"),
        "revenue": rng.gamma(3, 10, n).round(2),
    })  # fmt: skip
    return Company.open(write_company(tmp_path / "shop", {"transactions": frame}, margin_rate=0.3))


def test_the_textbooks_claims_are_there_by_default_and_can_be_left_out_or_replaced(shop):
    names = [each.name for each in environment.hypotheses_of(shop)]
    assert names == [each.name for each in textbook()]
    assert [each.owner for each in read_register(OURS)] == ["Sales"]
    mine = 'key = "textbook_80_20"\n'
    both = read_register(OURS.replace("textbook = false", "") + mine)
    assert [each.owner for each in both if each.name == "textbook_80_20"] == ["Sales"]
    assert len(both) == len(names)


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("customers_kept", "customers_keept", 6, "unknown measure 'customers_keept' (did you mean 'customers_kept'?)"),
        ("at_least = 0.5", "", 3, "at_least, at_most or both"),
        ("at_least = 0.5", 'at_least = "half"', 7, "at_least must be a number in the measure's unit, not 'half'"),
        ("at_least = 0.5", "at_least = 0.5\nat_most = 0.4", 3, "at_least 0.5 is above at_most 0.4"),
        ("at_least = 0.5", "at_least = nan", 7, "at_least must be a number"),
        ("at_least = 0.5", "at_least = true", 7, "at_least must be a number"),
        ('c = "customers"', 'c = "clients"', 5, "c must be 'customers', 'competitors' or 'company', not 'clients'"),
        ('c = "customers"', "", 3, "c is missing"),
        ("owner =", "ownr =", 8, "unknown key 'ownr' (did you mean 'owner'?); the keys are"),
        ('owner = "Sales"', 'status = "done"', 8, "status must be 'active' or 'retired', not 'done'"),
        ("textbook = false", "textbok = false", 1, "unknown key 'textbok' (did you mean 'textbook'?)"),
        ("textbook = false", 'textbook = "no"', 1, "textbook must be true or false, not 'no'"),
        ("[[hypothesis]]", "[hypothesis]", 1, "hypothesis must be blocks [[hypothesis]]"),
        ("claim = ", "claim ", 4, "is not valid TOML"),
    ],
)
def test_a_malformed_register_is_told_with_file_line_and_what_is_allowed(old, new, line, told):
    with pytest.raises(CompanyError) as error:
        read_register(OURS.replace(old, new), where="data/shop/hypotheses.toml")
    assert str(error.value).startswith("data/shop/hypotheses.toml")
    assert told in str(error.value)
    assert f"line {line}" in str(error.value)


def test_all_faults_are_told_at_once_and_names_are_distinct():
    twice = OURS + OURS.partition("\n")[2]
    with pytest.raises(CompanyError, match="line 10: another hypothesis is called 'most_of_last_year_s"):
        read_register(twice)
    wrong = twice.replace("customers_kept", "keep").replace("0.5", "'x'")
    with pytest.raises(CompanyError) as error:
        read_register(wrong)
    assert str(error.value).count("\n- line") == 4


def test_what_is_added_is_kept_with_the_users_own_words_and_a_wrong_one_changes_nothing(shop):
    fields = {"c": "customers", "measure": "customers_kept", "at_least": 0.5, "owner": None}
    file = environment.add_hypothesis(shop, claim='They "buy" again \\ often', **fields)
    file.write_text(file.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    environment.add_hypothesis(shop, claim="And again, 再来", **fields)
    claims = [each.claim for each in environment.hypotheses_of(shop)][-2:]
    assert claims == ['They "buy" again \\ often', "And again, 再来"]
    before = file.read_text(encoding="utf-8")
    assert "# mine" in before
    with pytest.raises(CompanyError, match="unknown measure"):
        environment.add_hypothesis(shop, claim="Whatever else", **{**fields, "measure": "nothing"})
    assert file.read_text(encoding="utf-8") == before


def publish(shop, *tables, ran=""):
    outcome = SimpleNamespace(shown=SimpleNamespace(tables=tables), ran=ran)
    return keep_published(str(shop.folder), SimpleNamespace(outcomes=[outcome]))


def test_each_claim_becomes_a_finding_and_results_are_compared_a_year_later(shop):
    file = shop.folder / FILE
    retired = written([("readiness", 1)]).partition("\n")[2] + 'status = "retired"\n'
    file.write_text(OURS + retired, encoding="utf-8")
    earlier = Company.open(shop.folder, "2024-06-30")
    environment.keep_results(environment.register(earlier).results, earlier.folder)
    found = environment.register(shop)
    key = "most_of_last_year_s_customers_buy_again"
    assert list(found.findings) == [key]
    each = found.findings[key]
    assert each.verdict is Verdict.SUPPORTED
    assert each.decision.startswith("Plan on it")
    assert found.last_verdict(key)[:2] == ("supported", earlier.as_of)
    chart, table = figures.register_chart(found), figures.register_table(found)
    assert found.margin(key) >= 1  # decided, and in favour
    assert "Most of last year" in chart.axes.get_yticklabels()[0].get_text()
    assert table.frame["earlier"].iloc[0].startswith("supported, 9")  # who bought again, in per cent
    # What a report publishes is kept as what the command found is; the same day again replaces, and does not add.
    for ran in ("", "", "what an earlier run kept"):
        assert not publish(shop, chart.table.to_dict() | ({"rows": 1 / 3} if ran else {}), ran=ran)
    record = pd.read_csv(shop.folder / RECORD)
    assert record["as_of"].tolist() == ["2024-06-30", shop.as_of.isoformat()]
    pd.testing.assert_frame_equal(record.tail(1).reset_index(drop=True)[["value", "low", "high", "n", "verdict"]],
                                  found.results[["value", "low", "high", "n", "verdict"]])  # fmt: skip
    assert any("(supported on 30 Jun 2024)" in line for line in found.lines())
    assert environment.finding_register(found).verdict is Verdict.SUPPORTED
    # On an earlier day what was found later is not looked at, and not lost.
    again = environment.register(earlier)
    assert again.last_verdict(key) is None
    environment.keep_results(again.results, shop.folder)
    assert set(pd.read_csv(shop.folder / RECORD)["as_of"]) == set(record["as_of"])


def test_only_results_of_earlier_days_make_an_unchanged_notebook_run_again(shop, tmp_path):
    (tmp_path / "requirements.lock").touch()
    (notebook := tmp_path / "01.ipynb").touch()

    def key(content):
        (shop.folder / RECORD).write_text(content, encoding="utf-8")
        order = SimpleNamespace(company=shop, values={"01": {}}, root=tmp_path)
        return keys([SimpleNamespace(key="01", path=notebook)], order)["01"]

    none = key("as_of,key\n")
    assert key(f"as_of,key\n{shop.as_of},a\n") == none != key("as_of,key\n2024-06-30,a\n")


@pytest.mark.parametrize(
    "content", ["", "key,verdict\na,supported\n", "{columns}\nyesterday,a,m,,,1,1,1,1,1,supported\n",
                "{columns}\n2024-01-01,a,m,,,1,1,1,1,1,maybe\n"],
)  # fmt: skip
def test_a_damaged_record_is_told_and_not_overwritten(shop, content):
    file = shop.folder / RECORD
    file.write_text(content.replace("{columns}", ",".join(COLUMNS)), encoding="utf-8")
    with pytest.raises(CompanyError, match=r"hypotheses\.csv"):
        environment.register(shop)
    before = file.read_text(encoding="utf-8")
    assert "are not kept" in publish(shop, {"name": "another"}, {"name": PUBLISHED, "rows": []})
    assert file.read_text(encoding="utf-8") == before


def test_what_the_data_cannot_answer_is_left_out_with_the_reason(shop):
    found = environment.register(shop)
    assert "surveys" in found.left_out["textbook_word_of_mouth"]
    assert set(found.findings) | set(found.left_out) == set(found.hypotheses)
    few = write_company(shop.folder.parent / "few", {"transactions": transactions()})
    (few / FILE).write_text(OURS, encoding="utf-8")
    with pytest.raises(TooLittleData, match="no claim of the register; it holds 1"):
        environment.register(Company.open(few))


def test_an_interval_at_another_level_is_that_of_the_method_itself():
    for count, total in ((30, 100), (5, 60), (970, 1000)):
        told = at_level(wilson(count, total), 0.995, "share")
        itself = wilson(count, total, level=0.995)
        width = itself.high - itself.low
        assert told.low == pytest.approx(itself.low, abs=0.05 * width)
        assert told.high == pytest.approx(itself.high, abs=0.05 * width)
    assert at_level(mean(2.0), 0.99, "").low == pytest.approx(2 - stats.norm.ppf(0.995))


def test_an_interval_decides_exactly_from_its_p_value_on():
    for low, high in ((0.0, np.inf), (-np.inf, 1.5), (0.0, 9.0), (3.0, 4.0)):
        criterion = Criterion(low=low, high=high)
        p = deciding_p(mean(2.1), criterion, "")
        wide, narrow = (criterion.verdict(at_level(mean(2.1), 1 - p * part, "")) for part in (0.99, 1.01))
        assert wide is Verdict.UNDECIDED
        assert narrow is not Verdict.UNDECIDED
    assert deciding_p(mean(2.1), Criterion(low=0.0), "") == pytest.approx(2 * stats.norm.sf(2.1))
    no_end = Estimate(value=1.0, low=-np.inf, high=np.inf, n=1, method="")
    assert deciding_p(no_end, Criterion(low=0.0), "") == 1.0


def test_the_common_level_is_that_of_benjamini_and_hochberg():
    # Benjamini & Hochberg 1995, section 3.2: of 15 p-values, four are decided at a rate of 5 %.
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590,
         1.0]  # fmt: skip
    assert common_level(p) == pytest.approx(1 - 0.05 * 4 / 15)
    assert common_level([0.5, 0.9]) == pytest.approx(0.975)  # none: as if one were
    assert common_level([]) == 0.95


def decided(estimates: list[Estimate], criteria: list[Criterion], unit: str) -> list[Verdict]:
    level = common_level([deciding_p(one, each, unit) for one, each in zip(estimates, criteria, strict=True)])
    return [each.verdict(at_level(one, level, unit)) for one, each in zip(estimates, criteria, strict=True)]


@pytest.mark.parametrize("unit", ["", "share"])
def test_where_nothing_differs_the_register_decides_nothing_beyond_its_error_rate(unit):
    rng, wrong, naive, runs = np.random.default_rng(5), 0, 0, 150
    for _ in range(runs):
        if unit:
            estimates = [wilson(int(x), 400) for x in rng.binomial(400, 0.3, 12)]
        else:
            estimates = [mean(float(x)) for x in rng.normal(size=12)]
        claim = Criterion(low=0.3 if unit else 0.0)
        wrong += any(verdict is not Verdict.UNDECIDED for verdict in decided(estimates, [claim] * 12, unit))
        naive += any(claim.verdict(one) is not Verdict.UNDECIDED for one in estimates)
    assert stats.binom.sf(wrong - 1, runs, 0.05) > 0.001
    assert wrong > 0.025 * runs  # and it is no coward
    assert naive > 0.35 * runs  # what claims tested one by one would do: 1 - 0.95 ** 12 is 46 %


def test_the_command_lists_adds_tests_and_keeps(shop, crm):
    folder = str(shop.folder)
    claim = ("--claim", "Half buy again", "--measure", "customers_kept", "--at-least", "0.5")
    for given, told in (
        (["--list"], "customers_kept (share): Share of last year's customers who bought again"),
        (claim, "hypotheses.toml"), ([], "supported: Half buy again"),
    ):  # fmt: skip
        code, out, _ = crm("hypotheses", folder, *given)
        assert code == 0
        assert told in out
    assert (shop.folder / RECORD).is_file()
    for given, told in (("--claim X", "add --measure"), ("--owner Ann", "add --claim"),
                        ("--claim Xxxxx --measure nope --at-least 1", "unknown measure 'nope'")):  # fmt: skip
        code, _, err = crm("hypotheses", folder, *given.split())
        assert code == 2
        assert told in " ".join(err.split())


def written(claims):
    """Return a register of claims that a measure is at least so much."""
    blocks = [f'[[hypothesis]]\nclaim = "{name} is large"\nc = "company"\nmeasure = "{name}"\nat_least = {least}\n'
              for name, least in claims]  # fmt: skip
    return "textbook = false\n" + "\n".join(blocks)


def nothing_differs(seed, folder):
    """Return a company in which answers, complaints and departures do not hang on anything."""
    rng, n = np.random.default_rng(seed), 300
    who = np.array([f"c{i}" for i in range(n)])

    def days(size):
        return pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 730, size), unit="D")

    orders = pd.DataFrame({
        "order_id": [f"o{i}" for i in range(8 * n)], "customer_id": rng.choice(who, 8 * n), "ordered_at": days(8 * n),
        "revenue": rng.gamma(3, 10, 8 * n).round(2),
    })  # fmt: skip
    ratings = rng.integers(1, 11, (600, 3))
    surveys = pd.DataFrame(ratings, columns=["satisfaction", "loyalty", "personal_offers"]).assign(
        customer_id=rng.choice(who, 600), responded_at=days(600), persons_told=rng.poisson(2, 600),
        recommendation=rng.choice([3, 8, 10], 600, p=[0.4, 0.2, 0.4]),
    )  # fmt: skip
    departures = pd.DataFrame({
        "customer_id": who[:200], "departed_at": pd.Timestamp("2024-12-31"),
        "cause": rng.choice(["natural", "competition", "own_fault", "given_up"], 200),
    })  # fmt: skip
    tables = {"transactions": orders, "surveys": surveys, "departures": departures}
    write_company(folder, tables, margin_rate=0.3, as_of="2024-12-31")
    claims = [("told_by_dissatisfied", 0.0), ("core_satisfaction_lead", 0.0), ("prefer_the_personal", 0.5),
              ("net_promoter_score", 0.0), ("satisfaction_index", 50.0), ("own_fault_lead", 0.0)]  # fmt: skip
    (folder / FILE).write_text(written(claims), encoding="utf-8")
    return environment.register(Company.open(folder))


@pytest.mark.validate
def test_in_companies_where_nothing_differs_the_register_supports_nothing_beyond_its_error_rate(tmp_path):
    runs = 200
    wrong = [
        any(
            each.verdict is Verdict.SUPPORTED for each in nothing_differs(seed, tmp_path / f"s{seed}").findings.values()
        )
        for seed in range(runs)
    ]
    # Half of the error rate: where all lies on its threshold, verdicts are wrong in both directions alike.
    assert stats.binom.sf(sum(wrong) - 1, runs, 0.025) > 0.001


def test_every_measure_is_that_of_its_package_on_a_company_that_has_all_tables(demo, demo_answers):
    (demo.folder / FILE).write_text(written((name, 0.5) for name in MEASURES), encoding="utf-8")
    told = environment.register(demo, seed=1)
    (demo.folder / FILE).unlink()
    assert not told.left_out
    found = {told.hypotheses[key].measure: each.estimate for key, each in told.findings.items()}
    assert found.keys() == MEASURES.keys()
    for name, one in found.items():
        assert np.isfinite([one.value, one.low, one.high]).all(), name
        assert one.n > 0, name
        assert (one.unit == "share") == (MEASURES[name].unit in PERCENT), name
    segmented = segments.segment_customers(demo, segments.definitions_of(demo))
    core = satisfaction.core_satisfaction(demo, demo_answers, segmented).frame.loc["satisfaction index", "difference"]
    assert found["core_satisfaction_lead"].value == core.value
    assert found["net_value_kept"].value == retention.bridge(demo).net.value
    assert max(len(each.text.split()) for each in told.findings.values()) <= 30
