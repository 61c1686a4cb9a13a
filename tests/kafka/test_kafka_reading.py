"""What a Kafka source delivers: every record once, in order, named by its key, from where it should begin."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from logwatch.clock import SystemClock
from logwatch.errors import ConfigError
from logwatch.kafka import partition_records
from logwatch.kafka.position import next_offset
from logwatch.sources import kafka_lane
from logwatch.sources.kafka import CONFIGURED, KafkaConfig, KafkaSource
from logwatch.sources.kafka_naming import instance_of
from logwatch.types import Stream
from tests.kafka.reading import reading
from tests.kafka.topics import Topics

pytestmark = pytest.mark.kafka


def numbered(count: int, what: str = "line", first: int = 0) -> list[bytes]:
    return [f"{what} {n}".encode() for n in range(first, first + count)]


def test_every_record_comes_once_in_order_with_its_offset(topics: Topics) -> None:
    topic = topics.create()
    topics.send(topic, numbered(10_000))
    with reading(topics.broker, topic) as run:
        assert run.read(10_000) == numbered(10_000)
    assert run.offsets == [(f"{topic}-0", n) for n in range(10_000)]
    assert run.by_stream().keys() == {Stream(f"{topic}/0", f"{topic}:0")}
    assert not run.gaps


def test_a_batch_is_of_one_partition_and_says_where_that_goes_on(topics: Topics) -> None:
    topic = topics.create(partitions=3)
    for partition in range(3):
        topics.send(topic, numbered(500, f"p{partition}"), partition=partition)
    with reading(topics.broker, topic) as run:
        run.read(1500, most=100)
    for batch in run.batches:
        assert {stream.instance for stream in batch.streams} == {instance_of(batch.lane)}
        if len(batch):
            assert next_offset(batch.cursor[batch.lane] or b"") == batch.end[-1]
    assert {lane: next_offset(cell) for lane, cell in run.cursors.items() if lane != "topics"} == {
        f"{topic}-{partition}": 500 for partition in range(3)
    }


def test_batches_are_as_long_as_each_lane_has_room_for(topics: Topics) -> None:
    topic = topics.create(partitions=2)
    for partition in range(2):
        topics.send(topic, numbered(1000), partition=partition)
    with reading(topics.broker, topic) as run:
        run.source.align(lambda lane: 300 if lane.endswith("-0") else 700)
        time.sleep(1)  # until everything is there: what waits for long enough goes even if it is no full batch
        run.read(2000)
    sizes = {lane: [len(one) for one in run.batches if one.lane == lane and len(one)] for lane in run.source._saved}
    assert max(sizes[f"{topic}-0"]) == 300
    assert max(sizes[f"{topic}-1"]) == 700


def test_a_partition_that_was_paused_in_the_middle_of_what_was_fetched_goes_on(
    topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_lane, "PAUSE_RECORDS", 400)
    monkeypatch.setattr(partition_records, "RECORDS", 100)
    topic = topics.create(partitions=4)
    for partition in range(4):
        topics.send(topic, numbered(3000), partition=partition, batch_size=512)
    with reading(topics.broker, topic) as run:
        run.read(12_000, most=200)
    assert sorted(run.offsets) == [(f"{topic}-{partition}", n) for partition in range(4) for n in range(3000)]


def test_many_small_writes_come_in_few_batches(topics: Topics) -> None:
    topic = topics.create(partitions=8)
    with topics.producer(linger_ms=0) as producer:
        for n in range(800):
            producer.send(topic, b"x", partition=n % 8)
        producer.flush(timeout=20)
    with reading(topics.broker, topic) as run:
        run.read(800)
    assert sum(len(batch) > 0 for batch in run.batches) <= 40


@pytest.mark.parametrize("start", ["beginning", "end", "time"])
def test_it_begins_where_it_is_told(topics: Topics, start: str) -> None:
    topic = topics.create()
    new = int(time.time()) * 1000 - 60_000
    old = new - 60_000
    topics.send(topic, numbered(10, "old"), times=[old + n for n in range(10)])
    topics.send(topic, numbered(10, "new"), times=[new + n for n in range(10)])
    written = datetime.fromtimestamp(new / 1000 - 30, UTC).isoformat() if start == "time" else start
    with reading(topics.broker, topic, start=written) as run:
        run.until(lambda: run.source.ready and run.cursors)  # where it begins is saved before a record came
        topics.send(topic, [b"last"])
        expected = {"beginning": numbered(10, "old") + numbered(10, "new"), "time": numbered(10, "new"), "end": []}[
            start
        ]
        assert run.read(len(expected) + 1) == [*expected, b"last"]


def test_a_restart_goes_on_exactly_where_the_cursors_say(topics: Topics) -> None:
    topic = topics.create(partitions=2)
    for partition in range(2):
        topics.send(topic, numbered(1000, f"p{partition}"), partition=partition)
    cursors: dict[str, bytes] = {}
    seen: list[tuple[str, int]] = []
    for _ in range(3):
        with reading(topics.broker, topic, cursors=cursors, start="end" if cursors else "beginning") as run:
            run.read(400, most=77)
        cursors = run.cursors
        seen += run.offsets
    with reading(topics.broker, topic, cursors=cursors) as run:
        run.read(2000 - len(seen))
    seen += run.offsets
    assert sorted(seen) == [(f"{topic}-{p}", n) for p in range(2) for n in range(1000)]


def test_with_once_it_ends_where_the_topic_ended(topics: Topics) -> None:
    topic = topics.create(partitions=2)
    topics.send(topic, numbered(30), partition=1)
    with reading(topics.broker, topic, once=True) as run:
        run.until(run.source.exhausted)
    assert run.lines == numbered(30)


def test_a_partition_that_is_added_later_is_read_from_its_beginning(topics: Topics) -> None:
    topic = topics.create()
    fast = {"client": {"metadata_max_age_ms": 500}}
    with reading(topics.broker, topic, start="end", **fast) as run:
        run.until(lambda: run.source.ready and run.cursors)
        topics.admin.create_partitions({topic: 2})
        topics.send(topic, numbered(20), partition=1)
        assert run.read(20) == numbered(20)


def test_a_lane_that_goes_on_without_state_begins_again_where_it_began(topics: Topics) -> None:
    topic = topics.create()
    topics.send(topic, numbered(3, "before"))
    with reading(topics.broker, topic, start="end") as run:
        run.until(lambda: run.source.ready and run.cursors)
        topics.send(topic, numbered(5))
        assert run.read(5) == numbered(5)
        run.source.resume(f"{topic}-0", CONFIGURED)
        assert run.read(10) == numbered(5) * 2


def test_keys_are_sources(topics: Topics) -> None:
    topic = topics.create()
    for key in (b"web", b"db", None, b"web"):
        topics.send(topic, [b"of " + (key or b"nobody")], key=key)
    with reading(topics.broker, topic) as run:
        run.read(4)
    instance = f"{topic}:0"
    assert run.by_stream() == {
        Stream(f"{topic}/web", instance): [b"of web", b"of web"],
        Stream(f"{topic}/db", instance): [b"of db"],
        Stream(f"{topic}/0", instance): [b"of nobody"],
    }


def test_a_header_or_a_field_can_be_the_key(topics: Topics) -> None:
    topic = topics.create()
    topics.send(topic, [b'{"k8s":{"pod":"p1"}}', b"no json", b'{"k8s":{}}'], headers=[("app", b"a1"), ("other", b"x")])
    with reading(topics.broker, topic, key_from="header:app", name="{key}") as run:
        run.read(3)
    assert {stream.source for stream in run.by_stream()} == {"a1"}
    with reading(topics.broker, topic, key_from="field:k8s.pod", name="{topic}/{key}") as run:
        run.read(3)
    assert {stream.source: len(lines) for stream, lines in run.by_stream().items()} == {
        f"{topic}/p1": 1,
        f"{topic}/0": 2,
    }


def test_a_name_that_cannot_be_filled_in_is_refused() -> None:
    config = KafkaConfig.model_validate({"bootstrap": "a:1", "topics": ["t"]})
    with pytest.raises(ConfigError, match=r"`name` .* no \{path\} .*\n.*\{topic\}, \{partition\}, \{key\}, \{host\}"):
        KafkaSource(config, SystemClock(), "{host}:{path}")


def test_keys_that_are_no_text_still_name_a_source(topics: Topics) -> None:
    topic = topics.create()
    topics.send(topic, [b"x"], key=b"\xff\x00\n" + b"k" * 500)
    with reading(topics.broker, topic) as run:
        run.read(1)
    (stream,) = run.by_stream()
    assert stream.source.isprintable()
    assert len(stream.source) <= len(topic) + 201


def test_tombstones_are_passed_over_and_empty_values_are_lines(topics: Topics) -> None:
    topic = topics.create()
    topics.send(topic, [b"a", None, b"", b"b\r\n", None], key=b"k")
    with reading(topics.broker, topic) as run:
        run.until(lambda: f"{topic}-0" in run.cursors and b'"offset": 5' in run.cursors[f"{topic}-0"])
    assert run.lines == [b"a", b"", b"b"]
    assert [start for _, start in run.offsets] == [0, 2, 3]


def test_long_records_are_cut_and_marked(topics: Topics) -> None:
    topic = topics.create()
    topics.send(topic, [b"x" * 1000, b"short"])
    with reading(topics.broker, topic, max_line_bytes=64) as run:
        run.read(2)
    assert [len(line) for line in run.lines] == [64, 5]
    assert [int(flag) & 1 for batch in run.batches for flag in batch.flags] == [1, 0]


@pytest.mark.parametrize("size", [20_000, 900_000])
def test_a_record_longer_than_a_fetch_may_be_is_read_all_the_same(topics: Topics, size: int) -> None:
    topic = topics.create()
    wanted = [b"before", b"x" * size, b"between", b"y" * size, b"after"]
    topics.send(topic, wanted, batch_size=0, linger_ms=0)  # each in a batch of its own: a fetch returns one at least
    small = {"max_partition_fetch_bytes": 1024, "fetch_max_bytes": 2048}
    with reading(topics.broker, topic, client=small, max_line_bytes=2**20) as run:
        assert run.read(5) == wanted
    assert [start for _, start in run.offsets] == [0, 1, 2, 3, 4]
    assert not run.gaps
    assert not any(int(flag) for batch in run.batches for flag in batch.flags)


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_every_compression_is_read(topics: Topics, codec: str) -> None:
    topic = topics.create()
    wanted = [b"%d " % n * 50 for n in range(2000)]
    topics.send(topic, wanted, compression_type=codec, linger_ms=50, batch_size=1 << 18)
    with reading(topics.broker, topic) as run:
        assert run.read(2000) == wanted
    # From the middle of a compressed batch too.
    cell = run.cursors[f"{topic}-0"].replace(b"2000", b"777")
    with reading(topics.broker, topic, cursors={f"{topic}-0": cell}) as run:
        assert run.read(1223) == wanted[777:]


def test_topics_by_pattern_and_created_late(topics: Topics) -> None:
    stem = topics.new_name("late")
    first = topics.create(name=f"{stem}-a")
    topics.create(name=f"x-{stem}-a")
    fast = {"client": {"metadata_max_age_ms": 500}}
    with reading(topics.broker, pattern=f"{stem}-.*", **fast) as run:
        topics.send(first, [b"one"])
        topics.send(f"x-{stem}-a", [b"not ours"])
        run.read(1)
        second = topics.create(name=f"{stem}-b")
        topics.send(second, [b"two"])
        assert run.read(2) == [b"one", b"two"]


def test_what_a_transaction_took_back_is_not_read(topics: Topics) -> None:
    topic = topics.create()
    with topics.producer(transactional_id=topics.new_name("tx")) as producer:
        producer.init_transactions()
        for n, end in enumerate((producer.commit_transaction, producer.abort_transaction, producer.commit_transaction)):
            producer.begin_transaction()
            for line in numbered(5, f"t{n}"):
                producer.send(topic, line, partition=0)
            producer.flush(timeout=10)
            end()
    topics.send(topic, [b"last"])
    with reading(topics.broker, topic) as run:
        assert run.read(11) == numbered(5, "t0") + numbered(5, "t2") + [b"last"]
    assert not run.gaps


def test_what_is_read_ahead_is_bounded_and_nothing_is_lost(topics: Topics) -> None:
    topic = topics.create()
    topics.send(topic, [b"%07d" % n + b"x" * 1000 for n in range(15_000)], linger_ms=20)
    with reading(topics.broker, topic, read_ahead="1MiB") as run:
        run.read(1, most=1)
        deadline = time.monotonic() + 1.5
        while time.monotonic() < deadline:
            run.source.attend()
            time.sleep(0.05)
        assert run.source._board.size < 10 * 2**20
        run.read(15_000)
    assert [int(line[:7]) for line in run.lines] == list(range(15_000))
