"""Counters are exact, bounded and readable by Prometheus; the program's own log hides secrets."""

from __future__ import annotations

import io
import json
import re
import threading
from pathlib import Path

import pytest
import structlog

from logwatch import telemetry
from logwatch.telemetry import METRICS, Counter, Gauge, configure_log, exposition


@pytest.fixture
def counter() -> Counter:
    METRICS.pop("logwatchd_test_total", None)
    return Counter("logwatchd_test_total", "For tests.", ("source",))


def test_counts_from_many_threads_add_up(counter: Counter) -> None:
    def count() -> None:
        for _ in range(2000):
            counter.inc(source="a")

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.value(source="a") == 8000


def test_labels_must_be_named_exactly(counter: Counter) -> None:
    with pytest.raises(KeyError):
        counter.inc()
    with pytest.raises(KeyError):
        counter.inc(source="a", other="b")


def test_series_are_bounded(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "MAX_SERIES", 3)
    for i in range(10):
        counter.inc(source=str(i))
    assert dict(counter.series()) == {("0",): 1, ("1",): 1, ("2",): 1, ("other",): 7}


def test_names_and_units_follow_the_conventions_of_prometheus() -> None:
    for metric in METRICS.values():
        assert re.fullmatch(r"logwatchd_[a-z_]+", metric.name)
        assert metric.name.endswith("_total") == isinstance(metric, Counter)
        assert metric.help.endswith(".")


def test_a_name_is_declared_once() -> None:
    with pytest.raises(ValueError, match="declared twice"):
        Gauge("logwatchd_sources", "Again.")


def test_exposition_escapes_hostile_labels(counter: Counter) -> None:
    counter.inc(2.5, source='a"b\\c\nd')
    counter.inc(source="\x1b[2J\u202e\r")
    text = "".join(exposition())
    assert "\n# TYPE logwatchd_test_total counter\nlogwatchd_test_total{" in text
    assert '\nlogwatchd_test_total{source="a\\"b\\\\c\\nd"} 2.5\n' in text
    assert 'logwatchd_test_total{source="\\\\x1b[2J\\\\u202e\\\\r"} 1\n' in text, "nothing acts on a terminal"
    assert "\nlogwatchd_paused 0\n" in text


def test_a_gauge_is_replaced() -> None:
    telemetry.SOURCES.set(3)
    telemetry.SOURCES.set(2)
    assert telemetry.SOURCES.value() == 2
    telemetry.SOURCES.reset()


@pytest.mark.parametrize("style", ["console", "json", "logfmt", "auto"])
def test_the_log_hides_secrets(style: str) -> None:
    out = io.StringIO()
    configure_log(style, stream=out)
    structlog.get_logger("x").warning(
        "connecting", **{"password": "hunter2", "api_key": "k1"}, url="https://me:s3cret@host/x", user="me"
    )
    structlog.reset_defaults()
    text = out.getvalue()
    assert not {word for word in ("hunter2", "k1", "s3cret") if word in text}
    assert "https://me:***@host/x" in text
    assert "me" in text


@pytest.mark.parametrize("style", ["console", "json", "logfmt"])
def test_nothing_in_the_log_acts_on_a_terminal(style: str) -> None:
    out = io.StringIO()
    configure_log(style, stream=out)
    log = structlog.get_logger("x")
    evil = "\x1b[2J\x9b1A\u202e\r\nlevel=critical"
    log.warning(evil, source=evil, sources=[evil])
    try:
        raise ValueError(evil)
    except ValueError:
        log.exception("failed")
    structlog.reset_defaults()
    first, second, *_ = out.getvalue().splitlines()
    assert "1A" in first
    assert "failed" in second
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", out.getvalue())


def test_json_log_has_one_object_a_line() -> None:
    out = io.StringIO()
    configure_log("json", level="warning", stream=out)
    log = structlog.get_logger("x")
    log.info("not shown")
    log.warning("shown", lines=3, where="a\nb")
    structlog.reset_defaults()
    (line,) = out.getvalue().splitlines()
    told = json.loads(line)
    assert told.pop("time").endswith("Z")
    assert told == {"event": "shown", "level": "warning", "lines": 3, "where": "a\nb"}


def test_every_metric_is_counted_somewhere() -> None:
    package = Path(telemetry.__file__).parent
    code = "\n".join(file.read_text() for file in package.rglob("*.py") if file.name != "telemetry.py")
    names = [name for name, value in vars(telemetry).items() if isinstance(value, telemetry.Metric)]
    assert len(names) > 15
    assert [name for name in names if not re.search(rf"\b{name}\.(inc|set)\(", code)] == []
