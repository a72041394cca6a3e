"""The one vocabulary of columns: what a reader sees above each, and how its numbers are written."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pandas as pd

from crm_lib import language
from crm_lib.exhibit import Kind, Table

COLUMNS: Mapping[str, tuple[str, Kind]] = {
    "accuracy": ("Judged rightly", "share"),
    "acquisition_cost": ("Cost of winning one", "money"),
    "action": ("Action", "text"),
    "active": ("Active", "count"),
    "actual": ("Actual", "number"),
    "against_rhythm": ("Silence over own rhythm", "number"),
    "age": ("Age", "number"),
    "ahead": ("Own brand ahead by", "number"),
    "alike": ("Customers like them", "count"),
    "alive": ("Still a customer", "share"),
    "all_alike": ("If all were alike", "share"),
    "also_on": ("Also on", "text"),
    "amount": ("Amount", "money"),
    "answers": ("Answers", "count"),
    "arm_size": ("Customers an arm", "count"),
    "aspect": ("Aspect", "text"),
    "at_risk": ("Value at risk", "money"),
    "at_stake": ("At stake", "money"),
    "auc": ("Pairs put in the right order", "share"),
    "balanced_accuracy": ("Mean over the stages", "share"),
    "bdw": ("Customers differ and change (BdW)", "share"),
    "before": ("Before", "money"),
    "better": ("Satisfies if there", "number"),
    "bias": ("Bias of the total", "share"),
    "bought": ("Purchases", "count"),
    "brand": ("Brand", "text"),
    "burden": ("Burden", "number"),
    "came_back": ("Came back", "share"),
    "campaign_days": ("Day of the outcome window", "number"),
    "captured": ("Value in the best fifth", "share"),
    "carried": ("Does the value carry it?", "text"),
    "cases": ("Cases", "count"),
    "cause": ("Cause", "text"),
    "chance": ("Chance to be won", "share"),
    "change": ("Change that holds", "text"),
    "changed_by": ("Changed by", "money"),
    "channel": ("Channel", "text"),
    "class": ("Class", "text"),
    "cluster": ("Cluster", "count"),
    "clv": ("Lifetime value", "money"),
    "cohort": ("Won in", "text"),
    "cohorts": ("Cohorts", "count"),
    "complaints": ("Complaints", "count"),
    "complete": ("Month is whole", "text"),
    "consistent": ("Corrected path", "number"),
    "contact": ("Last contact", "date"),
    "contact_kind": ("About", "text"),
    "contracts": ("Contracts", "count"),
    "core": ("Core customers", "share"),
    "cost": ("Cost", "money"),
    "count": ("Rows", "count"),
    "current": ("Still to come", "money"),
    "customer_id": ("Customer", "text"),
    "customer_share": ("Share of customers", "share"),
    "customers": ("Customers", "count"),
    "customers_change": ("Change of customers", "text"),
    "cut": ("After the report's day", "count"),
    "day": ("Day", "date"),
    "days_known": ("Days since the first purchase", "count"),
    "delivered": ("Delivered value", "number"),
    "departures": ("Departures", "count"),
    "difference": ("Difference", "text"),
    "driver": ("Driver", "text"),
    "effect": ("Effect on satisfaction", "number"),
    "effort": ("Effort", "text"),
    "elsewhere": ("Others", "text"),
    "evidence": ("Evidence", "text"),
    "expected": ("Expected", "number"),
    "expected_purchases": ("Expected purchases", "number"),
    "explained": ("Variance explained", "share"),
    "exponential": ("All alike (exponential)", "share"),
    "false_alarms": ("False alarms", "share"),
    "feature": ("Feature", "text"),
    "first": ("First day", "date"),
    "first_here": ("First here", "count"),
    "first_list": ("First list", "text"),
    "formula": ("Textbook's formula", "number"),
    "found": ("Found", "share"),
    "found_all": ("Found of all", "share"),
    "frequency": ("Repeat purchases", "count"),
    "gain": ("Gain of a contact", "money"),
    "gap": ("Gap", "number"),
    "gini": ("Gini", "number"),
    "gone": ("Gone", "text"),
    "gross": ("Expected value", "money"),
    "group": ("Group", "text"),
    "grouping": ("Grouping", "text"),
    "groups": ("Groups", "count"),
    "habit": ("Habit", "text"),
    "hazard": ("Left a week", "share"),
    "heavy": ("Rated above 7", "share"),
    "high": ("To", "number"),
    "highest_bid": ("Pay at most", "money"),
    "historical": ("Earned so far", "money"),
    "holds": ("Holds", "text"),
    "importance": ("Importance", "share"),
    "index": ("Index", "number"),
    "inside": ("Here", "text"),
    "item": ("Item", "text"),
    "jaccard": ("Found again", "number"),
    "johnson": ("By relative weights", "share"),
    "judgement": ("Judgement", "text"),
    "kappa": ("Kappa", "number"),
    "keep": ("To keep one", "money"),
    "keeping": ("Keeping one", "money"),
    "kept": ("Used", "count"),
    "kept_to": ("Kept", "text"),
    "kind": ("Kind", "text"),
    "last": ("Last day", "date"),
    "later": ("Brought afterwards", "money"),
    "layer": ("Layer", "text"),
    "level": ("Level", "text"),
    "level_cost": ("Cost of the level", "money"),
    "lift": ("Lift", "number"),
    "like_with_like": ("Like with like", "money"),
    "line": ("Straight line", "share"),
    "list": ("List", "text"),
    "low": ("From", "number"),
    "loyalty": ("Loyalty", "number"),
    "macro_f1": ("Mean F1", "number"),
    "mae": ("Mean absolute error", "number"),
    "margin": ("Margin", "money"),
    "margin_rate": ("Margin rate", "share"),
    "may_contact": ("May be contacted", "text"),
    "mean_risk": ("Mean risk", "share"),
    "mean_value": ("Mean value of a customer", "money"),
    "measure": ("Measure", "text"),
    "measured": ("Measured by", "text"),
    "method": ("Method", "text"),
    "minutes": ("Minutes", "number"),
    "model": ("Model", "text"),
    "month": ("Month", "date"),
    "months_since_winning": ("Months since they were won", "number"),
    "mood": ("Customers", "text"),
    "need": ("Need", "text"),
    "net": ("Expected, less cost", "money"),
    "new": ("New", "count"),
    "newer": ("Won later", "share"),
    "now": ("Now", "money"),
    "offer": ("Offer", "text"),
    "older": ("Won earlier", "share"),
    "order": ("Order by", "text"),
    "order_value": ("Order value", "money"),
    "orders": ("Orders", "count"),
    "ordinal": ("By an ordered model", "share"),
    "others": ("Others", "share"),
    "outcome": ("Outcome", "text"),
    "own": ("Own value", "money"),
    "p_alive": ("P(alive)", "share"),
    "p_value": ("p-value", "number"),
    "parameter": ("Parameter", "text"),
    "part": ("Part", "text"),
    "path": ("Path", "number"),
    "payback": ("Paid back after", "text"),
    "per_cost": ("Money per unit of cost", "number"),
    "performance": ("Level, 0 to 100", "number"),
    "period_months": ("Months of a period", "count"),
    "phase": ("Phase", "text"),
    "plain": ("Plain comparison", "money"),
    "plan": ("Plan", "text"),
    "policy": ("Policy", "text"),
    "position": ("Position", "number"),
    "possible": ("Possible levels", "text"),
    "potential": ("Could be added", "money"),
    "principle": ("Principle", "text"),
    "priority": ("Priority", "text"),
    "power_buyers": ("Share who buy", "share"),
    "power_value": ("Value a customer", "share"),
    "probability_alive": ("Still a customer", "share"),
    "problem": ("Problem", "text"),
    "prospect_id": ("Prospect", "text"),
    "prospects": ("Prospects", "count"),
    "purchases": ("Purchases", "count"),
    "purpose": ("Purpose", "text"),
    "q_value": ("q-value", "number"),
    "quantity": ("Pieces", "count"),
    "quarters_since_winning": ("Quarters since they were won", "number"),
    "question": ("Question", "text"),
    "rank": ("Rank", "count"),
    "ranked_probability_score": ("Forecast error (RPS)", "number"),
    "rating": ("Satisfaction", "number"),
    "ratio": ("Value over cost", "number"),
    "reach": ("Persons told", "number"),
    "reason": ("Reason", "text"),
    "recency": ("Days since last purchase", "count"),
    "rejected": ("Rejected", "count"),
    "relational": ("Probability of being relational", "share"),
    "remedy": ("Remedy", "text"),
    "renewals": ("Renewals", "count"),
    "retention": ("Will renew next time", "share"),
    "returning": ("Returning", "count"),
    "returns": ("Returns", "money"),
    "returns_share": ("Share returned", "share"),
    "revenue": ("Revenue", "money"),
    "risk": ("Risk", "share"),
    "rmse": ("Root mean squared error", "number"),
    "role": ("Role", "text"),
    "rows": ("Rows", "count"),
    "rule": ("Rule", "text"),
    "running": ("Running", "count"),
    "satisfaction": ("Satisfaction", "number"),
    "sbg": ("Customers differ (sBG)", "share"),
    "seen": ("Seen", "share"),
    "segment": ("Segment", "text"),
    "serving": ("Cost to serve a customer", "money"),
    "settled": ("Settled", "share"),
    "several": ("On others too", "count"),
    "shape": ("Shape", "text"),
    "share": ("Share", "share"),
    "silence": ("Days of silence", "count"),
    "silent": ("Bought nothing", "share"),
    "source": ("Source", "text"),
    "spells": ("Spells of silence", "count"),
    "stage": ("Stage", "text"),
    "state": ("State", "text"),
    "step": ("Step", "text"),
    "table": ("Table", "text"),
    "taken": ("Taken", "text"),
    "target": ("To", "text"),
    "tenth": ("Tenth", "count"),
    "tier": ("Tier", "text"),
    "time": ("Time", "text"),
    "times": ("Times the usual", "number"),
    "times_alike": ("Times customers like them", "number"),
    "times_all": ("Times all others", "number"),
    "together": ("Together", "money"),
    "told": ("Predicted", "share"),
    "total_cost": ("Total cost", "number"),
    "total_value": ("Total value", "number"),
    "transactional": ("Transactional", "share"),
    "treatment": ("What was done", "text"),
    "true_value": ("True value", "money"),
    "truth": ("Truth", "money"),
    "value": ("Value", "money"),
    "value_change": ("Change of value", "text"),
    "value_share": ("Share of value", "share"),
    "verdict": ("Verdict", "text"),
    "was": ("Observed", "share"),
    "wave": ("Wave", "text"),
    "week_ending": ("Week ending", "date"),
    "weekly_error": ("Weekly error", "share"),
    "weeks": ("Weeks", "count"),
    "weeks_since": ("Weeks since the complaint", "number"),
    "win": ("To win one", "money"),
    "window": ("Days of silence", "count"),
    "winning": ("Winning one", "money"),
    "withheld": ("Withheld", "count"),
    "won": ("Customers brought", "count"),
    "won_value": ("Value of customers brought", "money"),
    "worse": ("Dissatisfies if not", "number"),
    "years": ("Years", "count"),
    "years_since_winning": ("Years since they were won", "number"),
}
"""Label (English, translated when shown) and number form of each column, in the order of the alphabet."""

_END = re.compile(r"(?:(?P<stem>.+)_)?(?P<end>low|high)\Z")


def table(
    name: str,
    title: str,
    frame: pd.DataFrame,
    *,
    currency: str = "",
    note: str = "",
    rows: int = 20,
    labels: Mapping[str, str] | None = None,
    kinds: Mapping[str, Kind] | None = None,
) -> Table:
    """Return a table whose labels and number forms come from the vocabulary.

    Parameters
    ----------
    name : str
        Short name, unique in the notebook.
    title : str
        What the table shows.
    frame : DataFrame
        The numbers, unrounded. Ends of an interval (``low`` and ``high``, or ``x_low`` and ``x_high``) are written as
        the column before them (as column ``x``).
    currency : str
        ISO code of money.
    note : str
        What a reader must know to read the numbers.
    rows : int
        Rows printed; the workbook keeps all.
    labels, kinds : mapping of str, optional
        Where this table differs from the vocabulary.
    """
    labels, kinds = dict(labels or {}), dict(kinds or {})
    columns = Table(name=name, title=title, frame=frame).columns
    for column in map(str, columns):
        if column not in labels and _END.fullmatch(column):
            labels[column] = "From" if column.endswith("low") else "To"
        elif column in COLUMNS:
            labels.setdefault(column, COLUMNS[column][0])
        form = kinds.get(column) or _kind(column, columns, kinds)
        if form:
            kinds[column] = form
    return Table(
        name=name, title=title, frame=frame, kinds={k: v for k, v in kinds.items() if k in columns.columns},
        labels={k: v for k, v in labels.items() if k in columns.columns}, currency=currency, note=note,
        rows_shown=rows,
    )  # fmt: skip


def label(column: str) -> str:
    """Return what a reader sees above a column, in the language in use.

    Parameters
    ----------
    column : str
        Name of a column.
    """
    known = COLUMNS[column][0] if column in COLUMNS else str(column).replace("_", " ").capitalize()
    return language.text(known)


def kind(column: str, default: Kind = "number") -> Kind:
    """Return the number form of a column.

    Parameters
    ----------
    column : str
        Name of a column.
    default : str
        Where the vocabulary does not know it.
    """
    return COLUMNS[column][1] if column in COLUMNS else default


def _kind(column: str, columns: pd.DataFrame, kinds: Mapping[str, Kind]) -> Kind | None:
    end = _END.fullmatch(column)
    if not end:
        known = COLUMNS.get(column)
        # A word for a column must not force text into numbers: "value" may hold estimates or words.
        fits = known is not None and (known[1] in ("text", "date") or pd.api.types.is_numeric_dtype(columns[column]))
        return known[1] if known and fits else None
    names = [str(each) for each in columns]
    before = [each for each in names[: names.index(column)] if not _END.fullmatch(each)]
    stem = end["stem"] if end["stem"] in names else before[-1] if before else None
    return None if stem is None else kinds.get(stem) or _kind(stem, columns, kinds)
