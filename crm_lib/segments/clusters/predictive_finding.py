"""The finding on whether clusters tell later value better than another grouping does."""

from __future__ import annotations

from crm_lib import language
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Finding, Verdict
from crm_lib.segments.clusters.earlier_groupings import CLUSTERS, RFM_SEGMENTS
from crm_lib.segments.clusters.predictive_value import PredictiveValue, in_points


def finding_clusters_predict(
    compared: PredictiveValue, *, currency: str, against: str = RFM_SEGMENTS, grouping: str = CLUSTERS,
    at_least: float = 0.01,
) -> Finding:  # fmt: skip
    """Return the finding on whether clusters tell later value better than another grouping.

    Parameters
    ----------
    compared : PredictiveValue
        The comparison.
    currency : str
        ISO code.
    against : str
        The grouping to beat.
    grouping : str
        The grouping that is to beat it.
    at_least : float
        The claim holds when the share of variance explained is larger by at least this.

    Returns
    -------
    Finding
        Supported when the whole interval of the difference lies above `at_least`. At stake is what the best fifth by
        one grouping brought more than the best fifth by the other.

    Raises
    ------
    ValueError
        If a grouping is unknown.
    """
    difference = compared.difference(grouping, against)
    total = float(compared.value.sum())
    first, second = (compared.table.loc[[name]].iloc[0] for name in (grouping, against))
    more = float(first["captured"] - second["captured"])
    places = {
        "one": language.text(grouping),
        "other": language.text(against),
        "value": language.text(compared.value_kind),
        "days": language.number(compared.days, 0),
        "better": language.text(grouping if more >= 0 else against),
        "worse": language.text(against if more >= 0 else grouping),
        "least": language.share(at_least, 1).removesuffix("%"),
        "first": language.share(float(first["explained"]), 1),
        "second": language.share(float(second["explained"]), 1),
    }
    best = str(compared.table.index[0])
    if best not in (grouping, against) and all(compared.difference(best, name).low > 0 for name in (grouping, against)):
        # A third grouping demonstrably tells more than both: budgets follow it, whoever wins between the two.
        places |= {"best": language.text(best), "most": language.share(float(compared.table["explained"].iloc[0]), 1)}
        decisions = _THIRD_IS_BEST
    else:
        decisions = _DECISIONS
    return Finding(
        key=f"segments.{grouping}_predict",
        claim=language.text(
            "The {one} tell at least {least} percentage points more of the differences in later {value} than {other} "
            "do."
        ).format(**places),
        source="Textbook 4.2.2, stage 6: data mining",
        estimate=in_points(difference),
        criterion=Criterion(low=100 * at_least),
        sentence=language.text(
            "The {one} explain {first} of the variance of the {value} in the {days} days after, {other} {second}: a "
            "difference of {{estimate}}."
        ).format(**places),
        decisions={verdict: language.text(words).format(**places) for verdict, words in decisions.items()},
        money_at_stake=Estimate.exact(abs(more) * total, n=len(compared.value), unit=currency, method="sum"),
        money_note=language.text(
            "{value} of the {days} days that the best fifth of the customers by {better} brought more than the best "
            "fifth by {worse}"
        ).format(**places),
    )


_DECISIONS = {
    Verdict.SUPPORTED: "Plan contacts by {one}: they tell more of what customers will bring than {other} do.",
    Verdict.NOT_SUPPORTED: (
        "Keep {other} for deciding who gets what: {one} do not tell at least {least} percentage points more of what "
        "customers will bring, and are harder to explain. Use them for ideas, not for budgets."
    ),
    Verdict.UNDECIDED: "Keep {other} until {one} have proved better: the data leave it open.",
}
_THIRD_IS_BEST = {
    Verdict.SUPPORTED: (
        "The {one} tell more than {other}, yet {best} tell most ({most}): set budgets by {best}, use {one} for what "
        "to say."
    ),
    Verdict.NOT_SUPPORTED: (
        "The {one} do not tell at least {least} percentage points more than {other}, and {best} tell most ({most}): "
        "set budgets by {best}, use {other} for what to say."
    ),
    Verdict.UNDECIDED: (
        "Whether {one} tell more than {other} is open, yet {best} tell most ({most}): set budgets by {best}, use "
        "{other} for what to say."
    ),
}
