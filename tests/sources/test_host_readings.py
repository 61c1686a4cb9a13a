"""This machine, really measured."""

from __future__ import annotations

import io
import json
import math
import re
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from logwatch.clock import SystemClock
from logwatch.errors import ConfigError
from logwatch.parse.metrics import MetricReader, MetricSettings
from logwatch.sources import host_groups
from logwatch.sources.host import Host, HostSource, rfc3339
from logwatch.sources.host_config import HostConfig
from logwatch.sources.naming import host_name
from logwatch.telemetry import configure_log
from logwatch.testing import ManualClock, check_source
from logwatch.types import RecordBatch, Stream


def metrics(line: bytes) -> dict[str, float]:
    found: dict[str, float] = json.loads(line)["metrics"]
    return found


class WithoutNumbers(HostSource):
    """A source whose records say the same each time."""

    def poll(self, max_records: int) -> RecordBatch | None:
        batch = super().poll(max_records)
        if batch is not None:
            batch.lines = [json.dumps({**json.loads(line), "metrics": {}}).encode() for line in batch.lines]
        return batch


def test_the_source_conforms() -> None:
    clock = ManualClock()
    line = json.dumps({"time": rfc3339(clock.now()), "metrics": {}}).encode()
    check_source(lambda: WithoutNumbers(HostConfig(once=True), clock), {Stream(host_name(), "host"): [line]})


def test_two_readings_a_moment_apart_are_whole_and_counters_never_fall() -> None:
    host = Host(HostConfig(), SystemClock())
    first = metrics(host.read(1))
    time.sleep(0.1)
    second = metrics(host.read(2))
    machine, processes = "host_", "host_process_"
    assert {name for name in first if name.startswith(machine) and not name.startswith(processes)} <= second.keys()
    counters = [name for name in first.keys() & second.keys() if name.partition("{")[0].endswith("_total")]
    assert len(counters) >= 10
    assert all(second[name] >= first[name] for name in counters)
    cpu = [name for name in counters if name.startswith("host_cpu_seconds_total")]
    assert sum(second[name] for name in cpu) > sum(first[name] for name in cpu)
    shares = [value for name, value in second.items() if name.partition("{")[0].endswith("_share")]
    assert shares
    assert all(0 <= value <= 1 for value in shares)
    assert all(math.isfinite(value) and value >= 0 for value in second.values())
    for wanted in ("host_load1", "host_memory_available_bytes", "host_processes", "host_cpus",
                   'host_filesystem_used_share{mountpoint="/"}'):  # fmt: skip
        assert wanted in second


def test_what_is_read_is_read_again_by_the_metric_reader() -> None:
    clock = SystemClock()
    source = HostSource(HostConfig(once=True), clock)
    source.open({})
    while (batch := source.poll(10)) is None:
        source.wait(0.05)
    read = MetricReader(lambda name: MetricSettings()).read(batch)
    source.close()
    assert read.failed == []
    assert {str(name) for name in read.samples.names} == metrics(batch.lines[0]).keys()
    assert set(read.samples.time // 1_000_000) == {int(batch.start[0])}
    assert batch.streams == [Stream(host_name(), "host")]


@pytest.mark.parametrize("group", ["cpu", "memory", "swap", "filesystems", "processes"])
def test_groups_are_measured_alone(group: Any) -> None:
    alone = metrics(Host(HostConfig(groups=(group,)), SystemClock()).read(1))
    rest = tuple(one for one in HostConfig().groups if one != group)
    without = metrics(Host(HostConfig(groups=rest), SystemClock()).read(1))
    assert alone
    assert not alone.keys() & without.keys()


def test_what_is_not_there_is_left_out_and_told_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    said = io.StringIO()
    configure_log("logfmt", stream=said)
    nothing = tmp_path / "none"
    monkeypatch.setattr(host_groups.container, "__defaults__", (nothing,))
    host = Host(HostConfig(groups=("container", "cpu")), SystemClock())
    for _ in range(3):
        assert "host_load1" in metrics(host.read(1))
    assert said.getvalue().count("not measured") == 1
    assert "what=container" in said.getvalue()


def test_pressure_is_counted_in_seconds(tmp_path: Path) -> None:
    (tmp_path / "io").write_text(
        "some avg10=1.00 avg60=0.50 avg300=0.10 total=2500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1000000\n"
    )
    (tmp_path / "cpu").write_text("some avg10=1.00 avg60=0.50 avg300=0.10 total=500000\n")
    (tmp_path / "irq").write_text("full avg10=1.00 avg60=0.50 avg300=0.10 total=7\n")
    assert dict(host_groups.pressure(tmp_path)) == {
        'host_pressure_waiting_seconds_total{resource="io"}': 2.5,
        'host_pressure_stalled_seconds_total{resource="io"}': 1.0,
        'host_pressure_waiting_seconds_total{resource="cpu"}': 0.5,
    }


def container(folder: Path, limit: str) -> dict[str, float]:
    (folder / "memory.current").write_text("256\n")
    (folder / "memory.max").write_text(limit + "\n")
    (folder / "memory.events").write_text("low 0\nhigh 0\nmax 3\noom 1\noom_kill 2\n")
    (folder / "cpu.stat").write_text("usage_usec 1500000\nnr_throttled 4\nthrottled_usec 250000\n")
    (folder / "pids.current").write_text("7\n")
    return dict(host_groups.container(folder))


def test_a_container_knows_its_limits(tmp_path: Path) -> None:
    found = container(tmp_path, "1024")
    assert found == {
        "container_memory_bytes": 256,
        "container_memory_used_share": 0.25,
        "container_oom_kills_total": 2,
        "container_cpu_seconds_total": 1.5,
        "container_cpu_throttled_seconds_total": 0.25,
        "container_cpu_throttled_periods_total": 4,
        "container_tasks": 7,
    }
    assert found.keys() - container(tmp_path, "max").keys() == {"container_memory_used_share"}


def test_settings_that_cannot_be_meant_are_refused() -> None:
    for options in ({"groups": ["gpu"]}, {"groups": []}, {"processes": 0}, {"interval": 0}):
        with pytest.raises(ValidationError):
            HostConfig.model_validate(options)
    with pytest.raises(ConfigError, match=r"\{path\}"):
        HostSource(HostConfig(), ManualClock(), "{host}:{path}")


def test_times_are_written_to_the_nanosecond() -> None:
    assert rfc3339(1_767_225_600_000_000_007) == "2026-01-01T00:00:00.000000007Z"
    assert re.fullmatch(r"[\d-]{10}T[\d:]{8}\.\d{9}Z", rfc3339(time.time_ns()))
