"""CDNOW's estimates as published, to the printed digits.

2,357 customers, 39 weeks, time in days / 7. BG/NBD and Pareto/NBD: Fader, Hardie & Lee (2005), "Counting Your
Customers" the Easy Way, Marketing Science 24(2), 275-284, table 2 and, for the Pareto/NBD, Fader, Hardie & Lee (2005),
Journal of Marketing Research 42(4), 415-430. MBG/NBD: Batislam, Denizel & Filiztekin (2007), International Journal of
Research in Marketing 24(3), 201-209. Gamma-Gamma: Fader & Hardie (2013), The Gamma-Gamma Model of Monetary Value. All
are quoted to the printed digits; other published numbers on customer lifetime value are tested in test_cdnow.py (data),
test_clv_holdout.py (forecasts) and tests/clv/test_contracts.py (renewals).
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import lifetimes
import pandas as pd
import pytest

from crm_lib.clv import NBD
from crm_lib.clv.beta_geometric import BGNBD, MBGNBD
from crm_lib.clv.gamma_gamma import GammaGamma
from crm_lib.clv.model import Model
from crm_lib.clv.pareto_nbd import ParetoNBD
from tests.clv.cdnow import cdnow_summary

PUBLISHED = {
    BGNBD: ({"r": ".2426", "alpha": "4.4136", "a": ".7929", "b": "2.4259"}, "-9582.429"),
    ParetoNBD: ({"r": ".5533", "alpha": "10.578", "s": ".6062", "beta": "11.669"}, "-9594.976"),
    MBGNBD: ({"r": ".5248", "alpha": "6.183", "a": ".8914", "b": "1.614"}, "-9582.136"),
    NBD: ({"r": ".3848", "alpha": "12.072"}, "-9763.658"),
}
STANDARD_ERRORS = {
    BGNBD: {"r": ".0126", "alpha": ".378", "a": ".186", "b": ".705"},
    ParetoNBD: {"r": ".0476", "alpha": ".843", "s": ".187", "beta": "6.21"},
}


def _as_printed(value: float, printed: str) -> str:
    """The value with as many digits as the paper prints."""
    return str(Decimal(value).quantize(Decimal(printed)))


@pytest.fixture(scope="module", params=PUBLISHED, ids=lambda model: model.__name__)
def fitted(request: pytest.FixtureRequest) -> Model:
    return request.param().fit(cdnow_summary())


def test_estimates_and_likelihood_are_the_published_ones(fitted: Model) -> None:
    estimates, log_likelihood = PUBLISHED[type(fitted)]
    assert fitted.converged_
    assert list(fitted.params_.index) == list(estimates)
    for name, printed in estimates.items():
        assert _as_printed(fitted.params_[name], printed) == str(Decimal(printed)), name
    assert _as_printed(fitted.log_likelihood_, log_likelihood) == log_likelihood


@pytest.mark.parametrize("model", STANDARD_ERRORS)
def test_standard_errors_are_the_published_ones(model: type[Model]) -> None:
    errors = model().fit(cdnow_summary()).standard_errors_
    for name, printed in STANDARD_ERRORS[model].items():
        assert _as_printed(errors[name], printed) == str(Decimal(printed)), name


def test_spend_of_repeat_buyers_is_as_published() -> None:
    # The note used spend rounded to a hundredth, as in the file that ships with lifetimes.
    folder = Path(lifetimes.__file__).parent / "datasets"
    customers = pd.read_csv(folder / "cdnow_customers_summary_with_transactions.csv")
    model = GammaGamma().fit(customers.rename(columns={"x": "frequency", "zbar": "monetary_value"}))
    for name, printed in {"p": "6.25", "q": "3.74", "gamma": "15.45"}.items():
        assert _as_printed(model.params_[name], printed) == printed
    assert _as_printed(model.mean_spend(), "35.17") == "35.17"
    assert _as_printed(model.log_likelihood_, "-4055.92") == "-4055.92"
