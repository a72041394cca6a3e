"""What customers expect, perceive and feel quarter by quarter, what they answer in surveys, and whom they bring."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crm_lib.demo.clock import QUARTER, QUARTERS, WEEKS, Bools, Floats, Ints, Names, dates, quarter_of
from crm_lib.demo.draws import Streams, frame, look_up, numbered, whole
from crm_lib.demo.lives import Lives, loyalty
from crm_lib.demo.parameters import Dirt, Satisfaction
from crm_lib.demo.people import REGIONS, People

WAVES = 12
ANSWERING: Mapping[str, float] = {"household": 1.0, "student": 0.6, "business": 0.8}
"""Willingness to answer by customer group; the survey weights make up for it."""
BRANDS: Mapping[str, tuple[float, float, float, float, float]] = {
    "Colossus Online": (7.4, 6.4, 5.4, 6.3, 8.3),
    "Page & Quill": (7.5, 6.9, 7.0, 7.3, 6.5),
    "Corner Books Alliance": (7.9, 7.7, 8.3, 7.9, 5.9),
}
"""True perceived performance of each competitor, in the order of the weights of satisfaction."""
RATINGS_A_WAVE = 40
KANO: Mapping[str, tuple[tuple[str, float], ...]] = {
    "order_tracking": (("must-be", 0.65), ("one-dimensional", 0.25), ("indifferent", 0.10)),
    "same_day_delivery": (("one-dimensional", 0.60), ("attractive", 0.25), ("indifferent", 0.15)),
    "reading_tips": (("attractive", 0.60), ("one-dimensional", 0.10), ("indifferent", 0.30)),
    "printed_newsletter": (("indifferent", 0.75), ("attractive", 0.15), ("reverse", 0.10)),
}
"""True shares of Kano's categories for four features."""
KANO_ANSWERS: Mapping[str, tuple[str, str]] = {
    "must-be": ("expect", "dislike"),
    "one-dimensional": ("like", "dislike"),
    "attractive": ("like", "neutral"),
    "indifferent": ("neutral", "neutral"),
    "reverse": ("dislike", "like"),
}
"""Answers with and without the feature."""
IMPOSSIBLE = (11.0, 0.0, 99.0, 11.0, -1.0, 55.0)
"""Ratings that a scale from 1 to 10 does not have."""


class Opinions:
    """What each customer expects, perceives and feels, from 1 to 10, whether asked or not.

    ``satisfaction = sum(weight * item) + disconfirmation * (sum(weight * item) - expectation)``, cut to 1 … 10.
    """

    def __init__(self, people: People) -> None:
        n, settings, streams = len(people), people.parameters.satisfaction, people.streams
        names = list(settings.weights)
        #: Service of the regional teams, in points about the average, shape (regions, QUARTERS).
        self.team_quality = _team_quality(streams("teams"))
        rng = streams("opinions")
        shared = rng.normal(0, settings.customer_sd, n)
        personal = 0.7 * shared[:, None] + 0.7 * rng.normal(0, settings.customer_sd, (n, len(names)))
        wave = _autoregression(rng.normal(0, settings.quarter_sd, (n, QUARTERS, len(names))), settings.persistence)
        items = np.array([settings.means[name] for name in names]) + personal[:, None, :] + wave
        for name, effect in settings.team_effect.items():
            items[:, :, names.index(name)] += effect * self.team_quality[people.region_number]
        #: Perceived performance in the order of the parameters' weights, shape (n, QUARTERS, 5).
        self.items = items.clip(1, 10)
        self.expectation = (settings.expectation_mean + 0.35 * shared + rng.normal(0, 0.7, n)).clip(1, 10)
        self.satisfaction = _felt(self.items, self.expectation[:, None], settings)

    def weekly(self) -> Floats:
        """Return the satisfaction in force in each week, shape (n, WEEKS)."""
        return np.repeat(self.satisfaction, QUARTER, axis=1)[:, :WEEKS]


def true_satisfaction(people: People, opinions: Opinions, lives: Lives) -> pd.DataFrame:
    """Return satisfaction and loyalty (0 to 1) of each customer in each quarter in which they were one."""
    first = np.arange(QUARTERS) * 91.0
    lived = np.zeros(opinions.satisfaction.shape, dtype=bool)
    for begin, end in ((lives.begun, lives.left), (lives.returned, lives.left_again)):
        lived |= (begin[:, None] < first + 91) & (end[:, None] > first) & (begin[:, None] < end[:, None])
    who, quarter = np.nonzero(lived)
    return frame(
        customer_id=people.customer_id[who],
        quarter=quarter,
        begins_at=dates(first[quarter]),
        satisfaction=opinions.satisfaction[who, quarter],
        loyalty=loyalty(opinions.satisfaction, people.competition, people.parameters.leaving)[who, quarter],
    )


def make_referrals(people: People, lives: Lives, opinions: Opinions) -> Names:
    """Draw who brought each referred customer, of those of the day before, by exp(pull * satisfaction)."""
    rng, n, pull = people.streams("referrals"), len(people), people.parameters.satisfaction.referral_pull
    referred_by = np.full(n, None, dtype=object)
    level = rng.random(n)
    won_on = np.floor(people.acquired)
    referred = people.channel == "referral"
    for day in np.unique(won_on[referred]):
        known = np.arange(np.searchsorted(won_on, day))
        known = known[lives.alive(known, day)]
        if len(known):
            chance = np.cumsum(np.exp(pull * opinions.satisfaction[known, quarter_of(day)]))
            new = np.flatnonzero(referred & (won_on == day))
            referred_by[new] = people.customer_id[known[np.searchsorted(chance, level[new] * chance[-1])]]
    return referred_by


def survey_table(people: People, lives: Lives, burdened: Bools, opinions: Opinions) -> pd.DataFrame:
    """Draw the answers of all waves: customers, less content in `burdened` weeks, and others about competitors."""
    rng, settings, n = people.streams("surveys"), people.parameters.satisfaction, len(people)
    willing = look_up(ANSWERING, people.group)
    parts = []
    for wave in range(WAVES):
        day = np.floor(91.0 * wave + rng.uniform(35, 65, n))
        asked = rng.random(n) < settings.survey_share * willing
        asked &= lives.alive(np.arange(n), day) & (day > people.acquired + 14)
        who = np.flatnonzero(asked)
        own = _answers(rng, who, day[who], burdened, people, opinions)
        others = [_ratings(rng, brand, 91.0 * wave + 50, settings) for brand in BRANDS]
        parts += [answers.assign(wave=f"{wave + 1:02d}") for answers in (own, *others)]
    answers = pd.concat(parts, ignore_index=True)
    answers.insert(0, "response_id", numbered("A", len(answers)))
    answers.insert(1, "wave", answers.pop("wave"))
    answers["recommendation"] = whole(answers["recommendation"])
    answers["persons_told"] = whole(answers["persons_told"])
    return answers


def untidy_surveys(streams: Streams, surveys: pd.DataFrame, dirt: Dirt) -> pd.DataFrame:
    """Return the surveys with a handful of impossible ratings of the own brand's value for money."""
    own, ratings = np.flatnonzero(surveys["brand"].isna()), surveys["value_for_money"].to_numpy(copy=True)
    wrong = streams("dirt of surveys").choice(own, min(dirt.impossible_ratings, len(own) // 10), replace=False)
    ratings[wrong] = np.resize(IMPOSSIBLE, len(wrong))
    return surveys.assign(value_for_money=ratings)


def _answers(
    rng: np.random.Generator, who: Ints, day: Floats, burdened: Bools, people: People, opinions: Opinions
) -> pd.DataFrame:
    settings, quarter, n = people.parameters.satisfaction, quarter_of(day), len(who)
    drop = settings.complaint_drop * burdened[who, (day // 7).astype(int)]
    felt = (opinions.satisfaction[who, quarter] - drop).clip(1, 10)
    items = dict(zip(settings.weights, opinions.items[who, quarter].T, strict=True))
    answers = frame(customer_id=people.customer_id[who], responded_at=dates(day), brand=None)
    for name, value in {"expectation": opinions.expectation[who], **items, "satisfaction": felt}.items():
        answers[name] = _rounded(rng, value, settings.answer_sd)
    value, service = items["value_for_money"], items["service_quality"]
    answers["loyalty"] = _rounded(rng, 1 + 9 * loyalty(felt, people.competition[who], people.parameters.leaving), 0.8)
    answers["recommendation"] = np.round(felt + 0.75 + rng.normal(0, 0.9, n)).clip(0, 10)
    answers["price_burden"] = _rounded(rng, 11.5 - value, 1.0)
    answers["time_burden"] = _rounded(rng, 9.5 - 0.7 * service, 1.2)
    answers["energy_burden"] = _rounded(rng, 8.5 - 0.6 * service, 1.2)
    answers["effort_burden"] = _rounded(rng, 8.0 - 0.6 * service + 0.5 * drop, 1.2)
    told = settings.persons_told
    mean = np.where(felt < 5, told["dissatisfied"], np.where(felt >= 8, told["satisfied"], told["neutral"]))
    answers["persons_told"] = rng.poisson(mean)
    rarity = 1 / look_up(ANSWERING, people.group[who])
    answers["weight"] = (rarity / np.mean(rarity)).round(4) if n else 1.0
    answers["personal_offers"] = _rounded(rng, np.where(people.relational[who], 6.8, 4.6), 1.8)
    for feature, shares in KANO.items():
        kinds = [shares[i][0] for i in rng.choice(len(shares), n, p=[share for _, share in shares])]
        for place, side in enumerate(("with", "without")):
            answers[f"{feature}_{side}"] = [KANO_ANSWERS[kind][place] for kind in kinds]
    return answers


def _ratings(rng: np.random.Generator, brand: str, day: float, settings: Satisfaction) -> pd.DataFrame:
    n = RATINGS_A_WAVE
    shared = rng.normal(0, settings.customer_sd * 0.8, n)
    items = np.array(BRANDS[brand]) + shared[:, None] + rng.normal(0, 0.7, (n, len(settings.weights)))
    expectation = settings.expectation_mean - 0.2 + rng.normal(0, 0.7, n)
    felt = _felt(items.clip(1, 10), expectation, settings)
    ratings = frame(customer_id=None, responded_at=dates(np.full(n, day)), brand=brand)
    perceived = dict(zip(settings.weights, items.T, strict=True))
    for name, value in {"expectation": expectation, **perceived, "satisfaction": felt}.items():
        ratings[name] = _rounded(rng, value, settings.answer_sd)
    ratings["recommendation"] = np.round(felt + 0.75 + rng.normal(0, 0.9, n)).clip(0, 10)
    ratings["price_burden"] = _rounded(rng, 11.5 - items[:, -1], 1.0)
    return ratings.assign(weight=1.0)


def _felt(items: Floats, expectation: Floats, settings: Satisfaction) -> Floats:
    perceived = items @ np.array(list(settings.weights.values()))
    return np.asarray((perceived + settings.disconfirmation * (perceived - expectation)).clip(1, 10))


def _rounded(rng: np.random.Generator, values: Floats, spread: float) -> Floats:
    return np.round(values + rng.normal(0, spread, len(values))).clip(1, 10)


def _team_quality(rng: np.random.Generator) -> Floats:
    level = rng.normal(0, 0.45, len(REGIONS))
    trend = rng.normal(0, 0.03, len(REGIONS))
    noise = rng.normal(0, 0.12, (len(REGIONS), QUARTERS))
    return np.asarray(level[:, None] - level.mean() + trend[:, None] * np.arange(QUARTERS) + noise)


def _autoregression(shocks: Floats, stay: float) -> Floats:
    wave = shocks.copy()
    for quarter in range(1, QUARTERS):
        # Scaled so that the spread between customers is the same in every quarter.
        wave[:, quarter] = stay * wave[:, quarter - 1] + np.sqrt(1 - stay**2) * shocks[:, quarter]
    return wave
