"""The efficiency frontier: with how much less the best practice among brands would reach the same (DEA)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.optimize import linprog

from crm_lib.company import Company
from crm_lib.environment.gaps import benchmarks
from crm_lib.errors import CompanyError, MissingData, NumericalError, TooLittleData
from crm_lib.estimate import LEVEL, Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.language import say
from crm_lib.statistics.resampling import Floats

_RESAMPLES: Final = 300
"""Each solves a linear program: a second in all."""
_TINY: Final = 1e-6


@dataclass(frozen=True, kw_only=True, eq=False)
class Frontier:
    """How efficient each brand is on its last day, against all brands on all days.

    `frame` by brand: ``variable`` and ``constant`` (efficiency under variable and constant returns to scale: the share
    of every input with which the best practice reaches the same outputs), ``peers`` (whose mix it is measured against).
    `slacks` by brand and measure: what could be saved or gained beyond that, in the measure's unit. `own` is the
    company's efficiency under variable returns, corrected for bias (Estimate). `left_out` are measures that are neither
    a means of which less is better nor an end of which more is.
    """

    frame: pd.DataFrame
    slacks: pd.DataFrame
    own: Estimate
    own_brand: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    left_out: tuple[str, ...]
    units: int
    as_of: dt.date


def frontier(company: Company, *, inputs: Sequence[str] = (), outputs: Sequence[str] = (), seed: int = 0) -> Frontier:
    """Hold each brand's means against its ends, by data envelopment analysis (Banker, Charnes & Cooper 1984).

    Each brand on each day is a unit of its own (window analysis): what was possible once counts as possible.

    Parameters
    ----------
    company : Company
        The company; needs ``competitors`` with ``own``, ``kind`` and ``better``.
    inputs, outputs : sequence of str
        Measures to take; by default the inputs of which less is better, and the outputs of which more is, where all
        values are positive.
    seed : int
        Of the resamples.

    Raises
    ------
    MissingData
        If there is no input or no output, or a measure named is not there.
    CompanyError
        If a value of a measure named is not positive; the error names it.
    TooLittleData
        If there are fewer than three units a measure (Cooper, Seiford & Tone 2007, 9.2): then nearly all are efficient.

    Notes
    -----
    Efficiency found in a sample is too high, as the best practice may be missing from it. `own` is corrected by a
    smoothed bootstrap (Simar & Wilson 1998, Management Science 44, 49-61): efficiencies are drawn from their reflected
    density, inputs moved accordingly, and the company measured against these. Units on the frontier are left out of the
    density (Simar & Wilson 2008), without which intervals hold in 70 of 100 samples of 24. It takes units for
    independent, which the days of one brand are not quite, and values for exact.
    """
    rows, brand = benchmarks(company, "kind", "better")
    about = rows.drop_duplicates("measure", keep="last").set_index("measure")
    # Nothing is a share of zero: of itself such a measure is left out, by name it is refused.
    positive = rows.groupby("measure")["value"].min().reindex(about.index) > 0
    fits = {"input": (about["better"] == "lower") & positive, "output": (about["better"] == "higher") & positive}
    sides: list[list[str]] = []
    for kind, named in (("input", inputs), ("output", outputs)):
        if absent := [name for name in named if name not in about.index]:
            raise MissingData("competitors", [f"measure ('{name}')" for name in absent])
        sides.append(list(named) or [str(name) for name in about.index[(about["kind"] == kind) & fits[kind]]])
    taken = [*sides[0], *sides[1]]
    if not sides[0] or not sides[1]:
        raise MissingData("competitors", ["measure (an input to spare, an output to raise)"])
    table = rows[rows["measure"].isin(taken)].pivot_table("value", ["brand", "measured_at"], "measure", aggfunc="last")
    table = table.reindex(columns=taken).dropna()
    bad: Any = table.where(table <= 0).stack().dropna()  # noqa: PD013 (cells by name)
    if len(bad):
        name, day, measure = bad.index[0]
        raise CompanyError(
            say("table 'competitors': '{measure}' of {brand} on {day:date} is {x}; a frontier needs positive numbers",
                measure=measure, brand=name, day=day, x=float(bad.iloc[0]))
        )  # fmt: skip
    least = 3 * len(taken)
    if len(table) < least or brand not in table.index:
        raise TooLittleData(
            say("a frontier of {k} measures needs {least} brands and days on which all are known, the own brand among "
                "them; there are {n}. Name fewer measures", k=len(taken), least=least, n=len(table)),
            table="competitors",
        )  # fmt: skip
    x, y = table[sides[0]].to_numpy(dtype=np.float64), table[sides[1]].to_numpy(dtype=np.float64)
    names = [f"{one} {day:%Y-%m}" for one, day in table.index]
    last = {str(one): int(np.flatnonzero(table.index.get_level_values(0) == one)[-1]) for one in table.index.unique(0)}
    found, spare = {}, {}
    for one, place in last.items():
        share, mix, slack = efficiency(x, y, x[place], y[place])
        peers = [names[peer] for peer in np.argsort(-mix) if mix[peer] > _TINY and peer != place]
        constant = efficiency(x, y, x[place], y[place], variable=False)[0]
        found[one] = {"variable": share, "constant": constant, "peers": ", ".join(peers[:3])}
        spare[one] = slack
    return Frontier(
        frame=pd.DataFrame.from_dict(found, orient="index").rename_axis("brand"),
        slacks=pd.DataFrame.from_dict(spare, orient="index", columns=taken).rename_axis("brand"),
        own=corrected(x, y, last[brand], seed), own_brand=brand, inputs=tuple(sides[0]), outputs=tuple(sides[1]),
        left_out=tuple(str(name) for name in about.index if name not in taken), units=len(table), as_of=company.as_of,
    )  # fmt: skip


def efficiency(x: Floats, y: Floats, x0: Floats, y0: Floats, *, variable: bool = True) -> tuple[float, Floats, Floats]:
    """Return the efficiency of a unit against others, the mix of its peers, and its slacks (inputs, then outputs)."""
    share, units = _radial(x, y, x0, y0, variable=variable), len(x)
    scale = np.concatenate([x.mean(axis=0), y.mean(axis=0)])
    # In units of their means: a solver's tolerance knows no pounds.
    m, s = x.shape[1], y.shape[1]
    x, y, x0, y0 = x / scale[:m], y / scale[m:], x0 / scale[:m], y0 / scale[m:]
    # The largest slacks that this share leaves.
    sums = np.concatenate([np.zeros(units), -np.ones(m + s)])
    balance = np.block([[x.T, np.eye(m), np.zeros((m, s))], [y.T, np.zeros((s, m)), -np.eye(s)]])
    goal = np.concatenate([share * x0 * (1 + 1e-9), y0])
    if variable:
        balance = np.vstack([balance, np.concatenate([np.ones(units), np.zeros(m + s)])])
        goal = np.append(goal, 1.0)
    best = _solved(sums, None, None, balance, goal).x
    slacks = np.where(best[units:] > _TINY, best[units:], 0.0) * scale
    return min(share, 1.0), best[:units], slacks


def _solved(cost: Floats, upper: Any, most: Any, equal: Any, goal: Any = 1.0) -> Any:
    result = linprog(cost, upper, most, equal, None if equal is None else np.atleast_1d(goal), method="highs")
    if result.status:
        raise NumericalError(say("the efficiency frontier could not be computed: {why}", why=result.message))
    return result


def corrected(x: Floats, y: Floats, place: int, seed: int, resamples: int = _RESAMPLES) -> Estimate:
    """Return a unit's efficiency under variable returns, corrected for bias, with its interval."""
    units, rng = len(x), np.random.default_rng(seed)
    theta = np.array([_radial(x, y, *each) for each in zip(x, y, strict=True)])
    theta[theta > 1 - _TINY] = 1.0
    # Units found on the frontier stand there because the sample made it: they would draw it too near.
    below = theta[theta < 1] if (theta < 1).sum() > 2 else theta
    reflected = np.concatenate([below, 2 - below])
    spread = min(reflected.std(ddof=1), (np.subtract(*np.quantile(reflected, [0.75, 0.25])) / 1.34) or np.inf)
    width = 0.9 * spread * reflected.size**-0.2
    again = np.empty(resamples)
    for draw in range(resamples):
        base = rng.choice(below, units)
        smooth = base + width * rng.standard_normal(units)
        smooth = np.where(smooth <= 1, smooth, 2 - smooth)
        if below.std() > 0:
            smooth = base.mean() + (smooth - base.mean()) / np.sqrt(1 + width**2 / below.var())
        moved = x * (theta / np.clip(smooth, _TINY, 1.0))[:, None]
        again[draw] = _radial(moved, y, x[place], y[place])
    away = again - theta[place]
    # Without errors of measurement nobody is more efficient than found: the upper end is certain, the lower one-sided.
    low = max(theta[place] - float(np.quantile(away, LEVEL)), 0.0)
    value = float(np.clip(theta[place] - np.median(away), low, theta[place]))
    return Estimate(value=value, low=low, high=max(value, float(theta[place])), n=units, unit="share",
                    method="data envelopment analysis, bias-corrected (Simar & Wilson)")  # fmt: skip


def _radial(x: Floats, y: Floats, x0: Floats, y0: Floats, *, variable: bool = True) -> float:
    """Return the least share of the inputs with which a mix of units makes at least the outputs."""
    upper = np.block([[-np.ones((x.shape[1], 1)), (x / x0).T], [np.zeros((y.shape[1], 1)), -(y / y0).T]])
    most = np.concatenate([np.zeros(x.shape[1]), -np.ones(y.shape[1])])
    equal = np.concatenate([[0.0], np.ones(len(x))])[None, :] if variable else None
    return float(_solved(np.eye(1, len(x) + 1)[0], upper, most, equal).x[0])


def finding_efficient(found: Frontier) -> Finding:
    """Return whether the company gets as much out of its means as the best practice would, within a tenth."""
    row: Any = found.frame.loc[found.own_brand]
    return Finding(
        key="environment.efficient",
        claim="The best practice among brands would need at least nine tenths of the company's means for the same.",
        source="Textbook 4.2.2, stage 1: benchmarking and best practice",
        estimate=found.own,
        criterion=Criterion(low=0.9),
        sentence="Best practice would reach what the company reaches with {estimate} of its means.",
        if_supported="What could be saved is small: use the means for what matters most to customers.",
        if_not_supported="Learn from {peers} how the same is reached with less.",
        if_undecided="Nothing decides here: add measures of what is spent and reached, or wait for further half-years.",
        values={"peers": row["peers"] or say("the leaders")},
    )  # fmt: skip
