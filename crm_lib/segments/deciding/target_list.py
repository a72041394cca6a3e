"""One list of customers to contact for one purpose, those who did not agree to it apart."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from crm_lib.segments.deciding.permission import may_contact
from crm_lib.segments.deciding.purposes import PURPOSES

COLUMNS = ["segment", "tier", "value", "reason"]


@dataclass(frozen=True, kw_only=True)
class TargetList:
    """Customers to contact for one purpose.

    Parameters
    ----------
    name : str
        Short name, a key of :data:`PURPOSES` or one of the caller's own.
    title, action : str
        Who they are, and what to do.
    frame : DataFrame
        Indexed by ``customer_id``, the largest value first: ``segment``, ``tier``, ``value`` (at stake, money) and
        ``reason``, in words. Who agreed to be contacted, or everybody where the company does not record it. Within
        :class:`TargetLists` also ``first_list`` and ``also_on``.
    withheld : DataFrame
        The same of those who did not agree, or of whom it is not known.
    """

    name: str
    title: str
    action: str
    frame: pd.DataFrame
    withheld: pd.DataFrame


def target_list(
    name: str,
    candidates: pd.DataFrame,
    *,
    segment: pd.Series[str],
    tier: pd.Series[str],
    allowed: pd.Series[bool] | None,
    title: str = "",
    action: str = "",
) -> TargetList:
    """Return one list, those who may not be contacted apart.

    Parameters
    ----------
    name : str
        Short name.
    candidates : DataFrame
        Indexed by ``customer_id``: ``value`` (at stake, money) and ``reason``; ``tier``, where it is another one than
        today's.
    segment, tier : Series
        Segment and tier of each customer.
    allowed : Series or None
        Who agreed to be contacted, as of :func:`contact_permission`; None where that is not recorded.
    title, action : str
        Who they are and what to do, for a list that :data:`PURPOSES` does not know.

    Returns
    -------
    TargetList
        The list, the largest value first, equal ones by their ids.

    Raises
    ------
    ValueError
        If a customer is named twice, or the list is not known and has no title.
    """
    if candidates.index.has_duplicates:
        twice = candidates.index[candidates.index.duplicated()][:3].tolist()
        raise ValueError(f"the list '{name}' names customers twice: {twice}")
    known_title, known_action = PURPOSES.get(name, ("", ""))
    if not (title or known_title):
        raise ValueError(f"the list '{name}' needs a title; those known are {', '.join(PURPOSES)}")
    own = candidates["tier"] if "tier" in candidates else tier.reindex(candidates.index)
    frame = candidates.assign(segment=segment.reindex(candidates.index).astype(object), tier=own.astype(object))
    frame = frame[COLUMNS].rename_axis("customer_id").sort_index(kind="stable")
    frame = frame.sort_values("value", ascending=False, kind="stable")
    may = may_contact(frame.index, allowed).to_numpy(dtype=bool)
    return TargetList(
        name=name, title=title or known_title, action=action or known_action, frame=frame[may], withheld=frame[~may]
    )
