"""A long stream of what real programs print, for figures of speed: our own recordings, over and over.

PostgreSQL, nginx (access and error), Redis, sshd and an application, in the order in which they were recorded. Each
time round their lines bear fresh times, and the digits of numbers of four figures and more are permuted: processes,
ports, sizes and ids are new, statuses and codes stay what they are.
"""

from __future__ import annotations

import gzip
import random
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from logwatch.app.recordings import read_labels
from logwatch.clock import SystemClock
from logwatch.parse import header
from logwatch.parse.decode import decode
from logwatch.parse.head import head_of
from logwatch.parse.message import messages
from logwatch.parse.parser import LineTimes, ParseSettings
from logwatch.parse.timestamp import find

RECORDINGS = Path(__file__).parents[1] / "data" / "recordings"

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)

_ISO = rb"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[.,]\d+"
# log -> where its time stands, and how it is written
_LOGS: dict[str, tuple[re.Pattern[bytes], Callable[[datetime], str]]] = {
    "postgresql/postgresql.log": (re.compile(_ISO), lambda t: f"{t:%Y-%m-%d %H:%M:%S}.{t.microsecond // 1000:03d}"),
    "nginx/access.log": (re.compile(rb"\d\d/\w{3}/\d{4}(?::\d\d){3}"), lambda t: f"{t:%d/%b/%Y:%H:%M:%S}"),
    "nginx/error.log": (re.compile(rb"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d"), lambda t: f"{t:%Y/%m/%d %H:%M:%S}"),
    "redis/redis.log": (
        re.compile(rb"\d\d \w{3} \d{4} \d\d:\d\d:\d\d\.\d{3}"),
        lambda t: f"{t:%d %b %Y %H:%M:%S}.{t.microsecond // 1000:03d}",
    ),
    "sshd/auth.log": (re.compile(_ISO), lambda t: f"{t:%Y-%m-%dT%H:%M:%S}.{t.microsecond:06d}"),
    "app/app.log": (re.compile(_ISO), lambda t: f"{t:%Y-%m-%d %H:%M:%S},{t.microsecond // 1000:03d}"),
}
_NUMBER = re.compile(rb"(?<![+-])[0-9]{4,}")  # no time zones

Piece = tuple[str, bytes, bytes | None]
"""A recorded line: its log, what is before the time, what is behind; None: it bears no time."""


def pieces() -> list[Piece]:
    """All recorded lines in the order of their times, cut at them."""
    found: list[tuple[int, int, Piece]] = []
    for name, (time, _) in _LOGS.items():
        with gzip.open(RECORDINGS / f"{name}.gz") as file:
            lines = file.read().splitlines()
        times = LineTimes(ParseSettings(), SystemClock()).times(lines).tolist()
        for line, at in zip(lines, times, strict=True):
            where = time.search(line[:120])
            piece = (name, line, None) if where is None else (name, line[: where.start()], line[where.end() :])
            found.append((at, len(found), piece))
    return [piece for _, _, piece in sorted(found, key=lambda row: row[:2])]


def lines(count: int, per_second: float, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """`count` lines with their logs, whose own times run at `per_second`."""
    rng, recorded = random.Random(seed), pieces()
    digits = list(b"0123456789")
    for i in range(count):
        round_, at = divmod(i, len(recorded))
        if at == 0:
            table = bytes.maketrans(b"0123456789", bytes(rng.sample(digits, 10) if round_ else digits))
        name, before, after = recorded[at]
        moment = START + timedelta(microseconds=i * 1e6 / per_second)
        stamp = b"" if after is None else _LOGS[name][1](moment).encode()
        yield name, _renumbered(before, table) + stamp + _renumbered(after or b"", table)


def clean_rounds(name: str, hours: float, seed: int = 0) -> Iterator[bytes]:
    """The lines of one log but for the time of its faults and the minute after each, over and over for so long: as far
    apart as they were recorded, with fresh times and numbers each time round."""
    rng, (time, written) = random.Random(seed), _LOGS[name]
    table, spaced = bytes.maketrans(b"", b""), _clean(name)
    length = spaced[-1][0] + 10**9
    for round_ in range(int(hours * 3600e9 / length) + 1):
        for offset, line in spaced:
            where = time.search(line[:120])
            stamp = written(START + timedelta(microseconds=(round_ * length + offset) // 1000)).encode()
            before, after = (line, b"") if where is None else (line[: where.start()], line[where.end() :])
            yield _renumbered(before, table) + (stamp if where else b"") + _renumbered(after, table)
        table = bytes.maketrans(b"0123456789", bytes(rng.sample(list(b"0123456789"), 10)))


def logs() -> list[str]:
    """Names of the recorded logs, with their folders."""
    return list(_LOGS)


def _clean(name: str) -> list[tuple[int, bytes]]:
    """Lines outside of faults, and how long after the first one each came (ns), the time of faults cut out."""
    mine = [label for label in read_labels(RECORDINGS / "labels.csv") if label.source == Path(name).stem]
    faults = [(label.start, label.end + 60 * 10**9) for label in mine]
    with gzip.open(RECORDINGS / f"{name}.gz") as file:
        lines = file.read().splitlines()
    times = np.maximum.accumulate(LineTimes(ParseSettings(), SystemClock()).times(lines)).tolist()
    found = []
    for line, at in zip(lines, times, strict=True):
        if not any(begin <= at < end for begin, end in faults):
            found.append((at - times[0] - sum(min(end, at) - begin for begin, end in faults if begin < at), line))
    return found


def _renumbered(part: bytes, table: bytes) -> bytes:
    return _NUMBER.sub(lambda found: found[0].translate(table), part)


def write(folder: Path, count: int, per_second: float, seed: int = 0) -> list[Path]:
    """Write the stream as one file a log; returns their paths."""
    paths = {name: folder / name.replace("/", "-") for name in _LOGS}
    with ExitStack() as stack:
        files = {name: stack.enter_context(path.open("wb")) for name, path in paths.items()}
        for name, line in lines(count, per_second, seed):
            files[name].write(line + b"\n")
    return list(paths.values())


def bare(count: int, per_second: float, seed: int = 0) -> list[str]:
    """The messages alone, without times and headers: what a miner of templates is given."""
    decoded = decode([line for _, line in lines(count, per_second, seed)])
    head = head_of(decoded.raw)
    stamps = find(decoded.raw, head)
    return messages(
        decoded.raw, decoded.texts, decoded.ascii, head, stamps, header.read(decoded.raw, head, stamps)
    )  # fmt: skip
