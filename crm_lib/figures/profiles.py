"""The profile heat map: what distinguishes each group, and what does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap

from crm_lib import language
from crm_lib.exhibit import Kind, Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.style import INK, QUIET, headline, new_axes
from crm_lib.segments import Profiles

_DIVERGING = LinearSegmentedColormap.from_list("orange_blue", ["#b34700", "#f0b48a", "#f6f6f4", "#8fbfe0", "#005a94"])
_FULL = 0.8
"""Effect at which the colour is full: a large one by Cohen's convention."""
_LETTERS = 60
"""Letters that fit above the map on one line."""

_KINDS: dict[str, Kind] = {
    "group": "text", "inside": "number", "outside": "number", "n_inside": "count", "effect": "number", "low": "number",
    "high": "number", "q_value": "number", "differs": "text",
}  # fmt: skip


def profile_chart(found: Profiles, *, name: str = "profiles", most: int = 16) -> Chart:
    """Draw how far each group differs from the rest on each variable, in standard deviations.

    Parameters
    ----------
    found : Profiles
        The comparisons.
    name : str
        Short name, unique in the notebook.
    most : int
        Variables drawn, those with the largest differences; the table has all.

    Returns
    -------
    Chart
        A map of variables by groups: only differences that passed are coloured; all numbers are written.
    """
    frame = found.frame.assign(
        what=[_words(v, c) for v, c in zip(found.frame["variable"], found.frame["category"], strict=True)]
    )
    passed = frame.loc[frame["differs"], "effect"].abs().groupby(frame["what"]).max()
    largest = frame["effect"].abs().groupby(frame["what"]).max()
    # Without any difference that passed the map still shows how small they all are.
    shown = (passed if len(passed) else largest).sort_values(ascending=False, kind="stable").index[:most]
    effects = frame.pivot_table(index="what", columns="group", values="effect", sort=False, aggfunc="first")
    differs = frame.pivot_table(index="what", columns="group", values="differs", sort=False, aggfunc="first")
    effects, differs = (part.reindex(index=shown, columns=list(found.groups)) for part in (effects, differs))
    numbers = effects.to_numpy(dtype=np.float64)
    holds = differs.fillna(False).to_numpy(dtype=bool)
    axes = new_axes(2.0 + 0.33 * len(shown))
    colours = np.where(holds, numbers, np.nan)
    x, y = np.arange(len(found.groups) + 1) - 0.5, np.arange(len(shown) + 1) - 0.5
    axes.pcolormesh(x, y, colours, cmap=_DIVERGING, vmin=-_FULL, vmax=_FULL, edgecolor="white", linewidth=2)
    for row, column in np.ndindex(*numbers.shape):
        value, strong = float(numbers[row, column]), bool(holds[row, column])
        ink = ("white" if abs(value) > 0.65 * _FULL else INK) if strong else QUIET
        words = "–" if np.isnan(value) else _signed(value)
        axes.text(column, row, words, ha="center", va="center", color=ink, fontsize=9 if strong else 8,
                  fontweight="bold" if strong else "normal")  # fmt: skip
    names = [_group(group) for group in found.groups]
    # Names that would touch their neighbours are turned.
    turned = max(map(len, names)) * len(names) > _LETTERS
    axes.set_xticks(range(len(names)), names, rotation=35 if turned else 0, ha="left" if turned else "center")
    axes.set_yticks(range(len(shown)), [_short(words) for words in shown])
    axes.set(xlim=(-0.5, len(found.groups) - 0.5), ylim=(len(shown) - 0.5, -0.5))
    axes.xaxis.tick_top()
    axes.grid(visible=False)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    count = int(frame["differs"].sum())
    places = {
        "count": language.number(count, 0),
        "looks": language.number(len(frame), 0),
        "rate": language.share(found.rate),
        "alike": language.plural("{n} group differs in nothing", "{n} groups differ in nothing", len(found.alike))
        if found.alike
        else language.text("each group differs in something"),
    }
    title = "{count} of {looks} comparisons show a difference" if count else "Nothing distinguishes these groups"
    subtitle = language.text(
        "Each against all others, in standard deviations\n(yes-or-no and categories: log odds on that scale).\n"
        "Coloured: differences, at most {rate} of them by chance."
    ).format(**places)
    if found.rising:
        subtitle += "\n" + _rising(found)
    headline(axes, language.text(title).format(**places), subtitle)
    return Chart(
        name=name,
        title=language.text("What distinguishes each group, on variables that did not make the groups"),
        axes=axes,
        alt=language.text(
            "Map of variables by groups with the difference of each group from all others in standard deviations (for "
            "yes-or-no and categories, log odds on that scale). "
            "{verdict}; {alike}. {largest}"
        ).format(verdict=language.text(title).format(**places), largest=_largest(found), **places),
        table=_table(frame, name, found),
    )


def _table(frame: pd.DataFrame, name: str, found: Profiles) -> Table:
    columns = ["group", "what", "inside", "outside", "n_inside", "effect", "low", "high", "q_value", "differs"]
    order = frame.assign(size=frame["effect"].abs()).sort_values(
        ["differs", "size"], ascending=[False, False], kind="stable"
    )
    shown = order[columns].assign(
        group=[_group(group) for group in order["group"]],
        differs=[language.text("differs") if value else language.text("may be chance") for value in order["differs"]],
    )
    note = language.text(
        "Inside and outside: mean, or share, of the group and of all other customers. Differences are in standard "
        "deviations, of yes-or-no and categories the log odds ratio on that scale; the q-value is corrected for "
        "{looks} looks (Benjamini and Hochberg). Differences describe; they do not say what caused them."
    ).format(looks=language.number(len(frame), 0))
    if found.rising:
        note += " " + _rising(found)
    if found.too_small:
        note += " " + language.text("Groups too small to describe: {groups}.").format(
            groups=", ".join(_group(group) for group in found.too_small)
        )
    return Table(
        name=name,
        title="Differences between each group and the rest",
        frame=shown.reset_index(drop=True),
        kinds=_KINDS,
        labels={
            "what": "Variable", "n_inside": "Known of", "effect": "Difference", "low": "From", "high": "To",
            "q_value": "q-value", "differs": "Evidence",
        },
        note=note,
        rows_shown=25,
    )  # fmt: skip


def _rising(found: Profiles) -> str:
    words = language.text("Rise with orders by themselves: {names}.")
    return words.format(names=", ".join(language.text(name) for name in found.rising))


def _largest(found: Profiles) -> str:
    differing = found.differences()
    if differing.empty:
        return ""
    row = differing.iloc[int(differing["effect"].abs().argmax())]
    words = language.text("The largest difference: {group}, {what}, {effect}.")
    return words.format(
        group=_group(row["group"]),
        what=_words(row["variable"], row["category"]),
        effect=language.number(row["effect"], 2),
    )


def _group(group: Any) -> str:
    if isinstance(group, (int, float, np.integer)):
        return language.text("Cluster {number}").format(number=language.number(float(group), 0))
    return language.text(str(group))


def _signed(value: float) -> str:
    rounded = round(value, 2)
    # A difference that rounds to nothing has no sign.
    return ("+" if rounded > 0 else "") + language.number(rounded + 0.0, 2)


def _words(variable: str, category: str) -> str:
    kind, colon, what = variable.partition(": ")
    words = language.text(kind.replace("_", " ").capitalize())
    return f"{words}: {what or category}" if colon or category else words


def _short(words: str, letters: int = 34) -> str:
    return words if len(words) <= letters else words[: letters - 1].rstrip() + "…"
