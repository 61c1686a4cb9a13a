"""Sample data for checks: a stream of events with habits and surprises, hostile lines, and alerts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from logwatch.types import (
    Alert,
    Bool,
    EventBatch,
    Expected,
    FieldColumn,
    Fired,
    Flag,
    Int32,
    Int64,
    Line,
    UInt8,
    Values,
)

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND


@dataclass(frozen=True, slots=True)
class Steps:
    """A parsed stream without slots: what comes, from whom, when."""

    source: Int32  # [n]
    stream: Int32  # [n]
    entity: list[str | None]  # [n]
    time: Int64  # [n] ns; mostly rising per stream
    template: Int32  # [n]
    flags: UInt8  # [n]
    values: Values | None = None  # of [n]

    def __len__(self) -> int:
        return len(self.entity)

    def batch(self, begin: int, end: int, slot: Int32) -> EventBatch:
        """Events `begin` to `end` with their rows of the key table; the watermark stands 5 s behind the maximum."""
        rows = slice(begin, end)
        n = end - begin
        reached = np.maximum.accumulate(self.time[:end])[begin:]
        at = np.arange(begin, end, dtype=np.int64) * 80
        return EventBatch(
            begin, self.source[rows].copy(), self.stream[rows].copy(), slot, self.time[rows].copy(),
            reached - 5 * SECOND, np.full(n, 3, np.int8), self.template[rows].copy(), at, at + 80,
            self.flags[rows].copy(), self.entity[rows], [f"sample line of template {t}" for t in self.template[rows]],
            None if self.values is None else self.values.take(begin, end),
        )  # fmt: skip


def sample_steps(count: int = 1500, seed: int = 0) -> Steps:
    """Three sources: one without entities, one with sessions that come and go, one that speaks in bursts.

    Holds what detectors stumble over: new templates late in the stream, pauses of hours, equal times, times that go
    back, and lines that alerted and must not be learned. Most events have fields: a status, a duration, a user, an id.
    """
    rng = np.random.default_rng(seed)
    source = rng.choice(3, size=count, p=[0.5, 0.3, 0.2]).astype(np.int32)
    stream = np.where(source == 2, 2 + rng.integers(0, 2, count), source).astype(np.int32)
    session = (np.arange(count) // 40) * 3 + rng.integers(0, 3, count)
    entity = [f"session-{session[i]}" if source[i] == 1 else None for i in range(count)]
    habit = source * 10 + np.arange(count) % 5
    stray = rng.random(count) < 0.08
    template = np.where(stray, rng.integers(30, 40 + np.arange(count) // 20), habit).astype(np.int32)
    pause = np.where(rng.random(count) < 0.01, rng.integers(600, 7200, count) * SECOND, 0)
    step = rng.integers(0, 2 * SECOND, count) * (rng.random(count) < 0.8) + pause
    back = np.where(rng.random(count) < 0.01, rng.integers(0, 20 * SECOND, count), 0)
    flags = np.where(rng.random(count) < 0.02, np.uint8(Flag.ALERTED), np.uint8(0)).astype(np.uint8)
    return Steps(source, stream, entity, START + np.cumsum(step) - back, template, flags, _values(rng, stray))


def _values(rng: np.random.Generator, stray: Bool) -> Values:
    rows = np.flatnonzero(rng.random(len(stray)) < 0.9).astype(np.int32)
    n = len(rows)
    status = np.where(stray[rows] & (rng.random(n) < 0.2), 503.0, rng.choice([200.0, 304.0], n))
    code = np.where(rng.random(n) < 0.01, rng.integers(3, 40, n), rng.integers(0, 3, n)).astype(np.int32)
    ids = [f"{number:012x}" for number in rng.integers(0, 2**48, n).tolist()]
    return Values(
        [
            FieldColumn("status", rows, status, None, None),
            FieldColumn("ms", rows, rng.lognormal(3, 1 + stray[rows]), None, None),
            FieldColumn("count", rows, np.arange(n, dtype=np.float64), None, None),
            FieldColumn("user", rows, None, code, [f"user-{number}" for number in range(40)]),
            FieldColumn("id", rows, None, np.arange(n, dtype=np.int32), ids),
        ],
        0,
        len(stray),
    )


HOSTILE = (
    b"",
    b" ",
    b"\x00" * 8,
    b"\xff\xfe\xfa not UTF-8 \xc3(",
    b"\x1b[2J\x1b]0;title\x07 escape sequences \x9b31m",
    "right-to-left \u202e override, \u200b invisible, \ud7ff edge".encode(),
    "漢字かな 🔥 e\u0301".encode(),
    b"{" * 2000,
    b'{"message": "cut off, "level',
    b'{"time": 1e999, "message": {"nested": [1, 2, {"deep": null}]}}',
    b"<999>1 2999-13-45T99:99:99Z - - - - nonsense",
    b"2099-01-01T00:00:00Z from the future",
    b"0000-00-00 00:00:00,000",
    b"x" * 20_000,
    b"key=value key2= =value3 \"unclosed 'quotes",
)
"""Lines that break parsers."""


def sample_lines(count: int = 500, seed: int = 0) -> list[bytes]:
    """Ordinary lines, with `HOSTILE` ones strewn in; none holds a line end."""
    rng = np.random.default_rng(seed)
    lines = [b"2026-03-01T12:%02d:%02d INFO request id=%d done" % (i // 60 % 60, i % 60, i) for i in range(count)]
    for at, hostile in zip(rng.choice(count, min(count, len(HOSTILE)), replace=False), HOSTILE, strict=False):
        lines[int(at)] = hostile
    return lines


def sample_alert(number: int = 0, **changes: Any) -> Alert:
    """An alert as the pipeline makes them; `number` makes its id and times differ."""
    time = START + number * 60 * SECOND
    fields: dict[str, Any] = {
        "id": f"{number:064x}", "incident": f"{number:064x}", "state": "open", "severity": "warning",
        "source": "web:/var/log/app.log", "instance": "8812.41", "entity": f"request-{number}", "kind": "event",
        "rule": "new", "first": time, "last": time, "count": 1, "score": 6.0, "p": 1e-6, "provisional": False,
        "fired": (Fired("new", 9.2, 1e-6), Fired("lstm", 4.1, None)),
        "lines": (Line("2026-03-01 12:00:00 ERROR out of memory: killed worker 3", time, 4096 + number, 7),),
        "before": (Line("2026-03-01 11:59:59 INFO worker 3 started", time - SECOND, 4000 + number, 2),),
        "expected": (Expected("worker <*> ready", 0.62), Expected("worker <*> started", 0.2)), "template_id": 7,
        "template": "ERROR out of memory: killed worker <*>", "position": {"file": "8812.41", "offset": 4096 + number},
        "model": "lstm-1.20", "detail": "",
    }  # fmt: skip
    return Alert(**(fields | changes))
