"""Every built-in source and sink passes the conformance check that plugins' pass."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from logwatch.api import Source
from logwatch.config import SinkTable, SourceTable
from logwatch.plugins import BUILT_IN, Plugins
from logwatch.testing import (
    ListSink,
    ListSource,
    ManualClock,
    NotConforming,
    check_decoder,
    check_sink,
    check_source,
    sample_lines,
)
from logwatch.types import Alert

Delivered = Callable[[], Sequence[str]]


class Waiting(ManualClock):
    """Time that passes a little with every look, so that a source's timers come due without waiting."""

    def monotonic(self) -> float:
        self.advance(0.01)
        return super().monotonic()


def file_source(folder: Path, data: bytes) -> tuple[SourceTable, dict[str, Any]]:
    path = folder / "app.log"
    path.write_bytes(data)
    return SourceTable.model_validate({"kind": "file", "paths": [str(path)], "start": "beginning", "once": True}), {}


def stdin_source(folder: Path, data: bytes) -> tuple[SourceTable, dict[str, Any]]:
    reader, writer = os.pipe()
    os.write(writer, data)  # less than a pipe holds
    os.close(writer)
    return SourceTable(kind="stdin"), {"fd": reader}


SOURCES = {"file": file_source, "stdin": stdin_source}
RESUMES = {"file": True, "stdin": False}
ELSEWHERE = {"kafka", "journal", "prometheus", "host"}
"""They need a program that not every machine has, or do not read lines: `tests/kafka`, and in `tests/sources`
`test_journal.py`, `test_prometheus_scrape.py` and `test_host_readings.py`."""


@pytest.mark.parametrize("name", sorted({name for kind, name in BUILT_IN if kind == "source"} - ELSEWHERE))
def test_source_conforms(name: str, tmp_path: Path) -> None:
    # NUL bytes at the start of a line are the hole that copytruncate leaves: passed over, not delivered.
    lines = [line for line in sample_lines(120) if not line.startswith(b"\x00")]

    def make() -> Source:
        table, extras = SOURCES[name](tmp_path, b"".join(line + b"\n" for line in lines))
        source: Source = Plugins().build("source", table, clock=Waiting(), name="{name}", **extras)
        return source

    check_source(make, lines, resumes=RESUMES[name])  # a new source needs its entries above


def file_sink(folder: Path) -> tuple[SinkTable, Delivered]:
    path = folder / "alerts.jsonl"
    table = SinkTable.model_validate({"kind": "file", "path": str(path)})
    return table, lambda: [json.loads(line)["id"] for line in path.read_bytes().splitlines()]


WITH_PEERS = {"alertmanager", "webhook", "syslog", "journal", "notify"}
"""They need somebody to talk to: `tests/sinks/test_sinks_conform.py`."""

SINKS: dict[str, Callable[[Path], tuple[SinkTable, Delivered]]] = {"file": file_sink}


@pytest.mark.parametrize(
    "name", sorted({name for kind, name in BUILT_IN if kind == "sink"} - {"stdout", *ELSEWHERE, *WITH_PEERS})
)
def test_sink_conforms(name: str, tmp_path: Path) -> None:
    table, delivered = SINKS[name](tmp_path)  # a new sink needs an entry in SINKS
    check_sink(lambda: Plugins().build("sink", table, clock=ManualClock()), delivered)


@pytest.mark.parametrize("form", ["text", "json", "auto"])
def test_stdout_sink_conforms(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    table = SinkTable.model_validate({"kind": "stdout", "format": form})
    check_sink(lambda: Plugins().build("sink", table))
    if form == "json":
        assert {"open", "update", "end", "digest"} == {
            json.loads(line)["state"] for line in capsys.readouterr().out.splitlines()
        }


def test_fakes_conform() -> None:
    lines = sample_lines(60)
    check_source(lambda: ListSource(lines), lines)
    kept = ListSink()
    check_sink(lambda: kept, lambda: [alert.id for alert in kept.alerts])


class Losing(ListSource):
    """Loses a line when it is opened with a cursor."""

    def open(self, cursors: Mapping[str, bytes]) -> None:
        super().open({name: b"%d" % (int(at) + 1) for name, at in cursors.items()})


def test_check_finds_a_source_that_loses_lines() -> None:
    lines = sample_lines(60)
    with pytest.raises(NotConforming, match="interrupted after every"):
        check_source(lambda: Losing(lines), lines)


def test_check_finds_a_sink_that_swaps_alerts() -> None:
    class Swapping(ListSink):
        def deliver(self, alerts: list[Alert]) -> None:
            super().deliver(alerts[::-1])

    sink = Swapping()
    with pytest.raises(NotConforming, match="out of order"):
        check_sink(lambda: sink, lambda: [alert.id for alert in sink.alerts])


class Words:
    """A decoder for lines of the form `key=value`."""

    def __init__(self, *, careless: bool = False) -> None:
        self._careless = careless

    def decode(self, lines: list[bytes]) -> list[Mapping[str, Any] | None]:
        out: list[Mapping[str, Any] | None] = []
        for line in lines:
            text = line.decode() if self._careless else line.decode(errors="replace")
            key, mark, value = text.partition("=")
            out.append({key: value} if mark else None)
        return out


def test_check_decoder_takes_a_sound_one() -> None:
    check_decoder(Words, [b"a=1", b"b=2"])


def test_check_decoder_finds_one_that_raises_on_bad_bytes() -> None:
    with pytest.raises(UnicodeDecodeError):
        check_decoder(lambda: Words(careless=True), [b"a=1"])


def test_check_decoder_finds_one_that_refuses_its_own_format() -> None:
    with pytest.raises(NotConforming, match="own format"):
        check_decoder(Words, [b"no equals sign"])
