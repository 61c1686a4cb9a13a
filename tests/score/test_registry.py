"""Numbers of sources and streams: a function of the records' order alone, and bounded whatever the names are."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from logwatch import pipeline, telemetry
from logwatch.app.history import Tally
from logwatch.app.session import detectors_of, opened
from logwatch.config import SourceTable, load
from logwatch.rows import Scored
from logwatch.score import registry
from logwatch.score.registry import Registry
from logwatch.types import Gap, RecordBatch, Stream

Row = tuple[str, Stream]  # the component that brings a record, and its stream


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MAX_SOURCES", 4)
    monkeypatch.setattr(registry, "MAX_STREAMS", 7)


def batch(streams: list[Stream], listed: list[Stream]) -> RecordBatch:
    """One record of each stream, in this order; `listed` in whatever order."""
    n = len(streams)
    which = np.array([listed.index(stream) for stream in streams], np.int32)
    return RecordBatch([b"x"] * n, listed, which, np.arange(n), np.arange(n) + 1, np.zeros(n, np.uint8))


def numbered(known: Registry, rows: list[Row], listed: random.Random | None = None) -> list[tuple[int, int]]:
    """Numbers of consecutive rows, a batch for each run of one component."""
    found: list[tuple[int, int]] = []
    at = 0
    while at < len(rows):
        component = rows[at][0]
        end = next((i for i in range(at, len(rows)) if rows[i][0] != component), len(rows))
        streams = [stream for _, stream in rows[at:end]]
        distinct = [*dict.fromkeys(streams), Stream("of no record", "1")]
        if listed:
            listed.shuffle(distinct)
        sources, numbers = known.number(batch(streams, distinct), component)
        found += zip(sources.tolist(), numbers.tolist(), strict=True)
        at = end
    return found


streams = st.builds(Stream, st.sampled_from("abcdefgh"), st.sampled_from("123"))
rows_of_any = st.lists(st.tuples(st.sampled_from(["files", "kafka"]), streams), max_size=60)


@settings(max_examples=200)
@given(rows_of_any, st.lists(st.integers(0, 60), max_size=6), st.randoms(use_true_random=False))
def test_numbers_depend_neither_on_batches_nor_on_restarts(
    rows: list[Row], cuts: list[int], shuffle: random.Random
) -> None:
    whole = Registry()
    wanted = numbered(whole, rows)
    found: list[tuple[int, int]] = []
    cells: dict[str, bytes] = {}
    bounds = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    for begin, end in pairwise(bounds):
        again = Registry()
        again.restore(cells)
        found += numbered(again, rows[begin:end], shuffle)
        cells |= {name: cell for name, cell in again.changes() if cell is not None}
    assert found == wanted
    last = Registry()
    last.restore(cells)
    assert (last.sources, last.streams, last.component_of) == (whole.sources, whole.streams, whole.component_of)


@settings(max_examples=200)
@given(rows_of_any)
def test_no_names_make_more_sources_or_streams_than_the_bounds(rows: list[Row]) -> None:
    known = Registry()
    found = numbered(known, rows)
    assert len(known.sources) <= 4 + 2  # one more for each component
    assert len(known.streams) <= 7 + len(known.sources)
    assert len(known.streams) == len({number for _, number in found})  # none that no record is of
    for (component, stream), (source, number) in zip(rows, found, strict=True):
        assert known.sources[source] in (stream.source, f"{component}/(other)")
        assert known.streams[number].source == known.sources[source]
        assert known.streams[number].instance in (stream.instance, "(other)")
        assert known.source_of[number] == source


def test_known_sources_keep_their_own_and_new_ones_share_one_by_component() -> None:
    known = Registry()
    numbered(known, [("kafka", Stream(name, "t:0")) for name in "abcd"])
    before = telemetry.SHARED.value(what="source")
    with capture_logs() as logs:
        found = numbered(known, [("kafka", Stream(name, "t:0")) for name in "aeafge"])
        found += numbered(known, [("files", Stream("h", "0123")), ("kafka", Stream("d", "t:0"))])
    assert [known.sources[source] for source, _ in found] == [
        "a", "kafka/(other)", "a", "kafka/(other)", "kafka/(other)", "kafka/(other)", "files/(other)", "d",
    ]  # fmt: skip
    assert known.component_of[found[1][0]] == "kafka"
    assert known.streams[found[1][1]] == Stream("kafka/(other)", "t:0")  # its offsets still say where
    assert telemetry.SHARED.value(what="source") == before + 5
    assert [(log["log_level"], log["source"]) for log in logs] == [("warning", "kafka")]
    assert '`name = "{topic}"`' in logs[0]["fix"]


def test_new_streams_of_a_source_share_one_where_there_are_too_many() -> None:
    known = Registry()
    numbered(known, [("files", Stream("a", str(n))) for n in range(7)])
    before = telemetry.SHARED.value(what="stream")
    with capture_logs() as logs:
        found = numbered(known, [("files", Stream(source, instance)) for source, instance in ("a8", "a9", "b1", "a3")])
    said = "too many streams to tell apart; new ones are taken for one"
    assert [(log["event"], log["most"]) for log in logs] == [(said, 7)]
    assert "new state directory" in logs[0]["fix"]
    assert [known.streams[number] for _, number in found] == [
        Stream("a", "(other)"), Stream("a", "(other)"), Stream("b", "(other)"), Stream("a", "3"),
    ]  # fmt: skip
    assert telemetry.SHARED.value(what="stream") == before + 3


def lines(count: int) -> list[bytes]:
    rng = random.Random(3)
    words = ["quota", "raid", "panic", "thermal", "orphan"]
    return [
        f"2026-01-05T08:{i // 60:02d}:{i % 60:02d} INFO {rng.choice(words)} {i % 4} of {rng.randint(1, 99)}".encode()
        for i in range(count)
    ]


def scores(folder: Path, text: list[bytes], ends: Iterator[int]) -> np.ndarray:
    """Of every event, by a pipeline that is closed and opened again at each end."""
    found: list[np.ndarray] = []

    def keep(scored: Scored) -> None:
        found.append(scored.nats)

    loaded, at = load(environ={}), 0
    for end in ends:
        tables = {"kafka": SourceTable(kind="kafka")}
        with opened(loaded.settings, detectors_of(loaded), folder, tables, on_scored=keep) as session:
            named = [Stream(f"t/{i * i % 11}", "t:0") for i in range(at, end)]
            records = batch(named, sorted(set(named)))
            records.lines, records.start, records.end = text[at:end], np.arange(at, end), np.arange(at, end) + 1
            session.pipeline.process(records, "kafka")
            assert len(session.pipeline.stages.registry.sources) <= 5
            session.commit()
        at = end
    return np.concatenate(found)


def test_scores_of_shared_sources_depend_neither_on_batches_nor_on_restarts(tmp_path: Path) -> None:
    text = lines(1200)
    whole = scores(tmp_path / "whole", text, iter([1200]))
    parts = scores(tmp_path / "parts", text, iter([1, 3, 5, 64, 300, 777, 1200]))
    np.testing.assert_array_equal(parts, whole)


def test_gaps_of_sources_without_a_record_are_counted_under_a_bounded_number_of_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "MAX_SOURCES", 4)
    loaded = load(environ={})
    with opened(loaded.settings, detectors_of(loaded), tmp_path, {"files": SourceTable(kind="file")}) as session:
        known = batch([Stream("late", "1")], [Stream("late", "1")])
        session.pipeline.process(known, "files")
        gaps = batch([], [])
        gaps.gaps = [Gap(Stream(f"s{n}", "1"), 0, 9, "deleted") for n in range(20)]
        gaps.gaps += [Gap(Stream(source, "1"), 0, 9, "deleted") for source in ("late", "s1")]
        session.pipeline.process(gaps, "files")
        session.commit()
        assert session.pipeline.opened == {"s0": 1, "s1": 2, "s2": 1, "s3": 1, "(other)": 16, "late": 1}
        assert telemetry.ALERTS.value(source="s19", state="open") == 0
        assert len(session.pipeline.stages.registry.sources) == 1
        assert Tally().summary(session).incidents == 22
