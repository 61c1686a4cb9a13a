"""Dead letters: kept with their place and the reason, redacted, bounded, and never in the way."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path

import numpy as np

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
