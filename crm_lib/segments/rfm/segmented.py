"""Every customer's scores, segment and tier by one set of definitions: what reports, lists and scores agree on."""

from __future__ import annotations

import dataclasses
import datetime as dt
from dataclasses import dataclass

import pandas as pd

from crm_lib.company import Company
from crm_lib.customers.window import Value
from crm_lib.segments.rfm.definitions import SegmentDefinitions, tier_value_of
from crm_lib.segments.rfm.in_engine import estimated, rfm_table
from crm_lib.segments.rfm.scores import MEASURES, RFM
from crm_lib.segments.value.tiers import TIERS, Tiers


@dataclass(frozen=True, kw_only=True)
class Segmented:
    """The customers of a window in segments and tiers, as :func:`segment_customers` put them.

    Parameters
    ----------
    rfm : RFM
        Scores and segments.
    tiers : Tiers
        Tiers and values.
    definitions : SegmentDefinitions
        What decided, with all cut points that were used.
    value_kind : {"margin", "revenue"}
        What the value of the tiers adds up.
    """

    rfm: RFM
    tiers: Tiers
    definitions: SegmentDefinitions
    value_kind: Value


def segment_customers(company: Company, definitions: SegmentDefinitions, *, ending: dt.date | None = None) -> Segmented:
    """Put every customer into a segment and a tier, computed by the company's engine.

    Parameters
    ----------
    company : Company
        The company.
    definitions : SegmentDefinitions
        Who is scored and how. Cut points that are not given are estimated from the same customers.
    ending : date, optional
        Last day of the window, by default the company's ``as_of``.

    Returns
    -------
    Segmented
        The same as :func:`rfm_scores` and :func:`value_tiers` say of the window.

    Raises
    ------
    TooLittleData
        If nobody bought anything in the window.
    MissingData
        If the definitions need a margin that the company does not know.
    """
    used = definitions
    if not definitions.frozen:
        anew = estimated(definitions, company, ending=ending)
        used = dataclasses.replace(
            definitions,
            rfm_cut_points=definitions.rfm_cut_points or anew.rfm_cut_points,
            tier_cut_points=definitions.tier_cut_points or anew.tier_cut_points,
        )
    frame: pd.DataFrame = rfm_table(company, used, ending=ending).order_by("customer_id").execute()
    # Some engines sort texts by the rules of a language.
    frame = frame.set_index("customer_id").sort_index()
    scored = frame[frame["segment"].notna()]
    columns = [*MEASURES, *(f"{name}_score" for name in MEASURES)]
    whole = dict.fromkeys([*columns[3:], "recency", "frequency"], "int64")
    tier = pd.Categorical(frame["tier"], categories=list(TIERS), ordered=True)
    rfm = RFM(
        frame=scored[[*columns, "segment"]].astype({**whole, "segment": "str"}),
        cut_points=used.rfm_cut_points or {},
        levels=used.levels,
        left_out=len(frame) - len(scored),
        rules=used.rules,
        as_of=company.as_of if ending is None else ending,
        base=used.base,
        window_days=used.window_days,
    )
    tiers = Tiers(
        frame=pd.DataFrame({"value": frame["value"], "tier": tier, "losing": frame["value"] < 0}, index=frame.index),
        cut_points=tuple(used.tier_cut_points or ()),
        by=used.tier_by,
        shares=None if definitions.tier_cut_points else used.tier_shares,
    )
    return Segmented(rfm=rfm, tiers=tiers, definitions=used, value_kind=tier_value_of(used, company))
