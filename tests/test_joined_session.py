"""Records of many lines through the whole of a session: with crashes between, the same events, each once."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from logwatch.app.session import Session, detectors_of, opened
from logwatch.config import SourceTable, load
from logwatch.rows import Scored
from logwatch.types import RecordBatch, Stream
from tests.parse.joining import A, B, Row, batch, lines_of, rows_of
from tests.parse.traces import PLAIN, TRACES

Event = tuple[str, int, int, str]


def stream(rng: random.Random) -> list[Row]:
    """Plain lines and traces of two files."""
    lines: list[tuple[Stream, bytes]] = []
    for number in range(120):
        lines.append((A if rng.random() < 0.7 else B, PLAIN[0].replace(b"18", b"%d" % number)))
        if rng.random() < 0.2:
            lines += lines_of(rng.choice(sorted(TRACES.values())), rng.choice([A, B]))
    return rows_of(lines)


class Run:
    """A run over some rows, which may end without a commit."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.events: dict[int, Event] = {}  # by number: what is scored again after a crash must be the same
        self.again = 0

    def go_on(self, rows: list[Row], rng: random.Random, crash: bool) -> None:
        """From the last commit on, in random batches with commits between them."""
        loaded = load(environ={}, flags={})
        table = {"file": SourceTable(kind="file")}
        with opened(loaded.settings, detectors_of(loaded), self.state, table, on_scored=self._scored) as session:
            at = int(session.lanes.cursors("file").get("at", b"0"))
            stop = rng.randrange(at, len(rows)) if crash and at < len(rows) else len(rows)
            while at < stop:
                size = rng.choice([1, 2, 5, 40])
                self._feed(session, batch(rows[at : at + size]), min(at + size, len(rows)))
                at = min(at + size, len(rows))
                if rng.random() < 0.3:
                    session.commit()
            if not crash:
                for records in session.lanes.finish("file"):
                    session.lanes.process(records, "file")
                session.commit()

    @staticmethod
    def _feed(session: Session, records: RecordBatch, at: int) -> None:
        records.cursor = {"at": b"%d" % at}
        joined = session.lanes.join(records, "file")
        for ready in [*session.ahead.feed("file", joined), *session.ahead.flush()]:
            session.lanes.process(ready.records, "file")

    def _scored(self, scored: Scored) -> None:
        events = scored.events
        for i, text in enumerate(events.text):
            event = (
                text,
                int(events.start[i]),
                int(events.end[i]),
                f"{events.template[i]} {scored.nats[i].tobytes().hex()}",
            )
            number = events.first + i
            if number in self.events:
                assert self.events[number] == event
                self.again += 1
            self.events[number] = event


@pytest.mark.parametrize("seed", [1, 2])
def test_crashes_and_batches_change_nothing(seed: int, tmp_path: Path) -> None:
    rows = stream(random.Random(seed))
    whole = Run(tmp_path / "whole")
    whole.go_on(rows, random.Random(seed), crash=False)
    parts, rng = Run(tmp_path / "parts"), random.Random(seed + 100)
    for _ in range(4):
        parts.go_on(rows, rng, crash=True)
    parts.go_on(rows, rng, crash=False)
    assert parts.again > 0
    assert parts.events == whole.events
    texts = [text for text, *_ in whole.events.values()]
    assert any("Caused by: java.sql.SQLException" in text for text in texts)
    assert not any(text.startswith("\tat ") for text in texts)


def test_a_sources_own_start_joins_its_lines(tmp_path: Path) -> None:
    loaded = load(environ={}, flags={})
    table = {"file": SourceTable.model_validate({"kind": "file", "multiline": {"start": "^#"}})}
    seen: list[str] = []
    with opened(
        loaded.settings, detectors_of(loaded), tmp_path, table, on_scored=lambda scored: seen.extend(scored.events.text)
    ) as session:
        records = batch(rows_of([(A, line) for line in (b"#1", b"2026-03-01 x", b"#2")]))
        for joined in [session.lanes.join(records, "file"), *session.lanes.finish("file")]:
            session.lanes.process(joined, "file")
    assert seen == ["#1\n2026-03-01 x", "#2"]
