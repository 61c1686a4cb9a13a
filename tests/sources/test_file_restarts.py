"""What happens to files while nothing is reading them."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from logwatch.errors import StateCorrupt
from tests.sources.disk import append


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
