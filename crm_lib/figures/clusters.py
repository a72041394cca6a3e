"""Pictures and tables of clusters: is there structure, which number is stable, how large and how good are they."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, MaxNLocator

from crm_lib import language
from crm_lib.exhibit import Kind, Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.style import BLUE, GREEN, ORANGE, QUIET, headline, new_axes, number_axis, share_axis
from crm_lib.segments import SMALLEST_GROUP, Clusters, PredictiveValue, StructureCheck
from crm_lib.segments.clusters.choice import STABLE_LABELLING
from crm_lib.segments.clusters.earlier_groupings import CLUSTERS
from crm_lib.segments.clusters.stability import UNSTABLE
from crm_lib.segments.clusters.structure_finding import ranks_note

_COLOURS = {"k-means": BLUE, "gaussian mixture": ORANGE}
_LABELS = {"k-means": "k-means", "gaussian mixture": "Gaussian mixture"}
_HEAP = 0.95
"""Share of a cluster with one value, and of the customers with that value in it, from which it is called a heap."""
_MARKS = {"k-means": "o", "gaussian mixture": "s"}

_CANDIDATE_KINDS: dict[str, Kind] = {
    "k": "count", "stability": "number", "low": "number", "high": "number", "weakest": "number",
    "smallest_share": "share", "silhouette": "number", "bic": "count", "admissible": "text", "chosen": "text",
}  # fmt: skip


def structure_chart(check: StructureCheck) -> Chart:
    """Draw customers along the direction in which they are most likely to fall into two kinds.

    Parameters
    ----------
    check : StructureCheck
        The check.

    Returns
    -------
    Chart
        Numbers of customers along the direction; kinds would show as two hills with a valley between.
    """
    bins = int(np.clip(np.sqrt(check.projection.size), 15, 45))
    low, high = np.quantile(check.projection, [0.002, 0.998])
    counts, edges = np.histogram(np.clip(check.projection, low, high), bins=bins, range=(low, high))
    axes = new_axes(3.6)
    axes.bar((edges[1:] + edges[:-1]) / 2, counts, width=np.diff(edges) * 0.94, color=BLUE)
    axes.set_xlim(low, high)
    axes.set_ylabel(language.text("Customers"))
    axes.grid(visible=False, axis="x")
    number_axis(axes)
    parts = [
        (weight, f"{language.number(abs(weight), 2)} × {language.text(str(name).replace('_', ' '))}")
        for name, weight in check.weights.items()
    ]
    written = "".join((" + " if weight > 0 else " − ") + words for weight, words in parts)
    axes.set_xlabel(language.text("Direction looked along: {sum}").format(sum=written.removeprefix(" + ").lstrip()))
    places = {"n": language.number(check.customers, 0), "p": str(check.p_value), "measures": check.measures}
    title = "Customers fall into kinds: a valley divides them along {measures}" if check.found else (
        "No valley found along {measures}"
    )  # fmt: skip
    verdict = language.text(title).format(**places)
    headline(axes, verdict, language.text("p-value {p}, over {n} customers").format(**places))
    frame = pd.DataFrame({"from": edges[:-1], "to": edges[1:], "customers": counts})
    return Chart(
        name="structure",
        title=language.text("Customers along the direction in which two kinds would show most"),
        axes=axes,
        alt=language.text(
            "Histogram of customers along the direction in which two kinds would show most. {verdict}; the p-value of "
            "having one peak only is {p}."
        ).format(verdict=verdict, **places),
        table=Table(
            name="structure",
            title="Customers along the direction in which two kinds would show most",
            frame=frame,
            kinds={"from": "number", "to": "number", "customers": "count"},
            note=" ".join(
                [
                    language.text(
                        "Only customers who had no part in choosing the direction are counted. The direction is in "
                        "features on one scale; those that entered by rank are normal scores."
                    ),
                    *([ranks_note(check)] if check.by_rank else []),
                ]
            ),
            rows_shown=50,
        ),
    )


def stability_chart(clusters: Clusters) -> Chart:
    """Draw how stable each number of clusters is, for each method.

    Parameters
    ----------
    clusters : Clusters
        The choice and its candidates.

    Returns
    -------
    Chart
        Mean agreement with resamples against the number of clusters, with the middle four fifths of the resamples.
    """
    frame = clusters.candidates
    axes = new_axes(4.2)
    methods = [str(name) for name in frame.index.unique("method")]
    for place, method in enumerate(methods):
        rows = frame.loc[[method]].droplevel("method")
        x = rows.index.to_numpy(dtype=np.float64) + 0.08 * (place - (len(methods) - 1) / 2)
        colour = _COLOURS[method]
        axes.vlines(x, rows["low"].clip(lower=0), rows["high"], color=colour, linewidth=4, alpha=0.25)
        axes.plot(x, rows["stability"], color=colour, linewidth=1.4, alpha=0.8)
        filled = np.where(rows["admissible"], colour, "white").tolist()
        axes.scatter(
            x, rows["stability"], facecolor=filled, edgecolor=colour, s=44, marker=_MARKS[method], zorder=3,
        )  # fmt: skip
        for legend_mark in rows.index[rows["chosen"]]:
            at = float(x[rows.index.get_loc(legend_mark)]), float(rows.loc[[legend_mark], "stability"].iloc[0])
            axes.scatter(*at, s=190, facecolor="none", edgecolor=GREEN, linewidth=2.2, zorder=4)
    axes.axhline(STABLE_LABELLING, color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
    numbers = sorted(frame.index.unique("k"))
    axes.set(xlim=(numbers[0] - 0.5, numbers[-1] + 0.5), ylim=(0, 1.05))
    axes.xaxis.set_major_locator(FixedLocator(numbers))
    number_axis(axes)
    axes.set_xlabel(language.text("Number of clusters"))
    axes.set_ylabel(language.text("Agreement (adjusted Rand index)"))
    handles = [
        Line2D([], [], color=_COLOURS[name], marker=_MARKS[name], linewidth=1.4, label=language.text(_LABELS[name]))
        for name in methods
    ]
    dashed = Line2D([], [], color=QUIET, linewidth=1, linestyle=(0, (4, 3)), label=language.text("stable from here"))
    axes.legend(handles=[*handles, dashed], frameon=False, loc="lower left", labelcolor=QUIET, ncols=3)
    places = {
        "k": language.number(clusters.k, 0),
        "method": language.text(_LABELS[clusters.method]),
        "resamples": language.number(clusters.resamples, 0),
        "share": language.share(clusters.smallest_share),
        "stability": language.number(float(frame.loc[frame["chosen"], "stability"].iloc[0]), 2),
    }
    title = "{k} clusters by {method} come out again" if clusters.admissible else (
        "No number of clusters is stable: do not name any"
    )  # fmt: skip
    subtitle = language.text("Filled: stable, every cluster found again and of at least {share}. Ring: the choice.")
    headline(axes, language.text(title).format(**places), subtitle.format(**places))
    shown = frame.reset_index()
    shown["method"] = [language.text(_LABELS[name]) for name in shown["method"]]
    for flag in ("admissible", "chosen"):
        shown[flag] = [language.text("yes") if value else "" for value in shown[flag]]
    columns = ["stability", "low", "high", "weakest", "smallest_share", "silhouette", "bic", "admissible", "chosen"]
    return Chart(
        name="cluster_stability",
        title=language.text("Stability of clusters by method and number, over {resamples} resamples").format(**places),
        axes=axes,
        alt=language.text(
            "Agreement of clusters with those of {resamples} resamples, by number of clusters and method. {verdict}: "
            "{method} with {k} clusters was taken, its mean agreement is {stability}."
        ).format(verdict=language.text(title).format(**places), **places),
        table=Table(
            name="cluster_stability",
            title="Candidates: stability, size and fit",
            frame=shown[["method", "k", *columns]],
            kinds=_CANDIDATE_KINDS,
            labels={
                "k": "Clusters", "low": "Lowest tenth", "high": "Highest tenth", "weakest": "Weakest cluster (Jaccard)",
                "smallest_share": "Smallest cluster", "bic": "BIC (lower is better)",
            },
            note="Stability is the mean adjusted Rand index between the clusters and those of resampled customers.",
            rows_shown=30,
        ),
    )  # fmt: skip


def clusters_table(
    clusters: Clusters,
    measures: pd.DataFrame,
    value: pd.Series[float],
    *,
    currency: str,
    value_label: str,
    structure: StructureCheck | None = None,
) -> Table:
    """Return the clusters with size, value, typical measures and verdict.

    Parameters
    ----------
    clusters : Clusters
        The clusters.
    measures : DataFrame
        The measures in natural units, such as :func:`~crm_lib.segments.behaviour` gives.
    value : Series
        Value of each customer (money).
    currency : str
        ISO code.
    value_label : str
        What the value is: "margin" or "revenue".
    structure : StructureCheck, optional
        The check for kinds; where it found none, the table calls stable clusters what they are: parts of a continuum.

    Returns
    -------
    Table
        One row a cluster, the largest first; medians of the measures.
    """
    table = clusters.per_cluster.copy()
    by = value.reindex(clusters.labels.index).groupby(clusters.labels)
    total = by.sum().sum()
    table["value_share"] = by.sum() / total if total > 0 else np.nan
    table["mean_value"] = by.mean()
    medians = measures.reindex(clusters.labels.index).groupby(clusters.labels).median()
    names = {name: f"median_{name}" for name in medians.columns}
    table = table.join(medians.rename(columns=names))
    trusted = clusters.nameable
    table["verdict"] = [
        language.text(words if number in trusted else UNSTABLE) for number, words in table["verdict"].items()
    ]
    note = language.text(
        "Found again: mean Jaccard similarity of the cluster with its best match among the clusters of resampled "
        "customers; stable from 0.75, not to be named below 0.6."
    )
    if structure is not None and not structure.found:
        note += " " + language.text(
            "No kinds were found by these measures: a stable cluster is a part that would be cut out again, not a kind "
            "to be given a name."
        )
    for number, name, shared, share in _heaps(measures.reindex(clusters.labels.index), clusters.labels):
        words = language.text(
            "Cluster {number} is a heap of one value: {measure} is {value} for {share} of it, and hardly elsewhere."
        )
        note += " " + words.format(
            number=language.number(number, 0), measure=language.text(name.replace("_", " ")),
            value=language.number(shared), share=language.share(share),
        )  # fmt: skip
    money = {name for name in names if "value" in name}
    kinds: dict[str, Kind] = {
        "customers": "count", "share": "share", "value_share": "share", "mean_value": "money", "jaccard": "number",
    }  # fmt: skip
    kinds |= {names[name]: "money" if name in money else "number" for name in names}
    order = ["customers", "share", "value_share", "mean_value", *names.values(), "jaccard", "verdict"]
    word = language.text(value_label)
    return Table(
        name="clusters",
        title="The clusters: size, value, behaviour",
        frame=table[order],
        kinds=kinds,
        labels={
            "cluster": "Cluster", "share": "Share of customers", "jaccard": "Found again (Jaccard)",
            "value_share": language.text("Share of {value}").format(value=word),
            "mean_value": language.text("{value} a customer").format(value=word).capitalize(),
        } | {names[name]: language.text("{measure}, median").format(
            measure=language.text(name.replace("_", " ").capitalize())) for name in names},
        currency=currency,
        note=note,
    )  # fmt: skip


def _heaps(measures: pd.DataFrame, labels: pd.Series[int]) -> Iterator[tuple[int, str, float, float]]:
    """Find clusters that are the customers with one value: number, measure, value, share of the cluster."""
    for name, column in measures.items():
        for number, own in column.groupby(labels):
            counts = own.value_counts()
            if counts.iloc[0] >= max(SMALLEST_GROUP, _HEAP * len(own), _HEAP * (column == counts.index[0]).sum()):
                yield int(str(number)), str(name), float(counts.index[0]), float(counts.iloc[0] / len(own))


def predictive_value_chart(compared: PredictiveValue) -> Chart:
    """Draw how much of later value each grouping of an earlier day tells.

    Parameters
    ----------
    compared : PredictiveValue
        The comparison.

    Returns
    -------
    Chart
        Share of variance explained, with intervals, the best at the top.
    """
    frame = compared.table
    axes = new_axes(1.5 + 0.55 * len(frame))
    y = np.arange(len(frame))[::-1]
    axes.hlines(y, frame["low"], frame["high"], color=BLUE, linewidth=4, alpha=0.35)
    axes.plot(frame["explained"], y, "o", color=BLUE, markersize=8)
    names = [language.text(str(name)) for name in frame.index]
    for place, (_, row) in zip(y, frame.iterrows(), strict=True):
        axes.annotate(
            language.share(float(row["explained"]), 1), (float(row["explained"]), float(place)), xytext=(0, 9),
            textcoords="offset points", ha="center", color=BLUE, fontweight="bold",
        )  # fmt: skip
    counts = [language.plural("{n} group", "{n} groups", int(n)) for n in frame["groups"]]
    labels = [f"{name}\n{count}" for name, count in zip(names, counts, strict=True)]
    axes.set_yticks(y, labels)
    axes.set_ylim(-0.6, len(frame) - 0.2)
    axes.set_xlim(left=min(0.0, float(frame["low"].min())))
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
    share_axis(axes, which="x")
    places = {
        "best": names[0][:1].upper() + names[0][1:],
        "value": language.text(compared.value_kind),
        "days": language.number(compared.days, 0),
        "day": language.date(compared.scored_on),
        "n": language.number(len(compared.value), 0),
        "explained": language.share(float(frame["explained"].iloc[0]), 1),
    }
    axes.set_xlabel(language.text("Share of the variance of later {value} explained").format(**places))
    headline(axes, language.text("{best} tell most of the {value} of the next {days} days").format(**places))
    caption = language.text("Groups of {day} and the {value} of the {days} days after, {n} customers").format(**places)
    note = language.text("Each customer's later value is predicted by the mean of the others in the group.")
    if CLUSTERS in frame.index:
        number = language.number(int(frame["groups"].loc[CLUSTERS]), 0)
        caption += language.text("; the rule chose {number} clusters on that day").format(number=number)
        words = language.text(
            "On {day} the rule chose {number} clusters; where it chooses another number today, the number itself is "
            "not stable."
        )
        note += " " + words.format(number=number, **places)
    return Chart(
        name="predictive_value",
        title=caption,
        axes=axes,
        alt=language.text(
            "Points with intervals for {groups}: share of the variance of later {value} that each tells. {best} are "
            "best with {explained}."
        ).format(groups=", ".join(names), **places),
        table=Table(
            name="predictive_value",
            title="What each grouping tells of later value",
            frame=frame.set_axis(pd.Index(names, name="grouping")),
            kinds={"groups": "count", **dict.fromkeys(("explained", "low", "high", "captured"), "share")},
            labels={
                "explained": "Variance explained", "low": "From", "high": "To",
                "captured": "Brought by the best fifth",
            },
            note=note,
        ),
    )  # fmt: skip
