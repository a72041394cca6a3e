"""Surveys for tests, made of a data frame."""

from __future__ import annotations

import datetime as dt

import numpy as np

from crm_lib.satisfaction import Survey

DAY = dt.date(2026, 6, 30)


def survey_of(frame, rivals=None):
    """Return a survey of one answer a row; weights, respondents and waves are made where the frame has none."""
    made = {"respondent": np.arange(len(frame)), "customer_id": None, "weight": 1.0, "wave": "1",
            "responded_at": np.datetime64("2026-05-01")}  # fmt: skip
    frame = frame.assign(**{name: value for name, value in made.items() if name not in frame})
    rivals = frame.iloc[:0] if rivals is None else rivals.assign(respondent=[f"r{i}" for i in range(len(rivals))])
    return Survey(
        frame=frame, rivals=rivals.assign(weight=1.0), waves=tuple(dict.fromkeys(frame["wave"])), left_out={}, as_of=DAY
    )
