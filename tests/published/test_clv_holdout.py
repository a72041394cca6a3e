"""CDNOW's holdout of 39 weeks as published, by the comparison of models.

Numbers: Fader, Hardie & Lee (2005), Marketing Science 24(2), 275-284 (Pareto/NBD and BG/NBD, their correlations, the
weekly tracking); Batislam, Denizel & Filiztekin (2007), International Journal of Research in Marketing 24, 201-209
(MBG/NBD on the same data).
"""

from __future__ import annotations

import pandas as pd
import pytest

from crm_lib.clv import BGNBD, MBGNBD, NBD, Comparison, ParetoNBD, compare_models
from tests.clv.cdnow import cdnow_purchases

WEEKS = 39


@pytest.fixture(scope="module")
def compared() -> Comparison:
    models = [NBD(), ParetoNBD(), BGNBD(), MBGNBD()]
    return compare_models(
        cdnow_purchases(), as_of="1998-06-30", horizon_days=7 * WEEKS, cut_offs=1, models=models, rivals=[]
    )


@pytest.mark.parametrize(
    ("model", "total", "mae", "rmse", "correlation"),
    [
        ("ParetoNBD", 1665.5, 0.7545, 1.603, 0.630),
        ("BGNBD", 1653.4, 0.7855, 1.608, 0.626),
        ("MBGNBD", 1576.7, 0.7648, None, None),
        ("NBD", 2929.8, 1.041, None, None),
    ],
)
def test_forecasts_and_errors_are_as_published(
    compared: Comparison, model: str, total: float, mae: float, rmse: float | None, correlation: float | None
) -> None:
    row: pd.Series = compared.scores.xs(model, level="model").iloc[0]
    assert (row["customers"], row["actual"]) == (2357, 1882)
    assert round(row["total"], 1) == total
    assert round(row["mae"], len(str(mae)) - 2) == mae
    if rmse is not None:
        assert round(row["rmse"], 3) == rmse
        assert round(row["correlation"], 3) == correlation


@pytest.mark.parametrize(("model", "cumulative"), [("ParetoNBD", 0.013), ("BGNBD", 0.025)])
def test_weekly_tracking_errs_as_published(compared: Comparison, model: str, cumulative: float) -> None:
    row = compared.scores.xs(model, level="model").iloc[0]
    assert round(row["weekly_error"], 3) == 0.194
    assert round(row["cumulative_error"], 3) == cumulative
    weeks = compared.tracking[model]
    assert len(weeks) == 2 * WEEKS
    assert weeks["is_holdout"].sum() == WEEKS
    assert weeks["cumulative_actual"].iloc[-1] == 2457 + 1882
