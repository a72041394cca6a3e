"""Numbers of papers and public data: the ECSI mobile phone survey, swiss, the ACSI, the NPS, and Kano's skis."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crm_lib.satisfaction import kano
from crm_lib.satisfaction.measures import index
from crm_lib.satisfaction.path_model import alpha, fit_blocks, htmt, path_coefficients
from crm_lib.satisfaction.weighting import estimated, explained, johnson, lmg
from tests.satisfaction.surveys import survey_of

ECSI = """
.38951040 .26259105 .13054095 .44500765 .29768750 .41389902 .42913535 .29538410 .33708856 .42708615 .24210176
.28604335 .21968501 .22285560 .25738881 .27657586 .20348159 .24910104 .30384912 .36401766 .32580338 .20913951
.30144396 .11748101 .24750301 .12044251 .21376288 .10718070 .47520663 .44857537 .29341495 .49428242 .45723941
.35556651 .25599173 .46205717 .31884896 .58712262 .11482815 .20496072 .27305762 .30395808 .16636716 .18341705
.50736065 .44865147 .28676134 .32550957 .55069930 .51227690 .37446625 .26793200 .25137556 .52379457 .34427292
.41543253 .36658959 .20260108 .34637866 .36314887 .26415496 .31219858 .23693836 .53165142 .46414016 .52144875
.37465750 .35205614 .33419013 .47537637 .53914609 .35367383 .28520926 .22415045 .51942040 .37861840 .57243638
.54597086 .50997531 .44786022 .23540422 .37853772 .37688974 .30308287 .32684026 .29733128 .57521797 .46736657
.49121761 .61808743 .49310394 .46933604 .23310164 .39430112 .52512112 .38755558 .35480999 .23361624 .27062290
.55972469 .37957377 .64252867 .45030851 .50953078 .50138699 .34521493 .22084831 .27523862 .34265252 .18740155
.26470744 .13570037 .24358714 .34442505 .20959227 .39749713 .33442619 .37211081 .34731044 .47183116 .38266828
.27953464 .34215158 .51644932 .30034588 .27712139 .18989038 .26112074 .50419356 .34346912 .46864410 .38832600
.47443141 .40428993 .54200365 .70014822 .45177293 .40581716 .21872153 .43971600 .44274779 .32466163 .36970817
.33171243 .60415903 .44160181 .45939014 .51788114 .42697961 .46203912 .49046952 .32872792 .42007700 .38077044
.27107283 .32036538 .43382487 .38740734 .29942242 .27028096 .25471633 .56619599 .36188325 .55144682 .50786076
.44004535 .47901852 .60719308 .38660662 .50712968 .53920093 .52794860 .36699131 .28706522 .49120677 .45076455
.30641564 .27949395 .22136646 .53590727 .42030242 .59136612 .47965968 .44147711 .43537495 .63865439 .48713563
.60465771 .48995231 .59235683 .42290735 .18811378 .20655309 .44011742 .33696942 .18308464 .22454748 .12579179
.38005325 .30038748 .47213378 .37895361 .38904865 .41801236 .46544002 .28741687 .35983718 .33381465 .41598141
.54746000 .23608388 .21832382 .25433776 .36874026 .39935089 .23329419 .24679564 .12577801 .35738708 .25342088
.31167642 .25928865 .30399905 .25238837 .33765731 .34828286 .40707676 .34329219 .35474093 .43170847 .23734161
.01657578 .01453740 .09172533 .15881402 .05795105 .02594082 .11567543 .05534489 .01774406 -.12820815 .13983713
.01605738 .06776197 .04107692 .12565991 .18431201 .08272760 .04353146 .08685431 .12950661 .12204119 .04648106
.37284181 .30871733 .27577542 .41363458 .46308664 .24573371 .29502367 .19989218 .47416526 .37130188 .47704961
.37708279 .35049924 .33922136 .42922609 .37888730 .51784282 .52093979 .49392088 .63023511 .44787346 .54169550
.10138916
"""
"""Correlations of the 24 items of 250 customers (R package plspm, data set mobi), the lower triangle by rows."""
SIZES = {"Image": 5, "Exp": 3, "Qual": 7, "Value": 2, "Sat": 3, "Complaints": 1, "Loy": 3}
LEADS = {1: [0], 2: [1], 3: [1, 2], 4: [0, 1, 2, 3], 5: [4], 6: [0, 4, 5]}
PATHS = {
    ("Image", "Exp"): 0.504914, ("Exp", "Qual"): 0.556749, ("Exp", "Value"): 0.049988, ("Qual", "Value"): 0.558304,
    ("Image", "Sat"): 0.178740, ("Exp", "Sat"): 0.062523, ("Qual", "Sat"): 0.512024, ("Value", "Sat"): 0.194765,
    ("Sat", "Complaints"): 0.528066, ("Image", "Loy"): 0.195755, ("Sat", "Loy"): 0.485478,
    ("Complaints", "Loy"): 0.066926,
}  # fmt: skip
"""Tenenhaus et al. (2005), CSDA 48, 159-205; Monecke & Leisch (2012), Journal of Statistical Software 48(3)."""
SWISS = """
-0.6865422086 -0.6395225189 0.6984152963 0.4010950530 -0.5727418061 -0.1538589171 -0.0608586084 -0.1140215965
-0.0993218458 0.1754959076 0.3530791836 -0.6458827065 -0.6637888570 0.4636847007 0.4165560314
"""
"""Correlations of Agriculture, Examination, Education, Catholic, Infant.Mortality and Fertility (R's swiss)."""


def matrix(text):
    values = [float(each) for each in text.split()]
    size = round((1 + np.sqrt(1 + 8 * len(values))) / 2)
    found = np.eye(size)
    lower = np.tril_indices(size, -1)
    found[lower] = values
    return found + np.tril(found, -1).T


@pytest.fixture(scope="module")
def model():
    ends = np.cumsum(list(SIZES.values()))
    blocks = [list(range(end - size, end)) for end, size in zip(ends, SIZES.values(), strict=True)]
    stack = matrix(ECSI)[None]
    return stack, blocks, fit_blocks(stack, blocks, LEADS)


def test_the_path_model_gives_the_published_paths(model):
    names = list(SIZES)
    found = path_coefficients(model[2].blocks, LEADS)[0]
    for (one, to), path in PATHS.items():
        assert found[names.index(to), names.index(one)] == pytest.approx(path, abs=6e-7)
    r2 = (found * model[2].blocks[0]).sum(axis=1)
    assert r2[[4, 6]] == pytest.approx([0.6811, 0.4569], abs=5e-5)


@pytest.mark.parametrize(
    ("block", "printed"), [(4, (0.7792, 0.7891, 0.8713, 0.6931)), (6, (0.4724, 0.7457, 0.7217, 0.5173))]
)
def test_reliabilities_are_the_published_ones(model, block, printed):
    stack, blocks, fit = model
    items = blocks[block]
    loading = fit.loadings[0, items]
    rho_c = loading.sum() ** 2 / (loading.sum() ** 2 + (1 - loading**2).sum())
    found = (float(alpha(stack[0][items][:, items])), fit.rho_a[0, block], rho_c, (loading**2).mean())
    assert found == pytest.approx(printed, abs=5e-5)


def test_satisfaction_and_loyalty_are_as_alike_as_published(model):
    stack, blocks, _ = model
    assert float(htmt(stack[0], blocks[4], blocks[6])) == pytest.approx(0.9566, abs=5e-5)


def test_shares_of_swiss_are_those_of_relaimpo():
    swiss = matrix(SWISS)
    shares = lmg(swiss, [[i] for i in range(5)])
    assert float(explained(swiss, range(5))) == pytest.approx(0.706735, abs=5e-7)
    assert shares == pytest.approx([0.057091, 0.171173, 0.260135, 0.105570, 0.112766], abs=5e-7)
    # Johnson's weights share out the same R² and put the drivers into nearly the same order.
    weights = johnson(swiss)
    assert weights.sum() == pytest.approx(shares.sum())
    assert weights == pytest.approx(shares, abs=0.02)


def test_the_index_of_the_acsi_and_the_interval_of_the_net_promoter_score():
    assert index(np.dot([8.0, 7.0, 6.5], [0.3885, 0.3190, 0.2925])) == pytest.approx(69.358, abs=5e-4)
    rows = pd.DataFrame({"weight": 1.0, "respondent": range(100)})
    found = estimated(rows, [1] * 50 + [0] * 30 + [-1] * 20, kind="balance")
    assert (100 * found.value, 100 * found.low, 100 * found.high) == pytest.approx((30, 14.05, 44.20), abs=5e-3)


@pytest.mark.parametrize(
    ("counts", "better", "worse", "kind"),
    [  # Matzler & Hinterhuber (1998), Technovation 18, 25-38: attractive, one-dimensional, must-be, indifferent, %
        ((7.0, 33.0, 50.0, 10.0), 0.40, -0.83, "must-be"),
        ((11.0, 46.0, 32.0, 11.0), 0.57, -0.78, "one-dimensional"),
        ((64.0, 24.0, 1.0, 11.0), 0.88, -0.25, "attractive"),
    ],
)
def test_kano_puts_the_features_of_skis_into_the_published_classes(counts, better, worse, kind):
    pairs = [("like", "neutral"), ("like", "dislike"), ("expect", "dislike"), ("neutral", "neutral")]
    said = [pair for pair, count in zip(pairs, counts, strict=True) for _ in range(int(10 * count))]
    found = kano(survey_of(pd.DataFrame(said, columns=["ski_with", "ski_without"]))).loc["ski"]
    assert (found["better"].value, found["worse"].value) == pytest.approx((better, worse), abs=5e-3)
    assert found["class"] == kind
