"""`templates --labels`: figures, the worst confusions, and labels that do not match."""

from __future__ import annotations

import gzip
import json
from io import StringIO
from pathlib import Path

import pytest

from logwatch.cli import run
from logwatch.cli.templates import show_agreement
from logwatch.cli.ui import Terminal
from logwatch.requests import ConfusedTemplate, ConfusionReport, StatementLines, TemplateAgreement

LINES = [
    "2026-03-01T12:00:00 INFO request 1 is done",
    "2026-03-01T12:00:01 INFO request 2 is done",
    "2026-03-01T12:00:02 ERROR request 3 has failed",
    "Traceback (most recent call last):",
    "ValueError: 3",
    "2026-03-01T12:00:03 INFO stopped the big engine",
    "2026-03-01T12:00:04 INFO started the big engine",
]
LABELS = ["line,label", "1,a.py:1", "2,a.py:1", "3,a.py:2", "4,", "5,", "6,a.py:3", "7,a.py:3"]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "app.log"
    file.write_text("".join(f"{line}\n" for line in LINES))
    return file


def labelled(log: Path, labels: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    assert run(["templates", str(log), "--labels", str(labels), "--json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_labels_tell_how_well_templates_agree(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = log.with_name("labels.csv")
    labels.write_text("\n".join(LABELS))
    found = labelled(log, labels, capsys)
    assert (found["ga"], found["matched"], found["labels"]) == (0.6, 1.0, 5)
    assert (found["templates"], found["statements"]) == (4, 3)
    (worst,) = found["worst"]
    assert worst["statements"] == 1
    assert {part["statement"] for template in worst["templates"] for part in template["statements"]} == {"a.py:3"}
    assert worst["templates"][0]["statements"][0]["example"] == LINES[5]


def test_labels_may_be_compressed_or_json_lines(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packed, lines = log.with_name("labels.csv.gz"), log.with_name("labels.jsonl")
    packed.write_bytes(gzip.compress("\n".join(LABELS).encode()))
    rows = (row.split(",") for row in LABELS[1:])
    lines.write_text("".join(json.dumps({"line": int(line), "label": label}) + "\n" for line, label in rows))
    assert labelled(log, packed, capsys) == labelled(log, lines, capsys)


@pytest.mark.parametrize(
    "labels",
    ["line,label\n91,a\n92,b\n", "row,label\n1,a\n", "line,label\nx,a\n", "line,label\n4,a\n5,a\n"],
    ids=["of another file", "no column", "no number", "inside records"],
)
def test_labels_that_do_not_match_exit_65(log: Path, labels: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = log.with_name("labels.csv")
    file.write_text(labels)
    assert run(["templates", str(log), "--labels", str(file)]) == 65
    assert "labels.csv" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["labels.csv", "labels.jsonl"])
def test_a_line_with_two_labels_exits_65(log: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(1, "a"), (3, "b"), (1, "c")]
    as_json, as_csv = (json.dumps({"line": n, "label": of}) for n, of in rows), (f"{n},{of}" for n, of in rows)
    file = log.with_name(name)
    file.write_text("\n".join(as_json if name.endswith("jsonl") else ["line,label", *as_csv]))
    assert run(["templates", str(log), "--labels", str(file)]) == 65
    assert f"{name}: line 1 has two labels" in capsys.readouterr().err


def test_labels_of_two_files_exit_64(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other, labels = log.with_name("other.log"), log.with_name("labels.csv")
    other.write_text("once\n")
    labels.write_text("\n".join(LABELS))
    assert run(["templates", str(log), str(other), "--labels", str(labels)]) == 64
    assert "one file" in capsys.readouterr().err


def test_missing_labels_exit_65(log: Path) -> None:
    assert run(["templates", str(log), "--labels", str(log.with_name("none.csv"))]) == 65


class _Screen(StringIO):
    def isatty(self) -> bool:
        return True


def test_people_see_statements_beside_each_other() -> None:
    part = [StatementLines(f"a.c:{i}", 5 - i, f"2026-03-01 INFO the {i}th thing\x1b[2J") for i in range(9)]
    worst = ConfusionReport(40, 9, (ConfusedTemplate(7, "the <*> thing", tuple(part)),))
    out = _Screen()
    ui = Terminal(out=out, err=_Screen())
    show_agreement(TemplateAgreement(90, 0.5, 0.25, 0.125, 1, 9, (worst, worst)), ui, 1)
    text = out.getvalue()
    assert "GA 0.250  FGA 0.125" in text
    assert "9 statements in 1 template" in text
    assert "and 3 more statements" in text
    assert "the <*> thing" in text
    assert "\x1b[2J" not in text
