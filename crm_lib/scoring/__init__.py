"""What leaves for other systems: one row a customer with value and segment, and lists of whom to contact."""

from crm_lib.scoring.lists import company_lists, write_lists
from crm_lib.scoring.scores import customer_scores
from crm_lib.scoring.targets import check_target, write_scores

__all__ = ["check_target", "company_lists", "customer_scores", "write_lists", "write_scores"]
