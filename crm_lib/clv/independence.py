"""Whether what customers spend on a purchase depends on how often they buy, which the gamma-gamma model rules out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import betainc

from crm_lib import language
from crm_lib.clv.gamma_gamma import GammaGamma
from crm_lib.clv.histories import Array
from crm_lib.clv.spend_records import repeat_records
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Finding, Verdict

_FEWEST = 10


@dataclass(frozen=True, kw_only=True)
class SpendIndependence:
    """How spend and frequency go together, as :func:`spend_independence` measured it.

    Parameters
    ----------
    correlation : Estimate
        Rank correlation of frequency with spend, the spend seen against that of customers of the same frequency under
        independence. It is 0 if the two are independent.
    raw_correlation : Estimate
        Rank correlation of frequency with the mean spend itself, which is above 0 even under independence.
    ratio : Estimate
        Mean spend of heavy buyers over that of light ones; 1 under independence.
    light_to : int
        Light buyers have at most so many repeat purchases, heavy ones more.
    """

    correlation: Estimate
    raw_correlation: Estimate
    ratio: Estimate
    light_to: int


def spend_independence(
    summary: pd.DataFrame, *, spend: GammaGamma | None = None, level: float = 0.9
) -> SpendIndependence:
    """Measure whether spend per purchase goes with the number of purchases.

    The plain rank correlation misleads: values of purchases are skewed, so that the mean of one purchase lies below
    its expectation more often than the mean of many, and the correlation is positive although nothing depends on
    anything (0.08 in the demo company). Each customer's mean is therefore first turned into its place in the
    distribution that the gamma-gamma model gives to means of so many purchases; under independence that place has the
    same (uniform) distribution whatever the frequency.

    Parameters
    ----------
    summary : DataFrame (N rows)
        Columns ``frequency`` and ``monetary_value``; one row a customer.
    spend : GammaGamma, optional
        A model fitted to the summary; by default one is fitted.
    level : float
        Coverage of the intervals.

    Returns
    -------
    SpendIndependence
        Correlations and the ratio of heavy to light buyers.

    Raises
    ------
    TooLittleData
        If fewer than ten customers have repeat purchases, all spend the same, or all have the same number of them.
    ValueError
        If the summary is grouped: rows must be single customers.

    Notes
    -----
    With x repeat purchases of mean :math:`\\bar z`, :math:`x \\bar z / \\gamma` has a beta prime distribution with
    shapes :math:`p x` and :math:`q`. Intervals of correlations are Fisher's with the variance of Bonett and Wright;
    that of the ratio is normal on the log scale.

    References
    ----------
    Bonett, D. G., Wright, T. A. (2000). Sample Size Requirements for Estimating Pearson, Kendall and Spearman
    Correlations. Psychometrika 65(1), 23–28.
    """
    if "customers" in summary:
        raise ValueError("independence is measured customer by customer: give one row a customer, not groups")
    repeat_records(summary)  # raises where there is nothing to learn from
    used = summary[(summary["frequency"] > 0) & (summary["monetary_value"] > 0)]
    x, z = used["frequency"].to_numpy(dtype=float), used["monetary_value"].to_numpy(dtype=float)
    light_to = int(np.median(x))
    heavy = x > light_to
    if len(x) < _FEWEST or not heavy.any():
        raise TooLittleData(
            f"whether spend depends on frequency needs at least {_FEWEST} customers with repeat purchases, some of "
            f"them with more than others; there are {len(x)}"
        )
    model = GammaGamma().fit(summary) if spend is None else spend
    p, q, gamma = model.params_
    place = betainc(p * x, q, x * z / (gamma + x * z))
    return SpendIndependence(
        correlation=_rank_correlation(x, place, level),
        raw_correlation=_rank_correlation(x, z, level),
        ratio=_ratio_of_means(z[heavy], z[~heavy], level),
        light_to=light_to,
    )


def finding_spend_independence(measured: SpendIndependence, *, limit: float = 0.1) -> Finding:
    """Return the finding on whether spend may be modelled apart from frequency.

    Parameters
    ----------
    measured : SpendIndependence
        What :func:`spend_independence` measured.
    limit : float
        Spend counts as independent while the correlation lies between plus and minus this.

    Returns
    -------
    Finding
        On the correlation, with the ratio of heavy to light buyers and the raw correlation.
    """
    more = measured.correlation.value > 0
    apart = (
        "Heavy buyers also spend more each time: customers with few purchases are valued a little too high, and those "
        "won next as well. Value light and heavy buyers with models of their own, or read the totals as upper bounds."
        if more
        else "Heavy buyers spend less each time: customers with few purchases are valued a little too low. Value light "
        "and heavy buyers with models of their own, or read the totals as lower bounds."
    )
    decisions = {
        Verdict.SUPPORTED: "Multiply expected purchases by expected spend: the two may be modelled apart.",
        Verdict.NOT_SUPPORTED: apart,
        Verdict.UNDECIDED: (
            "Model the two apart for now, and check the value of light buyers against what they brought when a year "
            "more is known."
        ),
    }
    sentence = language.text(
        "The rank correlation of spend with frequency is {{estimate}}, where 0 is none; customers with more than "
        "{light} repeat purchases spend {{ratio}} times as much on a purchase as the others."
    ).format(light=language.number(measured.light_to, 0))
    return Finding(
        key="clv.spend_independence",
        claim="How much a customer spends on a purchase does not depend on how often the customer buys.",
        source="Assumption of the gamma-gamma model",
        estimate=measured.correlation,
        criterion=Criterion(low=-limit, high=limit),
        sentence=sentence,
        decisions=decisions,
        more={"ratio": measured.ratio, "raw_correlation": measured.raw_correlation},
    )


def _rank_correlation(x: Array, y: Array, level: float) -> Estimate:
    rho = float(stats.spearmanr(x, y).statistic)
    error = np.sqrt((1 + rho**2 / 2) / (len(x) - 3))
    reach = stats.norm.ppf((1 + level) / 2) * error
    centre = np.arctanh(np.clip(rho, -1 + 1e-12, 1 - 1e-12))
    low, high = np.tanh([centre - reach, centre + reach])
    return Estimate(
        value=rho,
        low=min(float(low), rho),
        high=max(float(high), rho),
        n=len(x),
        method="Spearman, Fisher's interval (Bonett & Wright)",
        level=level,
    )


def _ratio_of_means(above: Array, below: Array, level: float) -> Estimate:
    ratio = above.mean() / below.mean()
    squares = [
        np.var(part, ddof=1) / len(part) / part.mean() ** 2 if len(part) > 1 else np.inf for part in (above, below)
    ]
    reach = stats.norm.ppf((1 + level) / 2) * np.sqrt(sum(squares))
    return Estimate(
        value=float(ratio),
        low=float(ratio * np.exp(-reach)),
        high=float(ratio * np.exp(reach)),
        n=len(above) + len(below),
        method="ratio of means, normal on the log scale",
        level=level,
    )
