"""Intervals and tests that the libraries lack, or that hold better for customers than theirs."""

from crm_lib.statistics.balance import Balance, marginal_homogeneity, net_changes
from crm_lib.statistics.dip import dip, uniform_dips
from crm_lib.statistics.proportions import benjamini_hochberg, holm, newcombe, wilson
from crm_lib.statistics.rate_ratios import mean_difference, rate_ratio, share_inside
from crm_lib.statistics.reliability import Reliability, compared_auc, reliability
from crm_lib.statistics.resampling import Floats, Statistic, grouped, studentised
from crm_lib.statistics.skewed_means import group_means, skewed_interval, skewed_p_value

__all__ = [
    "Balance",
    "Floats",
    "Reliability",
    "Statistic",
    "benjamini_hochberg",
    "compared_auc",
    "dip",
    "group_means",
    "grouped",
    "holm",
    "marginal_homogeneity",
    "mean_difference",
    "net_changes",
    "newcombe",
    "rate_ratio",
    "reliability",
    "share_inside",
    "skewed_interval",
    "skewed_p_value",
    "studentised",
    "uniform_dips",
    "wilson",
]
