"""How customers relate to the company: price or relation, life-cycle stage, risk, contributions, prospects."""

from crm_lib.relationships.contributing.contributions import ROLES, contributions, referrals
from crm_lib.relationships.contributing.contributors import Contributors, contributors, finding_contributors
from crm_lib.relationships.contributing.influence import Influence, influence
from crm_lib.relationships.contributing.referral_tree import ReferralTree, referral_tree
from crm_lib.relationships.prospects.finding import finding_prospects
from crm_lib.relationships.prospects.model import ProspectModel
from crm_lib.relationships.prospects.principles import PrincipleCheck, prospect_principles
from crm_lib.relationships.prospects.ranking import REASONS as PROSPECT_REASONS
from crm_lib.relationships.prospects.ranking import ProspectRanking, rank_prospects
from crm_lib.relationships.prospects.replay import validate_prospects
from crm_lib.relationships.prospects.training import ProspectTraining, prospect_training
from crm_lib.relationships.prospects.validation import ProspectValidation, prospect_groups
from crm_lib.relationships.relations.check import KindsCheck, check_kinds, true_kinds
from crm_lib.relationships.relations.fading import Fading, fading_customers, judge_fading
from crm_lib.relationships.relations.kinds import (
    RELATIONAL_KINDS,
    RelationalKind,
    RelationalKinds,
    alike_customers,
    relational_kinds,
)
from crm_lib.relationships.relations.mixture import RelationshipMixture
from crm_lib.relationships.relations.silence_risk import SilenceRisk, silence_risk
from crm_lib.relationships.relations.subsidy import (
    KindValue,
    finding_subsidy,
    finding_transactional_value,
    value_by_kind,
)
from crm_lib.relationships.relations.switching import (
    SWITCHING_CLASSES,
    Switching,
    SwitchingClass,
    finding_looking_around,
    switching_classes,
)
from crm_lib.relationships.stages.agreement import stage_agreement, stage_by_rule, stages_beside_truth, true_stages
from crm_lib.relationships.stages.decline_warning import DeclineWarning, compare_rules, decline_warning
from crm_lib.relationships.stages.fit import fit_stages
from crm_lib.relationships.stages.histories import stage_purchases
from crm_lib.relationships.stages.life_cycle import LifeCycle, life_cycle
from crm_lib.relationships.stages.parameters import STAGES, StageParameters
from crm_lib.relationships.stages.simulation import SimulatedStages, simulate_stages
from crm_lib.relationships.stages.sizes import STAGE_ACTIONS, stage_sizes
from crm_lib.relationships.stages.transitions import StageTransitions, stage_transitions, time_in_stage
from crm_lib.relationships.stages.warning_follow_up import WarningFollowUp, finding_decline, follow_up_warnings
from crm_lib.relationships.stages.warning_truth import warning_against_truth, warnings_beside_truth

__all__ = [
    "PROSPECT_REASONS",
    "RELATIONAL_KINDS",
    "ROLES",
    "STAGES",
    "STAGE_ACTIONS",
    "SWITCHING_CLASSES",
    "Contributors",
    "DeclineWarning",
    "Fading",
    "Influence",
    "KindValue",
    "KindsCheck",
    "LifeCycle",
    "PrincipleCheck",
    "ProspectModel",
    "ProspectRanking",
    "ProspectTraining",
    "ProspectValidation",
    "ReferralTree",
    "RelationalKind",
    "RelationalKinds",
    "RelationshipMixture",
    "SilenceRisk",
    "SimulatedStages",
    "StageParameters",
    "StageTransitions",
    "Switching",
    "SwitchingClass",
    "WarningFollowUp",
    "alike_customers",
    "check_kinds",
    "compare_rules",
    "contributions",
    "contributors",
    "decline_warning",
    "fading_customers",
    "finding_contributors",
    "finding_decline",
    "finding_looking_around",
    "finding_prospects",
    "finding_subsidy",
    "finding_transactional_value",
    "fit_stages",
    "follow_up_warnings",
    "influence",
    "judge_fading",
    "life_cycle",
    "prospect_groups",
    "prospect_principles",
    "prospect_training",
    "rank_prospects",
    "referral_tree",
    "referrals",
    "relational_kinds",
    "silence_risk",
    "simulate_stages",
    "stage_agreement",
    "stage_by_rule",
    "stage_purchases",
    "stage_sizes",
    "stage_transitions",
    "stages_beside_truth",
    "switching_classes",
    "time_in_stage",
    "true_kinds",
    "true_stages",
    "validate_prospects",
    "value_by_kind",
    "warning_against_truth",
    "warnings_beside_truth",
]
