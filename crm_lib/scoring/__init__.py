"""What leaves for other systems: one row a customer with value and segment, and lists of whom to contact.

Names are imported when they are first used: who only reads kept scores need not wait for the analyses behind them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crm_lib.scoring.kept import keep_scores, kept_scores
    from crm_lib.scoring.lists import company_lists, write_lists
    from crm_lib.scoring.scores import customer_scores
    from crm_lib.scoring.targets import check_target, write_scores

_MODULES = {
    "check_target": "targets",
    "company_lists": "lists",
    "customer_scores": "scores",
    "keep_scores": "kept",
    "kept_scores": "kept",
    "write_lists": "lists",
    "write_scores": "targets",
}
__all__ = [
    "check_target",
    "company_lists",
    "customer_scores",
    "keep_scores",
    "kept_scores",
    "write_lists",
    "write_scores",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
