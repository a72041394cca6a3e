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
from crm_lib.segments.clusters.choice import Clusters, choose_clusters
from crm_lib.segments.clusters.earlier_groupings import earlier_groupings
from crm_lib.segments.clusters.features import PreparedFeatures, behaviour, prepare_features
from crm_lib.segments.clusters.predictive_finding import finding_clusters_predict
from crm_lib.segments.clusters.predictive_value import PredictiveValue, compare_groupings, predictive_value
from crm_lib.segments.clusters.stability import adjusted_rand, jaccard, stability_verdict
from crm_lib.segments.clusters.structure import StructureCheck, check_structure
from crm_lib.segments.clusters.structure_finding import finding_structure
from crm_lib.segments.deciding.decisions import Decisions, decisions
from crm_lib.segments.deciding.permission import contact_permission, may_contact
from crm_lib.segments.deciding.purposes import PURPOSES
from crm_lib.segments.deciding.rfm_decisions import rfm_decisions, window_before
from crm_lib.segments.deciding.target_evidence import TargetEvidence, target_evidence
from crm_lib.segments.deciding.target_list import TargetList, target_list
from crm_lib.segments.deciding.target_lists import TargetLists, target_lists
from crm_lib.segments.levels.finding import finding_basic
from crm_lib.segments.levels.grid import KOTLER_GRID, RELATIONSHIP_LEVELS, RelationshipLevel
from crm_lib.segments.levels.levels import RelationshipLevels, relationship_levels
from crm_lib.segments.portraits.five_w_one_h import Profile5W1H, five_w_one_h
from crm_lib.segments.portraits.profiles import Profiles, profile_clusters, profiles
from crm_lib.segments.rfm.definitions import FILE as DEFINITIONS_FILE
from crm_lib.segments.rfm.definitions import SegmentDefinitions, definitions_of, tier_value_of
from crm_lib.segments.rfm.follow_up import FollowUp, finding_champions, follow_up
from crm_lib.segments.rfm.in_engine import Segmented, estimated, rfm_table, segment_customers
from crm_lib.segments.rfm.movement import Movement, finding_movement, fitting_windows, movement, movement_matrix
from crm_lib.segments.rfm.rules import Interval, Rule, Variable, apply_rules, check_rules
from crm_lib.segments.rfm.scores import RFM, rfm_scores
from crm_lib.segments.rfm.segment_rules import SEGMENT_RULES, SegmentRule, score_variables, segment, segment_rules
from crm_lib.segments.rfm.sensitivity import Sensitivity, rfm_sensitivity
from crm_lib.segments.tables.behaviour import customer_behaviour
from crm_lib.segments.tables.customer_variables import variables_of
from crm_lib.segments.tables.losses import finding_returns, losses, returns_by_group
from crm_lib.segments.tables.profit_table import SMALLEST_GROUP, ProfitTable, dimension_label, profit_table
from crm_lib.segments.tables.serving_costs import known_serving_costs, serving_costs
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
    finding_core_settled,
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
    "PredictiveValue",
    "PreparedFeatures",
    "Profile5W1H",
    "Profiles",
    "ProfitTable",
    "RelationshipLevel",
    "RelationshipLevels",
    "Rule",
    "SegmentDefinitions",
    "SegmentRule",
    "Segmented",
    "Sensitivity",
    "StructureCheck",
    "TargetEvidence",
    "TargetList",
    "TargetLists",
    "Tiers",
    "Variable",
    "adjusted_rand",
    "apply_rules",
    "behaviour",
    "check_rules",
    "check_structure",
    "choose_clusters",
    "compare_core",
    "compare_groupings",
    "concentration",
    "concentration_curve",
    "contact_permission",
    "customer_behaviour",
    "customer_window",
    "decisions",
    "definitions_of",
    "dimension_label",
    "earlier_groupings",
    "estimated",
    "finding_80_20",
    "finding_basic",
    "finding_champions",
    "finding_clusters_predict",
    "finding_core_complaints",
    "finding_core_settled",
    "finding_movement",
    "finding_returns",
    "finding_structure",
    "fitting_windows",
    "five_w_one_h",
    "follow_up",
    "gini",
    "group_means",
    "jaccard",
    "known_complaints",
    "known_contracts",
    "known_serving_costs",
    "losses",
    "may_contact",
    "movement",
    "movement_matrix",
    "own_answers",
    "own_brand_answers",
    "predictive_value",
    "prepare_features",
    "profile_clusters",
    "profiles",
    "profit_table",
    "relationship_levels",
    "returns_by_group",
    "rfm_decisions",
    "rfm_scores",
    "rfm_sensitivity",
    "rfm_table",
    "score_variables",
    "segment",
    "segment_customers",
    "segment_rules",
    "serving_costs",
    "stability_verdict",
    "target_evidence",
    "target_list",
    "target_lists",
    "tier_shares",
    "tier_value_of",
    "top_share",
    "value_of",
    "value_tiers",
    "variables_of",
    "window_before",
    "window_complaints",
]
