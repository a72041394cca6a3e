"""The quarterly survey: customers about the own brand, others about competitors."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crm_lib.demo.clock import Floats, Ints, dates
from crm_lib.demo.complaints import Problems
from crm_lib.demo.draws import Streams, look_up
from crm_lib.demo.gaps import whole
from crm_lib.demo.lives import Lives
from crm_lib.demo.parameters import Parameters
from crm_lib.demo.people import People
from crm_lib.demo.satisfaction import Opinions, loyalty, quarter_of

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


def survey_table(
    streams: Streams, people: People, lives: Lives, problems: Problems, opinions: Opinions, parameters: Parameters
) -> pd.DataFrame:
    """Draw the answers of all waves.

    Parameters
    ----------
    streams : Streams
        The random streams.
    people : People
        The customers.
    lives : Lives
        Only customers who have not left are asked, from the third week on.
    problems : Problems
        An unresolved complaint weighs on the answers.
    opinions : Opinions
        What customers think.
    parameters : Parameters
        Sampling share, spread of the answers.

    Returns
    -------
    DataFrame
    """
    rng, settings = streams("surveys"), parameters.satisfaction
    burdened = problems.unresolved_weeks(len(people), parameters.leaving.unresolved_weeks)
    willing = look_up(ANSWERING, people.group)
    parts = []
    for wave in range(WAVES):
        day = np.floor(91.0 * wave + rng.uniform(35, 65, len(people)))
        asked = rng.random(len(people)) < settings.survey_share * willing
        asked &= lives.alive(np.arange(len(people)), day) & (day > people.acquired + 14)
        who = np.flatnonzero(asked)
        drop = settings.complaint_drop * burdened[who, (day[who] // 7).astype(int)]
        own = _answers(rng, who, day[who], drop, people, opinions, parameters)
        own.insert(0, "wave", f"{wave + 1:02d}")
        others = [_ratings(rng, brand, 91.0 * wave + 50, parameters) for brand in BRANDS]
        parts += [own, *(other.assign(wave=f"{wave + 1:02d}") for other in others)]
    answers = pd.concat(parts, ignore_index=True)
    answers.insert(0, "response_id", [f"A{number:06d}" for number in range(1, len(answers) + 1)])
    answers["recommendation"] = whole(answers["recommendation"])
    answers["persons_told"] = whole(answers["persons_told"])
    return answers


def _answers(
    rng: np.random.Generator,
    who: Ints,
    day: Floats,
    drop: Floats,
    people: People,
    opinions: Opinions,
    parameters: Parameters,
) -> pd.DataFrame:
    settings, quarter, n = parameters.satisfaction, quarter_of(day), len(who)
    felt = (opinions.satisfaction[who, quarter] - drop).clip(1, 10)
    attachment = loyalty(felt, people.competition[who], parameters.leaving)
    items = opinions.items[who, quarter]
    frame = pd.DataFrame({"customer_id": people.customer_id[who], "responded_at": dates(day), "brand": None})
    frame["expectation"] = _rounded(rng, opinions.expectation[who], settings.answer_sd)
    for place, name in enumerate(settings.weights):
        frame[name] = _rounded(rng, items[:, place], settings.answer_sd)
    value = items[:, list(settings.weights).index("value_for_money")]
    service = items[:, list(settings.weights).index("service_quality")]
    frame["satisfaction"] = _rounded(rng, felt, settings.answer_sd)
    frame["loyalty"] = _rounded(rng, 1 + 9 * attachment, 0.8)
    frame["recommendation"] = np.round(felt + 0.75 + rng.normal(0, 0.9, n)).clip(0, 10)
    frame["price_burden"] = _rounded(rng, 11.5 - value, 1.0)
    frame["time_burden"] = _rounded(rng, 9.5 - 0.7 * service, 1.2)
    frame["energy_burden"] = _rounded(rng, 8.5 - 0.6 * service, 1.2)
    frame["effort_burden"] = _rounded(rng, 8.0 - 0.6 * service + 0.5 * drop, 1.2)
    told = settings.persons_told
    mean = np.where(felt < 5, told["dissatisfied"], np.where(felt >= 8, told["satisfied"], told["neutral"]))
    frame["persons_told"] = rng.poisson(mean)
    willing = look_up(ANSWERING, people.group[who])
    frame["weight"] = (1 / willing / np.mean(1 / willing)).round(4) if n else 1.0
    frame["personal_offers"] = _rounded(rng, np.where(people.relational[who], 6.8, 4.6), 1.8)
    return pd.concat([frame, _kano(rng, n)], axis=1)


def _kano(rng: np.random.Generator, n: int) -> pd.DataFrame:
    columns: dict[str, list[str]] = {}
    for feature, shares in KANO.items():
        kinds = [shares[i][0] for i in rng.choice(len(shares), n, p=[share for _, share in shares])]
        columns[f"{feature}_with"] = [KANO_ANSWERS[kind][0] for kind in kinds]
        columns[f"{feature}_without"] = [KANO_ANSWERS[kind][1] for kind in kinds]
    return pd.DataFrame(columns)


def _ratings(rng: np.random.Generator, brand: str, day: float, parameters: Parameters) -> pd.DataFrame:
    settings, n = parameters.satisfaction, RATINGS_A_WAVE
    shared = rng.normal(0, settings.customer_sd * 0.8, n)
    items = np.array(BRANDS[brand]) + shared[:, None] + rng.normal(0, 0.7, (n, len(settings.weights)))
    perceived = items.clip(1, 10) @ np.array(list(settings.weights.values()))
    expectation = settings.expectation_mean - 0.2 + rng.normal(0, 0.7, n)
    felt = (perceived + settings.disconfirmation * (perceived - expectation)).clip(1, 10)
    frame = pd.DataFrame({"customer_id": None, "responded_at": dates(np.full(n, day)), "brand": brand}, index=range(n))
    frame["expectation"] = _rounded(rng, expectation, settings.answer_sd)
    for place, name in enumerate(settings.weights):
        frame[name] = _rounded(rng, items[:, place], settings.answer_sd)
    frame["satisfaction"] = _rounded(rng, felt, settings.answer_sd)
    frame["recommendation"] = np.round(felt + 0.75 + rng.normal(0, 0.9, n)).clip(0, 10)
    frame["price_burden"] = _rounded(rng, 11.5 - items[:, -1], 1.0)
    frame["weight"] = 1.0
    return frame


def _rounded(rng: np.random.Generator, values: Floats, spread: float) -> Floats:
    return np.round(values + rng.normal(0, spread, len(values))).clip(1, 10)
