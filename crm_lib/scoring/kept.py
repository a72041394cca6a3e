"""The scores of the last run, kept beside the reports for those who ask about one customer."""

from __future__ import annotations

import contextlib
import hashlib
import json
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from crm_lib.company import Company
from crm_lib.errors import CrmError
from crm_lib.writing import replaced

if TYPE_CHECKING:
    from crm_lib.clv import CustomerValue

FILE = ".scores.parquet"
_SOURCES = ("transactions", "customers", "interactions")
"""Tables that value and segment rest on."""
SETTINGS: dict[str, Any] = {"model": "pareto-nbd", "annual_rate": 0.1, "horizon_days": 365, "seed": 20260101}
"""What ``crm score`` is run with unless told otherwise: scores of other settings answer another question."""


def kept_scores(company: Company, folder: Path) -> pd.DataFrame:
    """Return what :func:`~crm_lib.scoring.customer_scores` does, with ``action``, what to do with the segment.

    Those kept in `folder` are read where they rest on the same data; else all are made anew, and kept.
    """
    path = folder / FILE
    if path.is_file():
        with contextlib.suppress(OSError, pa.ArrowException):  # what cannot be read is computed anew
            if (pq.read_schema(path).metadata or {}).get(b"crm") == _key(company):
                return pd.read_parquet(path)
    return keep_scores(company, new_scores(company, **SETTINGS)[1], folder)


def new_scores(company: Company, *, model: str, **settings: Any) -> tuple[CustomerValue, pd.DataFrame]:
    """Return what customers are worth, and their scores, by the model of purchases called `model`."""
    from crm_lib import clv
    from crm_lib.scoring.scores import customer_scores

    models: dict[str, Any] = {"pareto-nbd": clv.ParetoNBD, "bg-nbd": clv.BGNBD, "mbg-nbd": clv.MBGNBD}
    value = clv.customer_value(company, model=models[model](), **settings)
    return value, customer_scores(company, value)


def keep_scores(company: Company, scores: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """Keep scores of `SETTINGS` for :func:`kept_scores`, readable by their owner alone; return them with ``action``."""
    from crm_lib import segments

    actions = {rule.name: rule.action for rule in segments.definitions_of(company).rules}
    scores = scores.assign(action=scores["segment"].map(actions).astype("string"))
    table = pa.Table.from_pandas(scores)
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), b"crm": _key(company)})
    with contextlib.suppress(OSError, CrmError):  # a folder that cannot be written keeps nothing
        folder.mkdir(parents=True, exist_ok=True)
        with replaced(folder / FILE) as aside:
            pq.write_table(table, aside)
    return scores


def _key(company: Company) -> bytes:
    """Return what the scores rest on: the day, the tables, the settings (the company's, the scores'), this library."""
    sources = {name: company.fingerprint()[name] for name in _SOURCES if company.has(name)}
    settings = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in company.folder.glob("*.toml")}
    parts = (company.as_of.isoformat(), sources, settings, SETTINGS, metadata.version("crm-lib"))
    return json.dumps(parts, sort_keys=True).encode()
