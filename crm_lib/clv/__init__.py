"""What a customer is worth: models of buying, leaving and spending, and the money that follows from them."""

from crm_lib.clv.histories import Histories
from crm_lib.clv.model import ConvergenceWarning, Model
from crm_lib.clv.nbd import NBD
from crm_lib.clv.pareto_nbd import ParetoNBD
from crm_lib.clv.posterior import Posterior
from crm_lib.clv.priors import Priors
from crm_lib.clv.purchase_model import PurchaseModel

__all__ = ["NBD", "ConvergenceWarning", "Histories", "Model", "ParetoNBD", "Posterior", "Priors", "PurchaseModel"]
