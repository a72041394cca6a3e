"""Pictures and tables of results: every chart with its finding, its alternative text and the numbers behind it."""

from crm_lib.figures.chart import CHART_MIME, Chart
from crm_lib.figures.clv_acquisition import acquisition_table, channel_value_chart
from crm_lib.figures.clv_agreement import calibration_chart, truth_chart
from crm_lib.figures.clv_comparison import comparison_table, remarks_table
from crm_lib.figures.clv_conditional import conditional_expectation_chart
from crm_lib.figures.clv_distribution import top_customers_table, value_distribution_chart
from crm_lib.figures.clv_equity import equity_table, equity_waterfall
from crm_lib.figures.clv_history import customer_history_chart
from crm_lib.figures.clv_horizons import horizon_table
from crm_lib.figures.clv_limits import spending_limits_table
from crm_lib.figures.clv_map import frequency_recency_map
from crm_lib.figures.clv_membership import membership_table, plan_retention_chart
from crm_lib.figures.clv_model import model_table, posterior_table
from crm_lib.figures.clv_model_choice import model_choice_table
from crm_lib.figures.clv_retention import retention_chart
from crm_lib.figures.clv_tracking import tracking_chart
from crm_lib.figures.company import facts, faults, monthly, monthly_chart
from crm_lib.figures.profit import profit_chart, returns_chart
from crm_lib.figures.segment_tables import (
    cut_points_table,
    follow_up_table,
    loss_cells,
    profit_cells,
    segments_table,
)
from crm_lib.figures.segments import concentration_chart, rfm_map

__all__ = [
    "CHART_MIME",
    "Chart",
    "acquisition_table",
    "calibration_chart",
    "channel_value_chart",
    "comparison_table",
    "concentration_chart",
    "conditional_expectation_chart",
    "customer_history_chart",
    "cut_points_table",
    "equity_table",
    "equity_waterfall",
    "facts",
    "faults",
    "follow_up_table",
    "frequency_recency_map",
    "horizon_table",
    "loss_cells",
    "membership_table",
    "model_choice_table",
    "model_table",
    "monthly",
    "monthly_chart",
    "plan_retention_chart",
    "posterior_table",
    "profit_cells",
    "profit_chart",
    "remarks_table",
    "retention_chart",
    "returns_chart",
    "rfm_map",
    "segments_table",
    "spending_limits_table",
    "top_customers_table",
    "tracking_chart",
    "truth_chart",
    "value_distribution_chart",
]
