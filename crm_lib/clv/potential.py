"""What a customer could add: a stated rule about alike customers, not an estimate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib import language
from crm_lib.company import Company
from crm_lib.errors import MissingData

_BAND = "frequency band"
_USUAL = ("customer_group", "region")
NOT_KNOWN = "(not known)"
"""Group of customers of whom an attribute is missing."""


@dataclass(frozen=True, kw_only=True)
class PotentialRule:
    """How potential value is counted: the customer reaches what good customers of the same kind have reached.

    Two gaps are counted. Spend: how far the customer's expected spend per purchase lies below the `quantile` of alike
    customers. Categories: how many fewer categories the customer buys from than the `quantile` of alike customers; a
    further category is taken to bring `category_worth` of what one of the present ones brings. The share `closable` of
    both gaps can be closed, by the customers who are expected to go on buying as often as they do.

    Parameters
    ----------
    quantile : float
        Of alike customers, the one to be reached; 0.75 is the upper quartile.
    closable : float
        Share of the gaps that can be closed, 0 to 1.
    category_worth : float
        What a further category brings, as a share of the mean of the present ones; 0 leaves categories out.
    alike : tuple of str or None
        Columns of the company's ``customers`` in which alike customers agree, the most important first; None for
        those of ``customer_group`` and ``region`` that the company has. They also agree in how often they bought: 0, 1,
        2–3, 4–7, 8–15 … repeat purchases.
    smallest_group : int
        Fewer alike customers are too few to learn from: then the last column is dropped, and so on.

    Raises
    ------
    ValueError
        If a share lies outside its range.
    """

    quantile: float = 0.75
    closable: float = 0.5
    category_worth: float = 0.5
    alike: tuple[str, ...] | None = None
    smallest_group: int = 30

    def __post_init__(self) -> None:
        for name in ("quantile", "closable"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie between 0 and 1, not {getattr(self, name):g}")
        if not self.category_worth >= 0:
            raise ValueError(f"category_worth must not be negative, not {self.category_worth:g}")
        if self.smallest_group < 1:
            raise ValueError(f"smallest_group must be at least 1, not {self.smallest_group}")

    def columns(self, company: Company) -> tuple[str, ...]:
        """Return the columns of ``customers`` in which alike customers agree.

        Parameters
        ----------
        company : Company
            The company.

        Raises
        ------
        MissingData
            If a column asked for is absent.
        """
        if self.alike is None:
            return tuple(name for name in _USUAL if company.has("customers", name))
        absent = [name for name in self.alike if not company.has("customers", name)]
        if absent:
            raise MissingData("customers", absent)
        return self.alike

    @property
    def text(self) -> str:
        """The rule in words for a reader."""
        return language.text(
            "Potential value is an assumption, not an estimate: {closable} of the gap to the {quantile} quantile of "
            "alike customers is closed, in spend per purchase and in categories bought; a further category brings "
            "{worth} of what a present one does."
        ).format(
            closable=language.share(self.closable),
            quantile=language.share(self.quantile),
            worth=language.share(self.category_worth),
        )


def reachable_spend(
    summary: pd.DataFrame, expected_spend: pd.Series[float], attributes: pd.DataFrame, rule: PotentialRule
) -> pd.Series[float]:
    """Return how much more each customer could spend on a purchase.

    Parameters
    ----------
    summary : DataFrame (N rows)
        ``frequency`` and, where known, ``categories``.
    expected_spend : Series (N,)
        Expected spend of each customer on a purchase.
    attributes : DataFrame (N rows)
        In what alike customers agree beside frequency, the most important first.
    rule : PotentialRule
        The assumptions.

    Returns
    -------
    Series (N,)
        Further money per purchase, the closable share of both gaps.

    Examples
    --------
    >>> alike = pd.DataFrame({"frequency": [1] * 5})
    >>> spend = pd.Series([10.0, 20.0, 30.0, 40.0, 50.0])
    >>> rule = PotentialRule(smallest_group=5)
    >>> reachable_spend(alike, spend, alike[[]], rule).tolist()
    [15.0, 10.0, 5.0, 0.0, 0.0]
    """
    keys = _keys(summary["frequency"], attributes)
    goal = _quantile(expected_spend, keys, rule)
    gain = (goal - expected_spend).clip(lower=0)
    if "categories" in summary and rule.category_worth > 0:
        # Lines without a category count none; such a customer buys from at least one.
        bought = summary["categories"].clip(lower=1).astype(float)
        further = (_quantile(bought, keys, rule) - bought).clip(lower=0)
        gain = gain + expected_spend * rule.category_worth * further / bought
    return (rule.closable * gain).rename("reachable_spend")


def _keys(frequency: pd.Series[float], attributes: pd.DataFrame) -> pd.DataFrame:
    x = frequency.to_numpy(dtype=float)
    band = np.floor(np.log2(np.maximum(x, 0.5))).astype(int)
    keys = attributes.astype(object).where(attributes.notna(), NOT_KNOWN)
    keys.insert(0, _BAND, band)
    return keys


def _quantile(values: pd.Series[float], keys: pd.DataFrame, rule: PotentialRule) -> pd.Series[float]:
    """Return the quantile of each customer's group, by as many keys as leave the group large enough."""
    names = list(keys.columns)
    goal = pd.Series(float(values.quantile(rule.quantile)), index=values.index)
    for count in range(1, len(names) + 1):
        groups = values.groupby([keys[name] for name in names[:count]], sort=False)
        # Groups only shrink as keys are added, so that the finest that is large enough is written last.
        large = groups.transform("size") >= rule.smallest_group
        goal = goal.where(~large, _expanded(groups, rule.quantile, keys, names[:count]))
    return goal


def _expanded(groups: object, quantile: float, keys: pd.DataFrame, names: list[str]) -> pd.Series[float]:
    of_group = groups.quantile(quantile).rename("goal")  # type: ignore[attr-defined]
    joined = keys[names].join(of_group, on=names)
    return joined["goal"]
