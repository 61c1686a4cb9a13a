"""Values of access logs (Apache, nginx: common, combined, with a request time at the end)."""

from __future__ import annotations

import numpy as np
import polars as pl

from logwatch.parse.formats.valued import TEXT, columns_of
from logwatch.types import FieldColumn, Int64

_REQUEST = (
    r'"(?P<method>[A-Z]{3,10}) [^"]*" (?P<status>[1-5][0-9]{2}) (?P<bytes>[0-9]{1,18}|-)'
    r'(?: "[^"]*" "[^"]*"(?:[^"]*?[ =](?P<request_time>[0-9]{1,9}\.[0-9]{1,9})(?:[ "]|$))?)?'
)
_SEEN = 4096
"""Characters of a line that are looked at."""


def fields(texts: list[str], rows: Int64) -> list[FieldColumn]:
    """Method, status, bytes and request time of the lines `rows`, which are of access logs."""
    if not len(rows):
        return []
    some = pl.Series([texts[i][:_SEEN] for i in rows.tolist()], dtype=pl.String)
    found = some.str.extract_groups(_REQUEST).struct.unnest()
    columns: list[FieldColumn] = []
    for name in found.columns:
        values = found[name]
        given = np.flatnonzero((values.is_not_null() & (values != "-")).to_numpy())
        if len(given):
            columns += columns_of(name, rows[given].astype(np.int32), values.gather(given).to_list(), TEXT)
    return columns
