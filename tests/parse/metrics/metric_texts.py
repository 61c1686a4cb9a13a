"""Writes samples in each format."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from hypothesis import strategies as st


class Told(NamedTuple):
    """One sample."""

    name: str
    labels: tuple[tuple[str, str], ...]  # sorted
    time: int  # ns
    value: float


def _row(*cells: object) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue()


def _quoted(labels: Sequence[tuple[str, str]]) -> str:
    escaped = ((k, v.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")) for k, v in labels)
    return ",".join(f'{k}="{v}"' for k, v in escaped)


def csv_long(told: Sequence[Told]) -> list[str]:
    return ["time,name,labels,value", *(_row(t.time, t.name, json.dumps(dict(t.labels)), t.value) for t in told)]


def csv_wide(told: Sequence[Told]) -> list[str]:
    """A column a series; each line has one of them, and gaps."""
    columns = list(dict.fromkeys(f"{t.name}{{{_quoted(t.labels)}}}" for t in told))
    lines = [_row("timestamp", *columns)]
    for t in told:
        own = f"{t.name}{{{_quoted(t.labels)}}}"
        lines.append(_row(t.time, *(repr(t.value) if column == own else "N/A" for column in columns)))
    return lines


def json_long(told: Sequence[Told]) -> list[str]:
    return [json.dumps({"name": t.name, "labels": dict(t.labels), "value": t.value, "time": t.time}) for t in told]


def json_wide(told: Sequence[Told]) -> list[str]:
    return [json.dumps({"time": t.time, "metrics": {f"{t.name}{{{_quoted(t.labels)}}}": t.value}}) for t in told]


def telegraf(told: Sequence[Told]) -> list[str]:
    return [
        json.dumps({"name": t.name, "tags": dict(t.labels), "fields": {"value": t.value}, "timestamp": t.time})
        for t in told
    ]


def influx(told: Sequence[Told]) -> list[str]:
    def escaped(text: str) -> str:
        return re.sub(r"([,= ])", r"\\\1", text)

    return [
        "".join([escaped(t.name), *(f",{escaped(k)}={escaped(v)}" for k, v in t.labels), f" value={t.value} {t.time}"])
        for t in told
    ]


def prometheus(told: Sequence[Told]) -> list[str]:
    return [f"{t.name}{{{_quoted(t.labels)}}} {t.value} {t.time // 10**6}" for t in told]


WRITERS: dict[str, Callable[[Sequence[Told]], list[str]]] = {
    "csv_long": csv_long, "csv_wide": csv_wide, "json_long": json_long, "json_wide": json_wide, "telegraf": telegraf,
    "influx": influx, "prometheus": prometheus,
}  # fmt: skip
FORMATS = {name: name.partition("_")[0].replace("telegraf", "json") for name in WRITERS}

_NAMES = st.from_regex(r"[a-z]{1,4}_[a-z]{1,4}", fullmatch=True)
_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=12)


def samples(hostile: str) -> st.SearchStrategy[list[Told]]:
    """Up to eight samples, whose labels may also have these characters."""
    texts = st.one_of(_TEXT, st.text("ab" + hostile, min_size=1, max_size=8))
    labels = st.dictionaries(_NAMES, texts, max_size=3).map(lambda found: tuple(sorted(found.items())))
    times = st.integers(1_000_000_000_000, 4_000_000_000_000).map(lambda ms: ms * 10**6)
    return st.lists(st.builds(Told, _NAMES, labels, times, st.floats(allow_nan=False)), min_size=1, max_size=8)


def writable(name: str, told: list[Told]) -> list[Told]:
    """The samples without what a format cannot write: InfluxDB's protocol has no escape for the backslash itself."""
    if name != "influx":
        return told
    return [one._replace(labels=tuple((k, v.replace("\\", "/")) for k, v in one.labels)) for one in told]
