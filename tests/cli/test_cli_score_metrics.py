"""`score` of real metrics: rows in each form, several files in one order, a state that goes on."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest

from logwatch.cli import run

REDIS = Path(__file__).parents[1] / "data" / "recordings" / "redis"
MEASURED = ("series", "value", "expected", "low", "high")


class Said(NamedTuple):
    """What a command wrote."""

    out: str
    err: str


def score(*arguments: str | Path) -> Said:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        assert run(["score", *map(str, arguments)]) == 0
    return Said(out.getvalue(), err.getvalue())


def alerts(said: Said) -> list[dict[str, Any]]:
    return [json.loads(line) for line in said.out.splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A quarter of an hour before the server is killed, and two minutes after it; whole, and in two parts."""
    folder = tmp_path_factory.mktemp("metrics")
    with gzip.open(REDIS / "metrics.csv.gz", "rt") as file:
        header, *lines = file
    chosen = [line for line in lines if "T13:07" <= line[10:16] < "T13:25"]
    cut = sum(line[10:16] < "T13:21" for line in chosen)
    for name, part in {"whole": chosen, "early": chosen[:cut], "late": chosen[cut:]}.items():
        (folder / f"{name}.csv").write_text(header + "".join(part))
    return folder


@pytest.fixture(scope="module")
def rows(folder: Path) -> pl.DataFrame:
    score(folder / "whole.csv", "-o", folder / "rows.parquet")
    return pl.read_parquet(folder / "rows.parquet")


def test_the_killed_server_is_told_with_what_was_expected(rows: pl.DataFrame) -> None:
    told = rows.filter(pl.col("alert").is_not_null() & (pl.col("series") == 'process_resident_bytes{program="redis"}'))
    first = told.row(0, named=True)
    assert first["time"] == "2026-11-22T13:22:15Z"
    assert first["value"] < first["low"] < first["expected"] < first["high"]
    assert (first["kind"], first["level"], first["template"]) == ("metric", None, None)


def test_every_reading_is_a_row_with_its_value(rows: pl.DataFrame, folder: Path) -> None:
    readings = pl.read_csv(folder / "whole.csv", schema_overrides={"value": pl.Float64})
    program = pl.col("labels").str.strip_prefix("program=")
    series = pl.concat_str("name", pl.lit('{program="'), program, pl.lit('"}')).alias("series")
    named = readings.select(series, "time", "value")
    both = rows.select("series", "time", "value").join(named, on=["series", "time"], how="full", suffix="_read")
    assert len(both) == len(readings) == len(rows)
    assert (both["value"] == both["value_read"]).all()


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_all_forms_say_the_same(form: str, rows: pl.DataFrame, folder: Path) -> None:
    said = score(folder / "whole.csv", "-o", folder / f"rows.{form}")
    path = folder / f"rows.{form}"
    reader = pl.read_ndjson if form == "jsonl" else pl.read_csv
    read = reader(path, infer_schema_length=None)
    same = read.select("series", *(pl.col(name).cast(pl.Float64) for name in MEASURED[1:]))
    assert same.equals(rows.select(MEASURED))
    assert "7 series" in said.err
    assert "unusual: " in said.err
    assert 'process_resident_bytes{program="redis"}' in said.err


def test_a_state_goes_on_where_it_was(folder: Path) -> None:
    score(folder / "early.csv", "--source", "redis", "--state", folder / "learned")
    after = alerts(score(folder / "late.csv", "--source", "redis", "--state", folder / "learned"))
    alone = alerts(score(folder / "late.csv", "--source", "redis"))
    assert [alert["first"] >= "2026-11-22T13:22" for alert in after[:1]] == [True]
    assert alone == [], "four minutes are too few to learn from"


def test_a_log_and_metrics_of_one_source_join_in_one_incident(folder: Path) -> None:
    with gzip.open(REDIS / "redis.log.gz", "rt") as file:
        (folder / "redis.log").write_text("".join(line for line in file if "13:07" <= line.split()[4][:5] < "13:25"))
    shown = alerts(score(folder / "redis.log", folder / "whole.csv", "--source", "redis"))
    (opened,) = [one for one in shown if one["state"] == "open" and one["first"][11:16] in ("13:21", "13:22")]
    kinds = {alert["kind"] for alert in shown if alert["incident"] == opened["incident"]}
    assert "metric" in kinds
    assert kinds & {"silence", "event", "window"}
