"""What a customer is worth: models of buying, leaving and spending, and the money that follows from them."""

from crm_lib.clv.acquisition import Acquisition, acquisition_value, finding_channels_pay
from crm_lib.clv.beta_geometric import BGNBD, MBGNBD
from crm_lib.clv.comparison import Comparison, compare_models, finding_dropout, recommended_model
from crm_lib.clv.contract_model import ContractModel
from crm_lib.clv.contracts import BetaDiscreteWeibull, ShiftedBetaGeometric
from crm_lib.clv.equity import acquisition_cohorts, equity_by, spending_limits, value_by_model, value_by_year
from crm_lib.clv.gamma_gamma import GammaGamma
from crm_lib.clv.histories import Histories
from crm_lib.clv.independence import SpendIndependence, finding_spend_independence, spend_independence
from crm_lib.clv.memberships import MembershipValue, membership_value
from crm_lib.clv.model import ConvergenceWarning, Model
from crm_lib.clv.nbd import NBD
from crm_lib.clv.pareto_nbd import ParetoNBD
from crm_lib.clv.posterior import Posterior, PosteriorWarning
from crm_lib.clv.potential import PotentialRule
from crm_lib.clv.purchase_model import PurchaseModel
from crm_lib.clv.reach import require_long_history
from crm_lib.clv.retention_costs import RetentionCosts, finding_keeping_costs, retention_costs
from crm_lib.clv.truth import beside_truth
from crm_lib.clv.value import CustomerValue, customer_value

__all__ = [
    "BGNBD",
    "MBGNBD",
    "NBD",
    "Acquisition",
    "BetaDiscreteWeibull",
    "Comparison",
    "ContractModel",
    "ConvergenceWarning",
    "CustomerValue",
    "GammaGamma",
    "Histories",
    "MembershipValue",
    "Model",
    "ParetoNBD",
    "Posterior",
    "PosteriorWarning",
    "PotentialRule",
    "PurchaseModel",
    "RetentionCosts",
    "ShiftedBetaGeometric",
    "SpendIndependence",
    "acquisition_cohorts",
    "acquisition_value",
    "beside_truth",
    "compare_models",
    "customer_value",
    "equity_by",
    "finding_channels_pay",
    "finding_dropout",
    "finding_keeping_costs",
    "finding_spend_independence",
    "membership_value",
    "recommended_model",
    "require_long_history",
    "retention_costs",
    "spend_independence",
    "spending_limits",
    "value_by_model",
    "value_by_year",
]
