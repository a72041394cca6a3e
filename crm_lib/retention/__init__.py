"""Did keeping customers pay: cohorts, projection, what changed between two periods, money, and what caused it."""

from crm_lib.retention.bridge import Bridge, bridge, finding_net_retention
from crm_lib.retention.chosen import ChosenCampaigns, campaigns_beside_truth, chosen_campaigns
from crm_lib.retention.cohorts import Cohorts, cohort_groups, cohorts
from crm_lib.retention.design import Design, assign, design_experiment
from crm_lib.retention.economics import RetentionValue, finding_five_per_cent, retention_value
from crm_lib.retention.lives import Lives, LoyaltyChange, finding_loyalty_change, lives, loyalty_change
from crm_lib.retention.looks import DailyReading, day_by_day, false_alarm, look_bounds
from crm_lib.retention.projection import (
    Projection,
    contract_projections,
    finding_sorting,
    project,
    purchase_projection,
)
from crm_lib.retention.read_out import ReadOut, finding_campaigns, group_effects, read_out
from crm_lib.retention.scorecard import Scorecard, scorecard
from crm_lib.retention.staying import Staying, staying

__all__ = [
    "Bridge",
    "ChosenCampaigns",
    "Cohorts",
    "DailyReading",
    "Design",
    "Lives",
    "LoyaltyChange",
    "Projection",
    "ReadOut",
    "RetentionValue",
    "Scorecard",
    "Staying",
    "assign",
    "bridge",
    "campaigns_beside_truth",
    "chosen_campaigns",
    "cohort_groups",
    "cohorts",
    "contract_projections",
    "day_by_day",
    "design_experiment",
    "false_alarm",
    "finding_campaigns",
    "finding_five_per_cent",
    "finding_loyalty_change",
    "finding_net_retention",
    "finding_sorting",
    "group_effects",
    "lives",
    "look_bounds",
    "loyalty_change",
    "project",
    "purchase_projection",
    "read_out",
    "retention_value",
    "scorecard",
    "staying",
]
