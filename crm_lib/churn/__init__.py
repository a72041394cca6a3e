"""Who leaves, why, and whom to win back: from silence to a budgeted list."""

from crm_lib.churn.causes import Causes, causes_of_leaving, finding_own_fault, known_departures
from crm_lib.churn.definition import Churned, churned
from crm_lib.churn.escalation import Escalation, escalation, finding_unanswered
from crm_lib.churn.inactivity import InactivityWindow, finding_window, inactivity_window
from crm_lib.churn.incidence import Incidence, cumulative_incidence
from crm_lib.churn.profit import MaximumProfit, RetentionList, expected_maximum_profit, finding_list, retention_list
from crm_lib.churn.risk import ChurnRisk, churn_risk, risk_reasons

__all__ = [
    "Causes",
    "ChurnRisk",
    "Churned",
    "Escalation",
    "InactivityWindow",
    "Incidence",
    "MaximumProfit",
    "RetentionList",
    "causes_of_leaving",
    "churn_risk",
    "churned",
    "cumulative_incidence",
    "escalation",
    "expected_maximum_profit",
    "finding_list",
    "finding_own_fault",
    "finding_unanswered",
    "finding_window",
    "inactivity_window",
    "known_departures",
    "retention_list",
    "risk_reasons",
]
