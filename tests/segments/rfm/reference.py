"""Scores and segments in memory, the plain way: what the engine's answer is held against."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm_lib.errors import TooLittleData
from crm_lib.segments import RFM
from crm_lib.segments.rfm.rules import _listed, check_rules, holds
from crm_lib.segments.rfm.scores import BASES, MEASURES, check_cut_points, quantile_cut_points
from crm_lib.segments.rfm.segment_rules import score_variables, segment_rules


def rfm_scores(summary, *, as_of, levels=5, cut_points=None, rules=None, base="buyers", window_days=None):
    """Score customers in memory, as the engine must."""
    if not 3 <= levels <= 5:
        raise ValueError(f"levels must be 3, 4 or 5, not {levels}")
    if base not in BASES:
        raise ValueError(f"base must be 'buyers' or 'known', not {base!r}")
    used = segment_rules(levels) if rules is None else tuple(rules)
    if rules is not None:
        check_rules(used, score_variables(levels))
    missing = [name for name in ("last_purchase", "orders", "revenue") if name not in summary]
    if missing:
        raise ValueError(f"the summary lacks {', '.join(missing)}; it has {', '.join(map(str, summary.columns))}")
    bought = summary["last_purchase"].notna()
    buyers = summary.loc[bought & (summary["orders"] > 0) if base == "buyers" else bought]
    if buyers.empty:
        raise TooLittleData("nobody bought anything in the window")
    frame = pd.DataFrame(
        {
            "recency": (pd.Timestamp(as_of) - pd.to_datetime(buyers["last_purchase"])).dt.days,
            "frequency": buyers["orders"],
            "monetary": buyers["revenue"],
        },
        index=buyers.index,
    )
    if (frame["recency"] < 0).any():
        late = frame.index[frame["recency"] < 0][:3].tolist()
        raise ValueError(f"customers {late} bought after {as_of}: open the company as of that day")
    cuts = dict(cut_points or {name: _quantile_cuts(frame[name], levels) for name in MEASURES})
    check_cut_points(cuts, levels)
    for name in MEASURES:
        above = np.searchsorted(np.asarray(cuts[name]), frame[name].to_numpy(dtype=float), side="left")
        frame[f"{name}_score"] = levels - above if name == "recency" else above + 1
    weight = frame["frequency_score"] + frame["monetary_score"]
    frame["segment"] = apply_rules(frame.assign(weight=weight), used).astype("str")
    return RFM(
        frame=frame,
        cut_points=cuts,
        levels=levels,
        left_out=len(summary) - len(buyers),
        rules=used,
        as_of=as_of,
        base=base,
        window_days=window_days,
    )


def _quantile_cuts(values, levels):
    found, counts = np.unique(np.asarray(values, dtype=float), return_counts=True)
    return quantile_cut_points(found, counts, levels)


def apply_rules(frame, rules):
    """Return the segment of each customer, an ordered categorical."""
    absent = sorted({name for rule in rules for name in rule.when if name not in frame})
    if absent:
        raise ValueError(f"the rules need columns {_listed(absent)}; the table has {_listed(map(str, frame.columns))}")
    hits, code = np.zeros(len(frame), dtype=np.int16), np.full(len(frame), -1, dtype=np.int64)
    for number, rule in enumerate(rules):
        if rule.otherwise:
            continue
        taken = np.ones(len(frame), dtype=bool)
        for name, condition in rule.when.items():
            taken &= holds(condition, frame[name])
        hits += taken
        code[taken] = number
    others = [number for number, rule in enumerate(rules) if rule.otherwise]
    if others:
        code[hits == 0] = others[0]
    wrong = np.flatnonzero((hits > 1) | (code < 0))
    if wrong.size:
        first = frame.iloc[wrong[0]]
        named = [rule for rule in rules if not rule.otherwise]
        both = [rule.name for rule in named if all(holds(part, first[name]) for name, part in rule.when.items())]
        which = f"falls under {_listed(both)}" if both else "falls under no rule"
        seen = ", ".join(f"{name} {first[name]}" for name in dict.fromkeys(key for rule in rules for key in rule.when))
        raise ValueError(f"customer {first.name!r} {which} ({seen}); {wrong.size} of {len(frame)} customers do not fit")
    names = [rule.name for rule in rules]
    return pd.Series(
        pd.Categorical.from_codes(code, categories=pd.Index(names), ordered=True), index=frame.index, name="segment"
    )
