"""What leaves for other systems: one row a customer with value and segment, and lists of whom to contact.

Names are imported when they are first used: who only reads kept scores need not wait for the analyses behind them.
"""

from importlib import import_module
from typing import Any

_MODULES = {"company_lists": "lists", "customer_scores": "scores", "write_lists": "lists", "write_scores": "targets"}
__all__ = ["company_lists", "customer_scores", "write_lists", "write_scores"]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
