"""The stage of every customer's relationship with the company, from the customer's own purchases."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from crm_lib.company import Company
from crm_lib.relationships.stages.filter import by_stage, filtered, forward
from crm_lib.relationships.stages.fit import fit_stages
from crm_lib.relationships.stages.histories import Floats, Histories, histories, stage_purchases
from crm_lib.relationships.stages.parameters import STAGES, StageParameters, as_stages
from crm_lib.relationships.stages.posterior import smoothed


@dataclass(frozen=True, kw_only=True)
class LifeCycle:
    """The stages of all customers on one day.

    Parameters
    ----------
    frame : DataFrame
        Indexed by ``customer_id``: ``stage`` (ordered categories exploration, build-up, stable, decline, gone: the most
        probable one), ``p_exploration``, ``p_build_up``, ``p_stable``, ``p_decline``, ``p_gone`` (they sum to 1),
        ``since`` (first day of the period from which on the stage was judged the same), ``rate`` (the customer's own
        rate in the stable stage, days of purchase a year), ``purchases`` (days of purchase so far), ``tenure_days``
        (since the first) and ``silent_days`` (since the last).
    as_of : date
        The day.
    period_days : int
        Length of a period of the model in days.
    parameters : StageParameters
        What the model knows of customers in general.
    histories : Histories
        The purchase histories it has read.
    """

    frame: pd.DataFrame
    as_of: dt.date
    period_days: int
    parameters: StageParameters = field(repr=False)
    histories: Histories = field(repr=False)

    def path(self, customer_id: object, *, hindsight: bool = False) -> pd.DataFrame:
        """Return the probabilities of one customer's stages over time.

        Parameters
        ----------
        customer_id : str
            The customer.
        hindsight : bool
            Whether to use for every period all that is known today, instead of what was known at its end.

        Returns
        -------
        DataFrame
            Indexed by ``ends_on`` (last day of each period since the first purchase): the five stages, and
            ``purchases`` (days of repeat purchase in the period).

        Raises
        ------
        ValueError
            If the customer is not known.
        """
        if customer_id not in self.histories.customer_id:
            raise ValueError(f"no customer {customer_id!r} had bought by {self.as_of}")
        row = self.histories.row[self.histories.customer_id.get_indexer(pd.Index([customer_id]))]
        own = self.histories.take(row)
        periods = int(own.periods[0])
        found = smoothed(own, self.parameters)[0] if hindsight else filtered(own, self.parameters, last=periods)[0]
        back = np.arange(periods - 1, -1, -1) * self.period_days
        days = pd.DatetimeIndex(pd.Timestamp(self.as_of) - pd.to_timedelta(back, unit="D"), name="ends_on")
        return pd.DataFrame(found, index=days, columns=list(STAGES)).assign(purchases=own.counts[0].astype(np.int64))

    def filtered(self, last: int = 1) -> Floats:
        """Return the probabilities of the stages at the end of the last periods, as known then, shape (N, last, 5).

        Parameters
        ----------
        last : int
            How many periods; the parameters are those of the whole history.
        """
        return filtered(self.histories, self.parameters, last=last)[self.histories.row]


def life_cycle(
    purchases: Company | pd.DataFrame,
    *,
    as_of: dt.date | None = None,
    period_days: int = 28,
    parameters: StageParameters | None = None,
    fixed: Mapping[str, float] | None = None,
    sample: int = 2000,
) -> LifeCycle:
    """Return the stage of every customer on a day, judged by what was known on it.

    Parameters
    ----------
    purchases : Company or DataFrame
        The company, or what :func:`stage_purchases` or :func:`crm_lib.customers.purchase_days` return.
    as_of : date, optional
        The day; by default the company's, or the last day of the data frame.
    period_days : int
        Length of the periods, which end on that day.
    parameters : StageParameters, optional
        Parameters to use instead of fitting them, such as those of an earlier run.
    fixed : mapping of str to float, optional
        Parameters not to estimate; see :func:`fit_stages`.
    sample : int
        Number of customers to fit; stages are judged for all.

    Returns
    -------
    LifeCycle
        Stages, probabilities and parameters.

    Raises
    ------
    TooLittleData
        If there are fewer than 50 customers or 50 repeat purchases.
    ValueError
        If `as_of` lies after the company's, or an argument is out of its range.

    Notes
    -----
    A hidden Markov model in periods of four weeks. Each customer has an own rate of buying :math:`\\lambda` and an
    own chance of leaving in a period :math:`h`, both of a mixture of classes that are estimated, and is in one state
    at a time. The number of days of purchase in a period is Poisson with mean :math:`\\lambda f_s x_t`: :math:`f` is
    the factor of the state (1 when stable, 0 when gone), :math:`x` the season that all customers share. A relation
    goes from exploration to build-up to stable; from build-up and stable it may decline, from every stage it may end,
    and one that ended may begin anew. Some customers never get past exploration: they keep their rate until they
    leave. Where discounts are known they tell these apart, by the share of lines bought on discount: whoever comes
    for the price is still trying.

    The stage is the most probable one given the purchases so far (the forward recursion); the parameters are those
    of greatest posterior density (EM algorithm). What purchases alone cannot tell: without discounts, a customer who
    never gets past exploration from one in the stable stage; how long the stages last, when few customers buy often;
    and for a customer who bought once, whether the relation has ended or the rate is low.
    A slump that all customers share is taken for season, not for decline. Customers who had bought before the data
    begin look new at first.

    References
    ----------
    Netzer, O., Lattin, J. M., Srinivasan, V. (2008). A Hidden Markov Model of Customer Relationship Dynamics.
    Marketing Science 27(2), 185-204.
    Rabiner, L. R. (1989). A Tutorial on Hidden Markov Models. Proceedings of the IEEE 77(2), 257-286.
    Dwyer, F. R., Schurr, P. H., Oh, S. (1987). Developing Buyer-Seller Relationships. Journal of Marketing 51(2).
    """
    if isinstance(purchases, Company):
        as_of = purchases.as_of if as_of is None else as_of
        purchases = stage_purchases(purchases, as_of=as_of)
    elif as_of is None:
        if purchases.empty:
            raise ValueError("as_of is needed where there are no purchases")
        as_of = purchases["day"].max().date()
    found = histories(purchases, as_of=as_of, period_days=period_days)
    known = parameters or fit_stages(found, fixed=fixed, sample=sample)
    return LifeCycle(
        frame=_frame(found, known), as_of=as_of, period_days=period_days, parameters=known, histories=found
    )


def _frame(h: Histories, p: StageParameters) -> pd.DataFrame:
    chances, rate, periods = np.zeros((len(h), 5)), np.zeros(len(h)), np.zeros(len(h), dtype=np.int64)
    begin = 0
    for piece in h.chunks(400):
        here = slice(begin, begin + len(piece))
        stage = np.full(len(piece), -1)
        for step in forward(piece, p):
            now = by_stage(step.filtered)
            judged = now.argmax(axis=1)
            kept = judged == stage[: step.rows]
            periods[here][: step.rows] = np.where(kept, periods[here][: step.rows] + 1, 1)
            stage[: step.rows] = judged
            last = np.flatnonzero(piece.periods[: step.rows] == step.number + 1)
            if last.size:
                chances[begin + last] = now[last]
                rate[begin + last] = np.einsum("srhn,r->n", step.filtered[..., last], p.rates)
        begin += len(piece)
    bought = 1 + h.counts.sum(axis=1, dtype=np.int64)
    entered = pd.Timestamp(h.as_of) - pd.to_timedelta(periods[h.row] * h.period_days - 1, unit="D")
    columns = {f"p_{name.replace('-', '_')}": chances[h.row, at] for at, name in enumerate(STAGES)}
    return pd.DataFrame(
        {
            "stage": as_stages(chances.argmax(axis=1)[h.row]),
            **columns,
            "since": entered.astype("datetime64[s]"),
            "rate": (rate * 365 / h.period_days)[h.row],
            "purchases": bought[h.row],
            "tenure_days": np.rint((h.periods - 1 + h.part) * h.period_days).astype(np.int64)[h.row],
            "silent_days": h.silent,
        },
        index=h.customer_id,
    )
