"""Dead letters: kept with their place and the reason, redacted, bounded, and never in the way."""

from __future__ import annotations

import base64
import errno
import json
import os
import stat
from pathlib import Path

import numpy as np
import pytest

from logwatch.deadletter import DeadLetters, Letter
from logwatch.deadletter.file import UNWRITTEN, LetterFile
from logwatch.parse.formats.read import Failed
from logwatch.telemetry import DROPPED
from logwatch.types import RecordBatch, Stream


def letter(number: int = 0) -> Letter:
    place = {"topic": "t", "partition": 0, "offset": number}
    return Letter("web", place, "not JSON", "password=*** \x1b[2J", b"password=hunter2 \xff")


def read(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_letters_are_redacted_lines_that_act_on_no_terminal(tmp_path: Path) -> None:
    box = LetterFile(tmp_path / "dead.jsonl", raw=False, max_size=1 << 20)
    box.put([letter(1), letter(2)])
    box.close()
    text = (tmp_path / "dead.jsonl").read_text()
    assert "hunter2" not in text
    assert "\x1b" not in text
    assert [one["position"] for one in read(tmp_path / "dead.jsonl")] == [letter(1).position, letter(2).position]
    assert {one["reason"] for one in read(tmp_path / "dead.jsonl")} == {"not JSON"}


def test_raw_letters_are_the_bytes_and_the_file_is_its_owners(tmp_path: Path) -> None:
    path = tmp_path / "dead.jsonl"
    path.write_text("")
    path.chmod(0o644)
    box = LetterFile(path, raw=True, max_size=1 << 20)
    box.put([letter()])
    box.close()
    assert base64.b64decode(str(read(path)[0]["raw"])) == letter().line
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_file_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "dead.jsonl"
    for _ in range(2):  # a restart begins no new file
        box = LetterFile(path, raw=False, max_size=1000)
        for number in range(100):
            box.put([letter(number)])
        box.close()
    sizes = [file.stat().st_size for file in tmp_path.iterdir()]
    assert len(sizes) == 2
    assert max(sizes) <= 1000
    assert read(path)[-1]["position"] == letter(99).position


def test_one_huge_batch_is_bounded_too(tmp_path: Path) -> None:
    path = tmp_path / "dead.jsonl"
    box = LetterFile(path, raw=False, max_size=1000)
    box.put([letter()])
    box.put([letter(number) for number in range(1, 1000)])
    box.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["dead.jsonl", "dead.jsonl.1"]
    assert max(file.stat().st_size for file in tmp_path.iterdir()) <= 1000
    kept = [one["position"] for one in read(tmp_path / "dead.jsonl.1") + read(path)]
    assert kept == [letter(number).position for number in range(1000 - len(kept), 1000)]
    assert len(kept) > 8


def test_a_letter_longer_than_the_file_may_be_is_counted_and_the_others_are_written(tmp_path: Path) -> None:
    before = DROPPED.value(reason=UNWRITTEN)
    box = LetterFile(tmp_path / "dead.jsonl", raw=False, max_size=1000)
    box.put([letter(1), letter(2)._replace(text="x" * 1000), letter(3)])
    box.close()
    assert [one["position"] for one in read(tmp_path / "dead.jsonl")] == [letter(1).position, letter(3).position]
    assert DROPPED.value(reason=UNWRITTEN) == before + 1


def test_what_the_system_writes_only_a_part_of_is_written_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:7]))
    box = LetterFile(tmp_path / "dead.jsonl", raw=False, max_size=1 << 20)
    box.put([letter(1), letter(2)])
    box.put([letter(3)])
    box.close()
    assert [one["position"] for one in read(tmp_path / "dead.jsonl")] == [letter(n).position for n in (1, 2, 3)]


def test_a_disk_that_fills_amid_a_letter_spoils_neither_those_before_nor_those_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box, before = LetterFile(tmp_path / "dead.jsonl", raw=False, max_size=1 << 20), DROPPED.value(reason=UNWRITTEN)
    box.put([letter(1)])
    write, room = os.write, [20, 0]

    def full(fd: int, data: memoryview) -> int:
        left = room.pop(0)
        if not left:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(fd, data[:left])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        box.put([letter(2), letter(3)])
    box.put([letter(4)])
    box.close()
    assert [one["position"] for one in read(tmp_path / "dead.jsonl")] == [letter(1).position, letter(4).position]
    assert DROPPED.value(reason=UNWRITTEN) == before + 2


def test_letters_that_cannot_be_written_are_counted(tmp_path: Path) -> None:
    before = DROPPED.value(reason=UNWRITTEN)
    box = LetterFile(tmp_path / "missing" / "dead.jsonl", raw=False, max_size=1000)
    box.put([letter(), letter()])
    box.close()
    assert DROPPED.value(reason=UNWRITTEN) == before + 2


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("precious")
    (tmp_path / "dead.jsonl").symlink_to(tmp_path / "target")
    LetterFile(tmp_path / "dead.jsonl", raw=False, max_size=1000).put([letter()])
    assert (tmp_path / "target").read_text() == "precious"


def test_rows_keep_their_place_whatever_they_were_read_from(tmp_path: Path) -> None:
    streams = [Stream("web", "logs:3"), Stream("db", "0123abcd")]
    records = RecordBatch(
        [b"a", b"b", b"c"], streams, np.array([0, 1, 0], np.int32), np.array([7, 100, 8]), np.array([8, 101, 9]),
        np.zeros(3, np.uint8),
    )  # fmt: skip
    letters = DeadLetters(lambda: LetterFile(tmp_path / "dead.jsonl", False, 1000), {})
    letters.put("kafka", records, ["a", "b", "c"], [Failed(1, "x"), Failed(2, "y")])
    letters.close()
    assert [(one["source"], one["position"], one["reason"]) for one in read(tmp_path / "dead.jsonl")] == [
        ("db", {"file": "0123abcd", "offset": 100}, "x"),
        ("web", {"topic": "logs", "partition": 3, "offset": 8}, "y"),
    ]
