"""Whether what customers spend on a purchase depends on how often they buy, which the gamma-gamma model rules out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy
from scipy.special import betainc

from crm_lib.clv.gamma_gamma import GammaGamma
from crm_lib.clv.histories import Array
from crm_lib.errors import TooLittleData
from crm_lib.estimate import LEVEL, Estimate
from crm_lib.finding import Criterion, Finding

_FEWEST = 10
_LIMIT = 0.1
"""Spend counts as independent while the correlation lies between plus and minus this."""


@dataclass(frozen=True, kw_only=True)
class SpendIndependence:
    """Rank correlation of frequency with spend, 0 if independent, and mean spend of heavy over that of light buyers.

    The spend is seen against that of customers of the same frequency; light buyers have at most `light_to` repeats.
    """

    correlation: Estimate
    ratio: Estimate
    light_to: int


def spend_independence(summary: pd.DataFrame, spend: GammaGamma) -> SpendIndependence:
    """Measure whether spend per purchase goes with the number of purchases.

    The plain rank correlation misleads: values of purchases are skewed, so that the mean of one purchase lies below
    its expectation more often than the mean of many. Each customer's mean is therefore first turned into its place in
    the distribution that the gamma-gamma model gives to means of so many purchases; under independence that place is
    uniform whatever the frequency.

    Parameters
    ----------
    summary : DataFrame (N rows)
        Columns ``frequency`` and ``monetary_value``; one row a customer.
    spend : GammaGamma
        The model fitted to the summary.

    Returns
    -------
    SpendIndependence
        Correlation and the ratio of heavy to light buyers.

    Raises
    ------
    TooLittleData
        If fewer than ten customers have repeat purchases, or all have the same number of them.

    Notes
    -----
    With x repeat purchases of mean :math:`\\bar z`, :math:`x \\bar z / \\gamma` has a beta prime distribution with
    shapes :math:`p x` and :math:`q`. The interval of the correlation is Fisher's with the variance of Bonett and Wright
    (2000, Psychometrika 65, 23–28); that of the ratio is normal on the log scale.
    """
    used = summary[(summary["frequency"] > 0) & (summary["monetary_value"] > 0)]
    x, z = used["frequency"].to_numpy(dtype=float), used["monetary_value"].to_numpy(dtype=float)
    if len(x) < _FEWEST or np.ptp(x) == 0:
        raise TooLittleData(
            f"needs at least {_FEWEST} customers with repeat purchases, some with more than others; there are {len(x)}"
        )
    light_to = int(np.median(x)) if (x > np.median(x)).any() else int(x.min())
    p, q, gamma = spend.params_
    return SpendIndependence(
        correlation=_rank_correlation(x, betainc(p * x, q, x * z / (gamma + x * z))),
        ratio=_ratio_of_means(z[x > light_to], z[x <= light_to]),
        light_to=light_to,
    )


def finding_spend_independence(measured: SpendIndependence) -> Finding:
    """Return the finding on whether spend may be modelled apart from frequency."""
    heavier = (
        "Heavy buyers also spend more each time, so light and new customers are valued a little too high: read totals "
        "as upper bounds."
    )
    lighter = (
        "Heavy buyers spend less each time, so light and new customers are valued a little too low: read totals as "
        "lower bounds."
    )
    return Finding(
        key="clv.spend_independence",
        claim="How much a customer spends on a purchase does not depend on how often the customer buys.",
        source="Assumption of the gamma-gamma model",
        estimate=measured.correlation,
        criterion=Criterion(low=-_LIMIT, high=_LIMIT),
        sentence="The rank correlation of spend with frequency is {estimate}; customers with more than {light} repeat "
        "purchases spend {ratio} times as much each time.",
        if_supported="Multiply expected purchases by expected spend: the two may be modelled apart.",
        if_not_supported=heavier if measured.correlation.value > 0 else lighter,
        if_undecided="Model the two apart for now, and check the value of light buyers when another year is known.",
        values={"ratio": measured.ratio, "light": measured.light_to},
    )  # fmt: skip


def _rank_correlation(x: Array, y: Array) -> Estimate:
    rho = float(scipy.stats.spearmanr(x, y).statistic)
    reach = scipy.stats.norm.ppf((1 + LEVEL) / 2) * np.sqrt((1 + rho**2 / 2) / (len(x) - 3))
    centre = np.arctanh(np.clip(rho, -1 + 1e-12, 1 - 1e-12))
    low, high = np.tanh([centre - reach, centre + reach])
    return Estimate(
        value=rho, low=min(float(low), rho), high=max(float(high), rho), n=len(x),
        method="Spearman, Fisher's interval (Bonett & Wright)",
    )  # fmt: skip


def _ratio_of_means(above: Array, below: Array) -> Estimate:
    ratio = above.mean() / below.mean()
    squares = [
        np.var(part, ddof=1) / len(part) / part.mean() ** 2 if len(part) > 1 else np.inf for part in (above, below)
    ]
    reach = scipy.stats.norm.ppf((1 + LEVEL) / 2) * np.sqrt(sum(squares))
    return Estimate(
        value=float(ratio), low=float(ratio * np.exp(-reach)), high=float(ratio * np.exp(reach)),
        n=len(above) + len(below), method="ratio of means, normal on the log scale",
    )  # fmt: skip
