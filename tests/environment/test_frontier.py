"""The frontier: textbook cases, invariance to units, and a correction that comes nearer to the truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crm_lib import environment, figures
from crm_lib.environment.frontier import corrected, efficiency
from crm_lib.errors import CompanyError, MissingData, TooLittleData

# Cooper, Seiford & Tone 2007, Data Envelopment Analysis, tables 1.1 (stores: employees, sales) and 3.1 (two inputs).
STORES = np.array([2, 3, 3, 4, 5, 5, 6, 8.0])[:, None], np.array([1, 3, 2, 3, 4, 2, 3, 5.0])[:, None]
TWO = np.array([[4, 3], [7, 3], [8, 1], [4, 2], [2, 4], [10, 1.0]]), np.ones((6, 1))


def shares(x, y, **terms):
    return [efficiency(x, y, one, two, **terms)[0] for one, two in zip(x, y, strict=True)]


def test_the_eight_stores():
    # Constant returns: sales an employee over the best store's; variable: on the line between neighbouring stores.
    assert shares(*STORES, variable=False) == pytest.approx([0.5, 1, 2 / 3, 0.75, 0.8, 0.4, 0.5, 0.625])
    assert shares(*STORES) == pytest.approx([1, 1, 2.5 / 3, 0.75, 1, 0.5, 0.5, 1])


def test_two_inputs_their_peers_and_slack():
    assert shares(*TWO, variable=False) == pytest.approx([6 / 7, 12 / 19, 1, 1, 1, 1])
    _, mix, slack = efficiency(*TWO, TWO[0][0], TWO[1][0], variable=False)
    assert mix == pytest.approx([0, 0, 0, 5 / 7, 2 / 7, 0], abs=1e-6)
    assert slack == pytest.approx(np.zeros(3))
    # The last has no more of the second input than the third, and two units too many of the first.
    assert efficiency(*TWO, TWO[0][5], TWO[1][5], variable=False)[2] == pytest.approx([2, 0, 0], abs=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_efficiency_lies_in_its_bounds_and_does_not_hang_on_units(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.gamma(3, 1, (14, 2)), rng.gamma(3, 1, (14, 2))
    variable, constant = shares(x, y), shares(x, y, variable=False)
    assert all(0 < c <= v + 1e-9 and v <= 1 for c, v in zip(constant, variable, strict=True))
    assert shares(x * [1e-3, 1e6], y * [40.0, 1e-5]) == pytest.approx(variable, abs=1e-6)


def simulated(runs, seed, resamples):
    """Return coverage, and the errors of the plain and of the corrected efficiency of a unit of 0.8."""
    rng, inside, errors = np.random.default_rng(seed), 0, []
    for run in range(runs):
        y, theta = rng.uniform(1, 3, (40, 1)), np.exp(-np.abs(rng.normal(0, 0.3, 40)))
        theta[0], y[0] = 0.8, 2.0
        x = y**2 / theta[:, None]
        plain, better = efficiency(x, y, x[0], y[0])[0], corrected(x, y, 0, run, resamples)
        inside += better.low <= 0.8 <= better.high
        errors.append((plain - 0.8, better.value - 0.8))
    return inside / runs, np.array(errors)


def test_the_correction_comes_nearer_to_the_truth_than_plain_efficiency():
    _, errors = simulated(8, 2, 40)
    assert abs(errors[:, 1].mean()) < 0.8 * errors[:, 0].mean()


@pytest.mark.validate
def test_the_correction_holds_in_many_samples():
    inside, errors = simulated(150, 3, 200)
    assert abs(errors[:, 1].mean()) < 0.8 * errors[:, 0].mean()
    assert (errors[:, 1] ** 2).mean() < (errors[:, 0] ** 2).mean()
    assert inside >= 0.92


def measured(days=6, values=None):
    rng, rows = np.random.default_rng(1), []
    truth = {"Staff": (9, 3, 7), "Cost": (5, 6, 5), "Sales": (4, 4, 3)} if values is None else values
    for day in pd.date_range("2023-12-31", periods=days, freq="182D"):
        for measure, each in truth.items():
            output = measure == "Sales"
            rows += [(name, name == "we", measure, day.date(), value * rng.lognormal(0, 0.01),
                      "output" if output else "input", "higher" if output else "lower")
                     for name, value in zip(("we", "a", "b"), each, strict=True)]  # fmt: skip
    return pd.DataFrame(rows, columns=["brand", "own", "measure", "measured_at", "value", "kind", "better"])


ZERO = measured(values={"Staff": (9, 3, 7), "Sales": (4, 0, 3)})


def test_a_brand_is_measured_against_the_best_of_all_days(opened):
    found = environment.frontier(opened("2027-01-01", competitors=measured()))
    assert (found.inputs, found.outputs, found.units) == (("Staff", "Cost"), ("Sales",), 18)
    # As many sales by the other with a third of the staff, at 1.2 times the cost: no less than 5/6 to save.
    assert 0.75 < found.frame.loc["we", "variable"] <= 1
    assert found.own.high <= 1
    assert len(environment.finding_efficient(found).text.split()) <= 30
    assert "its means" in figures.frontier_chart(found).alt


def test_the_demos_frontier_takes_its_resources(demo):
    found = environment.frontier(demo, inputs=["Staff a million of revenue"], outputs=["Revenue a customer"])
    # Planted: the company earns most a customer but for the alliance, and the large rival has a third of its staff.
    assert found.frame.loc["Colossus Online", "variable"] > 0.9
    assert found.frame.loc["Lantern Books", "variable"] < 0.9
    assert {"Complaints", "Titles in stock"} <= set(found.left_out)


@pytest.mark.parametrize(
    ("frame", "terms", "error", "words"),
    [
        (measured(days=1), {}, TooLittleData, "3 measures needs 9 brands and days"),
        (measured(values={"Staff": (1, 2, 3)}), {}, MissingData, "an output to raise"),
        (ZERO, {"outputs": ["Sales"]}, CompanyError, "'Sales' of a on .* positive"),
        (ZERO, {}, MissingData, "an output to raise"),
        (measured(), {"inputs": ["Rent"]}, MissingData, "'Rent'"),
    ],
)
def test_what_gives_no_frontier_is_named(opened, frame, terms, error, words):
    with pytest.raises(error, match=words):
        environment.frontier(opened("2027-01-01", competitors=frame), **terms)
