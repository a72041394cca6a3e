"""Paid membership: who joins, and the coin that decides at every renewal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib.demo.clock import DAYS, NEVER, START, Bools, Floats, Ints, dates, whole_weeks
from crm_lib.demo.draws import Streams, look_up
from crm_lib.demo.gaps import text_where
from crm_lib.demo.parameters import Members
from crm_lib.demo.people import Names, People


@dataclass(frozen=True, kw_only=True)
class Memberships:
    """The memberships there would be if no customer ever left; one entry a member.

    Parameters
    ----------
    customer : ndarray of int
        Number of the customer.
    theta : ndarray of float
        Probability of not renewing, the same at every renewal.
    periods : ndarray of int
        Periods until the coin first falls the wrong way.
    joined, ended : ndarray of float
        First and last day; the last is where `periods` end.
    failed : ndarray of bool
        Whether it would end because the payment failed.
    """

    customer: Ints
    plan: Names
    months: Ints
    price: Floats
    theta: Floats
    periods: Ints
    joined: Floats
    ended: Floats
    failed: Bools

    def weekly(self, n: int) -> Bools:
        """Return in which weeks each of `n` customers would be a member at the beginning, shape (n, WEEKS)."""
        joined, ended = np.full(n, NEVER), np.full(n, NEVER)
        joined[self.customer], ended[self.customer] = self.joined, self.ended + 1
        return whole_weeks(joined, ended)

    def _run_out(self, left: Floats) -> Floats:
        """Return the last day of the period in which each member leaves the shop."""
        period = np.maximum(np.floor((left - self.joined) / (30.5 * self.months)), 1).astype(np.int64)
        run_out = _add_months(self.joined, period * self.months) - 1
        # Months differ in length: the estimate above may be a period or two early, never late.
        for _ in range(2):
            period = period + (run_out < left - 1)
            run_out = _add_months(self.joined, period * self.months) - 1
        return run_out

    def tables(self, people: People, gone: Floats) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the table of contracts and the truth about them, given when each customer left for the first time.

        Who leaves the shop stays a member to the end of the running period; no coin is thrown then, and the contract
        ends because the customer left.
        """
        left = gone[self.customer]
        begun = self.joined < np.minimum(left, DAYS)
        run_out = self._run_out(np.minimum(left, 4.0 * DAYS))
        by_leaving = run_out <= self.ended
        ended = np.where(by_leaving, run_out, self.ended)
        reason = np.where(by_leaving, "customer left", np.where(self.failed, "payment failed", "not renewed"))
        over = ended < DAYS
        contracts = pd.DataFrame(
            {
                "customer_id": people.customer_id[self.customer],
                "started_at": dates(self.joined),
                "ended_at": dates(np.where(over, ended, NEVER)),
                "plan": self.plan,
                "price": self.price,
                "period_months": self.months,
                "end_reason": text_where(over, reason),
                "theta": self.theta,
            }
        )[begun].sort_values(["started_at", "customer_id"], kind="stable", ignore_index=True)
        contracts.insert(0, "membership_id", [f"M{number:06d}" for number in range(1, len(contracts) + 1)])
        return contracts.drop(columns="theta"), contracts[["membership_id", "customer_id", "plan", "theta"]]


def make_memberships(streams: Streams, people: People, members: Members) -> Memberships:
    """Draw who joins when, on which plan, and how long the renewals would go on."""
    rng, n = streams("memberships"), len(people)
    joined = np.floor(people.acquired + rng.exponential(members.joining_weeks * 7, n))
    joins = (rng.random(n) < look_up(members.joining, people.side)) & (joined < DAYS)
    monthly = rng.random(n) < members.monthly_share
    thetas = [rng.beta(plan["a"], plan["b"], n).clip(1e-6) for plan in (members.monthly, members.annual)]
    theta = np.where(monthly, *thetas)
    # The inverse of the geometric distribution; nobody renews for more than sixty years.
    periods = np.ceil(np.log(rng.random(n)) / np.log1p(-theta.clip(max=1 - 1e-9))).clip(1, 720).astype(np.int64)
    months = np.where(monthly, 1, 12)
    failed = rng.random(n) < members.payment_failed
    who = np.flatnonzero(joins)
    return Memberships(
        customer=who,
        plan=np.where(monthly, "monthly", "annual").astype(object)[who],
        months=months[who],
        price=np.where(monthly, members.monthly["price"], members.annual["price"])[who],
        theta=theta[who],
        periods=periods[who],
        joined=joined[who],
        ended=_add_months(joined[who], (periods * months)[who]) - 1,
        failed=failed[who],
    )


def _add_months(days: Floats, months: Ints) -> Floats:
    date = START.astype("datetime64[D]") + days.astype("timedelta64[D]")
    month = date.astype("datetime64[M]")
    # Contracts that begin on the 29th to 31st run to the 28th of their last month.
    day = np.minimum((date - month.astype("datetime64[D]")).astype(int), 27)
    moved = (month + months).astype("datetime64[D]") + day
    return np.asarray((moved - START.astype("datetime64[D]")).astype(float))
