"""Memberships: what each plan's contracts are worth, and how many of them are renewed."""

from __future__ import annotations

import pandas as pd

from crm_lib import language
from crm_lib.clv.membership_periods import membership_periods
from crm_lib.clv.membership_value import MembershipValue
from crm_lib.company import Company
from crm_lib.errors import TooLittleData
from crm_lib.exhibit import Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.clv_retention import retention_chart


def membership_table(value: MembershipValue) -> Table:
    """Return contracts, retention and value to come of each plan.

    Parameters
    ----------
    value : MembershipValue
        The values.

    Returns
    -------
    Table
        One row a plan, the most valuable first.
    """
    frame = value.plans.sort_values("current", ascending=False, kind="stable").reset_index()
    frame["plan"] = [language.text(str(plan)) for plan in frame["plan"]]
    frame["mean"] = (frame["current"] / frame["running"]).where(frame["running"] > 0)
    frame["model"] = [language.text(str(model)) if model else "–" for model in frame["model"]]
    notes = [
        language.text("All plans together: so far {historical}, still to come {current}.").format(**_totals(value)),
        value.convention,
    ]
    if value.not_valued:
        notes.append(
            language.plural(
                "{n} running contract is of a plan with too few contracts to value it.",
                "{n} running contracts are of plans with too few contracts to value them.",
                value.not_valued,
            )
        )
    if value.incomplete:
        notes.append(
            language.plural(
                "{n} contract without price or period is left out.",
                "{n} contracts without price or period are left out.",
                value.incomplete,
            )
        )
    return Table(
        name="memberships",
        title="What memberships are worth, by plan",
        frame=frame[["plan", "period_months", "contracts", "running", "retention", "current", "mean", "model"]],
        kinds={
            "plan": "text", "period_months": "count", "contracts": "count", "running": "count", "retention": "share",
            "current": "money", "mean": "money", "model": "text",
        },
        labels={
            "period_months": "Months of a period", "retention": "Will renew next time", "current": "Still to come",
            "mean": "Still to come, a running contract", "model": "Judged by the contracts of",
        },
        currency=value.currency,
        note=" ".join(notes),
    )  # fmt: skip


def plan_retention_chart(
    value: MembershipValue, company: Company, *, plan: str = "", until: int | None = None
) -> Chart:
    """Draw the share of a plan's contracts that remain after each renewal, as it was and as its model has it.

    Parameters
    ----------
    value : MembershipValue
        The values, with the fitted models.
    company : Company
        The company.
    plan : str
        The plan; by default the one with the most contracts that has a model.
    until : int, optional
        Last renewal drawn; by default half as many again as there are.

    Returns
    -------
    Chart
        As of :func:`retention_chart`.

    Raises
    ------
    TooLittleData
        If no plan has a model.
    ValueError
        If the plan is unknown or has no model.
    """
    if not value.models:
        raise TooLittleData("no plan has enough contracts for a model of renewals", table="memberships")
    names = [name for name, _ in value.models]
    if plan and plan not in names:
        raise ValueError(f"plan {plan!r} has no model of renewals; these have: {', '.join(names)}")
    asked = [key for key in value.models if not plan or key[0] == plan]
    counts = value.plans["contracts"]
    key = max(asked, key=lambda each: int(counts[each]))
    contracts, _ = membership_periods(company, annual_rate=value.annual_rate)
    # A plan with too few contracts is judged by all of its period.
    own = contracts[(contracts["period_months"] == key[1])]
    own = own[own["plan"] == key[0]] if value.plans["model"][key] == key[0] else own
    ended = own["ended"].astype(bool)
    rows = pd.DataFrame({"duration": own["paid"] - (~ended).astype(int), "ended": ended})
    return retention_chart(value.models[key], rows, until=until, level=value.level, what=key[0])


def _totals(value: MembershipValue) -> dict[str, str]:
    return {name: str(total) for name, total in value.totals.items()}
