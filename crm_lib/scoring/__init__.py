"""One row a customer for other systems: value, probability of being a customer still, expected purchases, segment."""

from crm_lib.scoring.scores import customer_scores
from crm_lib.scoring.targets import check_target, write_scores

__all__ = ["check_target", "customer_scores", "write_scores"]
