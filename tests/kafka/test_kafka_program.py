"""The whole program on Kafka: what it makes of records, of poison, and of a configuration that cannot be right."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest

from logwatch.errors import ConfigError
from logwatch.plugins import configure
from logwatch.telemetry import MARKED
from logwatch.types import Flag
from tests.integration.scaleout import Fleet
from tests.kafka.program import daemon
from tests.kafka.reading import reading
from tests.kafka.security import token
from tests.kafka.topics import Topics

pytestmark = pytest.mark.kafka


def test_poison_goes_to_the_dead_letters_with_its_place_and_the_rest_is_judged(topics: Topics, tmp_path: Path) -> None:
    topic = topics.create()
    good = [b'{"time":"2026-01-01T00:00:%02dZ","message":"step %d"}' % (n, n) for n in range(50)]
    topics.send(topic, [*good[:20], b"{poison password=hunter2", *good[20:]])
    daemon(topics.broker, tmp_path, topic, 'format = "json"')
    (letter,) = (json.loads(line) for line in (tmp_path / "state" / "dead-letters.jsonl").read_text().splitlines())
    assert letter["position"] == {"topic": topic, "partition": 0, "offset": 20}
    assert "hunter2" not in json.dumps(letter)


def test_a_record_longer_than_a_line_may_be_is_cut_marked_and_counted(topics: Topics, tmp_path: Path) -> None:
    topic = topics.create()
    topics.send(topic, [b"short", b"x" * 1000, b"y" * 64, b"z" * 65])
    with reading(topics.broker, topic, max_line_bytes=64) as run:
        assert run.read(4) == [b"short", b"x" * 64, b"y" * 64, b"z" * 64]
    flags = [Flag(int(flag)) for batch in run.batches for flag in batch.flags]
    assert flags == [Flag.NONE, Flag.TRUNCATED, Flag.NONE, Flag.TRUNCATED]
    before = MARKED.value(mark="truncated")
    daemon(topics.broker, tmp_path, topic, "max_line_bytes = 64")
    assert MARKED.value(mark="truncated") == before + 2


def test_dead_letters_can_go_to_a_topic(topics: Topics, tmp_path: Path) -> None:
    topic, dead = topics.create(), topics.create()
    topics.send(topic, [b"{poison"])
    daemon(topics.broker, tmp_path, topic, f'format = "json"\ndead_letter_topic = "{dead}"')
    with reading(topics.broker, dead, key_from="header:logwatchd.source", name="{key}") as found:
        assert found.read(1) == [b"{poison"]
    assert {stream.source for stream in found.by_stream()} == {f"{topic}/0"}


@pytest.mark.parametrize("how", ["certificate", "token"])
def test_reading_state_and_dead_letters_take_the_same_login(secured: Topics, tmp_path: Path, how: str) -> None:
    topic, dead = secured.create(), secured.create()
    secured.send(topic, [b"{poison"])
    trusted = secured.broker.trusted
    assert trusted is not None
    (tmp_path / "token").touch(0o600)
    (tmp_path / "token").write_text(token("alice", 60))
    more = {
        "certificate": f'tls_ca = "{trusted}"\ntls_cert = "{trusted.parent}/worker.pem"',
        "token": f'sasl = "OAUTHBEARER"\noauth_token_file = "{tmp_path}/token"',
    }[how] + f'\nstate = "topic"\nformat = "json"\ndead_letter_topic = "{dead}"'
    listener = {"certificate": "MUTUAL", "token": "SASL"}[how]
    for _ in range(2):  # the second time, the state knows of it
        daemon(secured.broker, tmp_path, topic, more, listener=listener)
    with reading(secured.broker, dead, once=True) as found:
        found.until(found.source.exhausted)
    assert found.lines == [b"{poison"]


def test_lost_records_are_alerted_with_topic_partition_and_offset(topics: Topics, tmp_path: Path) -> None:
    topic = topics.create()
    topics.send(topic, [b"line %d" % n for n in range(20)])
    daemon(topics.broker, tmp_path, topic)
    topics.send(topic, [b"line %d" % n for n in range(20, 60)])
    topics.forget(topic, 50)
    daemon(topics.broker, tmp_path, topic)
    alerts = [json.loads(line) for line in (tmp_path / "alerts.jsonl").read_text().splitlines()]
    (gap,) = [one for one in alerts if one["kind"] == "gap"]
    assert gap["position"] == {"topic": topic, "partition": 0, "offset": 20}
    assert "30 records of this partition" in gap["detail"]


@pytest.mark.parametrize("state", ["local", "topic"])
def test_start_is_for_the_first_start_and_what_comes_later_is_read_whole(
    topics: Topics, tmp_path: Path, state: str
) -> None:
    topic = topics.create()
    topics.send(topic, [b"{old"])
    more = f'format = "json"\nstate = "{state}"'
    daemon(topics.broker, tmp_path, topic, more, start="end")
    topics.admin.create_partitions({topic: 2})
    topics.send(topic, [b"{new %d" % n for n in range(3)], partition=1)
    daemon(topics.broker, tmp_path, topic, more, start="end")
    letters = [json.loads(line) for line in (tmp_path / "state" / "dead-letters.jsonl").read_text().splitlines()]
    assert [(one["position"]["partition"], one["position"]["offset"]) for one in letters] == [(1, 0), (1, 1), (1, 2)]


def test_status_says_what_is_waited_for_until_everything_is_read(topics: Topics, tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, topics.broker.bootstrap)
    with contextlib.closing(fleet):
        away, here = fleet.worker("away", bootstrap="127.0.0.1:1"), fleet.worker("here")
        told = fleet.until(away.status)
        assert (told["ready"], told["waiting"]) == (False, "waiting for Kafka")
        fleet.until(lambda: (here.status() or {}).get("ready"))
        assert (here.status() or {})["waiting"] == ""
        assert len(here.lanes()) == 4


def test_a_configuration_that_cannot_work_ends_the_daemon_with_a_sentence(topics: Topics, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not speak TLS"):
        daemon(topics.broker, tmp_path, "t", "tls = true")


def test_unknown_keys_name_the_nearest(tmp_path: Path) -> None:
    file = tmp_path / "logwatchd.toml"
    file.write_text('[[source]]\nkind = "kafka"\nbootstrap = "a:1"\ntopics = ["t"]\ngruop = "x"\n')
    with pytest.raises(ConfigError, match=r"5: .*gruop.*did you mean \"group\""):
        configure(file, environ={})
