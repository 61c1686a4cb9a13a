"""The journal, through a real journalctl, from journal files that systemd-journal-remote writes."""

from __future__ import annotations

import ast
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from logwatch import telemetry
from logwatch.clock import SystemClock
from logwatch.errors import ConfigError, StateCorrupt
from logwatch.sources.journal import CELL, JournalSource
from logwatch.sources.journal_config import JournalConfig
from logwatch.testing import check_source
from logwatch.types import Flag, RecordBatch

REMOTE = next(
    (
        path
        for path in ("/usr/lib/systemd/systemd-journal-remote", "/lib/systemd/systemd-journal-remote")
        if os.path.exists(path)
    ),
    None,
)
needs_journal = pytest.mark.skipif(
    REMOTE is None or shutil.which("journalctl") is None,
    reason="no journal can be written here: install systemd and systemd-journal-remote",
)
BEGAN = 1_767_225_600_000_000  # µs


class Journal:
    """A journal of our own, entry by entry."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0
        folder.mkdir()

    def write(self, *messages: str | bytes, unit: str = "app.service", **more: str) -> None:
        """Append entries, a second apart."""
        out = b""
        for message in messages:
            fields = {
                "__REALTIME_TIMESTAMP": str(BEGAN + self.count * 1_000_000),
                "__MONOTONIC_TIMESTAMP": str(self.count * 1_000_000),
                "_BOOT_ID": "1".zfill(32), "_HOSTNAME": "box", "_SYSTEMD_UNIT": unit, "PRIORITY": "6",
                "SYSLOG_IDENTIFIER": "app", **more,
            }  # fmt: skip
            data = message.encode() if isinstance(message, str) else message
            out += b"".join(f"{name}={value}\n".encode() for name, value in fields.items())
            out += b"MESSAGE\n" + len(data).to_bytes(8, "little") + data + b"\n\n"
            self.count += 1
        assert REMOTE is not None
        subprocess.run(
            [REMOTE, "-o", str(self.folder / "a.journal"), "-"], input=out, check=True, capture_output=True, timeout=30
        )


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal")


Make = Callable[..., JournalSource]


@pytest.fixture
def make(journal: Journal) -> Iterator[Make]:
    made: list[JournalSource] = []

    def build(cursors: Mapping[str, bytes] | None = None, name: str = "{host}:{unit}", **config: Any) -> JournalSource:
        settings = {"directory": str(journal.folder), "once": True, "start": "beginning", **config}
        source = JournalSource(JournalConfig(**settings), SystemClock(), name)
        made.append(source)
        source.open(cursors or {})
        return source

    yield build
    for source in made:
        source.close()


def batches(source: JournalSource, count: int | None = None, most: int = 1000) -> list[RecordBatch]:
    """What comes until the end, or until there are so many records."""
    out: list[RecordBatch] = []
    for _ in range(2000):
        batch = source.poll(most)
        if batch is not None:
            out.append(batch)
        if source.exhausted() or (count is not None and sum(map(len, out)) >= count):
            return out
        source.wait(0.02)
    pytest.fail(f"{sum(map(len, out))} records came, not {count}")


def messages(found: list[RecordBatch]) -> list[Any]:
    return [json.loads(line)["MESSAGE"] for batch in found for line in batch.lines]


def named(found: list[RecordBatch]) -> set[str]:
    return {stream.source for batch in found for stream in batch.streams}


@needs_journal
def test_the_source_conforms(journal: Journal) -> None:
    journal.write(*(f"line {n}" for n in range(60)))
    config = JournalConfig(directory=str(journal.folder), once=True, start="beginning")

    def build() -> JournalSource:
        return JournalSource(config, SystemClock())

    source = build()
    source.open({})
    lines = [line for batch in batches(source) for line in batch.lines]
    assert [json.loads(line)["MESSAGE"] for line in lines] == [f"line {n}" for n in range(60)]
    check_source(build, lines)


@needs_journal
def test_entries_come_while_they_are_written_and_a_restart_goes_on_behind_the_last(
    journal: Journal, make: Make
) -> None:
    journal.write("one", "two")
    source = make(once=False)
    found = batches(source, 2)
    journal.write("three")
    found += batches(source, 1)
    assert messages(found) == ["one", "two", "three"]
    source.close()
    journal.write("four")
    again = make({CELL: found[-1].cursor[CELL] or b""}, once=False)
    assert messages(batches(again, 1)) == ["four"]


@needs_journal
def test_a_journalctl_that_dies_is_started_again_and_nothing_is_lost_or_doubled(journal: Journal, make: Make) -> None:
    journal.write("one", "two")
    source = make(once=False)
    assert messages(batches(source, 2)) == ["one", "two"]
    process = source._child._process
    assert process is not None
    process.send_signal(signal.SIGKILL)
    journal.write("three", "four")
    assert messages(batches(source, 2)) == ["three", "four"]
    assert source._child._process is not process


@needs_journal
def test_at_the_end_the_last_entries_teach_in_silence(journal: Journal, make: Make) -> None:
    journal.write(*(f"old {n}" for n in range(5)))
    source = make(once=False, start="end", warmup_entries=3)
    found = batches(source, 3)
    journal.write("new")
    found += batches(source, 1)
    assert messages(found) == ["old 2", "old 3", "old 4", "new"]
    ((stream, until),) = source.warm_until.items()
    starts = [start for batch in found for start in batch.start.tolist()]
    assert [start < until for start in starts] == [True, True, True, False]
    assert stream.source == "box:app"


@needs_journal
def test_without_warmup_only_what_is_new_comes_also_after_a_restart_before_anything_came(
    journal: Journal, make: Make
) -> None:
    journal.write("old")
    source = make(once=False, start="end", warmup_entries=0)
    first = source.poll(10)
    assert first is not None
    source.close()
    journal.write("new")
    again = make({CELL: first.cursor[CELL] or b""}, once=False, start="end", warmup_entries=0)
    assert messages(batches(again, 1)) == ["new"]


@needs_journal
def test_units_matches_and_times_choose(journal: Journal, make: Make) -> None:
    journal.write("a", "b", unit="nginx.service")
    journal.write("c", unit="sshd.service", PRIORITY="3")
    assert messages(batches(make(units=["nginx"]))) == ["a", "b"]
    assert messages(batches(make(matches=["PRIORITY=3"]))) == ["c"]
    assert messages(batches(make(start="2026-01-01T00:00:01Z"))) == ["b", "c"]
    assert named(batches(make())) == {"box:nginx", "box:sshd"}
    assert named(batches(make(name="{identifier}@{host}"))) == {"app@box"}
    assert named(batches(make(name="{host}:{path}"))) == {"box:nginx", "box:sshd"}


@needs_journal
def test_messages_may_hold_anything_and_long_ones_are_cut(journal: Journal, make: Make) -> None:
    journal.write("two\nlines", b"\xff\x00binary", "x" * 200_000, "last")
    found = batches(make(max_line_bytes=8192))
    first, binary, long, last = messages(found)
    assert (first, bytes(binary), last) == ("two\nlines", b"\xff\x00binary", "last")
    assert set(long) == {"x"}
    flags = [flag for batch in found for flag in batch.flags.tolist()]
    assert flags == [0, 0, Flag.TRUNCATED, 0]
    assert all(len(line) <= 8192 for batch in found for line in batch.lines)


@needs_journal
def test_a_directory_without_a_journal_is_the_end_where_it_is_read_once(make: Make) -> None:
    assert messages(batches(make())) == []


def test_without_journalctl_the_start_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="journalctl is not installed"):
        JournalSource(JournalConfig(), SystemClock()).open({})


@needs_journal
def test_a_damaged_cursor_stops_the_start() -> None:
    with pytest.raises(StateCorrupt):
        JournalSource(JournalConfig(), SystemClock()).open({CELL: b"?"})


@pytest.mark.parametrize(
    "wrong", [{"units": ["--file=/etc/shadow"]}, {"matches": ["--output=cat"]}, {"start": "yesterday"}, {"unit": "x"}]
)
def test_settings_that_would_be_options_of_journalctl_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        JournalConfig(**wrong)


@needs_journal
def test_what_is_no_entry_is_counted(make: Make, journal: Journal) -> None:
    journal.write("one")
    source = make()
    telemetry.DROPPED.reset()
    source._take(b'not json\n{"MESSAGE":"no cursor"}\n[]\n')
    assert telemetry.DROPPED.value(reason="journal_entry_unreadable") == 3
    assert messages(batches(source)) == ["one"]


SCRIPT = """
import json, subprocess, sys, time
sys.path.insert(0, {root!r})
from logwatch.clock import SystemClock
from logwatch.sources.journal import JournalSource
from logwatch.sources.journal_config import JournalConfig
source = JournalSource(JournalConfig(matches=["SYSLOG_IDENTIFIER=probe"], warmup_entries=0), SystemClock())
source.open({{}})
def until(count):
    out = []
    while len(out) < count:
        batch = source.poll(100)
        out += [] if batch is None else [(json.loads(line)["MESSAGE"], batch.streams[0].source) for line in batch.lines]
        source.wait(0.1)
    return out
for n in range(3):
    subprocess.run(["systemd-cat", "-t", "probe"], input=f"hello {{n}}\\n".encode(), check=True)
print(until(3))
subprocess.run(["systemctl", "restart", "systemd-journald"], check=True)
subprocess.run(["systemd-cat", "-t", "probe"], input=b"after\\n", check=True)
print(until(1))
source.close()
"""


@pytest.mark.slow
@pytest.mark.skipif(
    "LOGWATCHD_TEST_SYSTEMD" not in os.environ, reason="LOGWATCHD_TEST_SYSTEMD names no script that boots a systemd"
)
def test_a_booted_systemd_is_followed(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    program = tmp_path / "probe.py"
    program.write_text(SCRIPT.format(root=str(root)))
    script = tmp_path / "probe.sh"
    script.write_text(f"#!/bin/bash\ntimeout 60 {root}/.venv/bin/python {program}\n")
    script.chmod(0o755)
    done = subprocess.run(
        [os.environ["LOGWATCHD_TEST_SYSTEMD"], str(script)], capture_output=True, text=True, timeout=300, check=False
    )
    said = done.stdout.splitlines()
    assert [[message for message, _ in ast.literal_eval(line)] for line in said] == [
        ["hello 0", "hello 1", "hello 2"],
        ["after"],
    ], done
