"""Pictures and tables of results: every chart with its finding, its alternative text and the numbers behind it."""

from crm_lib.figures.chart import CHART_MIME, Chart
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
    "concentration_chart",
    "cut_points_table",
    "facts",
    "faults",
    "follow_up_table",
    "loss_cells",
    "monthly",
    "monthly_chart",
    "profit_cells",
    "profit_chart",
    "returns_chart",
    "rfm_map",
    "segments_table",
]
