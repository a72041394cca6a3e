"""Probabilities against what was: the picture that says whether they may be believed."""

from __future__ import annotations

from crm_lib import language
from crm_lib.exhibit import Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.style import BLUE, QUIET, headline, new_axes, share_axis
from crm_lib.relationships import KindsCheck, SilenceRisk
from crm_lib.statistics import Reliability


def reliability_chart(measured: Reliability, *, what: str, was: str, name: str = "reliability") -> Chart:
    """Draw what was told for groups of customers against what was.

    Parameters
    ----------
    measured : Reliability
        Probabilities and outcomes by group.
    what : str
        What the probability is of, as a reader calls it, such as "probability of being relational".
    was : str
        What was, as a verb, such as "are truly relational".
    name : str
        Short name, unique in the notebook.

    Returns
    -------
    Chart
        A point with an interval for each group, against the line on which probabilities are right.
    """
    frame = measured.frame
    axes = new_axes(4.4)
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle=(0, (4, 3)), label=language.text("right on average"))
    axes.vlines(frame["told"], frame["low"], frame["high"], color=BLUE, linewidth=2.6, alpha=0.5)
    axes.scatter(frame["told"], frame["was"], color=BLUE, s=34, zorder=3, clip_on=False)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    share_axis(axes, which="x")
    share_axis(axes, which="y")
    what, was = language.text(what), language.text(was)
    places = {
        "what": what[:1].upper() + what[1:],
        "was": was,
        "inside": language.number(measured.inside, 0),
        "all": language.number(len(frame), 0),
        "told": language.share(measured.told),
        "share": language.share(measured.was),
        "brier": language.number(measured.brier, 3),
        "constant": language.number(measured.brier_constant, 3),
        "n": language.number(frame["customers"].sum(), 0),
    }
    axes.set_xlabel(language.text("{what}, mean of a group of customers").format(**places))
    axes.set_ylabel(language.text("Share who {was}").format(**places))
    axes.legend(frameon=False, loc="upper left", labelcolor=QUIET, handlelength=2.6)
    headline(axes, language.text("{what}: {told} told on average, {share} {was}").format(**places))
    note = language.text(
        "Brier score {brier}; telling everybody the overall share would have {constant}. Intervals of the share are "
        "Wilson's."
    ).format(**places)
    return Chart(
        name=name,
        title=language.text("{what} against the share who {was}, by tenth of {n} customers").format(**places),
        axes=axes,
        alt=language.text(
            "Points for {all} groups of customers, by the probability told, against the share who {was}. The "
            "probability lies within the interval of the share in {inside} of them. On average {told} were told, and "
            "{share} {was}."
        ).format(**places),
        table=Table(
            name=name,
            title=language.text("{what}: told and seen").format(**places),
            frame=frame,
            kinds={"tenth": "count", "customers": "count", **dict.fromkeys(("told", "was", "low", "high"), "share")},
            labels={"told": "Told", "was": "Seen", "low": "From", "high": "To"},
            note=note,
        ),
    )


def kinds_reliability_chart(check: KindsCheck) -> Chart:
    """Draw the probability of being relational against the truth.

    Parameters
    ----------
    check : KindsCheck
        Kinds told against the truth.

    Returns
    -------
    Chart
        A point with an interval for each group.
    """
    return reliability_chart(
        check.reliability,
        what="probability of being relational",
        was="are truly relational",
        name="kinds_reliability",
    )


def silence_reliability_chart(risk: SilenceRisk) -> Chart:
    """Draw the risk of falling silent, told on an earlier day, against what followed.

    Parameters
    ----------
    risk : SilenceRisk
        The risk and its test.

    Returns
    -------
    Chart
        A point with an interval for each group.
    """
    return reliability_chart(
        risk.reliability, what="risk of falling silent", was="fell silent", name="silence_reliability"
    )
