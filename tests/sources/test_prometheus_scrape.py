"""The scrape source on a real server: what a scrape is, when it happens, and going on after a restart."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from logwatch.clock import SystemClock
from logwatch.errors import ConfigError, StateCorrupt
from logwatch.parse.metrics import MetricReader, MetricSettings
from logwatch.samples import SampleKind, SeriesName
from logwatch.sources.naming import host_name
from logwatch.sources.prometheus import PrometheusSource, expand
from logwatch.sources.prometheus_config import PrometheusConfig
from logwatch.testing import ManualClock, check_source
from logwatch.types import RecordBatch, Stream
from tests.sources.exposing import Exposing, Handler, exposing

Make = Callable[..., PrometheusSource]


@pytest.fixture
def server() -> Iterator[Exposing]:
    with exposing() as running:
        yield running


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[PrometheusSource] = []

    def build(*urls: str, clock: Any = None, cursors: Any = (), name: str = "{host}:{port}", **config: Any) -> Any:
        source = PrometheusSource(PrometheusConfig(urls=list(urls), **config), clock or SystemClock(), name)
        made.append(source)
        source.open(dict(cursors))
        return source

    yield build
    for source in made:
        source.close()


def records(source: PrometheusSource, count: int) -> list[RecordBatch]:
    """Batches until there are so many records, or the source is exhausted."""
    found: list[RecordBatch] = []
    for _ in range(3000):
        batch = source.poll(100)
        if batch is not None:
            found.append(batch)
        if sum(map(len, found)) >= count or (source.exhausted() and batch is None):
            return found
        source.wait(0.01)
    pytest.fail(f"{sum(map(len, found))} records came, not {count}")


def samples(batches: list[RecordBatch]) -> dict[SeriesName, tuple[float, SampleKind]]:
    """The last value of each series, and its kind; nothing may be unreadable."""
    reader, found = MetricReader(lambda source: MetricSettings()), {}
    for batch in batches:
        read = reader.read(batch)
        assert read.failed == []
        for series, value in zip(read.samples.series.tolist(), read.samples.value.tolist(), strict=True):
            found[read.samples.names[series]] = (value, SampleKind(int(read.samples.kind[series])))
    return found


def test_the_source_conforms(server: Exposing) -> None:
    bodies = {f"/{i}": f'# TYPE jobs gauge\njobs{{queue="q{i}"}} {i}\n'.encode() for i in range(9)}
    server.answers |= {path: lambda handler, body=body: handler.say(body) for path, body in bodies.items()}
    clock = ManualClock()
    config = PrometheusConfig(urls=[server.url(path) for path in bodies], once=True)
    added = b"# TYPE up gauge\nup 1\n# TYPE scrape_duration_seconds gauge\nscrape_duration_seconds 0.000000"
    expected = {
        Stream("app", server.instance(path)): [
            f"# logwatchd scrape {clock.now()} {server.instance(path)}\n".encode() + body + added
        ]
        for path, body in bodies.items()
    }
    check_source(lambda: PrometheusSource(config, clock, "app"), expected)


@pytest.mark.parametrize("accepts", ["text", "openmetrics"])
def test_a_registry_of_the_official_client_comes_over_in_both_formats(
    server: Exposing, make: Make, accepts: str
) -> None:
    if accepts == "text":  # an older client, that knows nothing else
        server.answers["/metrics"] = lambda handler: (
            handler.headers.replace_header("Accept", ""),
            server.expose(handler),
        )
    server.requests.labels(code="200").inc(7)
    server.queue.set(3)
    server.seconds.observe(0.2)
    batches = records(make(server.url(), once=True), 1)
    found = samples(batches)
    assert found[SeriesName("app_requests_total", (("code", "200"),))] == (7.0, SampleKind.COUNTER)
    assert found[SeriesName("app_queue_length")] == (3.0, SampleKind.GAUGE)
    assert found[SeriesName("app_seconds_bucket", (("le", "+Inf"),))] == (1.0, SampleKind.BUCKET)
    assert found[SeriesName("up")] == (1.0, SampleKind.GAUGE)
    assert found[SeriesName("scrape_duration_seconds")][0] > 0
    assert (b"# EOF" in batches[0].lines[0]) is False  # what comes after it would not count


def test_a_scrape_bears_its_time_for_all_its_samples(server: Exposing, make: Make) -> None:
    clock = ManualClock(1_767_225_600_123_456_789)
    batch = records(make(server.url(), clock=clock, once=True), 1)[0]
    read = MetricReader(lambda source: MetricSettings()).read(batch)
    assert set(read.samples.time.tolist()) == {clock.now()}
    assert batch.start.tolist() == [clock.now() // 1_000_000]


def test_scrapes_go_on_and_counters_rise(server: Exposing, make: Make) -> None:
    source = make(server.url(), interval=0.1)
    counter = server.requests.labels(code="200")
    values, positions = [], []
    for _ in range(3):
        counter.inc()
        batch = records(source, 1)[-1]
        values.append(samples([batch])[SeriesName("app_requests_total", (("code", "200"),))][0])
        positions += batch.start.tolist()
    assert values == sorted(values)
    assert values[-1] > values[0]
    assert positions == sorted(set(positions))


def test_a_dead_target_is_down_and_nothing_else(server: Exposing, make: Make) -> None:
    with exposing() as other:
        dead = other.url()
    clock = ManualClock()
    found = records(make(dead, server.url(), clock=clock, once=True), 2)
    lines = {
        batch.streams[i].instance: line for batch in found for i, line in zip(batch.stream, batch.lines, strict=True)
    }
    assert lines[dead.removeprefix("http://")] == f"# logwatchd scrape {clock.now()}\n# TYPE up gauge\nup 0".encode()
    assert b"\nup 1\n" in lines[server.instance()]


def test_poll_does_not_wait_for_a_slow_target(server: Exposing, make: Make) -> None:
    asked, go = threading.Event(), threading.Event()

    def slow(handler: Handler) -> None:
        asked.set()
        go.wait(20)
        handler.say(b"slow 1\n")

    server.answers["/slow"] = slow
    source = make(server.url("/slow"), server.url(), once=True)
    assert asked.wait(20)
    fast = records(source, 1)
    assert fast[0].streams == [Stream(f"{host_name()}:{server.server_address[1]}", server.instance())]
    assert source.poll(10) is None
    assert not source.exhausted()
    go.set()
    assert "slow" in {name.name for name in samples(records(source, 1))}
    assert source.exhausted()


def test_closing_ends_a_scrape_in_progress(server: Exposing, make: Make) -> None:
    asked = threading.Event()
    server.answers["/slow"] = lambda handler: (asked.set(), server.over.wait(20))
    source = make(server.url("/slow"), once=True, interval=600, timeout=600)
    assert asked.wait(20)
    source.close()
    assert all(task.done for task in source._tasks)
    assert source.poll(10) is None  # what was ended halfway is no failure of the target's


def test_a_restart_goes_on_from_the_cursor_even_where_the_clock_was_set_back(server: Exposing, make: Make) -> None:
    clock = ManualClock()
    first = records(make(server.url(), clock=clock, once=True), 1)[0]
    clock.set_back(3600)
    second = records(make(server.url(), clock=clock, once=True, cursors=first.cursor), 1)[0]
    assert first.end.tolist() == second.start.tolist()
    clock.advance(7200)
    third = records(make(server.url(), clock=clock, once=True, cursors=second.cursor), 1)[0]
    assert third.start.tolist() == [clock.now() // 1_000_000]


def test_a_restart_within_the_interval_does_not_scrape_again(server: Exposing, make: Make) -> None:
    clock = ManualClock()
    first = records(make(server.url(), clock=clock, once=True, interval=60), 1)[0]
    assert records(make(server.url(), clock=clock, once=True, interval=60, cursors=first.cursor), 1) == []
    clock.advance(60)
    assert len(records(make(server.url(), clock=clock, once=True, interval=60, cursors=first.cursor), 1)) == 1


def test_cursors_of_targets_are_apart(server: Exposing, make: Make) -> None:
    server.answers["/other"] = server.expose
    found = records(make(server.url(), server.url("/other"), once=True), 2)
    cursors = {name for batch in found for name in batch.cursor}
    assert cursors == {server.instance(), server.instance("/other")}


def test_a_cursor_that_is_damaged_is_refused(server: Exposing) -> None:
    source = PrometheusSource(PrometheusConfig(urls=[server.url()]), ManualClock())
    with pytest.raises(StateCorrupt, match="cursor"):
        source.open({server.instance(): b"{"})


def test_batches_hold_records_of_many_targets(server: Exposing, make: Make) -> None:
    paths = [f"/m{i}" for i in range(5)]
    server.answers |= dict.fromkeys(paths, server.expose)
    source = make(*map(server.url, paths), once=True)
    while not all(task.done for task in source._tasks):
        source.wait(0.01)
    batch = source.poll(100)
    assert batch is not None
    assert sorted(batch.streams[i].instance for i in batch.stream) == sorted(map(server.instance, paths))
    assert np.all(batch.end == batch.start + 1)
    assert source.exhausted()


@pytest.mark.parametrize(
    ("template", "url", "name"),
    [
        ("{host}:{port}", "http://app.example:8080/metrics", "app.example:8080"),
        ("{host}:{port}", "https://app.example/metrics", "app.example:443"),
        ("{host}{path}", "http://app.example/a/metrics", "app.example/a/metrics"),
        ("{host}:{port}", "http://[2001:db8::1]:9100/metrics", "[2001:db8::1]:9100"),
        ("{host}", "http://localhost:8080/metrics", host_name()),
        ("{host}", "http://127.0.0.2:8080/metrics", host_name()),
        ("{host}", "http://[::1]:8080/metrics", host_name()),
        ("shop", "http://app:8080/metrics", "shop"),
    ],
)
def test_a_name_is_the_target_and_a_sidecar_s_is_this_machine(template: str, url: str, name: str) -> None:
    assert expand(template, url) == name


def test_a_placeholder_that_targets_do_not_have_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"\{topic\}"):
        PrometheusSource(PrometheusConfig(urls=["http://app/"]), ManualClock(), "{topic}")


def test_targets_of_one_source_have_series_of_their_own(server: Exposing, make: Make) -> None:
    """Else the counters of two replicas would be one that jumps to and fro."""
    for path, value in (("/a", 1), ("/b", 2)):
        body = b'jobs_total %d\nown{instance="x"} %d\n' % (value, value)
        server.answers[path] = lambda handler, body=body: handler.say(body)
    found = samples(records(make(server.url("/a"), server.url("/b"), once=True, name="shop"), 2))
    for path, value in (("/a", 1.0), ("/b", 2.0)):
        labels = (("instance", server.instance(path)),)
        assert found[SeriesName("jobs_total", labels)][0] == value
        assert found[SeriesName("up", labels)][0] == 1.0
    assert SeriesName("own", (("instance", "x"),)) in found
