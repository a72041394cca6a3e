"""Tables as a notebook shows them, a report prints them and a workbook keeps them."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from html import escape
from typing import Any, Literal

import pandas as pd

from crm_lib import language
from crm_lib.estimate import Estimate

TABLE_MIME = "application/vnd.crm-lib.table+json"
"""Under this type a table travels, whole, in the outputs of an executed notebook."""
CHART_MIME = "application/vnd.crm-lib.chart+json"
"""Under this type a chart's words and its table travel beside the drawing."""

_INTERVAL, _UNBROKEN = re.compile(r"\[[^][]{3,40}\]"), r'<span style="white-space:nowrap">\g<0></span>'
_FOLDED = 100
"""Rows of a table up to which those not printed at once are in its HTML, hidden, for a page that can show all."""
_LONGEST = 90  # letters of a value in the table of a result

Kind = Literal["text", "count", "number", "share", "money", "date"]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table with title, labels and number forms.

    The `name` is unique in the notebook: the sheet of the workbook and the anchor in the page. The `frame` holds the
    numbers, unrounded; a named index becomes the first columns. Columns without one of the `kinds` are written by their
    type, those without one of the `labels` by their name. `rows_shown` are printed; the workbook keeps all.
    """

    name: str
    title: str
    frame: pd.DataFrame
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    currency: str = ""
    note: str = ""
    rows_shown: int = 20

    def __post_init__(self) -> None:
        unknown = [name for name in (*self.kinds, *self.labels) if name not in self.columns.columns]
        if unknown:
            raise ValueError(f"table '{self.name}' has no columns {unknown}; it has {list(self.columns.columns)}")
        if "money" in self.kinds.values() and not self.currency:
            raise ValueError(f"table '{self.name}' has columns of money and needs a currency")

    @property
    def columns(self) -> pd.DataFrame:
        """The frame with its named index as columns."""
        named = any(name is not None for name in self.frame.index.names)
        return self.frame.reset_index() if named else self.frame.reset_index(drop=True)

    @property
    def _names(self) -> list[str]:
        return [str(name) for name in self.columns]

    def label(self, column: str) -> str:
        """Return what a reader sees above `column`."""
        return language.text(self.labels.get(column, str(column).replace("_", " ").capitalize()))

    def write(self, column: str, value: Any) -> str:
        """Return one value of a column as a reader sees it; an estimate with its interval."""
        kind = self.kinds.get(column, "")
        if isinstance(value, Estimate):
            return str(value)
        if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
            return "–"
        if isinstance(value, dt.date):
            return language.date(value)
        if isinstance(value, bool) or kind == "text" or isinstance(value, str):
            return language.text(str(value)) if isinstance(value, bool) else str(value)
        if kind == "share":
            return language.share(float(value), 1)
        if kind == "money":
            return language.money(float(value), self.currency)
        return language.number(float(value), 0 if kind == "count" else None)

    def to_dict(self) -> dict[str, Any]:
        """Return the whole table as plain values for JSON."""
        columns = self.columns
        return {
            "name": self.name,
            "title": language.text(self.title),
            "labels": [self.label(name) for name in self._names],
            "kinds": [self._kind(columns[name]) for name in columns],
            "currency": self.currency,
            "note": language.text(self.note) if self.note else "",
            "rows": [[_plain(value) for value in row] for row in columns.astype(object).itertuples(index=False)],
        }

    def _kind(self, column: pd.Series[Any]) -> Kind:
        if column.name in self.kinds:
            return self.kinds[str(column.name)]
        if pd.api.types.is_datetime64_any_dtype(column):
            return "date"
        if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
            return "text"
        return "count" if pd.api.types.is_integer_dtype(column) else "number"

    def to_html(self) -> str:
        """Return the table as HTML; every value is escaped."""
        columns = self.columns
        kinds = [self._kind(columns[name]) for name in columns]
        head = "".join(
            f'<th scope="col"{_align(kind)}>{escape(self.label(name))}</th>'
            for name, kind in zip(self._names, kinds, strict=True)
        )
        body = []
        printed = len(columns) if len(columns) <= _FOLDED else self.rows_shown
        for row in columns.head(printed).astype(object).itertuples(index=False):
            cells = "".join(
                f"<td{_align(kind)}>{_INTERVAL.sub(_UNBROKEN, escape(self.write(name, value)))}</td>"
                for name, kind, value in zip(self._names, kinds, row, strict=True)
            )
            body.append(f"<tr>{cells}</tr>")
        at_once, more = "".join(body[: self.rows_shown]), "".join(body[self.rows_shown :])
        folded = f'<tbody class="more" hidden>{more}</tbody>' if more else ""
        foot = f"<p><small>{escape(language.text(self.note))}</small></p>" if self.note else ""
        if len(columns) > self.rows_shown:
            shown = "{shown} of {all} rows; all of them are in the workbook."
            told = language.say(shown, shown=self.rows_shown, all=len(columns))
            foot += f'<p class="rows"><small>{escape(told)}</small></p>'
        caption = f"<caption>{escape(language.text(self.title))}</caption>"
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{at_once}</tbody>{folded}</table>{foot}"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        plain = f"{language.text(self.title)}\n{self.columns.head(self.rows_shown)}"
        return {TABLE_MIME: self.to_dict(), "text/html": self.to_html(), "text/plain": plain}


def result_table(result: Any) -> Table:
    """Return a result of the library (a dataclass) as a short table, a row a field."""
    rows = {each.name: getattr(result, each.name) for each in fields(result) if each.repr and each.name[0] != "_"}
    frame = pd.DataFrame({"field": list(rows), "holds": [_told(each) for each in rows.values()]})
    return Table(name=type(result).__name__, title=type(result).__name__, frame=frame)


def _told(value: Any) -> Any:
    shape = getattr(value, "shape", ())
    if shape:
        names = f": {', '.join(map(str, value.columns))}" if isinstance(value, pd.DataFrame) else ""
        value = " × ".join(language.number(each, 0) for each in shape) + names
    elif is_dataclass(value) and not isinstance(value, Estimate):
        value = type(value).__name__
    elif not isinstance(value, (Estimate, dt.date, int, float)):
        value = str(value)
    return f"{value[:_LONGEST]} …" if isinstance(value, str) and len(value) > _LONGEST else value


def _align(kind: Kind) -> str:
    return "" if kind == "text" else ' class="number" style="text-align:right"'


def _plain(value: Any) -> Any:
    if isinstance(value, Estimate):
        return str(value)
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, dt.date):
        return value.isoformat()
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, (bool, int, float, str)) else str(value)
