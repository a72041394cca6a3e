"""Intervals and tests that the libraries lack."""

from crm_lib.statistics.balance import Balance, marginal_homogeneity, net_changes
from crm_lib.statistics.dip import dip, uniform_dips
from crm_lib.statistics.effect_sizes import as_standardised, hedges_g, log_odds
from crm_lib.statistics.proportions import goodman, newcombe, wilson
from crm_lib.statistics.rate_ratios import mean_difference, rate_ratio, share_inside
from crm_lib.statistics.reliability import Reliability, reliability
from crm_lib.statistics.several_tests import benjamini_hochberg, holm

__all__ = [
    "Balance",
    "Reliability",
    "as_standardised",
    "benjamini_hochberg",
    "dip",
    "goodman",
    "hedges_g",
    "holm",
    "log_odds",
    "marginal_homogeneity",
    "mean_difference",
    "net_changes",
    "newcombe",
    "rate_ratio",
    "reliability",
    "share_inside",
    "uniform_dips",
    "wilson",
]
