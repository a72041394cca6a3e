"""Pictures and tables of results: every chart with its finding, its alternative text and the numbers behind it."""

from crm_lib.exhibit import CHART_MIME
from crm_lib.figures.chart import Chart
from crm_lib.figures.clusters import clusters_table, portrait_table, predictive_value_chart, structure_chart
from crm_lib.figures.company import facts, faults, monthly, monthly_chart
from crm_lib.figures.contributors import contributors_chart, contributors_table, influence_table, influencers_table
from crm_lib.figures.customer_value import (
    equity_table,
    equity_waterfall,
    model_value_table,
    top_customers_table,
    value_distribution_chart,
    value_truth_chart,
    year_table,
)
from crm_lib.figures.decisions import (
    decisions_table,
    relationship_grid,
    relationship_table,
    target_list_table,
    target_summary_table,
)
from crm_lib.figures.decline_warning import rates_table, warning_chart, warning_rates_table
from crm_lib.figures.forecasts import comparison_table, forecast_calibration_chart, frequency_chart, tracking_chart
from crm_lib.figures.profit import loss_cells, profit_cells, profit_chart, returns_chart
from crm_lib.figures.prospect_tables import (
    principles_table,
    prospect_rules_table,
    prospect_value_table,
    prospects_table,
)
from crm_lib.figures.prospects import prospect_calibration_chart, prospect_ranking_chart
from crm_lib.figures.purchase_models import alive_map, customer_history_chart, model_table, telling_customer
from crm_lib.figures.relation_tables import (
    kinds_check_table,
    kinds_evidence_table,
    relational_kinds_table,
    silence_test_table,
    switching_table,
)
from crm_lib.figures.relations import membership_chart, relational_kinds_chart, switching_chart
from crm_lib.figures.reliability import kinds_reliability_chart, reliability_chart, silence_reliability_chart
from crm_lib.figures.segment_movement import (
    flows_table,
    follow_up_table,
    movement_chart,
    movement_table,
    segment_change_table,
)
from crm_lib.figures.segments import (
    concentration_chart,
    core_chart,
    core_table,
    cut_points_table,
    handling_table,
    rfm_map,
    segments_table,
    sensitivity_table,
    stable_segments_table,
    tiers_chart,
    tiers_table,
)
from crm_lib.figures.spending import (
    acquisition_table,
    channel_value_chart,
    membership_table,
    plan_retention_chart,
    spending_limits_table,
)
from crm_lib.figures.stage_tables import (
    agreement_table,
    stage_parameters_table,
    stages_table,
    time_in_stage_table,
    warned_customers_table,
)
from crm_lib.figures.stages import stage_history_chart, stage_transitions_chart

__all__ = [
    "CHART_MIME",
    "Chart",
    "acquisition_table",
    "agreement_table",
    "alive_map",
    "channel_value_chart",
    "clusters_table",
    "comparison_table",
    "concentration_chart",
    "contributors_chart",
    "contributors_table",
    "core_chart",
    "core_table",
    "customer_history_chart",
    "cut_points_table",
    "decisions_table",
    "equity_table",
    "equity_waterfall",
    "facts",
    "faults",
    "flows_table",
    "follow_up_table",
    "forecast_calibration_chart",
    "frequency_chart",
    "handling_table",
    "influence_table",
    "influencers_table",
    "kinds_check_table",
    "kinds_evidence_table",
    "kinds_reliability_chart",
    "loss_cells",
    "membership_chart",
    "membership_table",
    "model_table",
    "model_value_table",
    "monthly",
    "monthly_chart",
    "movement_chart",
    "movement_table",
    "plan_retention_chart",
    "portrait_table",
    "predictive_value_chart",
    "principles_table",
    "profit_cells",
    "profit_chart",
    "prospect_calibration_chart",
    "prospect_ranking_chart",
    "prospect_rules_table",
    "prospect_value_table",
    "prospects_table",
    "rates_table",
    "relational_kinds_chart",
    "relational_kinds_table",
    "relationship_grid",
    "relationship_table",
    "reliability_chart",
    "returns_chart",
    "rfm_map",
    "segment_change_table",
    "segments_table",
    "sensitivity_table",
    "silence_reliability_chart",
    "silence_test_table",
    "spending_limits_table",
    "stable_segments_table",
    "stage_history_chart",
    "stage_parameters_table",
    "stage_transitions_chart",
    "stages_table",
    "structure_chart",
    "switching_chart",
    "switching_table",
    "target_list_table",
    "target_summary_table",
    "telling_customer",
    "tiers_chart",
    "tiers_table",
    "time_in_stage_table",
    "top_customers_table",
    "tracking_chart",
    "value_distribution_chart",
    "value_truth_chart",
    "warned_customers_table",
    "warning_chart",
    "warning_rates_table",
    "year_table",
]
