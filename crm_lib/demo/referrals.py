"""Word of mouth: who recommended the shop to whom."""

from __future__ import annotations

import numpy as np

from crm_lib.demo.draws import Streams
from crm_lib.demo.lives import Lives
from crm_lib.demo.parameters import Satisfaction
from crm_lib.demo.people import Names, People
from crm_lib.demo.satisfaction import Opinions


def make_referrals(streams: Streams, people: People, lives: Lives, opinions: Opinions, settings: Satisfaction) -> Names:
    """Draw, for each referred customer, who it was among the customers of the day before.

    The chance is in proportion to ``exp(referral_pull * satisfaction)``: the satisfied bring customers.

    Parameters
    ----------
    streams : Streams
        The random streams.
    people : People
        The customers.
    lives : Lives
        Only who is a customer can refer.
    opinions : Opinions
        Satisfaction at the time.
    settings : Satisfaction
        The pull.

    Returns
    -------
    ndarray of shape (n,)
        Number of the referring customer, empty where nobody referred.
    """
    rng, n = streams("referrals"), len(people)
    referred_by = np.full(n, None, dtype=object)
    level = rng.random(n)
    won_on = np.floor(people.acquired)
    referred = people.channel == "referral"
    for day in np.unique(won_on[referred]):
        known = np.arange(np.searchsorted(won_on, day))
        known = known[lives.alive(known, np.full(len(known), day))]
        if len(known):
            pull = np.exp(settings.referral_pull * opinions.at(known, np.full(len(known), day)))
            chance = np.cumsum(pull)
            new = np.flatnonzero(referred & (won_on == day))
            referred_by[new] = people.customer_id[known[np.searchsorted(chance, level[new] * chance[-1])]]
    return referred_by
