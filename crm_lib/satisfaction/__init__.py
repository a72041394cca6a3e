"""What customers think, and whether it keeps them.

Answers come with weights, and customers answer again: every interval respects both. Ratings run from 1 to 10. What goes
together in a survey is an association: that one thing causes another is told by a test with a control group only.
"""

from crm_lib.satisfaction.answers import Survey as Survey, survey as survey
from crm_lib.satisfaction.care import (
    Care as Care,
    Recovery as Recovery,
    WordOfMouth as WordOfMouth,
    care as care,
    finding_recovery as finding_recovery,
    finding_word_of_mouth as finding_word_of_mouth,
    own_costs as own_costs,
    recovery as recovery,
    word_of_mouth as word_of_mouth,
)
from crm_lib.satisfaction.delivered import (
    DeliveredValue as DeliveredValue,
    delivered_value as delivered_value,
    finding_delivered_value as finding_delivered_value,
)
from crm_lib.satisfaction.drivers import (
    Drivers as Drivers,
    Layers as Layers,
    finding_layers as finding_layers,
    key_drivers as key_drivers,
    layers as layers,
)
from crm_lib.satisfaction.kano import kano as kano, needs as needs
from crm_lib.satisfaction.loyalty import (
    Loyalty as Loyalty,
    LoyaltyCurve as LoyaltyCurve,
    finding_curve as finding_curve,
    finding_false_loyalty as finding_false_loyalty,
    loyalty_curve as loyalty_curve,
    loyalty_kinds as loyalty_kinds,
)
from crm_lib.satisfaction.measures import (
    CoreSatisfaction as CoreSatisfaction,
    Measures as Measures,
    Response as Response,
    core_satisfaction as core_satisfaction,
    finding_core_satisfaction as finding_core_satisfaction,
    measures as measures,
    response as response,
)
from crm_lib.satisfaction.path_model import PathModel as PathModel, path_model as path_model
