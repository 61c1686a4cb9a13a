"""A topic of metrics: found by their first records, judged, and their state goes with the partition."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from logwatch.score.keys import KeyTable
from tests.kafka.program import daemon
from tests.kafka.topics import Topics

pytestmark = pytest.mark.kafka

START = datetime(2026, 3, 1, tzinfo=UTC)
SERIES, STEPS = 8, 600
ODD = {420: 3, 421: 3, 560: 5, 561: 5}
"""Steps in which a host is odd: one before the partition moves, one after it."""


def _records() -> list[bytes]:
    """JSON lines, a record a sample."""
    rng, lines = random.Random(0), []
    for step in range(STEPS):
        for one in range(SERIES):
            value = rng.gauss(50, 2) + (step if ODD.get(step) == one else 0)
            time = (START + timedelta(seconds=10 * step)).isoformat()
            record = {"time": time, "name": "load", "labels": {"host": f"h{one}"}, "value": round(value, 3)}
            lines.append(json.dumps(record).encode())
    return lines


def _alerts(*folders: Path) -> list[dict[str, object]]:
    files = [folder / "alerts.jsonl" for folder in folders]
    return [json.loads(line) for file in files if file.exists() for line in file.read_text().splitlines()]


@pytest.mark.parametrize(("state", "capacity"), [("local", 1000), ("topic", 1000), ("topic", 3)])
def test_metrics_of_a_topic_alert_alike_whoever_owns_the_partition(
    topics: Topics, tmp_path: Path, state: str, capacity: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logwatch.metric_stages.CHUNK", 100)
    monkeypatch.setattr("logwatch.assemble.KeyTable", partial(KeyTable, capacity=capacity))  # 3: most are spilled
    records, more = _records(), f'state = "{state}"'
    cut = 500 * SERIES + 3
    told = []
    for name, parts in (("whole", [records]), ("moved", [records[:cut], records[cut:]])):
        topic = topics.create(name=f"{topics.new_name('m')}-{name}")
        for number, part in enumerate(parts):
            worker = tmp_path / (f"{name}{number}" if state == "topic" else name)  # another machine
            worker.mkdir(exist_ok=True)
            topics.send(topic, part)
            daemon(topics.broker, worker, topic, more)
        folders = sorted(folder for folder in tmp_path.iterdir() if folder.name.startswith(name))
        told.append([(one["state"], one["entity"], one["score"], one["detail"]) for one in _alerts(*folders)])
        assert not list(tmp_path.glob("*/state/dead-letters.jsonl"))
    assert told[0] == told[1]
    opened = {one[1] for one in told[0] if one[0] == "open"}
    assert opened >= {'load{host="h3"}', 'load{host="h5"}'}
