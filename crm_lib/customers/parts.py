"""Tables by customer, brought into memory from the engine; of many millions of lines part by part."""

from __future__ import annotations

import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

_AT_ONCE = 34_000_000
"""Lines that the engine in this process sums up within its memory."""
_SAMPLE = 100_000


def in_ranges(lines: ibis.Table) -> list[ibis.Table]:
    """Return lines in ascending ranges of customers, each small enough for the memory; a server has its own."""
    size = lines.count().execute() if lines.get_backend().name == "duckdb" else 0
    parts = -(-size // _AT_ONCE)
    if parts <= 1:
        return [lines]
    some = lines.select("customer_id").sample(min(_SAMPLE / size, 1.0), method="block").to_pyarrow()["customer_id"]
    some = sorted(some.to_pylist())
    bounds = sorted({some[len(some) * part // parts] for part in range(1, parts)}) if some else []
    name, ranges = lines.customer_id, []
    for low, high in zip([None, *bounds], [*bounds, None], strict=True):
        tests = [] if low is None else [name >= low]
        tests += [] if high is None else [name < high]
        ranges.append(lines.filter(*tests) if tests else lines)
    return ranges


def by_customer(*parts: ibis.Table) -> pd.DataFrame:
    """Return tables of the engine, each with other customers, as one data frame by ``customer_id``, ascending."""
    answer = pa.concat_tables(part.order_by("customer_id").to_pyarrow() for part in parts)
    frame: pd.DataFrame = answer.to_pandas(date_as_object=False, memory_pool=pa.system_memory_pool()).set_index(
        "customer_id"
    )
    # Some engines sort texts by the rules of a language. Only then is pandas asked, which makes an object of each text.
    names = answer["customer_id"]
    in_order = pc.all(pc.less_equal(names[:-1], names[1:])).as_py()
    return frame.sort_index() if in_order is False else frame
