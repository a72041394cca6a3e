import math

import pytest

from crm_lib.estimate import Estimate
from crm_lib.finding import MIME, Criterion, Finding, Verdict


def _estimate(low, high):
    return Estimate(value=(low + high) / 2, low=low, high=high, n=100, method="bootstrap", unit="share")


def _finding(estimate, **more):
    return Finding(
        **{
            "key": "test.one",
            "claim": "Most customers come back.",
            "source": "Textbook 4.1",
            "estimate": estimate,
            "criterion": Criterion(low=0.5),
            "sentence": "{estimate} of customers came back.",
            "if_supported": "Keep going.",
            "if_not_supported": "Change; only {estimate} return.",
            "if_undecided": "Wait.",
            **more,
        }
    )


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.55, 0.60, Verdict.SUPPORTED),
        (0.50, 0.60, Verdict.SUPPORTED),
        (0.40, 0.49, Verdict.NOT_SUPPORTED),
        (0.45, 0.55, Verdict.UNDECIDED),
    ],
)
def test_the_verdict_follows_from_interval_and_criterion(low, high, verdict):
    assert _finding(_estimate(low, high)).verdict is verdict


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.76, 0.84, "supported"), (0.70, 0.90, "undecided"), (0.1, 0.2, "not supported"), (0.9, 0.95, "not supported")],
)
def test_a_criterion_with_two_ends_is_an_equivalence_test(low, high, verdict):
    assert Criterion(low=0.75, high=0.85).verdict(_estimate(low, high)).value == verdict


def test_what_cannot_be_estimated_is_undecided():
    nothing = Estimate(value=math.nan, low=-math.inf, high=math.inf, n=0, method="none")
    assert Criterion(low=0).verdict(nothing) is Verdict.UNDECIDED


def test_sentence_and_decision_are_filled_from_the_numbers():
    finding = _finding(_estimate(0.3, 0.4))
    assert finding.text == "35% [30%, 40%] of customers came back."
    assert finding.decision == "Change; only 35% [30%, 40%] return."


def test_a_finding_without_a_decision_for_each_verdict_is_refused():
    with pytest.raises(TypeError, match="if_undecided"):
        Finding(
            key="k", claim="c", source="s", estimate=_estimate(0.3, 0.4), criterion=Criterion(low=0), sentence="x",
            if_supported="a", if_not_supported="b",
        )  # fmt: skip


def test_further_estimates_travel_and_raw_values_are_written():
    finding = _finding(
        _estimate(0.6, 0.7),
        sentence="{estimate} of {seen:count} came back, {other} before.",
        values={"seen": 1234, "other": _estimate(0.1, 0.2)},
    )
    assert finding.text == "65% [60%, 70%] of 1,234 came back, 15% [10%, 20%] before."
    assert list(finding.to_dict()["more"]) == ["other"]


def test_a_criterion_without_ends_is_refused():
    with pytest.raises(ValueError, match="low end"):
        Criterion()


def test_the_callout_escapes_what_came_from_data():
    finding = _finding(_estimate(0.6, 0.7), claim="<script>alert(1)</script> come back")
    bundle = finding._repr_mimebundle_()
    assert "<script>" not in bundle["text/html"]
    assert bundle[MIME]["verdict"] == "supported"
