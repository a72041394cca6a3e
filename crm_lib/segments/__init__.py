"""Who the customers are: concentration of value, RFM segments, clusters, the profit table and decisions."""

from crm_lib.customers.known import (
    COMPLAINT_STATES,
    known_complaints,
    known_contracts,
    own_answers,
    own_brand_answers,
    window_complaints,
)
from crm_lib.customers.window import customer_window, value_of
from crm_lib.segments.clusters import Clusters, behaviour, choose_clusters
from crm_lib.segments.decisions import Decisions, decisions
from crm_lib.segments.growable import growable
from crm_lib.segments.portrait import Portrait, portrait
from crm_lib.segments.predictive import PredictiveValue, finding_clusters_predict, predictive_value
from crm_lib.segments.profit import SMALLEST_GROUP, ProfitTable, losses, profit_table
from crm_lib.segments.relationship_levels import (
    KOTLER_GRID,
    RELATIONSHIP_LEVELS,
    RelationshipLevels,
    finding_basic,
    relationship_levels,
)
from crm_lib.segments.returns import finding_returns, returns_by_group
from crm_lib.segments.rfm.definitions import FILE as DEFINITIONS_FILE, SegmentDefinitions, definitions_of, tier_value_of
from crm_lib.segments.rfm.follow_up import FollowUp, finding_champions, follow_up
from crm_lib.segments.rfm.in_engine import Segmented, estimated, rfm_table, segment_customers
from crm_lib.segments.rfm.movement import Movement, finding_movement, fitting_windows, movement, movement_matrix
from crm_lib.segments.rfm.rules import Interval, Rule, Variable, check_rules
from crm_lib.segments.rfm.scores import RFM
from crm_lib.segments.rfm.segment_rules import SEGMENT_RULES, SegmentRule, score_variables, segment_rules
from crm_lib.segments.rfm.sensitivity import Sensitivity, rfm_sensitivity
from crm_lib.segments.serving import serving_costs
from crm_lib.segments.structure import StructureCheck, check_structure, finding_structure
from crm_lib.segments.target_lists import (
    PURPOSES,
    TargetList,
    TargetLists,
    contact_permission,
    may_contact,
    target_lists,
)
from crm_lib.segments.value.concentration import (
    Concentration,
    concentration,
    concentration_curve,
    finding_80_20,
    gini,
    top_share,
)
from crm_lib.segments.value.core_comparison import (
    CORE,
    CoreComparison,
    compare_core,
    finding_core_complaints,
)
from crm_lib.segments.value.tier_shares import tier_shares
from crm_lib.segments.value.tiers import TIER_SHARES, TIERS, Tiers, value_tiers
from crm_lib.statistics.skewed_means import group_means

__all__ = [
    "COMPLAINT_STATES",
    "CORE",
    "DEFINITIONS_FILE",
    "KOTLER_GRID",
    "PURPOSES",
    "RELATIONSHIP_LEVELS",
    "RFM",
    "SEGMENT_RULES",
    "SMALLEST_GROUP",
    "TIERS",
    "TIER_SHARES",
    "Clusters",
    "Concentration",
    "CoreComparison",
    "Decisions",
    "FollowUp",
    "Interval",
    "Movement",
    "Portrait",
    "PredictiveValue",
    "ProfitTable",
    "RelationshipLevels",
    "Rule",
    "SegmentDefinitions",
    "SegmentRule",
    "Segmented",
    "Sensitivity",
    "StructureCheck",
    "TargetList",
    "TargetLists",
    "Tiers",
    "Variable",
    "behaviour",
    "check_rules",
    "check_structure",
    "choose_clusters",
    "compare_core",
    "concentration",
    "concentration_curve",
    "contact_permission",
    "customer_window",
    "decisions",
    "definitions_of",
    "estimated",
    "finding_80_20",
    "finding_basic",
    "finding_champions",
    "finding_clusters_predict",
    "finding_core_complaints",
    "finding_movement",
    "finding_returns",
    "finding_structure",
    "fitting_windows",
    "follow_up",
    "gini",
    "group_means",
    "growable",
    "known_complaints",
    "known_contracts",
    "losses",
    "may_contact",
    "movement",
    "movement_matrix",
    "own_answers",
    "own_brand_answers",
    "portrait",
    "predictive_value",
    "profit_table",
    "relationship_levels",
    "returns_by_group",
    "rfm_sensitivity",
    "rfm_table",
    "score_variables",
    "segment_customers",
    "segment_rules",
    "serving_costs",
    "target_lists",
    "tier_shares",
    "tier_value_of",
    "top_share",
    "value_of",
    "value_tiers",
    "window_complaints",
]
