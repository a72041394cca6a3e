"""Whom to contact, why, and in which order: one list of customers for each purpose."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from crm_lib.company import Company
from crm_lib.errors import MissingData
from crm_lib.segments.deciding.candidates import complaining, dissatisfied, former_core, in_segment
from crm_lib.segments.deciding.found_candidates import growable, looking_around, losing_value, newly_warned
from crm_lib.segments.deciding.overlap import with_overlap
from crm_lib.segments.deciding.permission import contact_permission
from crm_lib.segments.deciding.target_evidence import TargetEvidence
from crm_lib.segments.deciding.target_list import TargetList, target_list
from crm_lib.segments.rfm.in_engine import Segmented
from crm_lib.segments.value.core_comparison import CORE

TOTAL = "all"
"""Row of :meth:`TargetLists.overview` for all lists together."""


@dataclass(frozen=True, kw_only=True)
class TargetLists:
    """All lists of a company.

    Parameters
    ----------
    lists : tuple of TargetList
        The lists, the most urgent first; a customer may be on several. Their frames get two columns: ``first_list``
        (whether no more urgent list has the customer) and ``also_on`` (names of the others that have).
    left_out : mapping of str to str
        Lists that could not be made, and why.
    permission_known : bool
        Whether the company records who agreed to be contacted.
    as_of : date
        Day on which they were made.

    Raises
    ------
    ValueError
        If two lists have one name.
    """

    lists: tuple[TargetList, ...]
    left_out: Mapping[str, str]
    permission_known: bool
    as_of: dt.date

    def __post_init__(self) -> None:
        names = [each.name for each in self.lists]
        if len(set(names)) < len(names):
            raise ValueError(f"lists need names of their own, and these are {', '.join(names)}")
        # Which list is the first hangs on which lists there are, so it is found whenever they are put together.
        shown = with_overlap({each.name: each.frame for each in self.lists})
        withheld = with_overlap({each.name: each.withheld for each in self.lists})
        marked = (replace(each, frame=shown[each.name], withheld=withheld[each.name]) for each in self.lists)
        object.__setattr__(self, "lists", tuple(marked))

    def overview(self) -> pd.DataFrame:
        """Return how many customers each list has, and how many there are in all.

        Returns
        -------
        DataFrame
            Indexed by the list's name: ``customers``, ``may_contact`` and ``withheld`` of them, ``first`` (who may be
            contacted and is on no more urgent list), ``several`` (customers who are on another list too) and ``value``
            (at stake, money, of those who may be contacted). The last row, ``"all"``, counts each customer once, with
            the value of the first list.
        """
        rows = {}
        whole = dict.fromkeys(("customers", "may_contact", "withheld", "first", "several"), 0)
        total = 0.0
        for each in self.lists:
            both = pd.concat([each.frame, each.withheld])
            on_others, first = both["also_on"] != "", both["first_list"].astype(bool)
            here = each.frame["first_list"].astype(bool)
            rows[each.name] = {
                "customers": len(both), "may_contact": len(each.frame), "withheld": len(each.withheld),
                "first": int(here.sum()), "several": int(on_others.sum()), "value": float(each.frame["value"].sum()),
            }  # fmt: skip
            whole["customers"] += int(first.sum())
            whole["may_contact"] += int(here.sum())
            whole["first"] += int(here.sum())
            whole["withheld"] += int(each.withheld["first_list"].sum())
            whole["several"] += int((first & on_others).sum())
            total += float(each.frame.loc[here, "value"].sum())
        rows[TOTAL] = {**whole, "value": total}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("list").astype(dict.fromkeys(whole, "int64"))


def target_lists(
    company: Company,
    segmented: Segmented,
    *,
    evidence: TargetEvidence | None = None,
    core: Sequence[str] = CORE,
    dissatisfied_below: float = 6.0,
) -> TargetLists:
    """Return the lists that the company's data allow.

    Parameters
    ----------
    company : Company
        The company.
    segmented : Segmented
        Its customers in segments and tiers, as :func:`segment_customers` put them.
    evidence : TargetEvidence, optional
        What the analyses found; lists of those that were not made are left out.
    core : sequence of str
        Tiers that are the core.
    dissatisfied_below : float
        A last answer with a satisfaction below this is dissatisfied.

    Returns
    -------
    TargetLists
        The lists, with customers' ids and no names.
    """
    found = TargetEvidence() if evidence is None else evidence
    makers: dict[str, Callable[[], pd.DataFrame]] = {
        "open_complaints": lambda: complaining(company, segmented, core),
        "dissatisfied": lambda: dissatisfied(company, segmented, core, dissatisfied_below),
        "looking_around": lambda: looking_around(found, segmented),
        "newly_warned": lambda: newly_warned(found, segmented),
        "losing_value": lambda: losing_value(found),
        "slipping_away": lambda: in_segment(segmented, "Slipping away"),
        "former_core": lambda: former_core(company, segmented, core),
        "growable": lambda: growable(found, segmented, company.currency),
        "growing": lambda: in_segment(segmented, "Growing"),
    }
    made: list[TargetList] = []
    left_out: dict[str, str] = {}
    allowed = contact_permission(company)
    segment, tier = segmented.rfm.frame["segment"], segmented.tiers.frame["tier"]
    for name, make in makers.items():
        try:
            made.append(target_list(name, make(), segment=segment, tier=tier, allowed=allowed))
        except MissingData as missing:
            left_out[name] = str(missing)
    return TargetLists(lists=tuple(made), left_out=left_out, permission_known=allowed is not None, as_of=company.as_of)
