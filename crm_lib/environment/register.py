"""The register, tested: each claim against its measure, with all claims in mind, and what was found before."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import false_discovery_control, norm

from crm_lib.clv.model import SEED
from crm_lib.company import Company
from crm_lib.environment.hypotheses import Hypothesis, hypotheses_of
from crm_lib.environment.measures import MEASURES, Workings
from crm_lib.errors import CompanyError, MissingData, TooLittleData
from crm_lib.estimate import LEVEL, Estimate
from crm_lib.finding import Criterion, Finding, Verdict
from crm_lib.language import say, text
from crm_lib.writing import replaced

RECORD: Final = "hypotheses.csv"
"""Name of the file, beside ``company.toml``, that keeps what was found on each day."""
PUBLISHED: Final = "register-results"
"""Name of the table by which a report carries them."""
_TINY: Final = 1e-300
COLUMNS: Final = ("as_of", "key", "measure", "at_least", "at_most", "value", "low", "high", "level", "n", "verdict")


@dataclass(frozen=True, kw_only=True, eq=False)
class Register:
    """Hypotheses and what the data say of them, as :func:`register` found it.

    `findings` by key, one a hypothesis tested; their intervals have the common `level`. `hypotheses` by key holds all,
    `left_out` why some could not be tested. `p_values` by key are of the claim's being decided by chance. `earlier` are
    the results of days before `as_of`, as the record has them.
    """

    hypotheses: Mapping[str, Hypothesis]
    findings: Mapping[str, Finding]
    left_out: Mapping[str, str]
    p_values: Mapping[str, float]
    level: float
    earlier: pd.DataFrame
    company: str
    as_of: dt.date

    def lines(self) -> Iterator[str]:
        """Yield what was found as plain lines of text, with the verdict of the last day before."""
        for key, each in self.findings.items():
            before = self.last_verdict(key)
            then = say(" ({verdict:words} on {day:date})", verdict=before[0], day=before[1]) if before else ""
            yield f"{text(each.verdict.value)}{then}: {text(self.hypotheses[key].claim)}"
            yield f"  {each.text} {text('What to do:')} {each.decision}"
        for key, why in self.left_out.items():
            yield say("not tested: {claim:words} ({why})", claim=self.hypotheses[key].claim, why=why)

    def last_verdict(self, key: str) -> tuple[str, dt.date, float] | None:
        """Return the verdict of the last day before this one, that day and the value; None where there was none."""
        rows = self.earlier[self.earlier["key"] == key]
        if rows.empty:
            return None
        last = rows.sort_values("as_of", kind="stable").iloc[-1]
        return str(last["verdict"]), last["as_of"], float(last["value"])

    def margin(self, key: str) -> float:
        """Return by how many half-widths of its interval a claim is met (missed: negative); NaN of what was counted."""
        one, stated = self.findings[key].estimate, self.hypotheses[key]
        if one.is_exact:
            return math.nan
        return _distance(one, stated.criterion, MEASURES[stated.measure].unit) / float(norm.ppf((1 + one.level) / 2))

    @property
    def results(self) -> pd.DataFrame:
        """What was found, a row a hypothesis tested, with the columns of the record."""
        rows = []
        for key, each in self.findings.items():
            stated, one = self.hypotheses[key], each.estimate
            rows.append((self.as_of, key, stated.measure, stated.at_least, stated.at_most, one.value, one.low, one.high,
                         one.level, one.n, each.verdict.value))  # fmt: skip
        return pd.DataFrame(rows, columns=list(COLUMNS))


def register(company: Company, *, seed: int = SEED) -> Register:
    """Test the hypotheses of a company's register, all in mind.

    What the data cannot answer is left out, with the reason; retired ones are not tested.

    Parameters
    ----------
    company : Company
        The company.
    seed : int
        Seed of the random numbers behind the intervals.

    Raises
    ------
    CompanyError
        If ``hypotheses.toml``, or the record of earlier results, cannot be read.
    TooLittleData
        If the data can answer none of them.

    Notes
    -----
    A claim is decided where the interval lies on one side of its threshold; the p-value is the smallest error rate at
    which it does. Benjamini & Hochberg (1995) find the number R decided of m at a false discovery rate of 5 %, and
    every interval then has the level 1 - 0.05 R / m (at least one R counts): on such intervals exactly those R are
    decided, and of the verdicts given at most 5 % are expected to be wrong (Benjamini & Yekutieli 2005, J. American
    Statistical Association 100, 71-81). What was counted, not estimated, is decided without chance.
    """
    stated, kept = {each.name: each for each in hypotheses_of(company)}, _record(company.folder)
    found, why = Workings(company, seed), {}
    estimates: dict[str, Estimate] = {}
    for key, each in stated.items():
        if each.status == "active":
            try:
                estimates[key] = MEASURES[each.measure].compute(found)
            except MissingData as error:
                why[key] = str(error)
    for key in [key for key, one in estimates.items() if math.isnan(one.value)]:
        why[key] = say("too few answers or customers; there are {n:count}", n=estimates.pop(key).n)
    if not estimates:
        raise TooLittleData(say("the data answer no claim of the register; it holds {n}", n=len(stated)))
    p_values = {
        key: deciding_p(one, stated[key].criterion, MEASURES[stated[key].measure].unit)
        for key, one in estimates.items() if not one.is_exact
    }  # fmt: skip
    level = common_level(list(p_values.values()))
    findings = {}
    for key, one in estimates.items():
        widened = one if one.is_exact else at_level(one, level, MEASURES[stated[key].measure].unit)
        findings[key] = _finding(stated[key], widened)
    return Register(
        hypotheses=stated, findings=findings, left_out=why, p_values=p_values, level=level,
        earlier=kept[kept["as_of"] < company.as_of], company=company.name, as_of=company.as_of,
    )  # fmt: skip


def deciding_p(estimate: Estimate, criterion: Criterion, unit: str) -> float:
    """Return the smallest error rate (1 - level) at which the interval decides the criterion."""
    return float(2 * norm.sf(abs(_distance(estimate, criterion, unit))))


def _distance(estimate: Estimate, criterion: Criterion, unit: str) -> float:
    """Return how far within the criterion an estimate lies, in standard errors; negative where it lies beyond."""
    scale, _ = _scale(estimate, unit)
    value, below, above = _spread(estimate, unit)
    low, high = scale(criterion.low), scale(criterion.high)
    from_low = (value - low) / (below if value >= low else above) if math.isfinite(low) else math.inf
    to_high = (high - value) / (above if value <= high else below) if math.isfinite(high) else math.inf
    return min(from_low, to_high)


def at_level(estimate: Estimate, level: float, unit: str) -> Estimate:
    """Return an estimate with its interval at another level, each side widened as a normal error would be."""
    _, back = _scale(estimate, unit)
    value, below, above = _spread(estimate, unit)
    z = float(norm.ppf((1 + level) / 2))
    low, high = back(value - z * below), back(value + z * above)
    return replace(estimate, low=min(low, estimate.value), high=max(high, estimate.value), level=level)


def common_level(p_values: Sequence[float]) -> float:
    """Return the level of all intervals of a register, by the number of hypotheses that can be decided."""
    if not p_values:
        return LEVEL
    decided = int((false_discovery_control(np.array(p_values)) <= 1 - LEVEL).sum())
    return 1 - (1 - LEVEL) * max(decided, 1) / len(p_values)


def _spread(estimate: Estimate, unit: str) -> tuple[float, float, float]:
    """Return value and standard errors downwards and upwards, on its scale."""
    scale, _ = _scale(estimate, unit)
    value, z = scale(estimate.value), float(norm.ppf((1 + estimate.level) / 2))
    errors = (value - scale(estimate.low)) / z, (scale(estimate.high) - value) / z
    return value, max(errors[0], _TINY), max(errors[1], _TINY)


def _scale(estimate: Estimate, unit: str) -> tuple[Callable[[float], float], Callable[[float], float]]:
    """Return the way to the scale on which errors are about normal, and back: logits for shares of a whole."""
    if unit == "share" and estimate.low > 0 and estimate.high < 1:
        return lambda x: float(logit(min(max(x, 0.0), 1.0))), lambda x: float(expit(x))
    return float, float


def _finding(stated: Hypothesis, estimate: Estimate) -> Finding:
    return Finding(
        key=f"environment.{stated.name}",
        claim="{claim:words}",
        source=stated.source,
        estimate=estimate,
        criterion=stated.criterion,
        sentence="{measure:words}: {estimate}; the claim needs {needed}.",
        if_supported="{if_true:words}",
        if_not_supported="{if_false:words}",
        if_undecided="Do not plan on it yet: the data cannot tell.",
        values={
            "claim": stated.claim, "measure": MEASURES[stated.measure].words, "needed": stated.needed,
            "if_true": stated.if_true, "if_false": stated.if_false,
        },
    )  # fmt: skip


def finding_register(found: Register) -> Finding:
    """Return whether most of what the company plans on holds, as far as the data decide."""
    verdicts = [each.verdict for each in found.findings.values()]
    held, failed = verdicts.count(Verdict.SUPPORTED), verdicts.count(Verdict.NOT_SUPPORTED)
    open_, left = len(verdicts) - held - failed, len(found.left_out)
    if not held + failed:
        raise TooLittleData(say("the data decide no claim; tested: {n}", n=len(verdicts)))
    return Finding(
        key="environment.register",
        claim="Most of the claims that we plan on hold in this company.",
        source="Textbook 4.2.2, stage 1: the 3C analysis ends in hypotheses",
        estimate=Estimate.exact(held / (held + failed), n=held + failed, unit="share"),
        criterion=Criterion(low=0.5),
        sentence="Claims that held: {held} of {tested} tested; failed: {failed}; open: {open}"
        + ("; not to be tested: {left}." if left else "."),
        if_supported="Carry the claims that hold into goals and strategy; change the plans that rest on the others.",
        if_not_supported="Do not plan by common wisdom: take the numbers measured here into goals and strategy.",
        if_undecided="",
        values={
            "tested": len(verdicts), "held": held, "failed": failed, "open": open_, "left": left,
        },
    )  # fmt: skip


def keep_results(results: Any, folder: Path) -> Path:
    """Write the results of a day (:attr:`Register.results`, or its rows) into the record of a company's folder.

    Those of the same day are replaced.
    """
    now = pd.DataFrame(results, columns=list(COLUMNS))
    file, kept = folder / RECORD, _record(folder)
    kept = kept[~kept["as_of"].astype(str).isin(now["as_of"].astype(str))]
    with replaced(file, private=False) as aside:
        pd.concat([each for each in (kept, now) if len(each)]).to_csv(aside, index=False, lineterminator="\n")
    return file


def _record(folder: Path) -> pd.DataFrame:
    """Return the record of earlier results; empty where there is none."""
    file = folder / RECORD
    if not file.is_file():
        return pd.DataFrame(columns=list(COLUMNS))
    try:
        frame = pd.read_csv(file)
        if absent := [name for name in COLUMNS if name not in frame]:
            raise ValueError(say("it lacks the columns {names}", names=", ".join(absent)))
        days = [dt.date.fromisoformat(day) for day in frame["as_of"]]
        if wrong := [verdict for verdict in frame["verdict"] if verdict not in set(Verdict)]:
            raise ValueError(say("'{verdict}' is no verdict", verdict=wrong[0]))
    except (ValueError, TypeError) as error:  # pandas' errors of reading are ValueErrors
        raise CompanyError(
            say("{file} cannot be read: {error}. Mend it or move it away; a new one is begun.", file=file, error=error)
        ) from None
    return frame[list(COLUMNS)].assign(as_of=days)
