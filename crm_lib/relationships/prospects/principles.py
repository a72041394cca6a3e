"""The six principles of looking for customers, each as a check on the ranking of prospects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from crm_lib import language
from crm_lib.company import Company
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Verdict
from crm_lib.relationships.prospects.measures import calibration_slope, ratio_of_sums, top_weights
from crm_lib.relationships.prospects.model import ProspectModel
from crm_lib.relationships.prospects.parts import Part, learn_value
from crm_lib.relationships.prospects.ranking import ProspectRanking, corrected_total, rank_prospects
from crm_lib.relationships.prospects.training import CHANNEL, prospect_training
from crm_lib.relationships.prospects.validation import ProspectValidation

FEW_ALIKE = 30
"""Past customers below which a category says little."""
_LEVEL = 1 - 0.05 / 6
"""Six checks at once: the level is shared out between them (Bonferroni)."""
_PRINCIPLES: Mapping[str, tuple[str, str, str, str, str]] = {
    "no average": (
        "Give up the idea of the average customer",
        "how many times their share of the money the best {share} of prospects brought",
        "Prospects differ and the order tells how: treat them differently.",
        "The order tells no more than chance: treat all prospects alike until more is known of them.",
        "Whether the order tells more than chance is open: use it where it costs nothing.",
    ),
    "future": (
        "Look for those interested in a long relation",
        "share of the value that comes after the first day, among the best {share}, above that among the others",
        "Those rated best bring more of their value later: they stay, and do not only begin well.",
        "Those rated best bring less of their value later: they begin well and do not stay; look at a longer horizon.",
        "Those rated best may bring their value at once or later: do not take them for loyal yet.",
    ),
    "lasting": (
        "Look for lasting characteristics",
        "how much of the differences learned from the earlier half of customers was there in the later half (1 = all)",
        "What told good customers earlier told them later: the attributes can be built on.",
        "What told good customers earlier did not tell them later: learn anew before each choice.",
        "How much of what was learned lasts is open: learn anew often.",
    ),
    "adaptable": (
        "Judge in a way that can be adapted",
        "share of the chosen who stay chosen if the horizon is halved or another rule is used, lowest",
        "At least {value} of the chosen stay chosen: the choice hardly hangs on how value is counted.",
        "Only {value} of the chosen stay chosen under one of them: agree on the horizon and the rule before money is "
        "spent.",
        "How far the choice hangs on the way of counting is open.",
    ),
    "financial": (
        "Weigh the financial prospects seriously",
        "money the chosen are expected to bring less the cost, corrected by how such choices turned out",
        "Winning the chosen pays, even at the lower end.",
        "Winning the chosen does not pay: spend less, or on better ones.",
        "Whether winning the chosen pays is open: begin with a part of the budget and count.",
    ),
    "caution": (
        "Know when to be careful",
        "share of the chosen unlike past customers, with fewer than {few} alike, or with an interval that holds a loss",
        "{value} of the chosen are uncertain cases, no more than the limit: go on, and ask these before spending.",
        "{value} of the chosen are uncertain cases, more than the limit: ask before spending on them.",
        "How many of the chosen are uncertain is open.",
    ),
}
_VERDICTS = (Verdict.SUPPORTED, Verdict.NOT_SUPPORTED, Verdict.UNDECIDED)


@dataclass(frozen=True, kw_only=True)
class PrincipleCheck:
    """One principle, the evidence for it and what follows.

    Parameters
    ----------
    key : str
        Short name.
    principle : str
        The principle, as a reader sees it.
    measured : str
        What the evidence is, as a reader sees it.
    evidence : Estimate
        The number.
    criterion : Criterion
        When the ranking keeps to the principle.
    note : str
        Further numbers, as a reader sees them.
    """

    key: str
    principle: str
    measured: str
    evidence: Estimate
    criterion: Criterion
    note: str = ""

    @property
    def verdict(self) -> Verdict:
        """Whether the ranking keeps to the principle, by the interval."""
        return self.criterion.verdict(self.evidence)

    @property
    def words(self) -> str:
        """What the verdict means."""
        words = language.text(_PRINCIPLES[self.key][2 + _VERDICTS.index(self.verdict)])
        return words.format(value=Estimate.exact(self.evidence.value, n=self.evidence.n, unit=self.evidence.unit))

    @property
    def kept_if(self) -> str:
        """The range of the evidence in which the ranking keeps to the principle, in words."""
        low, high = (self._limit(end) for end in (self.criterion.low, self.criterion.high))
        words = "at least {low}" if not high else "at most {high}" if not low else "{low} to {high}"
        return language.text(words).format(low=low, high=high)

    def _limit(self, end: float) -> str:
        if not np.isfinite(end):
            return ""
        unit = self.evidence.unit
        return str(Estimate.exact(end, n=self.evidence.n, unit=unit)) if unit else language.number(end, 1)


def prospect_principles(
    company: Company, ranking: ProspectRanking, validation: ProspectValidation, *, share: float = 0.2
) -> tuple[PrincipleCheck, ...]:
    """Check the ranking of prospects against the six principles.

    Parameters
    ----------
    company : Company
        The company, from which values over half the horizon are taken.
    ranking : ProspectRanking
        The ranking.
    validation : ProspectValidation
        Predictions of earlier days beside what came.
    share : float
        Share of prospects or customers looked at as the best.

    Returns
    -------
    tuple of PrincipleCheck
        The six, in the order of the textbook. Intervals hold together with 95 %.

    Notes
    -----
    The principles are advice, not claims; what is checked is whether the ranking keeps to them. "Lasting" is the slope
    of what later customers brought on what the earlier half of customers would have foretold: unlike the correlation of
    two sets of estimated effects it is not drawn towards 0 by the errors of the later ones. What earlier effects have
    of chance draws it down, so a slope near 1 is good evidence.
    """
    places = {"share": language.share(share), "few": language.number(FEW_ALIKE, 0)}
    chosen = ranking.chosen
    lasting, note = _lasting(ranking.model)
    adaptable, rules = _adaptable(company, ranking)
    total = corrected_total(
        float(chosen["gross"].sum()), ranking.spent, ranking.share_of_cost, validation,
        currency=ranking.currency, level=_LEVEL,
    )  # fmt: skip
    wider = language.text("the interval is wider than elsewhere, as all six hold together")
    evidence = {
        "no average": (validation.lift(share=share, level=_LEVEL), Criterion(low=1.0), wider),
        "future": (_future(validation, share), Criterion(low=0.0), ""),
        "lasting": (lasting, Criterion(low=0.5), note),
        "adaptable": (adaptable, Criterion(low=0.8), rules),
        "financial": (total, Criterion(low=0.0), wider),
        "caution": (_caution(chosen), Criterion(high=0.2), ""),
    }
    return tuple(
        PrincipleCheck(
            key=key,
            principle=language.text(_PRINCIPLES[key][0]),
            measured=language.text(_PRINCIPLES[key][1]).format(**places),
            evidence=estimate,
            criterion=criterion,
            note=more,
        )
        for key, (estimate, criterion, more) in evidence.items()
    )


def _future(validation: ProspectValidation, share: float) -> Estimate:
    rows = validation.customers
    best = top_weights(rows["model"].to_numpy(), share)
    later, all_of_it = rows["actual_later"].to_numpy(), rows["actual"].to_numpy()
    return ratio_of_sums(
        100 * later * best, all_of_it * best, less=(100 * later * (1 - best), all_of_it * (1 - best)), unit="points",
        seed=validation.seed, level=_LEVEL,
    )  # fmt: skip


def _lasting(model: ProspectModel) -> tuple[Estimate, str]:
    training = model.training_
    days = training.customers["started"]
    early = days <= days.quantile(0.5)
    rule = "all" if len(training.attributes) > 1 or CHANNEL not in training.attributes else "channel"
    halves = [
        learn_value(training.customers[half], training.attributes, rule=rule, late_share=model.late_share)
        for half in (early, ~early)
    ]
    later = training.customers[~early]
    predicted = np.exp(halves[0].rates.log_mean(halves[0].coding.design(later)) + halves[0].level)
    slope = calibration_slope(predicted, later["value"].to_numpy(), level=_LEVEL)
    effects = pd.concat([_effects(half) for half in halves], axis=1, join="inner")
    note = language.text("rank correlation of the effects of {n} categories in both halves: {rank}").format(
        n=language.number(len(effects), 0),
        rank=language.number(effects.iloc[:, 0].corr(effects.iloc[:, 1], method="spearman"), 2),
    )
    return slope, note


def _effects(part: Part) -> pd.Series[float]:
    """Return the effects of the categories with enough past customers."""
    names = [(one.name, category) for one in part.coding.attributes for category in one.categories]
    counts = [int(count) for one in part.coding.attributes for count in one.counts]
    effects = pd.Series(part.rates.coefficients[1:], index=pd.Index(names, tupleize_cols=False))
    return effects[np.array(counts) >= FEW_ALIKE]


def _adaptable(company: Company, ranking: ProspectRanking) -> tuple[Estimate, str]:
    model, training = ranking.model, ranking.model.training_
    same = partial(ProspectModel, conversion_days=model.conversion_days, late_share=model.late_share)
    half = prospect_training(
        company, horizon_days=max(training.horizon_days // 2, 1), live_days=training.live_days, ending=training.as_of
    )
    others = {"half the horizon": same(rule=model.rule).fit(half)}
    tried = {part.rule for part in (model.value_, model.conversion_)}
    for rule in model.value_.trials.index:
        if rule != "alike" and {rule} != tried:
            name = {"channel": "the channel alone", "all": "all attributes"}[rule]
            others[name] = same(rule=rule).fit(training)
    chosen = set(ranking.chosen.index)
    kept = {}
    for name, other in others.items():
        again = rank_prospects(other, currency=ranking.currency, budget=ranking.budget, cost=ranking.cost).chosen
        kept[name] = len(chosen & set(again.index)) / len(chosen) if chosen else float("nan")
    note = "; ".join(f"{language.text(name)}: {language.share(value)}" for name, value in kept.items())
    return _share(float(np.min(list(kept.values()))), len(chosen)), note


def _caution(chosen: pd.DataFrame) -> Estimate:
    careful = chosen["outside"] | (chosen["alike"] < FEW_ALIKE) | (chosen["low"] < 0)
    return _share(float(careful.mean()) if len(chosen) else float("nan"), len(chosen))


def _share(value: float, n: int) -> Estimate:
    if np.isnan(value):
        return Estimate(value=value, low=0.0, high=1.0, n=n, method="count", unit="share")
    return Estimate.exact(value, n=n, unit="share")
