"""Who the customers are: concentration of value, RFM segments and the multi-dimensional profit table."""

from crm_lib.segments.concentration import Concentration, concentration, concentration_curve, gini, top_share
from crm_lib.segments.eighty_twenty import finding_80_20
from crm_lib.segments.follow_up import FollowUp, finding_champions, follow_up
from crm_lib.segments.losses import finding_returns, losses, returns_by_group
from crm_lib.segments.profit_table import SMALLEST_GROUP, ProfitTable, dimension_label, profit_table
from crm_lib.segments.rfm import RFM, rfm_scores
from crm_lib.segments.rfm_rules import SEGMENT_RULES, SegmentRule, segment
from crm_lib.segments.window import customer_window, value_of

__all__ = [
    "RFM",
    "SEGMENT_RULES",
    "SMALLEST_GROUP",
    "Concentration",
    "FollowUp",
    "ProfitTable",
    "SegmentRule",
    "concentration",
    "concentration_curve",
    "customer_window",
    "dimension_label",
    "finding_80_20",
    "finding_champions",
    "finding_returns",
    "follow_up",
    "gini",
    "losses",
    "profit_table",
    "returns_by_group",
    "rfm_scores",
    "segment",
    "top_share",
    "value_of",
]
