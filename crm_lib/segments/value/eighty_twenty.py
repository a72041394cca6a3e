"""The 80/20 law as a finding: whether a fifth of the customers brings four fifths of the profit."""

from __future__ import annotations

from crm_lib import language
from crm_lib.customers.window import Value
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Finding, Verdict
from crm_lib.segments.value.concentration import Concentration

_CLAIMS = {
    "margin": "{value} of the margin comes from {share} of the customers.",
    "revenue": "{value} of the revenue comes from {share} of the customers.",
}
_SENTENCES = {
    "margin": "The best {share} of {customers} customers bring {{estimate}} of the margin (Gini {{gini}}).",
    "revenue": "The best {share} of {customers} customers bring {{estimate}} of the revenue (Gini {{gini}}).",
}
_LIVES_ON_FEW = (
    "Know the top {share} by name: agree an owner, a contact plan and a warning for each of them before spending "
    "on the rest."
)
_LESS = (
    "The broad middle matters more than the law says: build service and offers for all good customers, "
    "not for a small circle alone."
)
_A_LITTLE_LESS = (
    "Value is a little less concentrated than the law says: know the best {share} by name, and do not neglect those "
    "behind them."
)
_MORE = (
    "The company depends on fewer customers than the law says: guard each of the largest personally, and win "
    "customers of their kind to spread the risk."
)
_WAIT = (
    "Treat the top {share} as key customers, but do not plan on the exact share: the data leave it open whether "
    "it is nearer to {low} or to {high}."
)


def finding_80_20(
    measured: Concentration, *, value: Value, currency: str, window_days: int, low: float = 0.75, high: float = 0.85
) -> Finding:
    """Return the finding on the 80/20 law.

    Parameters
    ----------
    measured : Concentration
        Concentration of value over the customers of the window.
    value : {"margin", "revenue"}
        What was added up per customer.
    currency : str
        ISO code.
    window_days : int
        Length of the window in days, from which money is carried to a year.
    low, high : float
        The law counts as holding when the true share lies between these.

    Returns
    -------
    Finding
        Supported when the interval of the top share lies within `low` and `high`. At stake is what the top customers
        bring in a year.
    """
    share, estimate = language.share(measured.share), measured.top_share
    places = {
        "value": language.share((low + high) / 2),
        "share": share,
        "customers": language.number(measured.customers, 0),
        "low": language.share(max(estimate.low, 0.0)),
        "high": language.share(estimate.high),
    }
    even = estimate.value < _EVEN * (low + high) / 2
    otherwise = _MORE if estimate.value > high else _LESS if even else _A_LITTLE_LESS
    decisions = {Verdict.SUPPORTED: _LIVES_ON_FEW, Verdict.NOT_SUPPORTED: otherwise, Verdict.UNDECIDED: _WAIT}
    return Finding(
        key="segments.concentration",
        claim=language.text(_CLAIMS[value]).format(**places),
        source="Textbook 4.1, the 80/20 law",
        estimate=estimate,
        criterion=Criterion(low=low, high=high),
        sentence=language.text(_SENTENCES[value]).format(**places),
        decisions={verdict: language.text(words).format(**places) for verdict, words in decisions.items()},
        more={"gini": measured.gini},
        money_at_stake=Estimate.exact(
            measured.top_value * 365 / window_days, n=measured.customers, unit=currency, method="sum"
        ),
        money_note=language.text(_NOTES[value]).format(share=share),
    )


_EVEN = 0.75
"""Below this part of what the law says, value counts as spread evenly."""
_NOTES = {
    "margin": "margin that the top {share} bring in a year",
    "revenue": "revenue that the top {share} bring in a year",
}
