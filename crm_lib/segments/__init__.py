"""Who the customers are: concentration of value, RFM segments and the multi-dimensional profit table."""

from crm_lib.segments.balance import Balance, goodman, marginal_homogeneity, net_changes, symmetry, wilson
from crm_lib.segments.behaviour import customer_behaviour
from crm_lib.segments.cluster_features import PreparedFeatures, behaviour, prepare_features
from crm_lib.segments.cluster_stability import adjusted_rand, jaccard, stability_verdict
from crm_lib.segments.clusters import Clusters, choose_clusters
from crm_lib.segments.concentration import Concentration, concentration, concentration_curve, gini, top_share
from crm_lib.segments.contributions import ROLES, contributions, referrals
from crm_lib.segments.contributors import Contributors, contributors, finding_contributors
from crm_lib.segments.core_comparison import CORE, CoreComparison, compare_core
from crm_lib.segments.core_findings import finding_core_complaints, finding_core_settled
from crm_lib.segments.customer_variables import variables_of
from crm_lib.segments.customer_voice import own_answers, window_complaints
from crm_lib.segments.decisions import Decisions, decisions
from crm_lib.segments.decline_warning import DeclineWarning, compare_rules, decline_warning
from crm_lib.segments.definitions import FILE as DEFINITIONS_FILE
from crm_lib.segments.definitions import SegmentDefinitions, definitions_of, tier_value_of
from crm_lib.segments.dip import dip, uniform_dips
from crm_lib.segments.earlier_groupings import earlier_groupings
from crm_lib.segments.effect_sizes import as_standardised, benjamini_hochberg, hedges_g, log_odds
from crm_lib.segments.eighty_twenty import finding_80_20
from crm_lib.segments.fading import Fading, fading_customers, judge_fading
from crm_lib.segments.five_w_one_h import Profile5W1H, five_w_one_h
from crm_lib.segments.follow_up import FollowUp, finding_champions, follow_up
from crm_lib.segments.group_means import group_means
from crm_lib.segments.in_engine import estimated, rfm_table
from crm_lib.segments.influence import Influence, influence
from crm_lib.segments.life_cycle import LifeCycle, life_cycle
from crm_lib.segments.losses import finding_returns, losses, returns_by_group
from crm_lib.segments.movement import Movement, movement, movement_matrix
from crm_lib.segments.movement_finding import finding_movement
from crm_lib.segments.predictive_value import (
    PredictiveValue,
    compare_groupings,
    finding_clusters_predict,
    predictive_value,
)
from crm_lib.segments.profiles import Profiles, profile_clusters, profiles
from crm_lib.segments.profit_table import SMALLEST_GROUP, ProfitTable, dimension_label, profit_table
from crm_lib.segments.prospect_finding import finding_prospects
from crm_lib.segments.prospect_model import ProspectModel
from crm_lib.segments.prospect_principles import PrincipleCheck, prospect_principles
from crm_lib.segments.prospect_ranking import REASONS as PROSPECT_REASONS
from crm_lib.segments.prospect_ranking import ProspectRanking, rank_prospects
from crm_lib.segments.prospect_replay import validate_prospects
from crm_lib.segments.prospect_training import ProspectTraining, prospect_training
from crm_lib.segments.prospect_validation import ProspectValidation, prospect_groups
from crm_lib.segments.rate_ratios import mean_difference, rate_ratio, share_inside
from crm_lib.segments.referral_tree import ReferralTree, referral_tree
from crm_lib.segments.relational_kinds import (
    RELATIONAL_KINDS,
    RelationalKind,
    RelationalKinds,
    alike_customers,
    relational_kinds,
)
from crm_lib.segments.relationship_check import KindsCheck, check_kinds, true_kinds
from crm_lib.segments.relationship_finding import finding_basic
from crm_lib.segments.relationship_grid import KOTLER_GRID, RELATIONSHIP_LEVELS, RelationshipLevel
from crm_lib.segments.relationship_levels import RelationshipLevels, relationship_levels
from crm_lib.segments.relationship_type import RelationshipMixture
from crm_lib.segments.reliability import Reliability, reliability
from crm_lib.segments.rfm import RFM, rfm_scores
from crm_lib.segments.rfm_decisions import rfm_decisions, window_before
from crm_lib.segments.rfm_rules import SEGMENT_RULES, SegmentRule, score_variables, segment, segment_rules
from crm_lib.segments.rfm_sensitivity import Sensitivity, rfm_sensitivity
from crm_lib.segments.rules import Interval, Rule, Variable, apply_rules, check_rules
from crm_lib.segments.segmented import Segmented, segment_customers
from crm_lib.segments.serving_costs import known_serving_costs, serving_by_group, serving_costs
from crm_lib.segments.several_tests import holm
from crm_lib.segments.silence_risk import SilenceRisk, silence_risk
from crm_lib.segments.stage_agreement import stage_agreement, stage_by_rule, stages_beside_truth, true_stages
from crm_lib.segments.stage_fit import fit_stages
from crm_lib.segments.stage_histories import stage_purchases
from crm_lib.segments.stage_parameters import STAGES, StageParameters
from crm_lib.segments.stage_simulation import SimulatedStages, simulate_stages
from crm_lib.segments.stage_sizes import STAGE_ACTIONS, stage_sizes
from crm_lib.segments.stage_transitions import StageTransitions, stage_transitions, time_in_stage
from crm_lib.segments.structure import StructureCheck, check_structure, finding_structure
from crm_lib.segments.subsidy import KindValue, finding_subsidy, finding_transactional_value, value_by_kind
from crm_lib.segments.switching import (
    SWITCHING_CLASSES,
    Switching,
    SwitchingClass,
    finding_looking_around,
    switching_classes,
)
from crm_lib.segments.target_lists import (
    PURPOSES,
    TargetList,
    TargetLists,
    contact_permission,
    target_list,
    target_lists,
)
from crm_lib.segments.tier_shares import tier_shares
from crm_lib.segments.tiers import TIER_SHARES, TIERS, Tiers, core_customers, value_tiers
from crm_lib.segments.warning_follow_up import WarningFollowUp, finding_decline, follow_up_warnings
from crm_lib.segments.warning_truth import warning_against_truth
from crm_lib.segments.window import customer_window, value_of

__all__ = [
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
    "known_serving_costs",
    "life_cycle",
    "log_odds",
    "losses",
    "marginal_homogeneity",
    "mean_difference",
    "movement",
    "movement_matrix",
    "net_changes",
    "own_answers",
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
    "serving_by_group",
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
    "symmetry",
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
    "wilson",
    "window_before",
    "window_complaints",
]
