"""Which processes are followed: by name, those that weigh most, and for as long as they matter."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from logwatch.sources import host_processes
from logwatch.sources.host_processes import Processes

PAGE, TICKS = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")
MEMORY = os.sysconf("SC_PHYS_PAGES")  # pages


class Machine:
    """A folder like /proc, of processes that are started and killed by the test; an hour after its start."""

    def __init__(self, folder: Path, most: int) -> None:
        self.folder, self.now = folder, 3600.0
        self.hidden: list[str] = []
        self.processes = Processes(
            most, lambda: self.now, lambda what, error: self.hidden.append(what), folder, self.up
        )

    def up(self) -> float:
        return self.now

    def start(self, pid: int, name: str, share: float = 0.0, ticks: int = 0, age: float = 600, flags: int = 0) -> None:
        """Also changes one that there is."""
        (self.folder / str(pid) / "fd").mkdir(parents=True, exist_ok=True)
        began = int((3600 - age) * TICKS)
        pages = int(share * MEMORY)
        fields = [0] * 22
        fields[6], fields[11], fields[12], fields[17], fields[19], fields[21] = flags, ticks, 0, 3, began, pages
        (self.folder / str(pid) / "stat").write_text(f"{pid} ({name}) S " + " ".join(map(str, fields[1:])) + "\n")

    def kill(self, pid: int) -> None:
        shutil.rmtree(self.folder / str(pid))

    def read(self, seconds: float = 10.0) -> dict[str, float]:
        self.now += seconds
        return dict(self.processes.measure())

    def followed(self) -> set[str]:
        mark = 'host_process_count{process="'
        return {name.removeprefix(mark)[:-2] for name in self.read() if name.startswith(mark)}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, most=2)


def test_processes_of_one_name_are_summed(machine: Machine) -> None:
    machine.start(1, "web", share=0.1)
    machine.start(2, "web", share=0.2)
    (machine.folder / "2" / "fd" / "0").touch()
    found = machine.read()
    assert found['host_process_count{process="web"}'] == 2
    assert found['host_process_threads{process="web"}'] == 6
    assert found['host_process_resident_bytes{process="web"}'] == (int(0.1 * MEMORY) + int(0.2 * MEMORY)) * PAGE
    assert found['host_process_descriptors{process="web"}'] == 1
    assert found["host_processes"] == 2
    assert found["host_threads"] == 6


def test_the_heaviest_are_followed(machine: Machine) -> None:
    for pid, (name, share) in enumerate({"a": 0.01, "b": 0.3, "c": 0.2, "d": 0.02}.items(), start=1):
        machine.start(pid, name, share)
    assert machine.followed() == {"b", "c"}


def test_names_that_are_alike_do_not_take_turns(machine: Machine) -> None:
    for pid, name in enumerate("abc", start=1):
        machine.start(pid, name, 0.1)
    first = machine.followed()
    for turn in range(40):
        machine.start(1 + turn % 3, "abc"[turn % 3], 0.1 + 0.05 * (turn % 2))
        assert machine.followed() == first


def test_one_that_weighs_far_more_for_long_displaces_the_lightest(machine: Machine) -> None:
    for pid, (name, share) in enumerate({"a": 0.2, "b": 0.1, "c": 0.01}.items(), start=1):
        machine.start(pid, name, share)
    assert machine.followed() == {"a", "b"}
    machine.start(3, "c", 0.5)
    assert machine.followed() == {"a", "b"}  # a burst is not worth it
    for _ in range(20):
        found = machine.followed()
    assert found == {"a", "c"}


def test_cpu_weighs_as_memory_does(machine: Machine) -> None:
    machine.start(1, "a", 0.001)
    machine.start(2, "b", 0.001)
    machine.start(3, "busy")
    assert machine.followed() == {"a", "b"}
    for turn in range(1, 30):
        machine.start(3, "busy", ticks=turn * 10 * TICKS)  # one CPU all the time
        found = machine.followed()
    assert "busy" in found


def test_cpu_is_counted_over_the_deaths_of_processes(machine: Machine) -> None:
    name = 'host_process_cpu_seconds_total{process="web"}'
    machine.start(1, "web", 0.1, ticks=500)
    assert machine.read()[name] == 0  # before we looked
    machine.start(1, "web", 0.1, ticks=500 + 3 * TICKS)
    assert machine.read()[name] == 3
    machine.kill(1)
    machine.start(2, "web", 0.1, ticks=2 * TICKS, age=5)
    assert machine.read()[name] == 5
    machine.start(1, "web", 0.1, ticks=TICKS, age=4)  # the number is given again
    assert machine.read()[name] == 6


def test_a_name_without_processes_counts_zero_for_an_hour(machine: Machine) -> None:
    machine.start(1, "web", 0.1)
    machine.read()
    machine.kill(1)
    found = machine.read()
    assert found['host_process_count{process="web"}'] == 0
    assert found['host_process_resident_bytes{process="web"}'] == 0
    assert 'host_process_count{process="web"}' in machine.read(3000)
    assert 'host_process_count{process="web"}' not in machine.read(3000)


def test_a_name_is_not_followed_before_it_is_a_minute_old(machine: Machine) -> None:
    machine.start(1, "helper", 0.5, age=0)
    assert machine.followed() == set()
    machine.read(60)
    assert machine.followed() == {"helper"}


def test_the_kernel_s_own_are_left_out(machine: Machine) -> None:
    machine.start(2, "kworker/0:1", flags=0x00200000)
    assert machine.read()["host_processes"] == 0


def test_names_may_be_anything(machine: Machine) -> None:
    machine.start(1, 'a) (b" \\', 0.1)
    assert 'host_process_count{process="a) (b\\" \\\\"}' in machine.read()


def test_descriptors_that_may_not_be_seen_are_left_out(machine: Machine) -> None:
    machine.start(1, "web", 0.1)
    (machine.folder / "1" / "fd").chmod(0)
    if os.access(machine.folder / "1" / "fd", os.R_OK):
        pytest.skip("who runs this may see everything")
    found = machine.read()
    assert 'host_process_descriptors{process="web"}' not in found
    assert 'host_process_threads{process="web"}' in found
    assert machine.hidden


def test_what_is_remembered_is_what_lives(machine: Machine) -> None:
    for pid in range(1, 200):
        machine.start(pid, f"job-{pid}", 0.001)
        machine.read()
        machine.kill(pid)
    machine.read()
    assert len(machine.processes._names) <= 2
    assert len(machine.processes._ticks) == 0


@pytest.fixture
def sleepers(tmp_path: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Two processes of a name of their own."""
    program = tmp_path / f"lw-{os.getpid()}"
    shutil.copy(shutil.which("sleep") or "/bin/sleep", program)
    running = [subprocess.Popen([program, "60"]) for _ in range(2)]
    yield running
    for one in running:
        one.kill()
        one.wait()


def test_real_processes_are_found(sleepers: list[subprocess.Popen[bytes]]) -> None:
    name = f"lw-{os.getpid()}"
    now = [0.0]
    processes = Processes(
        10_000, lambda: now[0], lambda what, error: None, uptime=lambda: host_processes.uptime() + 3600
    )
    found = dict(processes.measure())
    assert found[f'host_process_count{{process="{name}"}}'] == 2
    assert found[f'host_process_threads{{process="{name}"}}'] == 2
    assert found[f'host_process_resident_bytes{{process="{name}"}}'] > 2 * PAGE
    assert found[f'host_process_descriptors{{process="{name}"}}'] >= 6
    sleepers[0].kill()
    sleepers[0].wait()
    now[0] = 10.0
    assert dict(processes.measure())[f'host_process_count{{process="{name}"}}'] == 1
