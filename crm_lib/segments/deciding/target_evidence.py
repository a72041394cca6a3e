"""What the analyses found of the customers, and what target lists are made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import pandas as pd

from crm_lib.company import Company
from crm_lib.exhibit import Skipped, when_possible
from crm_lib.relationships.relations.fading import Fading, fading_customers
from crm_lib.relationships.relations.kinds import RelationalKinds, alike_customers, relational_kinds
from crm_lib.relationships.relations.mixture import RelationshipMixture
from crm_lib.relationships.relations.silence_risk import SilenceRisk, silence_risk
from crm_lib.relationships.relations.switching import Switching, switching_classes
from crm_lib.relationships.stages.decline_warning import DeclineWarning, decline_warning
from crm_lib.relationships.stages.life_cycle import LifeCycle, life_cycle
from crm_lib.segments.tables.behaviour import customer_behaviour

T = TypeVar("T")
R = TypeVar("R")
_RESTS_ON = {"switching": "risk", "kinds": "fading", "warning": "cycle"}


@dataclass(frozen=True, kw_only=True)
class TargetEvidence:
    """Results of the analyses that name customers, each None where it has not been made yet.

    Parameters
    ----------
    risk : SilenceRisk, Skipped or None
        The risk of falling silent.
    switching : Switching, Skipped or None
        Value against that risk.
    fading : Fading, Skipped or None
        Recent purchases against the past.
    kinds : RelationalKinds, Skipped or None
        Kinds of relational customers, judged by it.
    cycle : LifeCycle, Skipped or None
        Stages of the customers.
    warning : DeclineWarning, Skipped or None
        The warning of decline by them.

    Raises
    ------
    ValueError
        If a result is given without the one it rests on: the reasons of the lists tell numbers of both.
    """

    risk: SilenceRisk | Skipped | None = None
    switching: Switching | Skipped | None = None
    fading: Fading | Skipped | None = None
    kinds: RelationalKinds | Skipped | None = None
    cycle: LifeCycle | Skipped | None = None
    warning: DeclineWarning | Skipped | None = None

    def __post_init__(self) -> None:
        for name, below in _RESTS_ON.items():
            if getattr(self, name) is not None and getattr(self, below) is None:
                raise ValueError(f"the evidence has '{name}' without '{below}', from which it was made: give both")


def target_evidence(
    company: Company,
    value: pd.Series[float],
    *,
    known: TargetEvidence | None = None,
    contact_cost: float = 3.5,
    saved_share: float = 0.1,
    risk_days: int = 91,
    false_alarm: float = 0.05,
    seed: int = 20260101,
) -> TargetEvidence:
    """Make what has not been made yet of the analyses that name customers to contact.

    Parameters
    ----------
    company : Company
        The company.
    value : Series
        Value of each customer of the window (money), indexed by ``customer_id``.
    known : TargetEvidence, optional
        Results there are already: they are taken as they are, whatever the settings here.
    contact_cost : float
        Cost of a personal contact (money).
    saved_share : float
        Part of those about to leave whom such a contact keeps: an assumption to be tested.
    risk_days : int
        Days ahead over which the risk of falling silent is told.
    false_alarm : float
        Share of the customers not in decline who may be warned of in a quarter.
    seed : int
        Seed of the random numbers behind the warning's threshold.

    Returns
    -------
    TargetEvidence
        All results; in the place of those that the company's data do not allow, a note that says why.

    Raises
    ------
    ValueError
        If a setting is out of its range.
    """
    # Said before minutes are spent on what the setting is for.
    if contact_cost < 0:
        raise ValueError(f"contact_cost must not be negative, and is {contact_cost}")
    for name, share, most in (("saved_share", saved_share, 1.0), ("false_alarm", false_alarm, 1.0 - 1e-9)):
        if not 0 < share <= most:
            raise ValueError(f"{name} must lie between 0 and 1, not {share}")
    if risk_days < 1:
        raise ValueError(f"risk_days must be at least 1, not {risk_days}")
    known = TargetEvidence() if known is None else known
    risk = known.risk
    if risk is None:
        risk = when_possible("the risk of falling silent", silence_risk, company, horizon_days=risk_days)
    fading = known.fading
    if fading is None:
        fading = when_possible("customers who buy less than they did", fading_customers, company)
    cycle = known.cycle
    if cycle is None:
        cycle = when_possible("life-cycle stages", life_cycle, company)
    return TargetEvidence(
        risk=risk,
        switching=known.switching
        or _from(
            risk,
            "value against risk",
            lambda told: switching_classes(value, told, contact_cost=contact_cost, saved_share=saved_share),
        ),
        fading=fading,
        kinds=known.kinds
        or _from(fading, "kinds of relational customers", lambda found: _kinds(company, value, found)),
        cycle=cycle,
        warning=known.warning
        or _from(
            cycle, "warning of decline", lambda stages: decline_warning(stages, false_alarm=false_alarm, seed=seed)
        ),
    )


def _from(below: T | Skipped, what: str, make: Callable[[T], R]) -> R | Skipped:
    """Return what is made from a result, or why that was left out."""
    return Skipped(what=what, why=below.why) if isinstance(below, Skipped) else when_possible(what, make, below)


def _kinds(company: Company, value: pd.Series[float], fading: Fading) -> RelationalKinds:
    habits = customer_behaviour(company)
    membership = RelationshipMixture().fit(habits).membership(habits)
    return relational_kinds(membership, value, fading, alike=alike_customers(company))
