"""Which files are read, from where on, and what is said of the others."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import socket
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from logwatch.sources.file_config import FileConfig
from tests.sources.disk import append, ordinary_user


def test_start_at_the_end_delivers_only_what_comes_and_never_half_a_line(reading: type, log: Path) -> None:
    append(log, b"second\nhalf")
    reader = reading(log, start="end")
    assert reader.settle() == []
    reader.restart()
    append(log, b" done\nthird\n")
    assert reader.settle() == [b"half done", b"third"]


def test_files_that_appear_later_are_read_from_their_head(reading: type, log: Path) -> None:
    reader = reading(log.parent / "*.log", start="end")
    reader.settle()
    (log.parent / "late.log").write_bytes(b"from the head\n")
    assert reader.settle(2) == [b"from the head"]
    reader.source.close()
    (log.parent / "later.log").write_bytes(b"also after a restart\n")
    reader.start()
    assert reader.settle(2) == [b"also after a restart"]


def test_warm_up_is_the_end_of_the_file_and_says_where_live_begins(reading: type, log: Path) -> None:
    log.write_bytes(b"".join(b"line %03d\n" % n for n in range(100)))
    reader = reading(log, start="end", warmup=50)
    assert reader.settle() == [b"line 095", b"line 096", b"line 097", b"line 098", b"line 099"]
    stream = reader.batches[-1].streams[0]
    warm = [reader.source.is_warm(stream, start) for start in reader.batches[-1].start.tolist()]
    assert warm == [True] * 5
    assert reader.source.warm_until[stream] == 900
    append(log, b"live\n")
    reader.restart()
    assert reader.settle() == [b"live"]
    assert not reader.source.is_warm(stream, int(reader.batches[-1].start[0]))
    assert reader.source.is_warm(stream, 891)


def test_warm_up_of_a_whole_file_begins_with_its_first_line(reading: type, log: Path) -> None:
    append(log, b"second\n")
    reader = reading(log, start="end", warmup=10_000)
    assert reader.settle() == [b"first", b"second"]


def test_start_at_a_time_leaves_out_files_last_written_before(reading: type, tmp_path: Path) -> None:
    for name, time in (("old.log", 1_000_000_000), ("new.log", 1_700_000_000)):
        (tmp_path / name).write_bytes(name.encode() + b"\n")
        os.utime(tmp_path / name, (time, time))
    reader = reading(tmp_path / "*.log", start="2020-01-01T00:00:00Z")
    assert reader.settle() == [b"new.log"]
    append(tmp_path / "old.log", b"goes on\n")
    assert reader.settle() == [b"goes on"]


def test_a_start_may_be_written_as_a_time_of_toml_or_of_any_zone_but_not_without_one() -> None:
    at = datetime(2026, 1, 31, 8, tzinfo=UTC)
    times = (at, "2026-01-31T08:00:00Z", "2026-01-31T09:00:00+01:00")
    assert {FileConfig(paths=["x"], start=time).since for time in times} == {int(at.timestamp()) * 10**9}
    for wrong in ("2026-01-31T08:00:00", "yesterday", at.replace(tzinfo=None)):
        with pytest.raises(ValidationError, match="a time like 2026-01-31T08:00:00Z"):
            FileConfig(paths=["x"], start=wrong)


def test_a_start_time_counts_at_the_first_start_only(reading: type, log: Path) -> None:
    reader = reading(log, start="2100-01-01T00:00:00Z")
    assert reader.settle() == []
    reader.source.close()
    append(log, b"while down\n")
    os.utime(log, (1, 1))
    late = log.with_name("late.log")
    reader.config.paths.append(str(late))
    late.write_bytes(b"later\n")
    reader.start()
    assert sorted(reader.settle(2)) == [b"later", b"while down"]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("fifo", "named pipe"),
        ("socket", "socket"),
        ("directory", "directory"),
        ("binary", "binary"),
        ("gzip", "gzip"),
    ],
)
def test_what_is_no_text_file_is_refused_with_a_reason_and_the_rest_goes_on(
    reading: type, log: Path, kind: str, reason: str
) -> None:
    odd = log.with_name("odd.log")
    if kind == "fifo":
        os.mkfifo(odd)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(odd))
    elif kind == "directory":
        odd.mkdir()
    else:
        odd.write_bytes(
            {
                "binary": bytes(range(256)) * 40,
                "utf-16": "text\n".encode("utf-16"),
                "gzip": gzip.compress(b"text\n"),
            }[kind]
        )
    reader = reading(odd, log)
    assert reader.settle() == [b"first"]
    assert reason in reader.problems_of(odd)


def test_a_missing_file_is_named_and_picked_up_when_it_appears(reading: type, log: Path) -> None:
    missing = log.with_name("missing.log")
    reader = reading(missing, log)
    assert reader.settle() == [b"first"]
    assert reader.problems_of(missing) == "does not exist"
    missing.write_bytes(b"here\n")
    assert reader.settle(2) == [b"here"]
    assert reader.source.problems == []


def test_permission_granted_later_is_picked_up(reading: type) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        secret, plain = Path(folder, "secret.log"), Path(folder, "plain.log")
        plain.write_bytes(b"open\n")
        secret.write_bytes(b"closed\n")
        secret.chmod(0)
        with ordinary_user():
            reader = reading(Path(folder, "*.log"))
            assert reader.settle() == [b"open"]
            assert "permission" in reader.problems_of(secret)
        secret.chmod(0o644)
        with ordinary_user():
            assert reader.settle(2) == [b"closed"]
        reader.source.close()


def test_a_link_that_others_can_change_is_refused(reading: type, tmp_path: Path) -> None:
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    (tmp_path / "target.txt").write_bytes(b"secret\n")
    link = open_to_all / "app.log"
    link.symlink_to(tmp_path / "target.txt")
    reader = reading(link)
    assert reader.settle() == []
    assert "link" in reader.problems_of(link)
    assert reading(link, follow_links=True).settle() == [b"secret"]
    open_to_all.chmod(0o755)
    assert reader.settle(2) == [b"secret"]


def test_a_directory_that_is_an_untrusted_link_is_refused(reading: type, tmp_path: Path) -> None:
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "app.log").write_bytes(b"secret\n")
    (open_to_all / "sub").symlink_to(tmp_path / "private")
    reader = reading(open_to_all / "sub" / "app.log", open_to_all / "**" / "*.log")
    assert reader.settle() == []


@pytest.mark.parametrize(("suffix", "module"), [(".gz", gzip), (".xz", lzma), (".bz2", bz2)])
def test_once_reads_everything_there_is_and_ends(reading: type, log: Path, suffix: str, module: object) -> None:
    packed = log.with_name("old.log" + suffix)
    packed.write_bytes(module.compress(b"packed\n" * 3000))
    append(log, b"no line end")
    reader = reading(log, packed, once=True)
    assert not reader.source.exhausted()
    reader.settle(1, 100)
    assert reader.source.exhausted()
    assert sorted({line for _, line in reader.lines}) == [b"first", b"no line end", b"packed"]
    assert len(reader.lines) == 3002
    reader.restart()
    append(log, b"\nmore\n")
    reader.restart()
    assert reader.settle(1) == [b"more"]


def test_once_does_not_read_what_is_written_meanwhile(reading: type, log: Path) -> None:
    reader = reading(log, once=True)
    append(log, b"too late\n")
    assert reader.settle() == [b"first"]
    assert reader.source.exhausted()


def test_in_once_mode_a_copy_elsewhere_has_the_same_instance(reading: type, tmp_path: Path) -> None:
    instances = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "app.log").write_bytes(b"same\n" * 1000)
        reader = reading(tmp_path / folder / "app.log", once=True)
        reader.settle()
        instances.append(reader.batches[0].streams[0])
    assert instances[0] == instances[1]


def test_excluded_files_are_left_out(reading: type, tmp_path: Path) -> None:
    for name in ("a.log", "debug-a.log", "b.log"):
        (tmp_path / name).write_bytes(name.encode() + b"\n")
    reader = reading(tmp_path / "*.log", exclude=["debug-*", str(tmp_path / "b.*")])
    assert reader.settle() == [b"a.log"]
