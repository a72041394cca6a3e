"""Customers whose recent purchases are fewer than their own past lets expect, with the chance that it is chance."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar
from scipy.special import gammaln, psi
from scipy.stats import nbinom

from crm_lib import language
from crm_lib.company import Company
from crm_lib.customers import purchase_days
from crm_lib.errors import TooLittleData
from crm_lib.statistics.resampling import Floats

_FEWEST = 30
"""Customers with a past below which nothing can be said of how rates differ."""
_STEPS = 2000
_BOUNDS = ((-7.0, 7.0), (-7.0, 14.0))


@dataclass(frozen=True, kw_only=True)
class Fading:
    """What customers bought lately against what their own past lets expect, as :func:`fading_customers` found it.

    Parameters
    ----------
    frame : DataFrame
        Indexed by ``customer_id``, customers known before the recent days: ``past`` (repeat purchase days),
        ``past_days`` (days over which they are counted), ``recent`` (purchase days lately), ``expected`` (their
        number, were the customer's rate what it was), ``tail`` (probability of so few or fewer if so), ``unchanged``
        (probability, given the numbers, that the rate is what it was; missing for customers not judged) and
        ``fading``.
    as_of : date
        Last of the recent days.
    recent_days : int
        Length of the recent time.
    shape, rate : float
        Of the gamma distribution of purchase rates a day over customers.
    pace : float
        How the rates of all unchanged customers changed: the season, and the business as a whole.
    less_share, gone_share : float
        Shares of the judged customers whose rate fell to `fallen_to`, and who stopped.
    fallen_to : float
        What is left of the rate of those who buy less.
    false_share : float
        Expected share of false alarms among the customers called fading.
    judged : int
        Number of customers judged.
    """

    frame: pd.DataFrame
    as_of: dt.date
    recent_days: int
    shape: float
    rate: float
    pace: float
    less_share: float
    gone_share: float
    fallen_to: float
    false_share: float
    judged: int


def fading_customers(
    company: Company,
    *,
    recent_days: int = 182,
    past_days: int = 365,
    fewest: int = 2,
    fallen_to: float = 0.5,
    false_share: float = 0.1,
) -> Fading:
    """Find customers who buy less than they used to, each judged by their own past.

    Parameters
    ----------
    company : Company
        The company.
    recent_days : int
        Days up to the company's ``as_of`` that are judged.
    past_days : int
        Days before them from which a customer's rate is known; a year holds every season once.
    fewest : int
        Repeat purchases in the past that a customer must have to be judged: whose past is empty has nothing to lose.
    fallen_to : float
        What is left of the rate of a customer who buys less.
    false_share : float
        Expected share of false alarms among those called fading.

    Returns
    -------
    Fading
        A row for each customer known before the recent days.

    Raises
    ------
    TooLittleData
        If fewer than 30 customers have a past, or none of them bought lately.
    ValueError
        If a length of time is not positive or a share does not lie between 0 and 1.

    See Also
    --------
    judge_fading : The same from counts.
    """
    if recent_days < 1 or past_days < 1:
        raise ValueError(f"recent_days and past_days must be at least 1, not {recent_days} and {past_days}")
    days = purchase_days(company).drop_duplicates(["customer_id", "day"])
    end = pd.Timestamp(company.as_of)
    turn = end - pd.Timedelta(days=recent_days)
    begin = turn - pd.Timedelta(days=past_days)
    first = days.groupby("customer_id")["day"].min()
    first = first[first < turn]
    # Not by map, which loses the type of dates where nobody was known so early.
    later = days[days["day"] > first.reindex(days["customer_id"]).set_axis(days.index)]
    counts = pd.DataFrame(
        {
            "past": later[(later["day"] > begin) & (later["day"] <= turn)].groupby("customer_id").size(),
            "past_days": (turn - first.where(first > begin, begin)).dt.days,
            "recent": later[later["day"] > turn].groupby("customer_id").size(),
        }
    ).reindex(first.index)
    counts = counts.fillna(0).astype("int64")
    return judge_fading(
        counts, as_of=company.as_of, recent_days=recent_days, fewest=fewest, fallen_to=fallen_to,
        false_share=false_share,
    )  # fmt: skip


def judge_fading(
    counts: pd.DataFrame,
    *,
    as_of: dt.date,
    recent_days: int,
    fewest: int = 2,
    fallen_to: float = 0.5,
    false_share: float = 0.1,
) -> Fading:
    """Judge counts of recent purchases by those of the past.

    Parameters
    ----------
    counts : DataFrame (N rows)
        ``past``, ``past_days`` (at least 1) and ``recent``.
    as_of : date
        Last of the recent days.
    recent_days : int
        Length of the recent time.
    fewest : int
        Repeat purchases in the past that a customer must have to be judged.
    fallen_to : float
        What is left of the rate of a customer who buys less.
    false_share : float
        Expected share of false alarms.

    Returns
    -------
    Fading
        With the index of `counts`.

    Raises
    ------
    TooLittleData
        If fewer than 30 customers have enough of a past, or none of them bought lately.
    ValueError
        If a share does not lie between 0 and 1.

    Notes
    -----
    Purchases are Poisson with rates that are gamma distributed over customers (shape r, rate a, by maximum likelihood
    from the past counts: empirical Bayes). Given x purchases in T days a customer's rate is gamma(r + x, a + T), and
    the number in W later days, at the pace s, is negative binomial with size r + x and success probability
    :math:`(a + T) / (a + T + sW)`. Its lower tail is exact: the probability of the observed number or fewer, half the
    probability of the number itself left out (mid-p).

    A customer's rate is unchanged but for the pace, has fallen to a given part, or is 0. The pace is that of customers
    who bought at least once lately, by the likelihood of their numbers given that they are not zero: those who stopped
    do not make it look slow, and those who buy less make it look slower than it is, which errs on the side of fewer
    alarms. The shares of the three states have highest likelihood at that pace.
    Bayes' rule gives each customer's probability of being unchanged; customers are called fading, the least probable
    first, as long as the mean of these probabilities over all of them - the expected share of false alarms - stays
    within the given one. This takes care of the many customers judged at once.

    References
    ----------
    Schmittlein, D. C., Bemmaor, A. C. & Morrison, D. G. (1985). Why does the NBD model work? Marketing Science 4,
    255-266.
    Newton, M. A., Noueiry, A., Sarkar, D. & Ahlquist, P. (2004). Detecting differential gene expression with a
    semiparametric hierarchical mixture method. Biostatistics 5, 155-176.
    """
    if not (0 < false_share < 1 and 0 < fallen_to < 1):
        raise ValueError(f"false_share and fallen_to must lie between 0 and 1, not {false_share} and {fallen_to}")
    x, length, recent = (counts[name].to_numpy(dtype=float) for name in ("past", "past_days", "recent"))
    judged = x >= fewest
    if judged.sum() < _FEWEST or not recent[judged].any() or not x.any():
        message = language.text(
            "whose purchases fade is seen from at least {fewest} customers with {purchases} repeat purchases in the "
            "past, some of whom bought lately"
        )
        raise TooLittleData(message.format(fewest=_FEWEST, purchases=language.number(fewest, 0)))
    # Of many customers most share their numbers with others: everything is worked out once for each distinct row.
    place, first, times = _distinct(counts)
    x, length, recent, judged = x[first], length[first], recent[first], judged[first]
    shape, rate = _gamma_of_rates(x, length, times)
    size, known = shape + x, rate + length
    states = _States(
        recent=recent[judged], size=size[judged], known=known[judged], days=recent_days, fall=fallen_to,
        times=times[judged],
    )  # fmt: skip
    pace = states.pace()
    shares = _shares(states.densities(pace), states.times)
    unchanged = np.full(x.size, np.nan)
    unchanged[judged] = states.unchanged(pace, shares)
    chance = known / (known + pace * recent_days)
    frame = counts[["past", "past_days", "recent"]].assign(
        expected=(size / known * pace * recent_days)[place],
        tail=(nbinom.cdf(recent, size, chance) - nbinom.pmf(recent, size, chance) / 2)[place],
        unchanged=unchanged[place],
        fading=_within(unchanged[place], false_share),
    )
    return Fading(
        frame=frame, as_of=as_of, recent_days=recent_days, shape=shape, rate=rate, pace=pace,
        less_share=float(shares[1]), gone_share=float(shares[2]), fallen_to=fallen_to, false_share=false_share,
        judged=int(times[judged].sum()),
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _States:
    """The recent counts under three states of the customer: unchanged, buying less, gone."""

    recent: Floats
    size: Floats
    known: Floats
    days: float
    fall: float
    times: Floats

    def densities(self, pace: float) -> Floats:
        """Return the probability of each recent count in each state, shape (3, n)."""
        rates = [nbinom.pmf(self.recent, self.size, self.known / (self.known + part * pace * self.days))
                 for part in (1.0, self.fall)]  # fmt: skip
        return np.stack([*rates, (self.recent == 0).astype(float)])

    def pace(self) -> float:
        """Return the pace at which those who came at all came most likely as often as they did."""
        came = self.recent > 0
        recent, size, known, times = (part[came] for part in (self.recent, self.size, self.known, self.times))

        def negative(log_pace: float) -> float:
            chance = known / (known + np.exp(log_pace) * self.days)
            return -float((nbinom.logpmf(recent, size, chance) - nbinom.logsf(0, size, chance)) @ times)

        return float(np.exp(minimize_scalar(negative, bounds=(-3.0, 3.0), method="bounded").x))

    def unchanged(self, pace: float, shares: Floats) -> Floats:
        """Return each customer's probability of being unchanged."""
        weighed = shares[:, None] * self.densities(pace)
        return np.asarray(weighed[0] / weighed.sum(axis=0))


def _shares(densities: Floats, times: Floats) -> Floats:
    """Return the shares of the states of highest likelihood, by EM: with known densities it has one maximum."""
    shares = np.array([0.6, 0.2, 0.2])
    for _ in range(_STEPS):
        weighed = shares[:, None] * densities
        new = weighed / np.maximum(weighed.sum(axis=0), 1e-300) @ times / times.sum()
        if np.abs(new - shares).max() < 1e-7:
            break
        shares = new
    return np.asarray(new)


def _within(unchanged: Floats, false_share: float) -> NDArray[np.bool_]:
    """Return whom to call fading so that the mean probability of being unchanged stays within the share."""
    order = np.argsort(unchanged, kind="stable")
    means = np.cumsum(unchanged[order]) / np.arange(1, unchanged.size + 1)
    within = np.flatnonzero(means <= false_share)
    # Whoever is as probable as the last one is treated alike: the order of the table must not matter.
    limit = unchanged[order][within[-1]] if within.size else -1.0
    while limit >= 0 and unchanged[unchanged <= limit].mean() > false_share:
        below = unchanged[unchanged < limit]
        limit = float(below.max()) if below.size else -1.0
    return np.asarray(unchanged <= limit)


def _distinct(counts: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Return each customer's distinct row, the first customer of each row, and how many customers it has."""
    numbers = [counts[name].to_numpy(dtype=np.int64) for name in ("past", "past_days", "recent")]
    codes = np.zeros(len(counts), dtype=np.int64)
    for column in numbers:
        codes = codes * (int(column.max()) + 1) + column
    _, first, place, times = np.unique(codes, return_index=True, return_inverse=True, return_counts=True)
    return place.reshape(-1), first, times.astype(np.float64)


def _gamma_of_rates(k: Floats, t: Floats, times: Floats) -> tuple[float, float]:
    """Return shape and rate of the gamma distribution of rates, by maximum likelihood of the negative binomial."""

    def negative(logs: Floats) -> tuple[float, Floats]:
        r, a = np.exp(logs)
        value = gammaln(r + k) - gammaln(r) + r * np.log(a / (a + t)) - k * np.log(a + t)
        by_r = psi(r + k) - psi(r) + np.log(a / (a + t))
        by_a = r / a - (r + k) / (a + t)
        total = np.array([by_r @ times * r, by_a @ times * a])
        return -float(value @ times) / times.sum(), -total / times.sum()

    start = np.log([1.0, max(float((t @ times) / (k @ times)), 1e-3)])
    found = minimize(negative, start, jac=True, method="L-BFGS-B", bounds=_BOUNDS)
    r, a = np.exp(found.x)
    return float(r), float(a)
