"""Kafka → decision, everything on, over a raw poll of the same topic by the client library in the same run.

`python -m tests.benchmarks.kafka [--records N] [--partitions P]`: a synthetic service log (see `stream.py`, 178 bytes a
record, event times at 100,000 lines/s) is written to a topic of a real broker on this machine. kafka-python's own
consumer polls it to its end, before and after; between, the daemon reads it from its beginning to the same end, with
every detector, online learning, commits and a file sink. A short topic is read first: importing and joining are no
reading. Both rates are from the first record to the last; beside them the source alone, into nothing, and
this process's own processor time a record, and that of the process that helps it (the broker's apart).
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from logwatch.api import RecordBatch
from logwatch.app.partitions import kept_partitions
from logwatch.app.session import opened
from logwatch.clock import SystemClock
from logwatch.config import SourceTable
from logwatch.daemon import Daemon
from logwatch.delivery import Delivery
from logwatch.plugins import configure
from logwatch.sources.kafka import KafkaConfig, KafkaSource
from tests.benchmarks.frame import Benchmark
from tests.benchmarks.stream import lines
from tests.kafka.broker import NoKafka, broker

NO_INPUT = 66
FLOOR, AIM = 0.4, 0.6
WARM = 20_000
_REQUEST = re.compile(r"request_id=(\w+)")

CONFIG = """
state = "{folder}/state"
[[source]]
kind = "kafka"
bootstrap = "{bootstrap}"
topics = ["{topic}"]
group = "benchmark-{topic}"
start = "beginning"
once = true
{entity}
[[sink]]
kind = "file"
path = "{folder}/alerts.jsonl"
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--partitions", type=int, default=1)
    with Benchmark("kafka", parser=parser) as bench:
        try:
            with broker(heap="1g") as running:
                _measure(bench, running.bootstrap)
        except NoKafka as error:
            bench.log(f"kafka: no broker: {error}")
            raise SystemExit(NO_INPUT) from error


def _measure(bench: Benchmark, bootstrap: str) -> None:
    count, partitions = bench.options.records, bench.options.partitions
    _fill(bootstrap, "warm", WARM, 1, bench.seed)
    size = _fill(bootstrap, "stream", count, partitions, bench.seed)
    bench.figure("bytes_per_record", size / count)
    _decided(bootstrap, "warm", "")
    raw = [_raw(bootstrap, "stream", count)]
    alone = _source_alone(bootstrap, count)
    bench.figure("source_alone_over_raw_poll", alone / raw[0])
    cases = {"": "", "_entities": "entity = 'request_id=(\\w+)'"}
    rates, cpu, help_ = {}, {}, {}
    for name, entity in cases.items():
        began, helped = time.process_time(), _of_children()
        rates[name] = _decided(bootstrap, "stream", entity)
        cpu[name] = (time.process_time() - began) / count
        help_[name] = (_of_children() - helped) / count
    began = time.process_time()
    raw.append(_raw(bootstrap, "stream", count))
    bench.baseline("kafka_python_cpu_us_per_record", (time.process_time() - began) / count * 1e6)
    peer = sum(raw) / len(raw)
    bench.baseline("kafka_python_records_per_s", peer)
    for name, rate in rates.items():
        bench.log(f"decided{name}: {rate:,.0f} records/s; raw {raw[0]:,.0f} and {raw[1]:,.0f}")
        bench.figure(f"records_per_s{name}", rate)
        bench.figure(f"cpu_us_per_record{name}", cpu[name] * 1e6)
        bench.figure(f"helper_cpu_us_per_record{name}", help_[name] * 1e6)
        bench.figure(f"over_raw_poll{name}", rate / peer, floor=FLOOR, aim=AIM)


def _of_children() -> float:
    """Processor seconds of processes that have ended: of those that parse, while the broker runs."""
    times = os.times()
    return times.children_user + times.children_system


def _fill(bootstrap: str, topic: str, count: int, partitions: int, seed: int) -> int:
    """Write the stream; returns its bytes. A request stays in one partition, as with producers that give it as key."""
    from kafka import KafkaAdminClient, KafkaProducer

    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics({topic: {"num_partitions": partitions, "replication_factor": 1}})
    admin.wait_for_topics([topic])
    admin.close()
    producer = KafkaProducer(bootstrap_servers=bootstrap, linger_ms=50, batch_size=1 << 18)
    size = 0
    for line in lines(count, 100_000, seed):
        value = line.encode()
        size += len(value)
        producer.send(topic, value, partition=zlib.crc32(_REQUEST.findall(line)[0].encode()) % partitions)
    producer.flush(timeout=120)
    producer.close(timeout=10)
    return size


def _raw(bootstrap: str, topic: str, count: int) -> float:
    """Records per second of the client's own consumer."""
    from kafka import KafkaConsumer

    consumer = KafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False,
        max_poll_records=4096,
    )  # fmt: skip
    seen, first, began = 0, 0, 0.0
    while seen < count:
        got = sum(map(len, consumer.poll(1000).values()))
        seen += got
        if got and not began:
            began, first = time.perf_counter(), got
    rate = (seen - first) / (time.perf_counter() - began)
    consumer.close()
    return rate


def _source_alone(bootstrap: str, count: int) -> float:
    """Records per second of our source, into nothing."""
    given = {"bootstrap": bootstrap, "topics": ["stream"], "group": "alone", "start": "beginning", "once": True}
    timed = _Timed(KafkaSource(KafkaConfig.model_validate(given), SystemClock()))
    timed.open({})
    while timed.count < count:
        if timed.poll(4096) is None:
            timed.wait(0.05)
    timed.poll(1)
    timed.close()
    return timed.count / (timed.ended - timed.began)


class _Timed:
    """A source that remembers when its first record was handed out, and when its last one had been processed."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self.count, self.began, self.ended = 0, 0.0, 0.0
        self._fresh = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def poll(self, most: int) -> RecordBatch | None:
        now = time.perf_counter()
        if self._fresh:
            self.ended, self._fresh = now, False
        batch: RecordBatch | None = self._source.poll(most)
        if batch is not None and len(batch):
            self.began = self.began or now
            self.count, self._fresh = self.count + len(batch), True
        return batch


def _decided(bootstrap: str, topic: str, entity: str) -> float:
    """Records per second of the daemon, everything on."""
    with _prepared(bootstrap, topic, entity) as (daemon, timed):
        daemon.run()
    return timed.count / (timed.ended - timed.began)


@contextmanager
def _prepared(bootstrap: str, topic: str, entity: str) -> Iterator[tuple[Daemon, _Timed]]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "logwatchd.toml"
        file.write_text(CONFIG.format(folder=folder, bootstrap=bootstrap, topic=topic, entity=entity))
        configured = configure(file, environ={})
        settings, resolved = configured.loaded.settings, configured.resolved
        tables = {one.part.id: one.part.table for one in resolved if isinstance(one.part.table, SourceTable)}
        with opened(settings, resolved, settings.state, tables) as session:
            built = {
                kind: {one.part.id: one.build(clock=session.clock) for one in resolved if one.part.kind == kind}
                for kind in ("source", "sink")
            }
            sources, sinks = built["source"], built["sink"]
            with kept_partitions(session, resolved, sources, sinks):
                ((name, source),) = sources.items()
                timed = _Timed(source)
                delivery = Delivery(session.store, sinks, settings.outbox_max, settings.when_full)
                yield Daemon(session.lanes, {name: timed}, delivery, session.clock, session.ahead), timed


if __name__ == "__main__":
    main()
