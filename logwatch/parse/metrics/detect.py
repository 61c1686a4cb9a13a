"""Tells the format of metrics by their lines, and metrics from logs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from logwatch.parse.formats import jsonlines
from logwatch.parse.formats.moments import stamps_of
from logwatch.parse.metrics import influx, prometheus, words
from logwatch.parse.metrics.csv_header import Header, cells_of, header_of
from logwatch.parse.metrics.jsonl import Shape
from logwatch.parse.metrics.names import LONGEST_WRITTEN
from logwatch.parse.metrics.values import in_cell, number
from logwatch.types import Bool

MOST = 64
"""Lines that are looked at."""
_COMMENTS = ("# HELP ", "# TYPE ", "# UNIT ", "# EOF", prometheus.SCRAPE)
_MEASUREMENT = re.compile(r"[A-Za-z_][\w.:/-]*")
_EPOCH = re.compile(r"\d{10,19}", re.ASCII)


def looks_like_metrics(lines: Sequence[bytes]) -> bool:
    """Whether the first lines of a stream are metrics, every one of them; in doubt they are a log's."""
    some = [line for line in lines[:MOST] if line.strip()]
    texts = [line.decode("utf-8", "replace").removeprefix("\ufeff").rstrip("\r\n") for line in some]
    if not texts:
        return False
    if texts[0].startswith(prometheus.SCRAPE):
        return True
    if texts[0].startswith("{"):
        return all(record is not None and _is_metric(record) for record in jsonlines.read(some))
    if texts[0].startswith(_COMMENTS):
        return all(text.startswith("#") or _is_exposed(text) for text in texts)
    header = header_of(texts[0])
    if header is not None:
        return _are_rows(header, texts[1:]) if len(texts) > 1 else header.name is not None
    return all(map(_is_influx, texts)) or all(_is_exposed(text) and '="' in text for text in texts)


def could_be_header(lines: Sequence[bytes]) -> bool:
    """Whether a stream that has said nothing more has begun with the header of CSV."""
    some = [line for line in lines if line.strip()]
    text = some[0].decode("utf-8", "replace").removeprefix("\ufeff").rstrip("\r\n") if len(some) == 1 else ""
    return bool(text) and header_of(text) is not None


def format_of(line: bytes) -> str:
    """The format of a line of a stream of metrics; empty where it tells none."""
    if line[:1] == b"{" and next(jsonlines.read([line])) is not None:
        return "json"
    text = line.decode("utf-8", "replace").removeprefix("\ufeff").rstrip("\r\n")
    if text.startswith(_COMMENTS):
        return "prometheus"
    cut = influx.split(text) if text else None
    if cut is not None and all(value.startswith('"') or influx.value_of(value) is not None for _, value in cut[1]):
        return "influx"
    if _is_exposed(text) and ("{" in text or "_" in text):
        return "prometheus"
    return "csv" if header_of(text) is not None else ""


def _is_metric(record: dict[str, Any]) -> bool:
    """Whether a JSON object is a metric and no line of a log."""
    if "resourceMetrics" in record:
        return True
    if not words.LOG.isdisjoint(map(str.lower, record)):
        return False
    metrics, fields = record.get("metrics"), record.get("fields")
    if type(metrics) is dict:
        return _all_numbers(metrics)
    if type(metrics) is list:
        return bool(metrics) and all(type(one) is dict and _is_metric(one) for one in metrics)
    shape = Shape.of(record)
    name = None if shape.name is None else record[shape.name]
    if type(fields) is dict and type(name) is str:
        return any(type(value) in (int, float) for value in fields.values())
    if shape.time is None:
        return False
    if type(name) is str and shape.value is not None:
        return number(record[shape.value]) is not None and all(type(record[field]) is not str for field in shape.rest)
    return shape.name is None and _all_numbers({field: record[field] for field in shape.measured()})


def _all_numbers(fields: dict[str, Any]) -> bool:
    """Numbers, or gaps among them."""
    return any(type(value) in (int, float) for value in fields.values()) and all(
        type(value) in (int, float) or value is None for value in fields.values()
    )


def _is_exposed(text: str) -> bool:
    """A sample of Prometheus."""
    if not text.strip() or len(text) > LONGEST_WRITTEN:
        return False
    head, rest = prometheus.cut(text)
    if not 1 <= len(rest) <= 2 or number(rest[0]) is None or (len(rest) == 2 and number(rest[1]) is None):
        return False
    return prometheus.parsed(head) is not None


def _is_influx(text: str) -> bool:
    """A line of InfluxDB's protocol with a time; and with tags, if that is not in ns: log lines end in no such."""
    cut = influx.split(text)
    if cut is None or not _EPOCH.fullmatch(cut[2]) or not _MEASUREMENT.match(cut[0]):
        return False
    if "," not in cut[0] and len(cut[2]) < 19:
        return False
    values = [influx.value_of(value) for _, value in cut[1]]
    return any(value is not None for value in values)


def _are_rows(header: Header, texts: Sequence[str]) -> bool:
    """Lines under a header of CSV: a time and numbers in each."""
    rows = [cells_of(text, header.separator) for text in texts]
    if any(row is None or len(row) != header.width for row in rows):
        return False
    cells = [row for row in rows if row is not None]
    times = [row[header.time] if header.clock is None else f"{row[header.time]} {row[header.clock]}" for row in cells]
    values = [header.value] if header.value is not None else [at for _, at in header.measured]
    return bool(_bear_times(times).all()) and all(
        any(row[at].strip() for at in values) and all(in_cell(row[at], header.separator) is not None for at in values)
        for row in cells
    )


def _bear_times(texts: list[str]) -> Bool:
    found: Bool = stamps_of(texts).bears > 0
    return found
