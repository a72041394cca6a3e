"""Who leaves, why, and whom to win back: from silence to a budgeted list."""

from crm_lib.churn.causes import (
    Causes as Causes,
    causes_of_leaving as causes_of_leaving,
    finding_own_fault as finding_own_fault,
)
from crm_lib.churn.definition import Churned as Churned, churned as churned
from crm_lib.churn.escalation import (
    Escalation as Escalation,
    escalation as escalation,
    finding_unanswered as finding_unanswered,
)
from crm_lib.churn.inactivity import (
    InactivityWindow as InactivityWindow,
    finding_window as finding_window,
    inactivity_window as inactivity_window,
)
from crm_lib.churn.incidence import Incidence as Incidence, cumulative_incidence as cumulative_incidence
from crm_lib.churn.profit import (
    RetentionList as RetentionList,
    expected_maximum_profit as expected_maximum_profit,
    finding_list as finding_list,
    retention_list as retention_list,
)
from crm_lib.churn.reasons import known_departures as known_departures
from crm_lib.churn.risk import ChurnRisk as ChurnRisk, churn_risk as churn_risk, risk_reasons as risk_reasons
from crm_lib.churn.uplift import Uplift as Uplift, finding_uplift as finding_uplift, uplift as uplift
from crm_lib.churn.winback import (
    WinBackPlan as WinBackPlan,
    WinBackTrial as WinBackTrial,
    finding_small as finding_small,
    finding_winback as finding_winback,
    winback_plan as winback_plan,
)
