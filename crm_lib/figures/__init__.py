"""Pictures and tables of results: every chart with its finding, its alternative text and the numbers behind it."""

from crm_lib.exhibit import CHART_MIME as CHART_MIME
from crm_lib.figures.chart import Chart as Chart
from crm_lib.figures.churn import (
    causes_chart as causes_chart,
    churned_table as churned_table,
    escalation_chart as escalation_chart,
    hazard_chart as hazard_chart,
    incidence_chart as incidence_chart,
    list_profit_chart as list_profit_chart,
    reasons_chart as reasons_chart,
    risk_by_cause_table as risk_by_cause_table,
    risk_days_table as risk_days_table,
    risk_models_table as risk_models_table,
    value_at_risk_chart as value_at_risk_chart,
    window_chart as window_chart,
    window_rules_table as window_rules_table,
)
from crm_lib.figures.churn_offers import (
    policies_table as policies_table,
    uplift_chart as uplift_chart,
    winback_audit_table as winback_audit_table,
    winback_chart as winback_chart,
    winback_trial_chart as winback_trial_chart,
)
from crm_lib.figures.clusters import (
    clusters_table as clusters_table,
    portrait_table as portrait_table,
    predictive_value_chart as predictive_value_chart,
    structure_chart as structure_chart,
)
from crm_lib.figures.company import facts as facts, faults as faults, monthly as monthly, monthly_chart as monthly_chart
from crm_lib.figures.company_review import (
    channel_moves_chart as channel_moves_chart,
    circles_chart as circles_chart,
    data_readiness_table as data_readiness_table,
    personal_chart as personal_chart,
    readiness_areas_table as readiness_areas_table,
    readiness_chart as readiness_chart,
    register_chart as register_chart,
    register_table as register_table,
    swot_board as swot_board,
)
from crm_lib.figures.customer_value import (
    equity_table as equity_table,
    equity_waterfall as equity_waterfall,
    model_value_table as model_value_table,
    top_customers_table as top_customers_table,
    value_distribution_chart as value_distribution_chart,
    value_truth_chart as value_truth_chart,
    year_table as year_table,
)
from crm_lib.figures.decisions import (
    decisions_table as decisions_table,
    relationship_grid as relationship_grid,
    relationship_table as relationship_table,
    target_list_table as target_list_table,
    target_summary_table as target_summary_table,
)
from crm_lib.figures.environment import (
    benchmark_gaps_chart as benchmark_gaps_chart,
    best_practice_table as best_practice_table,
    brand_equity_chart as brand_equity_chart,
    competence_table as competence_table,
    competition_table as competition_table,
    frontier_chart as frontier_chart,
    perceptual_map_chart as perceptual_map_chart,
    switching_flows_chart as switching_flows_chart,
    switching_table as switching_table,
)
from crm_lib.figures.experiments import (
    campaign_truth_chart as campaign_truth_chart,
    chosen_chart as chosen_chart,
    day_by_day_chart as day_by_day_chart,
    design_chart as design_chart,
    group_effects_table as group_effects_table,
    looks_table as looks_table,
    scorecard_table as scorecard_table,
    staying_chart as staying_chart,
)
from crm_lib.figures.forecasts import (
    comparison_table as comparison_table,
    forecast_calibration_chart as forecast_calibration_chart,
    frequency_chart as frequency_chart,
    tracking_chart as tracking_chart,
)
from crm_lib.figures.profit import (
    loss_cells as loss_cells,
    profit_cells as profit_cells,
    profit_chart as profit_chart,
    returns_chart as returns_chart,
)
from crm_lib.figures.prospects import (
    contributors_chart as contributors_chart,
    influence_table as influence_table,
    influencers_table as influencers_table,
    principles_table as principles_table,
    prospect_calibration_chart as prospect_calibration_chart,
    prospect_ranking_chart as prospect_ranking_chart,
    prospect_rules_table as prospect_rules_table,
    prospects_table as prospects_table,
)
from crm_lib.figures.purchase_models import (
    alive_map as alive_map,
    customer_history_chart as customer_history_chart,
    model_table as model_table,
    telling_customer as telling_customer,
)
from crm_lib.figures.relations import (
    kind_value_chart as kind_value_chart,
    kinds_chart as kinds_chart,
    kinds_check_table as kinds_check_table,
    kinds_table as kinds_table,
    silence_chart as silence_chart,
    silence_test_table as silence_test_table,
    switching_chart as switching_chart,
)
from crm_lib.figures.retention import (
    bridge_chart as bridge_chart,
    campaigns_chart as campaigns_chart,
    cohort_chart as cohort_chart,
    cohort_curve_chart as cohort_curve_chart,
    cohort_groups_chart as cohort_groups_chart,
    elasticity_chart as elasticity_chart,
    keeping_costs_chart as keeping_costs_chart,
    loyalty_chart as loyalty_chart,
    loyalty_groups_table as loyalty_groups_table,
    projection_chart as projection_chart,
    retention_rates_table as retention_rates_table,
    retention_value_table as retention_value_table,
    sorting_chart as sorting_chart,
)
from crm_lib.figures.satisfaction import (
    care_table as care_table,
    care_times_chart as care_times_chart,
    core_measures_chart as core_measures_chart,
    dissatisfied_table as dissatisfied_table,
    drivers_chart as drivers_chart,
    false_loyalty_chart as false_loyalty_chart,
    gaps_chart as gaps_chart,
    importance_performance_map as importance_performance_map,
    kano_chart as kano_chart,
    layers_chart as layers_chart,
    loyalty_curve_chart as loyalty_curve_chart,
    loyalty_kinds_chart as loyalty_kinds_chart,
    measures_table as measures_table,
    needs_table as needs_table,
    own_costs_chart as own_costs_chart,
    path_chart as path_chart,
    ratings_chart as ratings_chart,
    recovery_chart as recovery_chart,
    reliability_table as reliability_table,
    response_table as response_table,
    shapes_table as shapes_table,
    value_map as value_map,
    waves_chart as waves_chart,
    word_of_mouth_chart as word_of_mouth_chart,
    word_of_mouth_sensitivity as word_of_mouth_sensitivity,
)
from crm_lib.figures.segment_movement import (
    flows_table as flows_table,
    follow_up_table as follow_up_table,
    movement_chart as movement_chart,
    movement_table as movement_table,
    segment_change_table as segment_change_table,
)
from crm_lib.figures.segments import (
    concentration_chart as concentration_chart,
    core_chart as core_chart,
    core_table as core_table,
    cut_points_table as cut_points_table,
    handling_table as handling_table,
    rfm_map as rfm_map,
    segments_table as segments_table,
    sensitivity_table as sensitivity_table,
    stable_segments_table as stable_segments_table,
    tiers_chart as tiers_chart,
    tiers_table as tiers_table,
)
from crm_lib.figures.spending import (
    acquisition_table as acquisition_table,
    channel_value_chart as channel_value_chart,
    membership_table as membership_table,
    plan_retention_chart as plan_retention_chart,
    spending_limits_table as spending_limits_table,
)
from crm_lib.figures.stages import (
    stage_moves_chart as stage_moves_chart,
    stages_chart as stages_chart,
    stages_check_table as stages_check_table,
    warned_table as warned_table,
    warning_check_table as warning_check_table,
    warning_table as warning_table,
)
