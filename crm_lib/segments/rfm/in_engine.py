"""Scores, segments and tiers of all customers, computed by the engine that holds the transactions."""

# Ibis knows no notna.
# ruff: noqa: PD003, PD004

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crm_lib import language
from crm_lib.company import Company
from crm_lib.customers import by_customer, exact_sum, is_purchase
from crm_lib.customers.known import known_rows, window_bounds
from crm_lib.customers.window import Basis, Value
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.segments.rfm.definitions import SegmentDefinitions, tier_value_of
from crm_lib.segments.rfm.rules import Condition, Interval, Rule
from crm_lib.segments.rfm.scores import MEASURES, RFM, quantile_cut_points
from crm_lib.segments.value.tiers import TIERS, Tiers, tier_cut_points


@dataclass(frozen=True, kw_only=True)
class Segmented:
    """The customers of a window in segments and tiers; `definitions` hold all cut points that were used."""

    rfm: RFM
    tiers: Tiers
    definitions: SegmentDefinitions
    basis: Basis

    @property
    def value(self) -> pd.Series[float]:
        """Value of each customer in the window (money)."""
        return self.tiers.frame["value"]

    @property
    def value_kind(self) -> Value:
        """What the value adds up: "margin" or "revenue"."""
        return self.basis.kind


def rfm_table(
    company: Company, definitions: SegmentDefinitions | None = None, *, ending: dt.date | None = None
) -> ir.Table:
    """Return scores, segment and tier of every customer as a table of the company's engine, in no particular order.

    The same as :func:`segment_customers`, but nothing is brought into memory unless it is asked for. Cut points that
    the definitions lack are estimated. Columns are ``customer_id``, ``recency`` (days), ``frequency`` (orders),
    ``monetary`` and ``value`` (money), a score each, ``segment`` and ``tier``. Scores and segment are missing for
    customers who only returned something; with base "known" everybody with a line up to the day `ending` has a row.
    """
    return _scored(*_measured(company, SegmentDefinitions() if definitions is None else definitions, ending))


def estimated(
    definitions: SegmentDefinitions, company: Company, *, ending: dt.date | None = None
) -> SegmentDefinitions:
    """Return the definitions with all cut points estimated anew from a company's customers: frozen."""
    return dataclasses.replace(
        _measured(company, definitions.free(), ending)[1],
        tier_value=tier_value_of(definitions, company),
        currency=company.currency,
        estimated_on=company.as_of if ending is None else ending,
    )


def segment_customers(
    company: Company, definitions: SegmentDefinitions | None = None, *, ending: dt.date | None = None
) -> Segmented:
    """Put every customer into a segment and a tier, computed by the company's engine.

    Parameters
    ----------
    company : Company
        The company.
    definitions : SegmentDefinitions, optional
        Who is scored and how, by default the usual nine segments. Cut points that are not given are estimated from the
        same customers.
    ending : date, optional
        Last day of the window, by default the company's ``as_of``.

    Returns
    -------
    Segmented
        Scores, segments, tiers, and the definitions with all cut points that were used.
    """
    definitions = SegmentDefinitions() if definitions is None else definitions
    measures, used = _measured(company, definitions, ending)
    frame = by_customer(_scored(measures, used))
    scored = frame[frame["segment"].notna().to_numpy()]
    columns = [*MEASURES, *(f"{name}_score" for name in MEASURES)]
    whole = dict.fromkeys([*columns[3:], "recency", "frequency"], "int64")
    tier = pd.Categorical(frame["tier"], categories=list(TIERS), ordered=True)
    day = company.as_of if ending is None else ending
    rfm = RFM(
        frame=scored[[*columns, "segment"]].astype({**whole, "segment": "str"}),
        cut_points=used.rfm_cut_points or {},
        levels=used.levels,
        left_out=len(frame) - len(scored),
        rules=used.rules,
        as_of=day,
        base=used.base,
        window_days=used.window_days,
    )
    kind = tier_value_of(used, company)
    basis = Basis(kind=kind, currency=company.currency, days=used.window_days, ending=day)
    tiers = Tiers(
        frame=pd.DataFrame({"value": frame["value"], "tier": tier, "losing": frame["value"] < 0}, index=frame.index),
        cut_points=tuple(used.tier_cut_points or ()),
        by=used.tier_by,
        shares=None if definitions.tier_cut_points else used.tier_shares,
        basis=basis,
    )
    return Segmented(rfm=rfm, tiers=tiers, definitions=used, basis=basis)


def _measured(
    company: Company, definitions: SegmentDefinitions, ending: dt.date | None
) -> tuple[ir.Table, SegmentDefinitions]:
    """Return what is scored of each customer, and the definitions with the cut points that they lacked."""
    measures = _measures(company, definitions, ending)
    if definitions.frozen:
        return measures, definitions
    measures = measures.cache()
    return measures, _with_cut_points(definitions, measures)


def _measures(company: Company, definitions: SegmentDefinitions, ending: dt.date | None) -> ir.Table:
    """One row per customer: what is scored. Scores' measures are missing for who is not scored."""
    value = tier_value_of(definitions, company)
    if "margin" in (value, definitions.monetary) and not company.has("transactions", "margin"):
        raise MissingData("transactions", ["margin"])
    before, last = window_bounds(company, days=definitions.window_days, ending=ending)
    first, known = ibis.literal(before), known_rows(company, "transactions", ending=ending)
    everybody = definitions.base == "known"
    lines = known if everybody else known.filter(known.ordered_at.date() > first)
    lines = lines.mutate(day=lines.ordered_at.date(), bought=is_purchase(lines))
    inside = lines.day > first if everybody else ibis.literal(value=True)
    counted = lines.bought & inside
    paid = counted if definitions.returns == "gross" else inside
    # Orders first: to tell orders apart while customers are added up takes a third longer.
    orders = lines.group_by(["customer_id", "order_id"]).agg(
        last=lines.day.max(where=lines.bought),
        counted=lines.day.max(where=counted),
        money=_exact(lines[definitions.monetary]).sum(where=paid),
        value=_exact(lines[value]).sum(where=inside),
    )
    customers = orders.group_by("customer_id").agg(
        last=orders["last"].max(),
        orders=orders.counted.count(),
        money=exact_sum(orders.money),
        value=exact_sum(orders["value"]),
    )
    scored = customers["last"].notnull()
    return customers.select(
        "customer_id",
        recency=ibis.literal(last).delta(customers["last"], unit="day"),
        frequency=scored.ifelse(customers.orders.cast("int64"), ibis.null("int64")),
        # Adding 0 turns -0.0 into 0.0.
        monetary=scored.ifelse(customers.money + 0.0, ibis.null("float64")),
        value=customers.value + 0.0,
    )


def _exact(column: ir.NumericValue) -> ir.DecimalValue:
    """Amounts whose sum is the same in any order, as :func:`~crm_lib.customers.exact_sum` has them."""
    return column.cast("decimal(38, 10)")


def _with_cut_points(definitions: SegmentDefinitions, measures: ir.Table) -> SegmentDefinitions:
    table = measures.select(*MEASURES, "value").to_pyarrow()
    numbers = {name: table[name].drop_null().to_numpy().astype(np.float64) for name in table.column_names}
    if not numbers["recency"].size:
        message = "nobody bought anything in the {days} days of the window, so there is nobody to score"
        raise TooLittleData(language.say(message, days=definitions.window_days))
    counts = {name: np.unique(each, return_counts=True) for name, each in numbers.items()}
    cuts = {name: quantile_cut_points(*counts[name], definitions.levels) for name in MEASURES}
    tiers = tier_cut_points(*counts["value"], by=definitions.tier_by, shares=definitions.tier_shares)
    return dataclasses.replace(
        definitions,
        rfm_cut_points=definitions.rfm_cut_points or cuts,
        tier_cut_points=definitions.tier_cut_points or tiers,
    )


def _scored(measures: ir.Table, definitions: SegmentDefinitions) -> ir.Table:
    cuts, levels = definitions.rfm_cut_points or {}, definitions.levels
    scores = {}
    for name in MEASURES:
        above = _passed(measures[name], cuts[name])
        scores[f"{name}_score"] = (levels - above if name == "recency" else above + 1).cast("int64")
    table = measures.mutate(**scores)
    table = table.mutate(weight=table.frequency_score + table.monetary_score)
    table = table.mutate(segment=_segment(table, definitions.rules))
    reached = [table.value >= cut for cut in definitions.tier_cut_points or () if np.isfinite(cut)]
    names = [name for name, cut in zip(TIERS, definitions.tier_cut_points or (), strict=False) if np.isfinite(cut)]
    tier = ibis.cases(*zip(reached, names, strict=True), else_=TIERS[-1]) if reached else ibis.literal(TIERS[-1])
    table = table.mutate(tier=tier)
    return table.select("customer_id", *MEASURES, *(f"{name}_score" for name in MEASURES), "segment", "value", "tier")


def _passed(column: ir.Value, cuts: Sequence[float]) -> ir.Value:
    """How many cut points each value lies above; missing for a missing value."""
    number = column * 0
    for cut in cuts:
        # What is not missing lies above minus infinity.
        above = column > cut if np.isfinite(cut) else column.notnull() if cut < 0 else column.isnull()
        number = number + above.ifelse(1, 0)  # PostgreSQL casts no boolean to a bigint
    return number


def _segment(table: ir.Table, rules: Sequence[Rule]) -> ir.Value:
    cases = []
    for rule in rules:
        holds = table.recency.notnull()
        for name, condition in rule.when.items():
            holds &= _holds(table[name], condition)
        if not rule.otherwise:
            cases.append((holds, rule.name))
    # The rule for all others comes last: what none of those before took.
    cases += [(table.recency.notnull(), rule.name) for rule in rules if rule.otherwise]
    return ibis.cases(*cases, else_=ibis.null("string"))


def _holds(column: ir.Value, condition: Condition) -> ir.BooleanValue:
    if not isinstance(condition, Interval):
        return column.isin(sorted(condition))
    holds = ibis.literal(value=True)
    if np.isfinite(condition.above):
        holds &= column > condition.above
    if np.isfinite(condition.up_to):
        holds &= column <= condition.up_to
    return holds
