"""The rows of `score`: one per line in input order, each format readable, also of nothing."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from logwatch.app.history import score
from logwatch.config import load
from logwatch.requests import ScoreRequest
from logwatch.rows import COLUMNS
from tests.benchmarks.quiet import Quiet
from tests.benchmarks.stream import write


def _score(log: Path, rows: Path, entity: str | None = None) -> int:
    form = rows.suffix[1:]
    request = ScoreRequest((str(log),), load(environ={}), rows=rows, rows_format=form, entity=entity)
    return score(request, Quiet()).rows


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_every_line_has_its_row_in_input_order(tmp_path: Path, form: str) -> None:
    log = write(tmp_path / "shop.log", 3000, 2.0)
    rows = tmp_path / f"rows.{form}"
    written = _score(log, rows, r"request_id=(\w+)")
    read = {"jsonl": pl.read_ndjson, "csv": pl.read_csv, "parquet": pl.read_parquet}[form]
    frame = read(rows, infer_schema_length=None) if form != "parquet" else read(rows)
    assert tuple(frame.columns) == COLUMNS
    assert len(frame) == written
    events = frame.filter(pl.col("kind") == "event")
    assert len(events) == 3000
    position = events["position"]
    offsets = [json.loads(p)["offset"] for p in position] if form == "csv" else [p["offset"] for p in position]
    assert offsets == sorted(offsets)
    assert offsets[1] == len(log.read_text().splitlines()[0]) + 1
    assert events["time"][0] == "2026-01-05T08:00:00Z"
    assert events["score"].is_null().any()
    assert set(frame["kind"].unique()) >= {"event", "window"}


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_rows_of_nothing_can_be_read(tmp_path: Path, form: str) -> None:
    log = tmp_path / "empty.log"
    log.write_text("")
    rows = tmp_path / f"rows.{form}"
    assert _score(log, rows) == 0
    if form == "csv":
        assert tuple(pl.read_csv(rows).columns) == COLUMNS
    elif form == "parquet":
        assert tuple(pl.read_parquet(rows).columns) == COLUMNS
    else:
        assert rows.read_text() == ""
