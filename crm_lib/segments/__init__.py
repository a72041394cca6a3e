"""Who the customers are: concentration of value, RFM segments and the multi-dimensional profit table."""

from crm_lib.segments.clusters.choice import Clusters, choose_clusters
from crm_lib.segments.clusters.earlier_groupings import earlier_groupings
from crm_lib.segments.clusters.features import PreparedFeatures, behaviour, prepare_features
from crm_lib.segments.clusters.predictive_finding import finding_clusters_predict
from crm_lib.segments.clusters.predictive_value import (
    PredictiveValue,
    compare_groupings,
    predictive_value,
)
from crm_lib.segments.clusters.stability import adjusted_rand, jaccard, stability_verdict
from crm_lib.segments.clusters.structure import StructureCheck, check_structure
from crm_lib.segments.clusters.structure_finding import finding_structure
from crm_lib.segments.contributing.contributions import ROLES, contributions, referrals
from crm_lib.segments.contributing.contributors import Contributors, contributors, finding_contributors
from crm_lib.segments.contributing.influence import Influence, influence
from crm_lib.segments.contributing.referral_tree import ReferralTree, referral_tree
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
from crm_lib.segments.prospects.finding import finding_prospects
from crm_lib.segments.prospects.model import ProspectModel
from crm_lib.segments.prospects.principles import PrincipleCheck, prospect_principles
from crm_lib.segments.prospects.ranking import REASONS as PROSPECT_REASONS
from crm_lib.segments.prospects.ranking import ProspectRanking, rank_prospects
from crm_lib.segments.prospects.replay import validate_prospects
from crm_lib.segments.prospects.training import ProspectTraining, prospect_training
from crm_lib.segments.prospects.validation import ProspectValidation, prospect_groups
from crm_lib.segments.relations.check import KindsCheck, check_kinds, true_kinds
from crm_lib.segments.relations.fading import Fading, fading_customers, judge_fading
from crm_lib.segments.relations.kinds import (
    RELATIONAL_KINDS,
    RelationalKind,
    RelationalKinds,
    alike_customers,
    relational_kinds,
)
from crm_lib.segments.relations.mixture import RelationshipMixture
from crm_lib.segments.relations.silence_risk import SilenceRisk, silence_risk
from crm_lib.segments.relations.subsidy import KindValue, finding_subsidy, finding_transactional_value, value_by_kind
from crm_lib.segments.relations.switching import (
    SWITCHING_CLASSES,
    Switching,
    SwitchingClass,
    finding_looking_around,
    switching_classes,
)
from crm_lib.segments.rfm.definitions import FILE as DEFINITIONS_FILE
from crm_lib.segments.rfm.definitions import SegmentDefinitions, definitions_of, tier_value_of
from crm_lib.segments.rfm.follow_up import FollowUp, finding_champions, follow_up
from crm_lib.segments.rfm.in_engine import estimated, rfm_table
from crm_lib.segments.rfm.movement import Movement, fitting_windows, movement, movement_matrix
from crm_lib.segments.rfm.movement_finding import finding_movement
from crm_lib.segments.rfm.rules import Interval, Rule, Variable, apply_rules, check_rules
from crm_lib.segments.rfm.scores import RFM, rfm_scores
from crm_lib.segments.rfm.segment_rules import SEGMENT_RULES, SegmentRule, score_variables, segment, segment_rules
from crm_lib.segments.rfm.segmented import Segmented, segment_customers
from crm_lib.segments.rfm.sensitivity import Sensitivity, rfm_sensitivity
from crm_lib.segments.stages.agreement import stage_agreement, stage_by_rule, stages_beside_truth, true_stages
from crm_lib.segments.stages.decline_warning import DeclineWarning, compare_rules, decline_warning
from crm_lib.segments.stages.fit import fit_stages
from crm_lib.segments.stages.histories import stage_purchases
from crm_lib.segments.stages.life_cycle import LifeCycle, life_cycle
from crm_lib.segments.stages.parameters import STAGES, StageParameters
from crm_lib.segments.stages.simulation import SimulatedStages, simulate_stages
from crm_lib.segments.stages.sizes import STAGE_ACTIONS, stage_sizes
from crm_lib.segments.stages.transitions import StageTransitions, stage_transitions, time_in_stage
from crm_lib.segments.stages.warning_follow_up import WarningFollowUp, finding_decline, follow_up_warnings
from crm_lib.segments.stages.warning_truth import warning_against_truth, warnings_beside_truth
from crm_lib.segments.statistics.balance import Balance, marginal_homogeneity, net_changes
from crm_lib.segments.statistics.dip import dip, uniform_dips
from crm_lib.segments.statistics.effect_sizes import as_standardised, hedges_g, log_odds
from crm_lib.segments.statistics.proportions import goodman, newcombe, wilson
from crm_lib.segments.statistics.rate_ratios import mean_difference, rate_ratio, share_inside
from crm_lib.segments.statistics.reliability import Reliability, reliability
from crm_lib.segments.statistics.several_tests import benjamini_hochberg, holm
from crm_lib.segments.tables.behaviour import customer_behaviour
from crm_lib.segments.tables.customer_variables import variables_of
from crm_lib.segments.tables.customer_voice import (
    COMPLAINT_STATES,
    known_complaints,
    own_answers,
    own_brand_answers,
    window_complaints,
)
from crm_lib.segments.tables.group_means import group_means
from crm_lib.segments.tables.losses import finding_returns, losses, returns_by_group
from crm_lib.segments.tables.memberships import known_contracts
from crm_lib.segments.tables.profit_table import SMALLEST_GROUP, ProfitTable, dimension_label, profit_table
from crm_lib.segments.tables.serving_costs import known_serving_costs, serving_costs
from crm_lib.segments.tables.window import customer_window, value_of
from crm_lib.segments.value.concentration import Concentration, concentration, concentration_curve, gini, top_share
from crm_lib.segments.value.core_comparison import CORE, CoreComparison, compare_core
from crm_lib.segments.value.core_findings import finding_core_complaints, finding_core_settled
from crm_lib.segments.value.eighty_twenty import finding_80_20
from crm_lib.segments.value.tier_shares import tier_shares
from crm_lib.segments.value.tiers import TIER_SHARES, TIERS, Tiers, core_customers, value_tiers

__all__ = [
    "COMPLAINT_STATES",
    "CORE",
    "DEFINITIONS_FILE",
    "KOTLER_GRID",
    "PROSPECT_REASONS",
    "PURPOSES",
    "RELATIONAL_KINDS",
    "RELATIONSHIP_LEVELS",
    "RFM",
    "ROLES",
    "SEGMENT_RULES",
    "SMALLEST_GROUP",
    "STAGES",
    "STAGE_ACTIONS",
    "SWITCHING_CLASSES",
    "TIERS",
    "TIER_SHARES",
    "Balance",
    "Clusters",
    "Concentration",
    "Contributors",
    "CoreComparison",
    "Decisions",
    "DeclineWarning",
    "Fading",
    "FollowUp",
    "Influence",
    "Interval",
    "KindValue",
    "KindsCheck",
    "LifeCycle",
    "Movement",
    "PredictiveValue",
    "PreparedFeatures",
    "PrincipleCheck",
    "Profile5W1H",
    "Profiles",
    "ProfitTable",
    "ProspectModel",
    "ProspectRanking",
    "ProspectTraining",
    "ProspectValidation",
    "ReferralTree",
    "RelationalKind",
    "RelationalKinds",
    "RelationshipLevel",
    "RelationshipLevels",
    "RelationshipMixture",
    "Reliability",
    "Rule",
    "SegmentDefinitions",
    "SegmentRule",
    "Segmented",
    "Sensitivity",
    "SilenceRisk",
    "SimulatedStages",
    "StageParameters",
    "StageTransitions",
    "StructureCheck",
    "Switching",
    "SwitchingClass",
    "TargetEvidence",
    "TargetList",
    "TargetLists",
    "Tiers",
    "Variable",
    "WarningFollowUp",
    "adjusted_rand",
    "alike_customers",
    "apply_rules",
    "as_standardised",
    "behaviour",
    "benjamini_hochberg",
    "check_kinds",
    "check_rules",
    "check_structure",
    "choose_clusters",
    "compare_core",
    "compare_groupings",
    "compare_rules",
    "concentration",
    "concentration_curve",
    "contact_permission",
    "contributions",
    "contributors",
    "core_customers",
    "customer_behaviour",
    "customer_window",
    "decisions",
    "decline_warning",
    "definitions_of",
    "dimension_label",
    "dip",
    "earlier_groupings",
    "estimated",
    "fading_customers",
    "finding_80_20",
    "finding_basic",
    "finding_champions",
    "finding_clusters_predict",
    "finding_contributors",
    "finding_core_complaints",
    "finding_core_settled",
    "finding_decline",
    "finding_looking_around",
    "finding_movement",
    "finding_prospects",
    "finding_returns",
    "finding_structure",
    "finding_subsidy",
    "finding_transactional_value",
    "fit_stages",
    "fitting_windows",
    "five_w_one_h",
    "follow_up",
    "follow_up_warnings",
    "gini",
    "goodman",
    "group_means",
    "hedges_g",
    "holm",
    "influence",
    "jaccard",
    "judge_fading",
    "known_complaints",
    "known_contracts",
    "known_serving_costs",
    "life_cycle",
    "log_odds",
    "losses",
    "marginal_homogeneity",
    "may_contact",
    "mean_difference",
    "movement",
    "movement_matrix",
    "net_changes",
    "newcombe",
    "own_answers",
    "own_brand_answers",
    "predictive_value",
    "prepare_features",
    "profile_clusters",
    "profiles",
    "profit_table",
    "prospect_groups",
    "prospect_principles",
    "prospect_training",
    "rank_prospects",
    "rate_ratio",
    "referral_tree",
    "referrals",
    "relational_kinds",
    "relationship_levels",
    "reliability",
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
    "share_inside",
    "silence_risk",
    "simulate_stages",
    "stability_verdict",
    "stage_agreement",
    "stage_by_rule",
    "stage_purchases",
    "stage_sizes",
    "stage_transitions",
    "stages_beside_truth",
    "switching_classes",
    "target_evidence",
    "target_list",
    "target_lists",
    "tier_shares",
    "tier_value_of",
    "time_in_stage",
    "top_share",
    "true_kinds",
    "true_stages",
    "uniform_dips",
    "validate_prospects",
    "value_by_kind",
    "value_of",
    "value_tiers",
    "variables_of",
    "warning_against_truth",
    "warnings_beside_truth",
    "wilson",
    "window_before",
    "window_complaints",
]
