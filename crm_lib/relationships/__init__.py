"""How customers relate to the company: price or relation, life-cycle stage, risk, contributions, prospects."""

from crm_lib.relationships.contributors import Contributors, Influence, contributors, finding_contributors, influence
from crm_lib.relationships.kind_value import KindValue, finding_subsidy, finding_transactional_value, value_by_kind
from crm_lib.relationships.kinds import Kinds, check_kinds, customer_kinds
from crm_lib.relationships.life_cycle import STAGE_ACTIONS, STAGES, Stages, stages, stages_beside_truth
from crm_lib.relationships.prospect_data import ProspectData, prospect_data
from crm_lib.relationships.prospect_model import ProspectModel
from crm_lib.relationships.prospect_ranking import ProspectRanking, rank_prospects
from crm_lib.relationships.prospect_replay import ProspectReplay, finding_prospects, replay_prospects
from crm_lib.relationships.silence_risk import SilenceRisk
from crm_lib.relationships.switching import SWITCHING_ACTIONS, Switching, finding_looking_around, switching_classes
from crm_lib.relationships.warning import DeclineWarning, decline_warning, finding_decline, warning_beside_truth

__all__ = [
    "STAGES",
    "STAGE_ACTIONS",
    "SWITCHING_ACTIONS",
    "Contributors",
    "DeclineWarning",
    "Influence",
    "KindValue",
    "Kinds",
    "ProspectData",
    "ProspectModel",
    "ProspectRanking",
    "ProspectReplay",
    "SilenceRisk",
    "Stages",
    "Switching",
    "check_kinds",
    "contributors",
    "customer_kinds",
    "decline_warning",
    "finding_contributors",
    "finding_decline",
    "finding_looking_around",
    "finding_prospects",
    "finding_subsidy",
    "finding_transactional_value",
    "influence",
    "prospect_data",
    "rank_prospects",
    "replay_prospects",
    "stages",
    "stages_beside_truth",
    "switching_classes",
    "value_by_kind",
    "warning_beside_truth",
]
