"""Hours of operation in minutes: files that rotate, sinks that fail, a Kafka broker that is killed. Is anything lost?

`python -m tests.benchmarks.soak [--minutes 30] [--hours 8] [--rate 12]`: one daemon follows a file and, where a broker
can be had, a topic of four partitions with its state beside it. Both carry lines whose own times run through `--hours`
up to now, with bursts of lines that were never seen. The file is renamed and made anew forty times, and every other old
one is compressed; the broker is killed and started again four times; the webhook of the alerts is refused, answered by
errors, by rubbish, or not at all, in turn.

Lost and doubled lines are told by what the state has learned: of the file against what was written, of a partition, by
its saved state, against the offsets that it has passed; what lies behind those is not lost, but late. Alerts are told
by their ids: the file sink must hold each once, the webhook at least once. Memory's slope is that of a line through the
second half's samples.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from logwatch.checkpoint.spill import Spill
from logwatch.checkpoint.topic_admin import TopicSettings
from logwatch.checkpoint.topic_lane import TopicLane
from tests.benchmarks.frame import Benchmark
from tests.benchmarks.kill import odd_lines
from tests.benchmarks.sidecar import at
from tests.benchmarks.soak_hook import Hook
from tests.benchmarks.watched import Watched
from tests.kafka.broker import LocalBroker, NoKafka, free_ports, own_broker

TOPIC, GROUP, PARTITIONS = "soak", "soak", 4
FILE = "shop.log"
ROTATIONS, KILLS = 40, 4
TICK_S = 0.25
SETTLE_S = 180.0
FILE_SOURCE = """
state = "{folder}/state"
budget = "10/hour"
when_full = "pause"
[http]
listen = ""
probe_listen = "127.0.0.1:{port}"
[[source]]
kind = "file"
paths = ["{folder}/logs/{file}"]
start = "beginning"
[[sink]]
kind = "file"
path = "{folder}/alerts.jsonl"
[[sink]]
kind = "webhook"
url = "{hook}"
timeout = "2s"
"""
KAFKA_SOURCE = """
[[source]]
kind = "kafka"
bootstrap = ["{bootstrap}"]
topics = ["{topic}"]
group = "{group}"
name = "{{topic}}"
start = "beginning"
state = "topic"
"""


class Writer:
    """Writes the file and the topic, and breaks what can break, by the time of the soak."""

    def __init__(self, folder: Path, broker: LocalBroker | None, hours: float, rate: float, seed: int) -> None:
        self._log = folder / "logs" / FILE
        self._log.parent.mkdir()
        self._log.touch()
        self._broker, self._producer = broker, _producer(broker.bootstrap) if broker else None
        self._lines = odd_lines(int(hours * 3600 * rate) + 1000, seed)
        self._begin, self._span, self._rate = datetime.now(UTC) - timedelta(hours=hours), hours * 3600, rate
        self._sent = self._rotated = 0
        self._restarts: list[threading.Thread] = []
        self.written = Counter[str]()
        """Lines in the file, and by lane records that a broker has acknowledged."""

    def run(self, seconds: float) -> Iterator[float]:
        """Write for so long; yields four times a second the share that has passed."""
        began = time.monotonic()
        while (share := (time.monotonic() - began) / seconds) < 1.0:
            self._write(share)
            if share * ROTATIONS > self._rotated + 1:
                self._rotate()
            if self._broker and share * (KILLS + 1) > len(self._restarts) + 1:
                self._restarts.append(threading.Thread(target=_restart, args=(self._broker,), daemon=True))
                self._restarts[-1].start()
            yield share
            time.sleep(TICK_S)
        self._write(1.0)
        for restart in self._restarts:
            restart.join()
        if self._producer is not None:
            self._producer.flush(timeout=120)

    def _write(self, share: float) -> None:
        with self._log.open("a") as out:
            while self._sent < share * self._span * self._rate:
                when = self._begin + timedelta(seconds=self._sent / self._rate)
                line = at(when, next(self._lines))
                self._sent += 1
                if self._producer is not None and self._sent % 2:
                    self._producer.send(TOPIC, line.rstrip("\n").encode()).add_callback(self._counted)
                else:
                    out.write(line)
                    self.written[FILE] += 1

    def _counted(self, record: Any) -> None:
        self.written[f"{TOPIC}-{record.partition}"] += 1  # by the one thread that sends

    def _rotate(self) -> None:
        self._rotated += 1
        old = self._log.with_name(f"{FILE}.{self._rotated}")
        self._log.rename(old)
        self._log.touch()
        if self._rotated % 2:
            threading.Timer(20.0, _compress, args=(old,)).start()


def _producer(bootstrap: str) -> Any:
    from kafka import KafkaProducer
    from kafka.admin import KafkaAdminClient, NewTopic

    KafkaAdminClient(bootstrap_servers=bootstrap).create_topics([NewTopic(TOPIC, PARTITIONS, 1)])
    return KafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, delivery_timeout_ms=600_000, linger_ms=50
    )


def _restart(broker: LocalBroker) -> None:
    broker.kill()
    time.sleep(8)
    broker.start()


def _compress(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):  # the soak is over
        with path.open("rb") as plain, gzip.open(f"{path}.gz", "wb") as packed:
            packed.write(plain.read())
        path.unlink()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--hours", type=float, default=8.0)
    parser.add_argument("--rate", type=float, default=12.0)
    with (
        Benchmark("soak", parser=parser) as bench,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name,
        contextlib.ExitStack() as stack,
    ):
        broker = None
        try:
            broker = stack.enter_context(own_broker())
        except NoKafka as error:
            bench.log(f"soak: without Kafka: {error}")
        _measure(bench, Path(name), broker, stack.enter_context(Hook()))


def _measure(bench: Benchmark, folder: Path, broker: LocalBroker | None, hook: Hook) -> None:
    options = bench.options
    writer = Writer(folder, broker, options.hours, options.rate, bench.seed)
    config = folder / "logwatchd.toml"
    text = FILE_SOURCE.format(folder=folder, file=FILE, port=free_ports(1)[0], hook=hook.url)
    own = KAFKA_SOURCE.format(bootstrap=broker.bootstrap, topic=TOPIC, group=GROUP) if broker else ""
    config.write_text(text + own)
    daemon = Watched(config)
    memory = []
    try:
        daemon.until_ready()
        for share in writer.run(60.0 * options.minutes):
            hook.mood(share)
            memory.append((share, daemon.rss()))
        hook.mood(1.0)
        learned = _settled(daemon, writer, folder, hook)
    finally:
        daemon.stop()
    ids, saved = _ids(folder), _saved(broker) if broker else {}
    passed = Counter({FILE: writer.written[FILE], **{lane: one["next"] for lane, one in saved.items()}})
    learned = Counter({FILE: learned[FILE], **{lane: one["seen"] for lane, one in saved.items()}})
    bench.figure("hours_of_stream", options.hours)
    bench.figure("lines", writer.written.total())
    bench.figure("kafka_broker_killed", KILLS if broker else 0)
    bench.figure("lines_lost", (passed - learned).total(), floor=0, aim=0)
    bench.figure("lines_doubled", (learned - passed).total(), floor=0, aim=0)
    bench.figure("lines_late", (writer.written - passed).total(), floor=0, aim=0)
    bench.figure("alerts", len(ids))
    bench.figure("alerts_doubled_in_file", sum(ids.values()) - len(ids), floor=0, aim=0)
    bench.figure("alerts_lost_at_webhook", len(set(ids) - set(hook.taken)), floor=0, aim=0)
    bench.figure("alerts_repeated_at_webhook", sum(hook.taken.values()) - len(hook.taken))
    bench.figure("webhook_requests_failed", hook.failed)
    half = np.array([one for one in memory if one[0] > 0.5])
    slope = np.polyfit(half[:, 0] * options.hours, half[:, 1] / 1e6, 1)[0]
    bench.figure("rss_mb", float(half[:, 1].mean()) / 1e6)
    bench.figure("rss_slope_mb_per_hour_of_stream", float(slope))
    bench.figure("rss_last_eighth_over_fifth", _mean(memory, 7 / 8, 1.0) / _mean(memory, 4 / 8, 5 / 8), floor=1.05)


def _mean(memory: list[tuple[float, int]], since: float, until: float) -> float:
    return float(np.mean([size for share, size in memory if since <= share < until]))


def _settled(daemon: Watched, writer: Writer, folder: Path, hook: Hook) -> Counter[str]:
    """What was learned, once everything is read and delivered, or the time for that has passed."""
    until = time.monotonic() + SETTLE_S
    learned = Counter[str]()
    while time.monotonic() < until:
        learned = _learned(daemon) or learned
        if learned >= writer.written and set(_ids(folder)) <= set(hook.taken):
            time.sleep(5.0)  # what comes twice may still come
            return _learned(daemon) or learned
        time.sleep(0.5)
    return learned


def _learned(daemon: Watched) -> Counter[str]:
    """Events of the file, and of each lane that is open; nothing where the daemon does not answer."""
    if not (status := daemon.status()):
        return Counter()
    lanes = {row["lane"]: int(row["events"]) for row in status["lanes"]}
    return Counter({FILE: int(status["events_learned"]) - sum(lanes.values()), **lanes})


def _saved(broker: LocalBroker) -> dict[str, dict[str, int]]:
    """The last marker of each lane, whoever has it open: its next offset, which counts records here, and its events."""
    settings = TopicSettings({"bootstrap_servers": broker.bootstrap}, f"logwatchd-state-{GROUP}-{TOPIC}", TOPIC)
    lanes = {f"{TOPIC}-{n}": TopicLane(settings, f"{TOPIC}-{n}", n, Spill(None)) for n in range(PARTITIONS)}
    return {name: lane.look() or {"next": 0, "seen": 0} for name, lane in lanes.items()}


def _ids(folder: Path) -> Counter[str]:
    path = folder / "alerts.jsonl"
    return Counter(json.loads(line)["id"] for line in path.read_text().splitlines()) if path.exists() else Counter()


if __name__ == "__main__":
    main()
