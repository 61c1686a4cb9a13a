"""Labels of a backtest: three forms, and clear words for what is none of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from logwatch.backtest.labels import Interval, read_labels
from logwatch.errors import DataError


def written(folder: Path, text: str, name: str = "labels.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_stretches_of_time_may_have_a_kind_and_other_columns(tmp_path: Path) -> None:
    path = written(tmp_path, "note,source,start,end,kind\nx,app,1970-01-01T00:00:01Z,1970-01-01T01:00:02+01:00,crash\n")
    labels = read_labels(path)
    assert labels.form == "intervals"
    assert labels.intervals == (Interval("app", 10**9, 2 * 10**9, "crash"),)


def test_entities_and_lines_are_told_apart_by_their_columns(tmp_path: Path) -> None:
    entities = read_labels(written(tmp_path, "source,entity,label\napp,7,1\napp,8,0\n"))
    lines = read_labels(written(tmp_path, "source,line,label\napp,7,1\n", "lines.csv"))
    assert (entities.form, dict(entities.entities)) == ("entities", {("app", "7"): True, ("app", "8"): False})
    assert (lines.form, dict(lines.lines)) == ("lines", {("app", 7): True})


def test_json_lines_say_the_same_as_csv(tmp_path: Path) -> None:
    rows = [{"source": "app", "line": 3, "label": 1}, {"source": "app", "line": 4, "label": False}]
    path = written(tmp_path, "".join(json.dumps(row) + "\n" for row in rows), "labels.jsonl")
    assert dict(read_labels(path).lines) == {("app", 3): True, ("app", 4): False}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no header"),
        ("a,b\n1,2\n", "columns are 'a', 'b'"),
        ("source,start,end\napp,1970-01-01T00:00:02Z,1970-01-01T00:00:01Z\n", "line 2: it ends before it begins"),
        ("source,start,end\napp,1970-01-01T00:00:02,1970-01-01T00:00:03\n", "line 2: no zone"),
        ("source,entity,label\napp,7,maybe\n", "label is 'maybe'"),
        ("source,entity,label\napp,,1\n", "no entity"),
        ("source,entity,label\napp,7,1\napp,7,0\n", "line 3: '7' has two labels"),
        ("source,line,label\napp,x,1\n", "line 2"),
        ("source,line,label\n", "no label in it"),
    ],
)
def test_what_is_no_label_is_refused_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=r"labels\.csv") as refused:
        read_labels(written(tmp_path, text))
    assert said in str(refused.value)


def test_a_file_that_is_not_there_is_data_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_labels(tmp_path / "none.csv")
