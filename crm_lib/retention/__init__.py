"""Did keeping customers pay: cohorts, projection, what changed between two periods, money, and what caused it."""

from crm_lib.retention.bridge import Bridge, bridge, finding_net_retention
from crm_lib.retention.cohorts import Cohorts, cohorts
from crm_lib.retention.economics import RetentionValue, finding_five_per_cent, retention_value
from crm_lib.retention.lives import Lives, LoyaltyChange, finding_loyalty_change, lives, loyalty_change
from crm_lib.retention.projection import (
    Projection,
    contract_projections,
    finding_sorting,
    project,
    purchase_projection,
)
from crm_lib.retention.read_out import ReadOut, finding_campaigns, read_out

__all__ = [
    "Bridge",
    "Cohorts",
    "Lives",
    "LoyaltyChange",
    "Projection",
    "ReadOut",
    "RetentionValue",
    "bridge",
    "cohorts",
    "contract_projections",
    "finding_campaigns",
    "finding_five_per_cent",
    "finding_loyalty_change",
    "finding_net_retention",
    "finding_sorting",
    "lives",
    "loyalty_change",
    "project",
    "purchase_projection",
    "read_out",
    "retention_value",
]
