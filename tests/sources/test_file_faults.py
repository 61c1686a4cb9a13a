"""One test per fault of files: what happens, what is delivered, what is said."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from logwatch.errors import StateCorrupt
from logwatch.sources import descriptors as descriptors_of_files
from logwatch.types import Flag


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "app.log"
    path.write_bytes(b"first\n")
    return path


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Act as a user for whom permissions can be missing, also where the tests run as root."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


# -- rotation


def test_a_renamed_file_is_drained_before_the_new_one_and_then_closed(reading: type, log: Path) -> None:
    reader = reading(log.parent / "*.log")
    reader.settle()
    writer = log.open("ab", buffering=0)
    log.rename(log.with_name("app.log.1"))
    writer.write(b"to the old file\n")
    log.write_bytes(b"to the new file\n")
    assert reader.settle(1.2) == [b"to the old file", b"to the new file"]
    writer.write(b"late\n")
    assert reader.settle(3) == [b"late"]
    assert reader.source.files == 2
    reader.settle(6)
    assert reader.source.files == 1
    writer.close()


def test_files_that_came_and_went_between_two_scans_are_read(reading: type, log: Path) -> None:
    reader = reading(log)
    reader.settle()
    for turn in range(3):
        append(log, b"turn %d\n" % turn)
        for n in (3, 2, 1):
            if log.with_name(f"app.log.{n}").exists():
                log.with_name(f"app.log.{n}").rename(log.with_name(f"app.log.{n + 1}"))
        log.rename(log.with_name("app.log.1"))
    log.write_bytes(b"turn 3\n")
    assert reader.settle(2) == [b"turn 0", b"turn 1", b"turn 2", b"turn 3"]
    assert reader.gaps == []


def test_older_rotated_files_are_left_alone(reading: type, log: Path) -> None:
    old = log.with_name("app.log.1")
    old.write_bytes(b"of yesterday\n")
    os.utime(old, (1, 1))
    reader = reading(log)
    assert reader.settle() == [b"first"]
    old.rename(log.with_name("app.log.2"))
    log.rename(old)
    log.write_bytes(b"second\n")
    assert reader.settle(2) == [b"second"]


def test_copytruncate_loses_nothing_that_is_in_the_copy(reading: type, log: Path) -> None:
    reader = reading(log)
    reader.settle()
    append(log, b"unread\n")
    shutil.copy(log, log.with_name("app.log.1"))
    os.truncate(log, 0)
    append(log, b"new\n")
    assert reader.settle(2) == [b"unread", b"new"]
    assert reader.gaps == []


def test_a_copy_that_matches_the_pattern_is_not_read_again(reading: type, log: Path) -> None:
    reader = reading(str(log) + "*")
    reader.settle()
    append(log, b"second\n")
    shutil.copy(log, log.with_name("app.log.1"))
    assert reader.settle(2) == [b"second"]  # the scan falls between the copy and the truncation
    reader.restart()
    assert reader.settle(2) == []
    os.truncate(log, 0)
    append(log, b"third\n")
    assert reader.settle(8) == [b"third"]
    assert reader.gaps == []


def test_a_truncation_without_a_copy_is_a_gap_and_the_new_content_is_read(reading: type, log: Path) -> None:
    reader = reading(log)
    reader.settle()
    append(log, b"seen coming\n" * 10)
    reader.clock.seconds += 0.05
    reader.poll(3)
    log.write_bytes(b"new\n")
    assert b"new" in reader.settle(1)
    reader.restart()
    assert reader.settle(1) == []


def test_a_stale_writer_after_copytruncate_yields_no_nul(reading: type, log: Path) -> None:
    reader = reading(log)
    with log.open("r+b", buffering=0) as writer:  # not O_APPEND: keeps its offset
        writer.seek(0, os.SEEK_END)
        writer.write(b"before\n" * 500)
        assert len(reader.settle()) == 501
        os.truncate(log, 0)
        writer.write(b"after\n")
        assert reader.settle() == [b"after"]
        shutil.copy(log, log.with_name("app.log.1"))
        os.truncate(log, 0)
        writer.write(b"again\n")
        assert reader.settle() == [b"again"]


def test_a_hole_of_many_gigabytes_is_stepped_over(reading: type, log: Path) -> None:
    reader = reading(log)
    reader.settle()
    os.truncate(log, 0)
    with log.open("r+b", buffering=0) as writer:
        writer.seek(1 << 40)
        writer.write(b"far out\n")
    assert reader.settle() == [b"far out"]


def test_truncated_and_regrown_past_the_offset_is_new_content(reading: type, log: Path) -> None:
    reader = reading(log)
    reader.settle()
    log.write_bytes(b"other\nlonger\ncontent\n")
    assert reader.settle() == [b"other", b"longer", b"content"]
    reader.source.close()
    log.write_bytes(b"another one, while nothing was reading it\n")
    reader.start()
    assert reader.settle(2) == [b"another one, while nothing was reading it"]
    assert [gap.reason for gap in reader.gaps] == ["truncated while nothing was reading it"]


def test_rewritten_to_the_very_same_size_is_new_content(reading: type, log: Path) -> None:
    reader = reading(log)
    reader.settle()
    log.write_bytes(b"other\n")
    os.utime(log, ns=(1, 1))
    assert reader.settle() == [b"other"]


def test_deleted_and_recreated(reading: type, log: Path) -> None:
    reader = reading(log)
    reader.settle()
    append(log, b"last words\n")
    log.unlink()
    assert reader.settle(2) == [b"last words"]
    log.write_bytes(b"reborn\n")
    assert reader.settle(2) == [b"reborn"]
    assert reader.gaps == []


def test_a_deleted_file_is_released(reading: type, log: Path) -> None:
    before = descriptors()
    reader = reading(log)
    reader.settle()
    assert descriptors() == before + 1
    log.unlink()
    reader.settle(8)
    assert descriptors() == before
    assert reader.problems_of(log) == "does not exist"


def test_replaced_atomically(reading: type, log: Path) -> None:
    reader = reading(log)
    reader.settle()
    fresh = log.with_name("fresh")
    fresh.write_bytes(b"first\nsecond\n")
    fresh.rename(log)
    assert reader.settle(2) == [b"first", b"second"]


def test_a_link_that_is_pointed_elsewhere(reading: type, tmp_path: Path) -> None:
    for day in (1, 2):
        (tmp_path / f"day{day}.txt").write_bytes(b"day %d\n" % day)
    link = tmp_path / "current.log"
    link.symlink_to("day1.txt")
    reader = reading(link)
    assert reader.settle() == [b"day 1"]
    append(tmp_path / "day1.txt", b"evening 1\n")
    new = tmp_path / "new"
    new.symlink_to("day2.txt")
    new.rename(link)
    assert reader.settle(2) == [b"evening 1", b"day 2"]


def test_a_directory_removed_and_back(reading: type, tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "a.log").write_bytes(b"one\n")
    reader = reading(tmp_path / "*" / "*.log")
    assert reader.settle() == [b"one"]
    shutil.rmtree(folder)
    assert reader.settle(8) == []
    folder.mkdir()
    (folder / "a.log").write_bytes(b"two\n")
    assert reader.settle(2) == [b"two"]


# -- while nothing was reading


def test_renamed_while_down_goes_on_in_the_old_file_first(reading: type, log: Path) -> None:
    reader = reading(log)
    reader.settle()
    reader.source.close()
    append(log, b"unread\n")
    log.rename(log.with_name("app.log.2"))
    log.with_name("app.log.1").write_bytes(b"between\n")
    log.write_bytes(b"newest\n")
    reader.start()
    assert reader.settle(2) == [b"unread", b"between", b"newest"]
    assert reader.gaps == []


def test_copytruncated_while_down_goes_on_in_the_copy(reading: type, log: Path) -> None:
    reader = reading(log)
    reader.settle()
    reader.source.close()
    append(log, b"unread\n")
    shutil.copy(log, log.with_name("app.log.1"))
    log.write_bytes(b"new\n")
    reader.start()
    assert reader.settle(2) == [b"unread", b"new"]
    assert reader.gaps == []


def test_deleted_while_down_is_a_gap_with_file_and_offset(reading: type, log: Path) -> None:
    reader = reading(log)
    reader.settle()
    reader.source.close()
    log.unlink()
    reader.start()
    reader.settle(2)
    (gap,) = reader.gaps
    assert (gap.stream.source, gap.start, gap.reason) == ("app", 6, "deleted while nothing was reading it")
    assert set(reader.cursors) == {"files"}
    reader.restart()
    assert len(reader.gaps) == 1


def test_an_inode_number_used_again_is_another_file(reading: type, log: Path) -> None:
    reader = reading(log)
    reader.settle()
    reader.source.close()
    (key,) = set(reader.cursors) - {"files"}
    other = log.with_name("other.log")
    other.write_bytes(b"of another file\n")
    saved = json.loads(reader.cursors[key])
    saved["inode"] = other.stat().st_ino  # as if the first file had been deleted and its inode given to the other
    reader.cursors[key] = json.dumps(saved).encode()
    log.unlink()
    other.rename(log)
    reader.start()
    assert reader.settle(2) == [b"of another file"]


def test_the_instance_survives_restart_and_rename(reading: type, log: Path) -> None:
    reader = reading(str(log) + "*")
    reader.settle()
    append(log, b"x" * 2000 + b"\n")
    reader.settle()
    reader.restart()
    log.rename(log.with_name("app.log.1"))
    append(log.with_name("app.log.1"), b"renamed\n")
    reader.settle(2)
    reader.restart()
    append(log.with_name("app.log.1"), b"again\n")
    reader.settle(2)
    assert {stream for batch in reader.batches for stream in batch.streams} == {reader.batches[0].streams[0]}
    assert reader.batches[0].streams[0].source == "app"


def test_every_new_content_is_a_stream_of_its_own(reading: type, log: Path) -> None:
    reader = reading(log)
    seen = []
    for _ in range(4):
        reader.settle(1.2)
        seen.append(reader.batches[-1].streams[-1].instance)
        os.truncate(log, 0)
        reader.settle(0.1)
        append(log, b"first\n")  # the same first line in the same inode
    assert len(set(seen)) == 4


def test_a_saved_position_that_is_damaged_stops_the_start(reading: type, log: Path) -> None:
    reader = reading(log)
    reader.settle()
    for cell in (b"{", b'{"v":9}', b"[]"):
        reader.cursors = dict.fromkeys(reader.cursors, cell)
        with pytest.raises(StateCorrupt):
            reader.start()


def test_a_device_that_got_another_number_is_the_same_file(reading: type, log: Path) -> None:
    reader = reading(log)
    reader.settle()
    (key,) = set(reader.cursors) - {"files"}
    reader.cursors[key] = json.dumps(json.loads(reader.cursors[key]) | {"dev": 1}).encode()
    reader.restart()
    append(log, b"more\n")
    assert reader.settle() == [b"more"]
    assert reader.gaps == []


def test_a_file_system_not_mounted_is_waited_for(reading: type, log: Path) -> None:
    reader = reading(log)
    reader.settle()
    (key,) = set(reader.cursors) - {"files"}
    reader.cursors[key] = json.dumps(json.loads(reader.cursors[key]) | {"dev": 1}).encode()
    reader.source.close()
    away = log.with_name("away")
    log.rename(away)
    reader.start()
    reader.settle(3)
    assert reader.gaps == []
    away.rename(log)
    append(log, b"mounted\n")
    assert reader.settle(3) == [b"mounted"]


# -- lines


def test_a_partial_last_line_is_held_and_completed_once_across_a_restart(reading: type, log: Path) -> None:
    reader = reading(log)
    append(log, b"half of ")
    assert reader.settle(1) == [b"first"]
    reader.restart()
    append(log, b"a line\n")
    assert reader.settle(1) == [b"half of a line"]


def test_a_partial_last_line_is_flushed_marked_and_its_rest_comes_once(reading: type, log: Path) -> None:
    reader = reading(log)
    append(log, b"prompt> ")
    assert reader.settle(4) == [b"first"]
    assert reader.settle(3) == [b"prompt> "]
    assert reader.flags == [0, Flag.UNFINISHED]
    reader.restart()
    append(log, b"yes\nnext\n")
    assert reader.settle(1) == [b"yes", b"next"]


def test_the_line_end_of_a_flushed_line_brings_no_empty_record(reading: type, log: Path) -> None:
    reader = reading(log)
    append(log, b"half")
    reader.settle(7)
    reader.restart()
    append(log, b"\r\nnext\n")
    assert reader.settle(1) == [b"next"]


def test_crlf_is_a_line_end(reading: type, log: Path) -> None:
    log.write_bytes(b"one\r\ntwo\r\n")
    reader = reading(log)
    assert reader.settle() == [b"one", b"two"]
    assert reader.batches[0].end.tolist() == [5, 10]


def test_a_huge_line_is_truncated_without_holding_it(reading: type, log: Path) -> None:
    log.write_bytes(b"x" * 10_000_000 + b"\nnext\n")
    reader = reading(log)
    assert reader.settle() == [b"x" * 65536, b"next"]
    assert reader.flags == [Flag.TRUNCATED, 0]
    reader.restart()
    assert reader.settle() == []


def test_a_restart_inside_a_huge_line_drops_the_rest_of_it(reading: type, log: Path) -> None:
    log.write_bytes(b"x" * 3_000_000)
    reader = reading(log)
    assert reader.settle() == [b"x" * 65536]
    reader.restart()
    append(log, b"still the same line\nnext\n")
    assert reader.settle() == [b"next"]


def test_a_huge_line_does_not_hold_up_another_file(reading: type, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"x" * 80_000_000)
    (tmp_path / "b.log").write_bytes(b"quiet\n")
    reader = reading(tmp_path / "*.log")
    reader.poll()
    assert b"quiet" in [line for _, line in reader.lines]


# -- what is read, and what is not


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


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("fifo", "named pipe"),
        ("socket", "socket"),
        ("directory", "directory"),
        ("binary", "binary"),
        ("utf-16", "UTF-16"),
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


def test_a_permission_lost_while_down_is_no_gap(reading: type, log: Path) -> None:
    reader = reading(log)
    reader.settle()
    reader.source.close()
    away = log.with_name("fifo")
    log.rename(away)
    os.mkfifo(log)  # there is something at the path that cannot be read
    reader.start()
    reader.settle(2)
    assert reader.gaps == []


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


def test_compressed_siblings_are_not_read_while_following(reading: type, log: Path) -> None:
    reader = reading(str(log) + "*")
    reader.settle()
    log.rename(log.with_name("app.log.1"))
    log.write_bytes(b"new\n")
    assert reader.settle(2) == [b"new"]
    with gzip.open(log.with_name("app.log.1.gz"), "wb") as file:
        file.write(log.with_name("app.log.1").read_bytes())
    log.with_name("app.log.1").unlink()
    assert reader.settle(8) == []
    assert reader.gaps == []


@pytest.mark.parametrize(("suffix", "module"), [(".gz", gzip), (".xz", lzma), (".bz2", bz2)])
def test_once_reads_everything_there_is_and_ends(reading: type, log: Path, suffix: str, module: object) -> None:
    packed = log.with_name("old.log" + suffix)
    packed.write_bytes(module.compress(b"packed\n" * 3000))  # type: ignore[attr-defined]
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


def test_two_equal_files_and_two_empty_ones_are_two_streams(reading: type, tmp_path: Path) -> None:
    for name in ("a.log", "b.log"):
        (tmp_path / name).write_bytes(b"")
    reader = reading(tmp_path / "*.log")
    reader.settle()
    for name in ("a.log", "b.log"):
        append(tmp_path / name, b"equal\n" * 3)
    assert reader.settle() == [b"equal"] * 6
    assert len({stream for batch in reader.batches for stream in batch.streams}) == 2


# -- many files


def test_quiet_files_get_their_turn_beside_a_firehose(reading: type, tmp_path: Path) -> None:
    (tmp_path / "loud.log").write_bytes(b"loud\n" * 100_000)
    for n in range(20):
        (tmp_path / f"quiet{n}.log").write_bytes(b"quiet\n")
    reader = reading(tmp_path / "*.log")
    batch = reader.poll(4096)
    assert batch.lines.count(b"quiet") == 20
    assert len(batch) == 4096


def test_more_files_than_descriptors(reading: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descriptors_of_files, "MAX_OPEN", 10)
    for n in range(50):
        (tmp_path / f"{n}.log").write_bytes(b"one\n")
    before = descriptors()
    reader = reading(tmp_path / "*.log")
    assert len(reader.settle(1)) == 50
    assert descriptors() <= before + 10
    for n in range(50):
        append(tmp_path / f"{n}.log", b"two\n")
        if n % 3 == 0:
            (tmp_path / f"{n}.log").rename(tmp_path / f"{n}.log.1")
            (tmp_path / f"{n}.log").write_bytes(b"three\n")
    assert sorted(reader.settle(3)) == sorted([b"two"] * 50 + [b"three"] * 17)
    reader.settle(10)
    assert descriptors() <= before + 10
    assert reader.gaps == []


def test_excluded_files_are_left_out(reading: type, tmp_path: Path) -> None:
    for name in ("a.log", "debug-a.log", "b.log"):
        (tmp_path / name).write_bytes(name.encode() + b"\n")
    reader = reading(tmp_path / "*.log", exclude=["debug-*", str(tmp_path / "b.*")])
    assert reader.settle() == [b"a.log"]


def test_every_split_of_the_same_input_gives_the_same_records(reading: type, log: Path) -> None:
    log.write_bytes(b"".join(b"line %d %s\n" % (n, b"y" * (n % 90)) for n in range(500)))
    seen = []
    for size in (1, 7, 1000):
        reader = reading(log)
        reader.settle(0.05, size)
        rows = [row for batch in reader.batches for row in zip(batch.lines, batch.start, batch.end, strict=True)]
        seen.append((rows, reader.batches[0].streams))
    assert seen[0] == seen[1] == seen[2]


def test_a_compressed_file_is_followed_once_where_it_is_asked_for(reading: type, log: Path) -> None:
    packed = log.with_name("old.log.gz")
    packed.write_bytes(gzip.compress(b"".join(b"packed %d\n" % n for n in range(50_000))))
    reader = reading(log, packed, compressed=True)
    lines = reader.settle(3, 100)
    assert lines.count(b"first") == 1
    assert [line for line in lines if line != b"first"] == [b"packed %d" % n for n in range(50_000)]
    reader.restart()
    assert reader.settle(3) == []
    assert reader.gaps == []
