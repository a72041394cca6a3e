"""The eight forms of chart: each draws a data frame, words it, and carries the table behind it."""

from crm_lib.figures.forms.cells import grid, heat
from crm_lib.figures.forms.flows import flows
from crm_lib.figures.forms.lines import areas, calibration, curve
from crm_lib.figures.forms.rows import bars, dots

__all__ = ["areas", "bars", "calibration", "curve", "dots", "flows", "grid", "heat"]
