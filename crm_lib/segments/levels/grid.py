"""Kotler's five levels of relationship, and which of them fits how many customers of what margin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Level = Literal["basic", "reactive", "accountable", "proactive", "partnership"]
Size = Literal["many", "medium", "few"]
Margin = Literal["high", "medium", "low"]
SIZES: tuple[Size, ...] = ("many", "medium", "few")
MARGINS: tuple[Margin, ...] = ("high", "medium", "low")


@dataclass(frozen=True)
class RelationshipLevel:
    """One level of relationship.

    Parameters
    ----------
    name : str
        What the level is called.
    contacts : float
        Contacts a customer and year that the company begins of itself, as a proposal.
    action : str
        What the company does after a sale.
    """

    name: Level
    contacts: float
    action: str


RELATIONSHIP_LEVELS: tuple[RelationshipLevel, ...] = (
    RelationshipLevel("basic", 0, "Sell and serve without contact afterwards; keep help cheap and easy to find."),
    RelationshipLevel("reactive", 0.5, "Ask customers to tell about problems and ideas, and answer every time."),
    RelationshipLevel("accountable", 2, "Ask soon after a purchase whether all is well, and mend what is not."),
    RelationshipLevel("proactive", 6, "Write or call from time to time with advice and news that fit the customer."),
    RelationshipLevel("partnership", 12, "Work with the customer all the time: one person in charge, joint plans."),
)
"""The levels, the least first."""

KOTLER_GRID: Mapping[tuple[Size, Margin], Level] = {
    ("many", "high"): "accountable",
    ("many", "medium"): "reactive",
    ("many", "low"): "basic",
    ("medium", "high"): "proactive",
    ("medium", "medium"): "accountable",
    ("medium", "low"): "reactive",
    ("few", "high"): "partnership",
    ("few", "medium"): "proactive",
    ("few", "low"): "accountable",
}
"""Which level fits how many customers (many, medium, few) and how much margin each (high, medium, low).

The corners are what the textbook says in words: a partnership with few customers of high margin, basic selling to very
many of low margin. Between them every step to fewer customers or more margin is one level up. Printings of Kotler's
figure differ about cells in between ("basic or reactive" for many of low margin): give a grid of your own where yours
does.

References: Kotler, P. Marketing Management, Prentice Hall (figure "Levels of relationship marketing", editions of the
1990s); textbook 4.3.2.
"""


def check_grid(grid: Mapping[tuple[Size, Margin], Level]) -> None:
    """Raise an error unless a grid names one level for each of the nine cells.

    Parameters
    ----------
    grid : mapping of (size, margin) to level
        The grid.

    Raises
    ------
    ValueError
        If a cell is missing, or a level or a cell unknown.
    """
    cells = {(size, margin) for size in SIZES for margin in MARGINS}
    names = [level.name for level in RELATIONSHIP_LEVELS]
    missing = sorted(map(str, cells - set(grid)))
    unknown = sorted(
        {str(cell) for cell in set(grid) - cells} | {level for level in grid.values() if level not in names}
    )
    if missing or unknown:
        raise ValueError(
            f"a grid names one of {', '.join(names)} for each number of customers ({', '.join(SIZES)}) and margin "
            f"({', '.join(MARGINS)}); missing: {', '.join(missing) or 'none'}, unknown: {', '.join(unknown) or 'none'}"
        )
