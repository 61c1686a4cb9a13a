"""The file sink: every alert once, whatever was interrupted or rotated."""

from __future__ import annotations

import json
import os
import resource
import signal
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logwatch.errors import ConfigError
from logwatch.sinks.file import Config, FileSink
from logwatch.sinks.schema import dump_line
from logwatch.types import NO_TIME, Alert


def alert(number: int) -> Alert:
    return Alert(
        id=f"id-{number}", incident="i", state="open", severity="info", source="s", instance="n", entity=None,
        kind="event", rule="r", first=NO_TIME, last=NO_TIME, count=1, score=3.0, p=0.001, provisional=False, fired=(),
        lines=(), before=(), expected=(), template_id=0, template="t", position={"offset": number}, model="m",
    )  # fmt: skip


def sink(path: Path) -> FileSink:
    return FileSink(Config(path=str(path)))


def ids(*paths: Path) -> list[str]:
    return [json.loads(line)["id"] for path in paths for line in path.read_text().splitlines()]


def test_alerts_are_appended_one_a_line(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    out = sink(path)
    out.deliver([alert(1), alert(2)])
    out.deliver([alert(3)])
    assert path.read_bytes() == b"".join(dump_line(alert(n)) for n in (1, 2, 3))
    out.close()
    out.close()


def test_the_file_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    sink(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_alert_offered_again_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    out = sink(path)
    out.deliver([alert(1), alert(2), alert(1)])
    out.deliver([alert(2), alert(3)])
    out.close()
    again = sink(path)
    again.deliver([alert(1), alert(2), alert(3), alert(4)])
    again.close()
    assert ids(path) == ["id-1", "id-2", "id-3", "id-4"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.data())
def test_a_crash_at_any_byte_leaves_each_alert_once(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "crash.jsonl"
    path.unlink(missing_ok=True)
    whole = b"".join(dump_line(alert(n)) for n in range(5))
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    out = sink(path)
    out.deliver([alert(n) for n in range(5)])
    out.close()
    assert path.read_bytes() == whole


@pytest.mark.parametrize("restart", [False, True])
def test_after_a_rotation_it_writes_to_the_new_file_and_still_nothing_twice(tmp_path: Path, restart: bool) -> None:
    path, old = tmp_path / "alerts.jsonl", tmp_path / "alerts.jsonl.1"
    out = sink(path)
    out.deliver([alert(1)])
    if restart:
        out.close()
    path.rename(old)
    if restart:
        out = sink(path)
    out.deliver([alert(1), alert(2)])
    out.close()
    assert ids(old) == ["id-1"]
    assert ids(path) == ["id-2"]


def test_after_the_file_was_truncated_or_deleted_it_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    out = sink(path)
    out.deliver([alert(1)])
    os.truncate(path, 0)
    out.deliver([alert(1), alert(2)])
    assert ids(path) == ["id-2"]
    path.unlink()
    out.deliver([alert(2), alert(3)])
    out.close()
    assert ids(path) == ["id-3"]


def test_foreign_lines_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    path.write_bytes(b'not json\n[1]\n{"id": 5}\n\xff\xfe\n')
    out = sink(path)
    out.deliver([alert(1)])
    out.close()
    assert path.read_bytes() == b'not json\n[1]\n{"id": 5}\n\xff\xfe\n' + dump_line(alert(1))


def test_a_full_disk_leaves_no_half_line_and_the_next_try_writes_all(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    out = sink(path)
    out.deliver([alert(1)])
    before = path.stat().st_size
    # A limit on the size of files stands for the full disk: the write stops half-way with an error.
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (before + 100, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            out.deliver([alert(2), alert(3)])
        assert path.stat().st_size == before
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    out.deliver([alert(2), alert(3)])
    out.close()
    assert ids(path) == ["id-1", "id-2", "id-3"]


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    first = sink(path)
    with pytest.raises(ConfigError, match="another process"):
        sink(path)
    first.close()
    sink(path).close()


@pytest.mark.parametrize("kind", ["missing directory", "directory", "pipe"])
def test_what_cannot_be_written_stops_the_start(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "here"
    if kind == "missing directory":
        path = tmp_path / "nowhere" / "alerts.jsonl"
    elif kind == "directory":
        path.mkdir()
    else:
        os.mkfifo(path)
    with pytest.raises(ConfigError, match="cannot be written"):
        sink(path)
