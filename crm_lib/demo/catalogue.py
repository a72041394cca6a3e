"""What the shop sells: 600 titles in twelve categories of four departments."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crm_lib.demo.draws import Streams
from crm_lib.demo.names import words

CATEGORIES: Mapping[str, tuple[str, str]] = {
    "Crime and thrillers": ("Fiction", "{}"),
    "Literary fiction": ("Fiction", "{}: A Novel"),
    "Science fiction and fantasy": ("Fiction", "Chronicles of {}"),
    "History and politics": ("Non-fiction", "{}: A History"),
    "Cookery and home": ("Non-fiction", "The {} Kitchen"),
    "Travel and nature": ("Non-fiction", "Walks through {}"),
    "Picture books": ("Children and learning", "Goodnight, {}"),
    "Young readers": ("Children and learning", "The Secret of {}"),
    "School and study": ("Children and learning", "Revision Guide: {}"),
    "Stationery": ("Gifts and stationery", "Notebook “{}”"),
    "Gifts and games": ("Gifts and stationery", "Puzzle “{}”"),
    "Cards and calendars": ("Gifts and stationery", "Calendar “{}”"),
}
"""Department of each category, and how its titles are formed."""
MARGINS: Mapping[str, float] = {
    "Fiction": 0.41, "Non-fiction": 0.42, "Children and learning": 0.38, "Gifts and stationery": 0.54,
}  # fmt: skip
"""Margin of each department as a share of the price before discount."""
TASTES: Mapping[str, tuple[float, ...]] = {
    "novels": (26, 26, 18, 8, 4, 4, 2, 2, 1, 4, 3, 2),
    "family": (6, 6, 5, 3, 10, 4, 22, 20, 10, 5, 7, 2),
    "study": (6, 9, 10, 16, 2, 4, 1, 3, 32, 13, 2, 2),
    "home and travel": (10, 8, 3, 16, 26, 24, 2, 2, 1, 3, 2, 3),
    "gifts": (8, 6, 4, 5, 9, 5, 8, 4, 1, 14, 20, 16),
}
"""How often a customer of each main interest buys from each category, of a hundred."""
PER_CATEGORY = 50
FORMULA = "=cmd|' /C calc'!A1"
"""A title that a careless spreadsheet would run."""

_ADJECTIVES = words(
    "Quiet Silver Hidden Northern Borrowed Winter Paper Distant Golden Last Salt Crooked Amber Silent Fifth"
)
_NOUNS = words(
    "Harbour Garden Lantern Orchard River Island Letter Kingdom Staircase Meadow Tide Window Forest Road Sky"
)


def make_catalogue(streams: Streams) -> pd.DataFrame:
    """Return the products, sorted by category and price: `product_id`, `product`, `category`, `department`, `price`."""
    rng, names = streams("catalogue"), list(CATEGORIES)
    pairs = [f"{adjective} {noun}" for adjective in _ADJECTIVES for noun in _NOUNS]
    rows = []
    for category, (department, pattern) in CATEGORIES.items():
        prices = np.sort(np.exp(rng.uniform(np.log(3.5), np.log(48.0), PER_CATEGORY)).round(1) - 0.01)
        chosen = rng.choice(len(pairs), PER_CATEGORY, replace=False)
        rows += [
            (pattern.format(pairs[pair]), category, department, price)
            for pair, price in zip(chosen, prices, strict=True)
        ]
    products = pd.DataFrame(rows, columns=["product", "category", "department", "price"])
    number = rng.permutation(len(products)) + 1
    products.insert(0, "product_id", [f"P{i:04d}" for i in number])
    products.loc[names.index("Stationery") * PER_CATEGORY + PER_CATEGORY // 2, "product"] = FORMULA
    return products
