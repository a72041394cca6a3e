"""Who the customers are: concentration of value, RFM segments, clusters, the profit table and decisions."""

from crm_lib.segments.clusters import Clusters, behaviour, choose_clusters
from crm_lib.segments.decisions import Decisions, decisions
from crm_lib.segments.portrait import Portrait, portrait
from crm_lib.segments.predictive import PredictiveValue, finding_clusters_predict, predictive_value
from crm_lib.segments.profit import SMALLEST_GROUP, finding_returns, profit_table
from crm_lib.segments.relationship_levels import (
    RELATIONSHIP_LEVELS,
    RelationshipLevels,
    finding_basic,
    relationship_levels,
)
from crm_lib.segments.rfm.definitions import FILE as DEFINITIONS_FILE, SegmentDefinitions, definitions_of
from crm_lib.segments.rfm.follow_up import FollowUp, finding_champions, follow_up
from crm_lib.segments.rfm.in_engine import Segmented, estimated, rfm_table, segment_customers
from crm_lib.segments.rfm.movement import Movement, finding_movement, fitting_windows, movement
from crm_lib.segments.rfm.scores import RFM
from crm_lib.segments.rfm.sensitivity import Sensitivity, rfm_sensitivity
from crm_lib.segments.structure import StructureCheck, check_structure, finding_structure
from crm_lib.segments.target_lists import PURPOSES, TargetList, TargetLists, target_lists
from crm_lib.segments.value.concentration import Concentration, concentration, finding_80_20
from crm_lib.segments.value.core_comparison import CoreComparison, compare_core, finding_core_complaints
from crm_lib.segments.value.tier_shares import tier_shares
from crm_lib.segments.value.tiers import value_tiers

__all__ = [
    "DEFINITIONS_FILE",
    "PURPOSES",
    "RELATIONSHIP_LEVELS",
    "RFM",
    "SMALLEST_GROUP",
    "Clusters",
    "Concentration",
    "CoreComparison",
    "Decisions",
    "FollowUp",
    "Movement",
    "Portrait",
    "PredictiveValue",
    "RelationshipLevels",
    "SegmentDefinitions",
    "Segmented",
    "Sensitivity",
    "StructureCheck",
    "TargetList",
    "TargetLists",
    "behaviour",
    "check_structure",
    "choose_clusters",
    "compare_core",
    "concentration",
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
    "movement",
    "portrait",
    "predictive_value",
    "profit_table",
    "relationship_levels",
    "rfm_sensitivity",
    "rfm_table",
    "segment_customers",
    "target_lists",
    "tier_shares",
    "value_tiers",
]
