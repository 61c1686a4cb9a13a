"""Files of each format through the whole pipeline: times, levels, entities, values, and one new event that alerts."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from logwatch.app.history import score
from logwatch.config import load
from logwatch.requests import ScoreRequest, Summary
from tests.benchmarks.quiet import Quiet

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
COUNT = 3000
NEWS = 2900
STATEMENTS = ("request served", "cache stored key", "row written", "mail queued")


def told(i: int) -> tuple[str, str, str, dict[str, Any]]:
    """Time, level, message and fields of line i."""
    when = (START + timedelta(seconds=i)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    fields = {"trace_id": f"t{i // 3}", "status": 200 + 4 * (i % 7 == 0), "ms": 10 + i * 7 % 20, "zone": "ab"[i % 2]}
    if i == NEWS:
        return when, "error", "volume is read-only, giving up", fields
    return when, "info", STATEMENTS[i % 4], fields


def as_json(i: int) -> str:
    when, level, message, fields = told(i)
    return json.dumps({"@timestamp": when, "log": {"level": level, "logger": "shop"}, "message": message, **fields})


def as_logfmt(i: int) -> str:
    when, level, message, fields = told(i)
    return f'ts={when} level={level} logger=shop msg="{message}" ' + " ".join(f"{k}={v}" for k, v in fields.items())


def as_syslog(i: int) -> str:
    when, level, message, fields = told(i)
    data = " ".join(f'{k}="{v}"' for k, v in fields.items())
    return f"<{11 if level == 'error' else 14}>1 {when} web-1 shop 77 - [app@1 {data}] {message}"


def as_cri(i: int) -> str:
    return f"{told(i)[0]} stdout F {as_json(i)}"


FORMS = {"json": as_json, "logfmt": as_logfmt, "syslog": as_syslog, "cri": as_cri}


@pytest.mark.parametrize("name", FORMS)
def test_a_file_is_read_scored_and_alerts(name: str, tmp_path: Path) -> None:
    path, rows_path = tmp_path / f"{name}.log", tmp_path / "rows.jsonl"
    path.write_text("".join(f"{FORMS[name](i)}\n" for i in range(COUNT)), "utf-8")
    heard = Quiet()
    request = ScoreRequest((str(path),), load(environ={}), rows=rows_path, entity=r'trace_id"?[=:]"?(\w+)')
    summary: Summary = score(request, heard)
    assert summary.records == COUNT
    rows = [json.loads(line) for line in rows_path.read_text("utf-8").splitlines()]
    events = [row for row in rows if row["kind"] == "event"]
    assert [row["time"][:19] for row in events] == [told(i)[0][:19] for i in range(COUNT)]
    assert [row["level"] for row in events] == ["error" if i == NEWS else "info" for i in range(COUNT)]
    assert {row["template"] for row in events} == {*STATEMENTS, "volume is read-only, giving up"}
    assert any(row["detectors"]["values"] is not None for row in events)
    opened = [alert for alert in heard.alerts if alert.state == "open"]
    assert any("volume is read-only" in line.text for alert in opened for line in alert.lines)
