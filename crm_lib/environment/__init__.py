"""Where the company stands: customers, competitors, company, ending in hypotheses that are tested."""

from crm_lib.environment.brand_equity import BrandEquity as BrandEquity, brand_equity as brand_equity
from crm_lib.environment.competence import Competence as Competence, core_competence as core_competence
from crm_lib.environment.competition import Competition as Competition, competition_levels as competition_levels
from crm_lib.environment.customers import (
    ChannelMoves as ChannelMoves,
    Circles as Circles,
    channel_moves as channel_moves,
    circles as circles,
    prefer_the_personal as prefer_the_personal,
)
from crm_lib.environment.data_readiness import (
    DataReadiness as DataReadiness,
    data_readiness as data_readiness,
    finding_data_readiness as finding_data_readiness,
)
from crm_lib.environment.frontier import (
    Frontier as Frontier,
    finding_efficient as finding_efficient,
    frontier as frontier,
)
from crm_lib.environment.gaps import (
    BestPractice as BestPractice,
    Gaps as Gaps,
    benchmark_gaps as benchmark_gaps,
    best_practice as best_practice,
    finding_leader as finding_leader,
)
from crm_lib.environment.hypotheses import (
    Hypothesis as Hypothesis,
    add_hypothesis as add_hypothesis,
    hypotheses_of as hypotheses_of,
    register_lines as register_lines,
)
from crm_lib.environment.measures import MEASURES as MEASURES, Measure as Measure
from crm_lib.environment.perceptual_map import (
    Correspondence as Correspondence,
    PerceptualMap as PerceptualMap,
    correspondence as correspondence,
    perceptual_map as perceptual_map,
)
from crm_lib.environment.readiness import (
    Readiness as Readiness,
    finding_readiness as finding_readiness,
    readiness as readiness,
)
from crm_lib.environment.register import (
    Register as Register,
    finding_register as finding_register,
    keep_results as keep_results,
    register as register,
)
from crm_lib.environment.switching import (
    Switching as Switching,
    brand_switching as brand_switching,
    finding_net_gain as finding_net_gain,
    finding_steady_share as finding_steady_share,
)
from crm_lib.environment.swot import Swot as Swot, swot as swot
