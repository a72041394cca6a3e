"""What a prospect is worth: the chance to be won in time, times what a customer like that brings."""

from __future__ import annotations

from typing import Final, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import PoissonRegressor
from sklearn.preprocessing import OneHotEncoder

from crm_lib.relationships.prospect_data import CHANNEL, ProspectData

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
CONVERSION_DAYS: Final = 90
"""Days within which a prospect must be won."""
BANDS: Final = np.array([0.0, 1.0, 7.0, 14.0, 28.0, 42.0, 63.0, 91.0, 126.0, 182.0, 364.0, np.inf])
"""Days known: within each band the rate of conversion is taken as constant."""
_LATE = BANDS[:-1] >= 28
"""Bands in which a channel may have another effect: whoever of a poor channel would buy has bought by then."""
_BINS = 5
_DRAWN = {"value": 50.0, "conversion": 10.0}
"""Cases, and events, with whose weight each category is drawn towards the mean of all."""
_LEVEL_SHARE, _DRIFT = 0.25, 0.1
"""Share of the cases, the latest, whose level counts, and how far it is thought to stray (as a logarithm)."""
_NOT_KNOWN = "(not known)"


class ProspectModel:
    """Expected value of prospects from their attributes and from how long they have been known.

    Notes
    -----
    A prospect known for *a* days is won within the next *C* = 90 days with the chance :math:`P = 1 -
    \\exp(-\\int_a^{a+C} h(u, x)\\,du)`; *h* is constant within bands of days known, with an effect for each category of
    each attribute and a further one for each channel from the fifth week on (piecewise exponential: Friedman 1982,
    Annals of Statistics 10, 101-113). Who is won brings :math:`V = \\exp(\\beta_0 + \\sum_f b_f)`. Both are Poisson
    regressions that draw rare categories towards the mean of all, set to the level of the latest cases as far as these
    are many. Prospects who are still open count with the days so far, neither as won nor as lost.
    """

    data_: ProspectData

    def fit(self, data: ProspectData) -> Self:
        """Learn from past acquisitions and prospects."""
        self.data_ = data
        customers, prospects = data.customers.sort_values("started"), data.prospects.sort_values("seen")
        self._edges = {
            name: np.unique(np.nanquantile(customers[name].astype(float), np.linspace(0, 1, _BINS + 1)[1:-1]))
            for name in data.attributes
            if pd.api.types.is_numeric_dtype(customers[name]) and customers[name].notna().any()
        }
        texts = self._texts(customers)
        self._counts = {name: texts[name].value_counts() for name in texts}
        self._encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(texts)
        names = self._encoder.get_feature_names_out()
        self._channel = np.array([name.startswith(CHANNEL) for name in names])
        value, once = customers["value"].to_numpy(float), np.ones(len(texts))
        self._value = _Regression(self._encoder.transform(texts), value, once, _DRAWN["value"] / len(texts))
        waited = prospects["waited"].to_numpy(float)
        days = _days_in_bands(np.zeros(len(waited)), waited)
        row, band = np.nonzero(days > 0)
        last = np.searchsorted(BANDS, waited, side="left") - 1
        won = (prospects["converted"].to_numpy()[row] & (band == last[row])).astype(float)
        design = self._banded(self._encoder.transform(self._texts(prospects)), row, band)
        self._rate = _Regression(design, won, days[row, band], _DRAWN["conversion"] / max(won.sum(), 1.0))
        return self

    def predict(self, prospects: pd.DataFrame) -> pd.DataFrame:
        """Return what each prospect is expected to bring, from the attributes, ``waited`` (days known) and ``cost``.

        Columns: ``chance`` to be won in time, ``value`` if won, ``gross`` (their product), ``cost``, ``net`` (gross
        less cost) and ``alike`` (past customers in the rarest of the prospect's categories; 0 for one never seen, which
        counts as the mean).
        """
        texts = self._texts(prospects)
        waited = prospects["waited"].to_numpy(float)
        days = _days_in_bands(waited, waited + CONVERSION_DAYS)
        row, band = np.nonzero(days > 0)
        design = self._encoder.transform(texts)
        rate = self._rate.predict(self._banded(design, row, band)) * days[row, band]
        chance = -np.expm1(-np.bincount(row, weights=rate, minlength=len(texts)))
        value = self._value.predict(design)
        cost = prospects["cost"].to_numpy(float)
        alike = np.min([texts[name].map(counts).fillna(0) for name, counts in self._counts.items()], axis=0)
        return pd.DataFrame(
            {
                "chance": chance, "value": value, "gross": chance * value, "cost": cost,
                "net": chance * value - cost, "alike": alike.astype("int64"),
            },
            index=prospects.index,
        )  # fmt: skip

    def value(self, rows: pd.DataFrame) -> Floats:
        """Return what a new customer with these attributes is expected to bring."""
        return self._value.predict(self._encoder.transform(self._texts(rows)))

    def _texts(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the attributes as categories; numbers become the fifth of past customers in which they lie."""
        columns = {}
        for name in self.data_.attributes:
            column = frame[name]
            if name in self._edges:
                numbers = column.to_numpy(float)
                texts = pd.Series(np.searchsorted(self._edges[name], numbers), index=frame.index).astype(str)
            else:
                texts = column.astype(object).astype(str)
            columns[name] = texts.where(column.notna().to_numpy(), _NOT_KNOWN)
        return pd.DataFrame(columns, index=frame.index)

    def _banded(self, design: Floats, row: Ints, band: Ints) -> Floats:
        """Return a row for each prospect and band: attributes, the channel again where late, and the band."""
        rows = design[row]
        late = rows[:, self._channel] * _LATE[band][:, None]
        return np.concatenate([rows, late, np.eye(len(BANDS) - 1)[band]], axis=1)


class _Regression:
    """A Poisson regression of an outcome per exposure, in units of its mean, set to the level of the latest rows."""

    def __init__(self, design: Floats, outcome: Floats, exposure: Floats, penalty: float) -> None:
        rate = max(float(outcome.sum()), 1e-12) / float(exposure.sum())
        weight = exposure * rate
        # Money below 0 is left out of the fit, and counted in the level.
        self._model = PoissonRegressor(alpha=penalty, solver="newton-cholesky", max_iter=100, tol=1e-6)
        self._model.fit(design, np.maximum(outcome, 0.0) / weight, sample_weight=weight)
        told = self._model.predict(design) * weight
        level = max(float(outcome.sum()), 1e-12) / float(told.sum())
        late = np.arange(len(design)) >= (1 - _LEVEL_SHARE) * len(design)
        was, told = outcome[late], told[late] * level
        if was.sum() > 0:
            noise = float(((was - told) ** 2).sum()) / float(told.sum()) ** 2
            level *= (float(was.sum()) / float(told.sum())) ** (_DRIFT**2 / (_DRIFT**2 + noise))
        self._scale = rate * level

    def predict(self, design: Floats) -> Floats:
        """Return the expected outcome for one unit of exposure."""
        return np.asarray(self._model.predict(design) * self._scale)


def _days_in_bands(after: Floats, until: Floats) -> Floats:
    """Return how many of the days after one day known, up to another, fall into each band."""
    low, high = BANDS[:-1], BANDS[1:]
    return np.asarray(np.maximum(np.minimum(until[:, None], high) - np.maximum(after[:, None], low), 0.0))
