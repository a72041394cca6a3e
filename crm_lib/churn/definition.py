"""Who has left: contracts that ended, by whose will, and silence for everyone else."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from crm_lib.churn.inactivity import InactivityWindow
from crm_lib.churn.reasons import cause_of, known_departures, own_causes
from crm_lib.company import Company
from crm_lib.customers import facts, known_contracts
from crm_lib.errors import MissingData

STATES: Final = {
    "contract runs": False,
    "bought lately": False,
    "silent": True,
    "departure known": True,
    "contract ended by the customer": True,
    "contract ended by the company": True,
    "contract ended, why is not known": True,
}
"""How a customer stands, and whether that is gone."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Churned:
    """Who has left until `as_of`, after `days` of silence where there is no contract.

    `frame` by ``customer_id``: ``state`` (one of :data:`STATES`), ``gone``, and ``since`` (last purchase, departure or
    end of the contract; missing for customers).
    """

    frame: pd.DataFrame
    days: int
    as_of: dt.date

    def table(self) -> pd.DataFrame:
        """Return how many customers are in each state that occurs."""
        counts = self.frame["state"].value_counts().reindex(list(STATES)).dropna().astype("int64")
        table = counts.rename("customers").to_frame().assign(customer_share=counts / len(self.frame))
        table["gone"] = [STATES[name] for name in table.index]
        return table


def churned(company: Company, rule: InactivityWindow | int) -> Churned:
    """Return who has left the company.

    A customer with a running contract is one. Who bought after a contract or a known departure ended it is one again.
    Where neither is known, silence of so many days counts as leaving, on the day of the last purchase.

    Parameters
    ----------
    company : Company
        The company.
    rule : InactivityWindow or int
        The window of inactivity, or its days.

    Returns
    -------
    Churned
        State of every customer who ever bought.
    """
    days = rule.days if isinstance(rule, InactivityWindow) else rule
    if days < 1:
        raise ValueError(f"a window of inactivity needs at least one day, not {days}")
    known = facts(company, parts=("memberships",))
    last, silent = known["last_purchase"], known["recency"] >= days
    state = pd.Series(np.where(silent, "silent", "bought lately"), index=known.index, dtype=object)
    since = last.where(silent)
    for day, kind in (_departed(company), _contract_ends(company)):
        over = day.reindex(known.index)
        # Who buys after the end is a customer still; then silence decides.
        counts = over >= last
        state = state.mask(counts, kind.reindex(known.index))
        since = since.mask(counts, over)
    runs = known["member"].astype(bool) if "member" in known else pd.Series(data=False, index=known.index)
    state, since = state.mask(runs, "contract runs"), since.mask(runs)
    frame = pd.DataFrame({"state": state, "gone": state.map(STATES).astype(bool), "since": since})
    return Churned(frame=frame, days=days, as_of=company.as_of)


def _departed(company: Company) -> tuple[pd.Series, pd.Series]:
    try:
        day = known_departures(company).groupby("customer_id")["departed_at"].max()
    except MissingData:
        day = pd.Series(dtype="datetime64[s]")
    return day, pd.Series("departure known", index=day.index, dtype=object)


def _contract_ends(company: Company) -> tuple[pd.Series, pd.Series]:
    """Return the last end of a contract of each customer whose contracts have all ended, and by whose will."""
    if not company.has("memberships", "customer_id", "ended_at"):
        return pd.Series(dtype="datetime64[s]"), pd.Series(dtype=object)
    contracts = known_contracts(company)
    told = ["end_reason"] if company.has("memberships", "end_reason") else []
    rows: pd.DataFrame = contracts.select("customer_id", "ended_at", "running", *told).execute()
    rows = rows[~rows.groupby("customer_id")["running"].transform("any").astype(bool)]
    rows = rows.sort_values(["ended_at", *told]).drop_duplicates("customer_id", keep="last").set_index("customer_id")
    reasons = rows["end_reason"] if told else pd.Series(None, index=rows.index, dtype=object)
    causes = own_causes(company)
    ended, by_company, untold = (name for name in STATES if name.startswith("contract ended"))
    kind = reasons.map(lambda reason: by_company if cause_of(reason, causes) == "given_up" else ended)
    kind = kind.where(reasons.notna(), untold)
    return pd.to_datetime(rows["ended_at"]), kind
