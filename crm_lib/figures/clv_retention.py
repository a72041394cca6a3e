"""How long contracts last: the share that survives each renewal, and what models expect of the next."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from crm_lib import language
from crm_lib.clv.contract_model import ContractModel
from crm_lib.clv.names import model_label
from crm_lib.clv.survivors import read_survivors
from crm_lib.exhibit import Kind, Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.style import INK, QUIET, SERIES, headline, new_axes, number_axis, share_axis

_FEWEST = 10
"""Contracts up for a renewal from which on the actual share is shown."""


def retention_chart(
    models: ContractModel | Sequence[ContractModel],
    contracts: pd.DataFrame,
    *,
    seen: int | None = None,
    until: int | None = None,
    level: float = 0.9,
    what: str = "",
) -> Chart:
    """Draw the share of contracts that remain after each renewal, as it was and as models have it.

    Parameters
    ----------
    models : ContractModel or sequence of ContractModel
        Fitted models; the first is drawn with its interval and speaks in the title.
    contracts : DataFrame
        The contracts as the models read them: counts of survivors, or one row a contract. They may go on longer than
        what the models have seen.
    seen : int, optional
        Last renewal that the models have seen; by default all that are in `contracts`.
    until : int, optional
        Last renewal drawn; by default half as many again as there are.
    level : float
        Coverage of the interval.
    what : str
        Which contracts these are, such as the name of a plan.

    Returns
    -------
    Chart
        Points for what was, lines for the models; what they have not seen is shaded.

    Raises
    ------
    ValueError
        If there is no model.
    """
    several = [models] if isinstance(models, ContractModel) else list(models)
    if not several:
        raise ValueError("there is no model to draw: give at least one fitted model of contracts")
    actual = _actual(contracts)
    last = int(actual.index[-1])
    known = last if seen is None else min(int(seen), last)
    end = max(last, -(-3 * last // 2)) if until is None else max(int(until), 1)
    frame = _table_frame(several, actual, end, level)
    axes = new_axes(3.9)
    labels = [model_label(model) for model in several]
    first = labels[0]
    axes.fill_between(frame.index, frame["low"], frame["high"], color=SERIES[0], alpha=0.2, linewidth=0)
    for place, label in enumerate(labels):
        colour = SERIES[place % len(SERIES)]
        axes.plot(frame.index, frame[label], color=colour, linestyle="-" if place == 0 else (0, (5, 2)), label=label)
    was = frame["actual"].dropna()
    axes.scatter(was.index, was, color=INK, s=26, zorder=4, label=language.text("actual"))
    if end > known:
        axes.axvspan(known, end, color=QUIET, alpha=0.09, linewidth=0)
        axes.annotate(
            language.text("not seen by the model"), (known, 1.0), xycoords=("data", "axes fraction"), xytext=(6, -4),
            textcoords="offset points", va="top", color=QUIET,
        )  # fmt: skip
    axes.set(xlim=(0, end), ylim=(0, 1.04))
    axes.legend(frameon=False, loc="lower left", labelcolor=QUIET)
    axes.set_xlabel(language.text("Renewals"))
    axes.set_title(language.text("Share of contracts that remain"), loc="left", fontsize=9.5, color=QUIET)
    share_axis(axes)
    number_axis(axes, which="x")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    places = {
        "model": first,
        "what": f"{what}: " if what else "",
        "end": language.number(end, 0),
        "renewals": language.plural("{n} renewal", "{n} renewals", last),
        "known": language.number(known, 0),
        "actual": language.share(float(was.iloc[-1])),
        "expected_last": language.share(float(frame[first].loc[last])),
        "expected": language.share(float(frame[first].iloc[-1])),
        "low": language.share(float(frame["low"].iloc[-1])),
        "high": language.share(float(frame["high"].iloc[-1])),
        "level": language.share(level),
    }
    title = "{what}{actual} of contracts remain after {renewals}; {expected_last} were expected"
    if known == last and end > last:
        title = "{what}{actual} of contracts remain after {renewals}; after {end}, about {expected}"
    name = "retention" + (f"_{re.sub(r'[^a-z0-9]+', '_', what.lower())}" if what else "")
    headline(axes, _capital(language.text(title).format(**places)))
    caption = language.text(
        "{what}share of contracts that remain after each renewal, actual, and expected by {models}; the shade is the "
        "{level} interval of {model}"
    )
    alt = language.text(
        "{what}falling curve of the share of contracts that remain over {end} renewals. After {renewals} {actual} "
        "remain and {model}, which has seen {known}, expects {expected_last}; after {end} it expects {expected}, "
        "between {low} and {high}."
    )
    caption = language.text(
        "{what}share of contracts that remain after each renewal, actual, and expected by {models}; the shade is the "
        "{level} interval of {model}"
    )
    alt = language.text(
        "{what}falling curve of the share of contracts that remain over {end} renewals. After {renewals} {actual} "
        "remain and {model}, which has seen {known}, expects {expected_last}; after {end} it expects {expected}, "
        "between {low} and {high}."
    )
    return Chart(
        name=name,
        title=_capital(caption.format(**places, models=", ".join(labels))),
        axes=axes,
        alt=_capital(alt.format(**places)),
        table=_table(frame, level, name),
    )


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _actual(contracts: pd.DataFrame) -> pd.Series[float]:
    """Return the Kaplan–Meier estimate of the share left after each renewal, where contracts were up for it."""
    counted = read_survivors(contracts)
    # A renewal that hardly anybody was up for tells nothing, and throws the curve about.
    enough = counted.at_risk >= min(_FEWEST, float(counted.at_risk[0]))
    length = len(enough) if enough.all() else max(int(np.argmin(enough)), 1)
    share = np.cumprod(1 - counted.losses[:length] / counted.at_risk[:length])
    return pd.Series(np.append(1.0, share), index=pd.RangeIndex(length + 1, name="renewal"), name="actual")


def _table_frame(models: list[ContractModel], actual: pd.Series[float], end: int, level: float) -> pd.DataFrame:
    renewals = np.arange(end + 1)
    frame = pd.DataFrame({"actual": actual.reindex(renewals)}, index=pd.Index(renewals, name="renewal"))
    for place, model in enumerate(models):
        answer = model.survival(renewals, interval="mean", level=level)
        assert isinstance(answer, pd.DataFrame)  # noqa: S101 (several periods with an interval)
        frame[model_label(model)] = answer["value"].to_numpy()
        if place == 0:
            frame["low"], frame["high"] = answer["low"].to_numpy(), answer["high"].to_numpy()
    return frame


def _table(frame: pd.DataFrame, level: float, name: str) -> Table:
    kinds: dict[str, Kind] = {"renewal": "count", **dict.fromkeys(frame.columns.astype(str), "share")}
    return Table(
        name=name,
        title="Share of contracts that remain after each renewal",
        frame=frame,
        kinds=kinds,
        labels={"low": "From", "high": "To", **{name: name for name in frame.columns if "/" in name or "-" in name}},
        note=language.text(
            "Actual is the Kaplan–Meier estimate, up to the last renewal that ten contracts were up for; the interval "
            "of the first model holds {level}."
        ).format(level=language.share(level)),
        rows_shown=40,
    )
