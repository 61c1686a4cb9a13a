"""The loop ends with a commit, unless an error ended it: then the last commit stands."""

from __future__ import annotations

import contextlib
import socket
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest

from logwatch.api import RecordBatch
from logwatch.app.session import Session, detectors_of, opened
from logwatch.chunks import LONGEST
from logwatch.config import SourceTable, load
from logwatch.daemon import LONGEST_REST_S, Daemon
from logwatch.delivery import Delivery
from logwatch.notify import Notifier
from logwatch.testing import ListSource, ManualClock
from logwatch.types import Stream


class Broken(ListSource):
    """Gives its lines, and then fails as nobody expected."""

    def poll(self, max_records: int) -> RecordBatch | None:
        records = super().poll(max_records)
        if records is None:
            raise RuntimeError("boom")
        return records

    def exhausted(self) -> bool:
        return False


class OfLanes(ListSource):
    """Lines of two lanes in turn, as many as each lane has room for."""

    def __init__(self, lines: list[bytes]) -> None:
        super().__init__({Stream(lane, "list"): lines for lane in ("a-0", "a-1")})
        self.room: Callable[[str], int] = len
        self.ends: dict[str, list[int]] = {"a-0": [], "a-1": []}

    def align(self, room: Callable[[str], int]) -> None:
        self.room = room

    def poll(self, max_records: int) -> RecordBatch | None:
        lane = min(self.ends, key=lambda lane: len(self.ends[lane]))
        own = ListSource({stream: lines for stream, lines in self._lines.items() if stream.source == lane})
        own._next = {stream: self._next[stream] for stream in own._next}
        room = self.room(lane)
        assert room <= max_records
        records = own.poll(room)
        if records is not None:
            self._next |= own._next
            records.lane = lane
            self.ends[lane].append(max(own._next.values()))
        return records


def daemon(session: Session, source: ListSource) -> Daemon:
    delivery = Delivery(session.store, {}, 1 << 20, "pause")
    return Daemon(session.lanes, {"list": source}, delivery, session.clock)


def test_an_end_of_all_sources_is_committed(tmp_path: Path) -> None:
    loaded = load(environ={}, flags={})
    with opened(loaded.settings, detectors_of(loaded), tmp_path, {"list": SourceTable(kind="list")}) as session:
        progress = daemon(session, ListSource([b"one", b"two"])).run()
        assert progress.records == 2
        assert session.store.cell("pipeline", "clock") is not None


def test_what_an_error_left_half_done_is_not_committed(tmp_path: Path) -> None:
    loaded = load(environ={}, flags={})
    with opened(loaded.settings, detectors_of(loaded), tmp_path, {"list": SourceTable(kind="list")}) as session:
        with pytest.raises(RuntimeError, match="boom"):
            daemon(session, Broken([])).run()
        assert session.store.cell("pipeline", "clock") is None


@pytest.mark.parametrize("beside", [False, True])
def test_batches_of_a_lane_end_where_its_long_chunks_do(tmp_path: Path, beside: bool) -> None:
    loaded = load(environ={}, flags={})
    source = OfLanes([b"2024-01-01T00:00:00Z line %d" % (n % 7) for n in range(12_000)])
    with opened(loaded.settings, detectors_of(loaded), tmp_path, {"list": SourceTable(kind="list")}) as session:
        for lane in source.ends:
            session.lanes.open(lane)
        loop = daemon(session, source)
        loop.ahead = session.ahead if beside else None
        assert loop.run().records == 24_000
    assert list(source.ends.values()) == [[1024, 1024 + LONGEST, 12_000]] * 2


def test_a_lane_that_was_dropped_takes_no_memory(tmp_path: Path) -> None:
    loaded = load(environ={}, flags={})
    with opened(loaded.settings, detectors_of(loaded), tmp_path, {"list": SourceTable(kind="list")}) as session:
        gone = weakref.ref(session.lanes.open("a-0"))
        session.lanes.drop("a-0")
        session.lanes.observe()
        assert gone() is None


class Laborious(ManualClock):
    """By it each look at the clock takes 30 ms, and so does what lies between two."""

    def monotonic(self) -> float:
        self.advance(0.03)
        return super().monotonic()


class Trickling(ListSource):
    """Has a line each time it is read anew, and nothing more after it."""

    def __init__(self, clock: Laborious, lines: list[bytes]) -> None:
        super().__init__()
        self.clock, self.left = clock, lines
        self.polls: list[tuple[float, bool]] = []
        self.waits = 0

    def poll(self, max_records: int) -> RecordBatch | None:
        records = super().poll(max_records)
        self.polls.append((self.clock.monotonic(), records is not None))
        if records is None and self.left:
            self.feed([self.left.pop()])
        return records

    def wait(self, seconds: float) -> None:
        self.waits += 1

    def exhausted(self) -> bool:
        return len(self.polls) > 20


def test_lines_that_trickle_in_are_taken_together_and_an_idle_loop_waits_for_its_source(tmp_path: Path) -> None:
    loaded = load(environ={}, flags={})
    clock = Laborious()
    source = Trickling(clock, [b"2024-01-01T00:00:00Z line %d" % n for n in range(5)])
    with opened(loaded.settings, detectors_of(loaded), tmp_path, {"list": SourceTable(kind="list")}) as session:
        loop = daemon(session, source)
        loop.clock = clock
        assert loop.run().records == 5
    pairs = list(zip(source.polls, source.polls[1:], strict=False))
    rested = [later - at > LONGEST_REST_S for (at, found), (later, _) in pairs if not found]
    assert sum(rested) in (5, 6)  # the last line waited for one that belongs to it, and then came alone
    assert source.waits == len(rested) - sum(rested)


class Waiting(ListSource):
    """Has its share only after some polls, and ends then."""

    polls = 0

    @property
    def waits_for(self) -> str:
        return "" if self.polls > 1 else "waiting for Kafka"

    def poll(self, max_records: int) -> RecordBatch | None:
        self.polls += 1
        return None

    def exhausted(self) -> bool:
        return not self.waits_for


def test_a_start_that_waits_is_ready_at_once_and_says_what_it_waits_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logwatch.daemon.TICK_EVERY_S", 0.0)
    loaded = load(environ={}, flags={})
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard,
        opened(loaded.settings, detectors_of(loaded), tmp_path, {"list": SourceTable(kind="file")}) as session,
    ):
        heard.bind(str(tmp_path / "notify"))
        loop = daemon(session, Waiting({Stream("s", "list"): []}))
        loop.notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify")})
        loop.run()
        heard.setblocking(False)
        told = []
        with contextlib.suppress(BlockingIOError):
            while True:
                told.append(heard.recv(4096).decode().split("\n"))
    assert told[0] == ["READY=1", "STATUS=waiting for Kafka"]
    assert ["WATCHDOG=1", "STATUS=waiting for Kafka"] in told
    assert told[-2:] == [["WATCHDOG=1", "STATUS=reading: 0 records, 0 alerts"], ["STOPPING=1"]]
    assert sum("READY=1" in one for one in told) == 1
