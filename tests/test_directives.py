"""Commands take effect at a chunk's end that they make; a run that was killed obeys them again in their places."""

from __future__ import annotations

import contextlib
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logwatch.app.session import Session, detectors_of, opened
from logwatch.checkpoint.store import Store
from logwatch.config import SourceTable, load
from logwatch.directives import MAX_BODY, MOST, Directive, Directives, Position
from logwatch.errors import UsageError
from logwatch.rows import Scored
from logwatch.types import RecordBatch, Stream

COUNT = 1400


def _lines(seed: int) -> list[bytes]:
    rng = random.Random(seed)
    says = ["begin of {n}", "read {n} rows", "wrote {n} rows", "end after {n} ms"]
    out = []
    for i in range(COUNT):
        text = says[i % 4] if rng.random() > 0.01 else f"disk {rng.choice('abc')} complains of {{n}}"
        stamp = f"2026-01-05T{8 + i // 3600:02d}:{i // 60 % 60:02d}:{i % 60:02d}"
        out.append(f"{stamp} INFO {text.format(n=rng.randint(1, 99))}".encode())
    return out


LINES = _lines(1)


class Told:
    """What a handler was told, and where the lane was."""

    def __init__(self) -> None:
        self.of: dict[str, tuple[Position, int, int]] = {}

    def on(self, session: Session) -> None:
        pipeline = session.pipeline
        pipeline.directives.on("model", lambda one, at: self.of.update({one.id: (at, pipeline.seen, 0)}))


class Run:
    """A lane that is fed, told things and killed; the scores of every event that it ends with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.nats: dict[int, np.ndarray] = {}

    def _keep(self, scored: Scored) -> None:
        for row in range(len(scored.events)):
            self.nats[scored.events.first + row] = scored.nats[row]

    @contextlib.contextmanager
    def session(self) -> Iterator[Session]:
        loaded = load(environ={})
        tables = {"files": SourceTable(kind="file")}
        with opened(loaded.settings, detectors_of(loaded), self.folder, tables, on_scored=self._keep) as session:
            yield session

    def feed(self, session: Session, end: int) -> None:
        """Lines from where the lane is to line `end`."""
        at = session.pipeline.seen
        start = np.arange(at, end, dtype=np.int64)
        which = np.zeros(len(start), np.int32)
        if len(start):
            records = RecordBatch(
                LINES[at:end], [Stream("s", "1")], which, start, start + 1, np.zeros(len(start), np.uint8)
            )
            session.pipeline.process(records, "files")

    def all(self) -> np.ndarray:
        return np.stack([self.nats[i] for i in range(COUNT)])


def _directive(number: int) -> Directive:
    return Directive("model", {"number": number}, f"d{number}", number)


Steps = list[tuple[str, int]]


def steps() -> st.SearchStrategy[Steps]:
    """Feed so many lines, commit, ask something, be killed."""
    return st.lists(
        st.tuples(st.sampled_from(["feed", "feed", "commit", "ask", "ask", "kill"]), st.integers(1, 300)),
        min_size=3,
        max_size=14,
    )


@settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow])
@given(steps())
def test_a_killed_run_obeys_in_the_same_places_as_one_that_was_never_interrupted(plan: Steps) -> None:
    with tempfile.TemporaryDirectory() as folder:
        killed, asked = _killed(Run(Path(folder) / "killed"), plan)
        whole = Run(Path(folder) / "whole")
        with whole.session() as session:
            for number, place in enumerate(asked):
                whole.feed(session, place)
                assert session.lanes.direct(_directive(number))
            whole.feed(session, COUNT)
        np.testing.assert_array_equal(killed.all(), whole.all())


def _killed(run: Run, plan: Steps) -> tuple[Run, list[int]]:
    """Follow a plan to the end; where in the stream each directive was asked.

    A run that was killed asks nothing before it is where it was: its commands were journalled.
    """
    asked: list[int] = []
    left = list(plan)
    furthest = 0
    while True:
        with run.session() as session:
            while left:
                step, size = left.pop(0)
                if step == "kill":
                    break
                if step == "feed":
                    run.feed(session, min(session.pipeline.seen + size, COUNT))
                elif step == "commit":
                    session.commit()
                else:
                    run.feed(session, max(furthest, session.pipeline.seen))
                    asked.append(session.pipeline.seen)
                    session.lanes.direct(_directive(len(asked) - 1))
                furthest = max(furthest, session.pipeline.seen)
            else:
                run.feed(session, COUNT)
                return run, asked


def test_a_command_ends_the_open_chunk_and_takes_effect_at_once(tmp_path: Path) -> None:
    run, told = Run(tmp_path), Told()
    with run.session() as session:
        told.on(session)
        run.feed(session, 100)
        detector = session.pipeline.stages.detectors[1]
        before = dict(detector.changes())
        assert session.lanes.direct(_directive(0))
        assert told.of["d0"] == (Position(100, 0), 100, 0)
        assert dict(detector.changes()) != before  # the chunk of 36 events was learned


def test_a_command_of_a_known_id_is_obeyed_once(tmp_path: Path) -> None:
    run, told = Run(tmp_path), Told()
    with run.session() as session:
        told.on(session)
        run.feed(session, 10)
        assert session.lanes.direct(_directive(0))
        run.feed(session, 20)
        assert not session.lanes.direct(_directive(0))
        assert told.of["d0"][1] == 10
        session.commit()
    with run.session() as session:
        told.of.clear()
        told.on(session)
        assert not session.lanes.direct(_directive(0))
        assert told.of == {}


def test_a_lane_that_is_opened_later_obeys_what_was_asked_before(tmp_path: Path) -> None:
    run = Run(tmp_path)
    with run.session() as session:
        session.lanes.direct(_directive(0))
        lane = session.lanes.open("logs-0")
        told = dict(lane.directives.changes())
        assert b'"d0"' in (told["taken"] or b"")


def test_a_command_keeps_who_asked_when_and_where(tmp_path: Path) -> None:
    run = Run(tmp_path)
    with run.session() as session:
        run.feed(session, 30)
        session.lanes.direct(Directive("model", {"name": "release «1.2»"}, "m", 17, "uid 1000"))
    with Store(tmp_path) as store:
        (entry,) = store.journal
    assert (entry.directive.by, entry.directive.asked, entry.directive.body) == (
        "uid 1000", 17, {"name": "release «1.2»"},
    )  # fmt: skip
    assert entry.at == {"": Position(30, 0)}


def test_what_is_remembered_is_bounded(tmp_path: Path) -> None:
    directives = Directives()
    for number in range(MOST + 5):
        directives.take(_directive(number), Position(number, 0))
        list(directives.due(number))
    ((_, cell),) = directives.changes()
    assert cell is not None
    assert cell.count(b'"d') == MOST
    with Store(tmp_path, durable=False) as store:
        for number in range(MOST + 3):
            store.journal.add(_directive(number), {})
        assert [one.directive.id for one in store.journal][:1] == ["d3"]


def test_a_body_that_is_too_long_or_no_json_is_refused() -> None:
    with pytest.raises(UsageError, match="too long"):
        Directive("mark", {"name": "x" * MAX_BODY}, "m", 0)
    with pytest.raises(UsageError, match="cannot be kept"):
        Directive("mark", {"name": float("nan")}, "m", 0)
