"""What a customer could add: a stated rule about alike customers, not an estimate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib.company import Company
from crm_lib.language import say

_ALIKE = ("customer_group", "region")
"""Columns of ``customers`` in which alike customers agree, the most important first, as far as the company has them."""
_CATEGORY_WORTH = 0.5
"""What a further category brings, as a share of the mean of the present ones."""
_SMALLEST = 30
"""Fewer alike customers are too few to learn from: then the last column is dropped, and so on."""
NOT_KNOWN = "(not known)"
"""Group of customers of whom an attribute is missing."""


@dataclass(frozen=True, kw_only=True)
class PotentialRule:
    """How potential value is counted: the customer reaches what good customers of the same kind have reached.

    Two gaps are counted. Spend: how far the customer's expected spend per purchase lies below the `quantile` of alike
    customers. Categories: how many fewer categories the customer buys from than that quantile; a further one brings
    half of what a present one does. The share `closable` of both gaps can be closed, by the customers who are expected
    to go on buying as often as they do. Alike are customers of the same group and region who bought about as often: 0,
    1, 2–3, 4–7, 8–15 … repeat purchases.

    Parameters
    ----------
    quantile : float
        Of alike customers, the one to be reached; 0.75 is the upper quartile.
    closable : float
        Share of the gaps that can be closed, 0 to 1.
    """

    quantile: float = 0.75
    closable: float = 0.5

    def __post_init__(self) -> None:
        for name in ("quantile", "closable"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie between 0 and 1, not {getattr(self, name):g}")

    @property
    def text(self) -> str:
        """The rule in words for a reader."""
        return say(
            "Potential value is an assumption, not an estimate: customers close {closable:share} of the gap to the "
            "{quantile:share} quantile of similar customers, in spend per purchase and in categories bought.",
            closable=self.closable, quantile=self.quantile,
        )  # fmt: skip


def attributes(company: Company, index: pd.Index) -> pd.DataFrame:
    """Return in what alike customers agree, beside how often they bought."""
    columns = [name for name in _ALIKE if company.has("customers", name)]
    if not columns:
        return pd.DataFrame(index=index)
    frame = company.frame("customers", "customer_id", *columns)
    return frame.drop_duplicates("customer_id").set_index("customer_id").reindex(index)


def reachable_spend(
    summary: pd.DataFrame, expected_spend: pd.Series[float], alike: pd.DataFrame, rule: PotentialRule
) -> pd.Series[float]:
    """Return how much more each customer could spend on a purchase: the closable share of both gaps."""
    band = np.floor(np.log2(np.maximum(summary["frequency"].to_numpy(dtype=float), 0.5))).astype(int)
    # By place: looked up by name, pandas would make an object of each name.
    keys = alike.astype(object).where(alike.notna(), NOT_KNOWN).reset_index(drop=True)
    keys.insert(0, "band", band)
    expected_spend = expected_spend.reset_index(drop=True)
    gain = (_quantile(expected_spend, keys, rule) - expected_spend).clip(lower=0)
    if "categories" in summary:
        # Lines without a category count none; such a customer buys from at least one.
        bought = summary["categories"].clip(lower=1).astype(float).reset_index(drop=True)
        further = (_quantile(bought, keys, rule) - bought).clip(lower=0)
        gain = gain + expected_spend * _CATEGORY_WORTH * further / bought
    return (rule.closable * gain).rename("reachable_spend").set_axis(summary.index)


def _quantile(values: pd.Series[float], keys: pd.DataFrame, rule: PotentialRule) -> pd.Series[float]:
    """Return the quantile of each customer's group, by as many keys as leave the group large enough."""
    names = list(keys.columns)
    goal = pd.Series(float(values.quantile(rule.quantile)), index=values.index)
    for count in range(1, len(names) + 1):
        groups = values.groupby([keys[name] for name in names[:count]], sort=False)
        found = keys.join(groups.quantile(rule.quantile).rename("goal"), on=names[:count])["goal"]
        # Groups only shrink as keys are added, so that the finest that is large enough is written last.
        goal = goal.where(groups.transform("size") < _SMALLEST, found)
    return goal
