"""Tables of whom to contact: the lists with their sizes, and the customers on them."""

from __future__ import annotations

import pandas as pd

from crm_lib import language
from crm_lib.exhibit import Kind, Table
from crm_lib.segments import TargetLists
from crm_lib.segments.deciding.overlap import SEPARATOR

_LAPSED = "Tier and value of core customers of the window before are those of that window."
_STAKES = {
    "looking_around": "for those looking around, it is times the risk",
    "growable": "for the growable, it is what they bring less than the best of similar customers",
}
_COUNTED = ("customers", "withheld", "first", "several", "value")
UNKNOWN_PERMISSION = "The company does not record who agreed to be contacted: make sure before anybody is."


def target_summary_table(lists: TargetLists, *, currency: str) -> Table:
    """Return the target lists with their sizes, overlap, value at stake and action.

    Parameters
    ----------
    lists : TargetLists
        The lists.
    currency : str
        ISO code.

    Returns
    -------
    Table
        One row per list, the most urgent first, and one for all customers, each counted once.
    """
    counts = lists.overview()
    several = language.plural("{n} customer is", "{n} customers are", int(counts["several"].iloc[-1]))
    frame = pd.DataFrame(
        {
            "list": [*(language.text(each.title) for each in lists.lists), language.text("All customers, each once")],
            **{name: counts[name].to_numpy() for name in _COUNTED},
            "action": [*(language.text(each.action) for each in lists.lists), ""],
        }
    )
    notes = [
        language.text(
            "{several} on more than one list: 'first here' counts those who may be contacted, each under the most "
            "urgent purpose alone."
        ).format(several=several),
        _at_stake(lists),
    ]
    if any(each.name == "former_core" for each in lists.lists):
        notes.append(language.text(_LAPSED))
    if lists.permission_known:
        notes.append(language.text("Withheld is who did not agree to be contacted."))
    else:
        notes.append(language.text(UNKNOWN_PERMISSION))
        frame = frame.drop(columns="withheld")
    for name, why in lists.left_out.items():
        notes.append(language.text("Left out: {what}. Why: {why}.").format(what=_short(name), why=why))
    kinds: dict[str, Kind] = {
        **dict.fromkeys(("customers", "withheld", "first", "several"), "count"), "value": "money",
    }  # fmt: skip
    labels = {"first": "First here", "several": "On others too", "value": "At stake"}
    return Table(
        name="target_lists",
        title="Whom to contact",
        frame=frame,
        kinds={name: kind for name, kind in kinds.items() if name in frame},
        labels=labels,
        currency=currency,
        note=" ".join(notes),
    )


def target_list_table(lists: TargetLists, *, currency: str, rows_shown: int = 10) -> Table:
    """Return all target lists in one table, which the report's workbook keeps whole.

    Parameters
    ----------
    lists : TargetLists
        The lists.
    currency : str
        ISO code.
    rows_shown : int
        Rows printed: each customer once, the largest values of all lists.

    Returns
    -------
    Table
        One row per customer and purpose: those who may be contacted, and only their ids. First each customer under the
        most urgent purpose, the largest value first; then the rows of customers who stand above already.
    """
    parts = [each.frame.reset_index().assign(purpose=_short(each.name)) for each in lists.lists if len(each.frame)]
    columns = ["customer_id", "purpose", "value", "reason", "also_on", "segment", "tier", "first_list"]
    frame = pd.concat(parts)[columns] if parts else pd.DataFrame(columns=columns)
    frame = frame.sort_values(["first_list", "value"], ascending=False, kind="stable").reset_index(drop=True)
    notes = [
        language.text(
            "Each customer first under the most urgent purpose; the workbook has the other purposes below. Only "
            "customers who may be contacted; the command crm targets writes the lists to files."
            if lists.permission_known
            else UNKNOWN_PERMISSION
        )
    ]
    if any(each.name == "former_core" and len(each.frame) for each in lists.lists):
        notes.append(language.text(_LAPSED))
    for name in ("segment", "tier"):
        frame[name] = [language.text(str(word)) if isinstance(word, str) else "–" for word in frame[name]]
    frame["also_on"] = [
        ", ".join(_short(name) for name in str(names).split(SEPARATOR)) if names else "–" for names in frame["also_on"]
    ]
    frame["first_list"] = [language.text("yes" if first else "no") for first in frame["first_list"]]
    return Table(
        name="target_customers",
        title="Target lists, each customer first under the most urgent purpose",
        frame=frame,
        kinds={
            "value": "money",
            **dict.fromkeys(("customer_id", "segment", "tier", "reason", "also_on", "first_list"), "text"),
        },
        labels={
            "customer_id": "Customer",
            "value": "At stake",
            "also_on": "Also on",
            "first_list": "First list",
        },
        currency=currency,
        note=" ".join(notes),
        rows_shown=rows_shown,
    )


def _at_stake(lists: TargetLists) -> str:
    made = {each.name for each in lists.lists}
    words = [language.text("At stake is the value of those who may be contacted")]
    words += [language.text(more) for name, more in _STAKES.items() if name in made]
    last = language.text("The last row counts each customer once, with the value of the first list.")
    return "; ".join(words) + ". " + last


def _short(name: str) -> str:
    return language.text(name.replace("_", " "))
