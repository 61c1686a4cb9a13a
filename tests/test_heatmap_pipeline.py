"""Heatmaps from files and from a live stream are the same, whatever the batches and however often interrupted."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from logwatch.app import heatmap
from logwatch.app.session import detectors_of, opened
from logwatch.cli.ui import Terminal
from logwatch.config import Loaded, SourceTable, load
from logwatch.errors import DataError, NoInputError, UsageError
from logwatch.heatmap.image import image
from logwatch.requests import HeatmapRequest
from logwatch.types import MetricWindow, RecordBatch, Stream

SECOND = 10**9
START = 1_760_000_000
STEPS = 560
DEAD = range(500, 520)
LOG, METRICS = Stream("app", "log"), Stream("app", "metrics")

Told = tuple[MetricWindow, str]


def lines(steps: int = STEPS, order: int = 1, logs: bool = False) -> list[tuple[Stream, bytes]]:
    """Readings of a service every ten seconds, each in its own record; for a while it is dead, and some are missing."""
    rng, made = random.Random(5), [(METRICS, b"time,name,labels,value")]
    for step in range(steps):
        stamp, dead = str(np.datetime64(START + 10 * step, "s")) + "Z", step in DEAD
        if logs and step % 5 == 0:
            made += [(LOG, f"{stamp} INFO served {rng.randint(1, 99)} requests".encode())] * 4
        if logs and dead:
            made.append((LOG, f"{stamp} ERROR upstream {rng.choice('abc')} is gone".encode()))
        busy = 20 + 3 * math.sin(step / 40)
        readings = [("in_flight", 0.0 if dead else round(busy + rng.gauss(0, 0.5), 2)), ("threads", 40 + step % 2)]
        if step % 90 > 10:
            readings.append(("queue", round(abs(rng.gauss(0, 3)), 2)))
        made += [(METRICS, f"{stamp},{name},,{value}".encode()) for name, value in readings[::order]]
    return made


def configured(**flags: object) -> Loaded:
    return load(environ={}, flags={"heatmap": ("--heatmap", {"every": "5min", "window": 64, **flags})})


class Live:
    """A stream through a pipeline that is not told where it ends."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.told = folder, list[Told]()

    def feed(self, given: list[tuple[Stream, bytes]], sizes: Iterator[int], stop: int | None = None) -> Live:
        loaded, stop = configured(), stop or len(given)
        with opened(
            loaded.settings, detectors_of(loaded), self.folder, {"files": SourceTable(kind="file")},
            on_window=lambda window, incident: self.told.append((window, incident)),
        ) as session:  # fmt: skip
            at = int(session.pipeline.cursors("files").get("all", b"0"))
            while at < stop:
                end = min(at + next(sizes), stop)
                session.pipeline.process(_records(given, at, end), "files")
                at = end
            session.commit()
        return self


def _records(given: list[tuple[Stream, bytes]], at: int, end: int) -> RecordBatch:
    start = np.arange(at, end, dtype=np.int64)
    which = np.array([stream is METRICS for stream, _ in given[at:end]], np.int32)
    cursor: dict[str, bytes | None] = {"all": str(end).encode()}
    flags = np.zeros(end - at, np.uint8)
    return RecordBatch([line for _, line in given[at:end]], [LOG, METRICS], which, start, start + 1, flags, cursor)


def same(one: list[Told], other: list[Told]) -> None:
    assert [(w.end, w.metrics, w.marks, incident) for w, incident in one] == [
        (w.end, w.metrics, w.marks, incident) for w, incident in other
    ]
    for (a, _), (b, _) in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.values, b.values)
        np.testing.assert_array_equal(a.past, b.past)
        np.testing.assert_array_equal(image(a), image(b))


def every(size: int) -> Iterator[int]:
    while True:
        yield size


@pytest.mark.parametrize("logs", [False, True])
def test_neither_batches_nor_interruptions_change_a_heatmap(tmp_path: Path, logs: bool) -> None:
    given = lines(logs=logs)
    whole = Live(tmp_path / "whole").feed(given, every(4096)).told
    assert len(whole) > 15
    assert any(incident for _, incident in whole)
    same(Live(tmp_path / "seven").feed(given, every(7)).told, whole)
    parts, rng, at = Live(tmp_path / "parts"), random.Random(1), 0
    while at < len(given):
        at = min(at + rng.randint(500, 1500), len(given))
        parts.feed(given, every(rng.randint(1, 200)), stop=at)
    same(parts.told, whole)


def test_one_record_at_a_time_is_the_same(tmp_path: Path) -> None:
    given = lines(100)
    whole = Live(tmp_path / "whole").feed(given, every(4096)).told
    assert len(whole) >= 2
    same(Live(tmp_path / "one").feed(given, every(1)).told, whole)


def test_an_incident_is_marked_and_has_a_window(tmp_path: Path) -> None:
    told = Live(tmp_path).feed(lines(), every(500)).told
    dead = (START + 10 * DEAD.start) * SECOND
    found = [window for window, incident in told if incident and 0 <= window.end - dead <= 100 * SECOND]
    assert len(found) == 1
    marks = [mark.time for mark in found[0].marks if mark.time >= dead]
    assert len(marks) == 1
    later = [window for window, incident in told if not incident and window.start <= marks[0] <= window.end]
    assert later
    assert all(marks[0] in [mark.time for mark in window.marks] for window in later if window.end > marks[0] + 10**10)


def test_a_window_of_a_file_is_that_of_the_live_stream(tmp_path: Path) -> None:
    given = lines()
    file = tmp_path / "app"
    file.write_bytes(b"".join(line + b"\n" for _, line in given))
    live = [window for window, incident in Live(tmp_path / "state").feed(given, every(100)).told if not incident]
    for window in (live[4], live[-1]):
        found = shown(file, at=window.end)
        assert (found.metrics, found.start, found.step) == (window.metrics, window.start, window.step)
        assert [mark.time for mark in found.marks] == [mark.time for mark in window.marks]
        np.testing.assert_array_equal(image(found), image(window))


def shown(*paths: Path, at: int | None = None, source: str | None = None, labels: Path | None = None) -> MetricWindow:
    with Terminal(as_json=True, show_alerts=False) as ui:
        return heatmap(HeatmapRequest(tuple(map(str, paths)), configured(), source, at, labels), ui)


def written(folder: Path, name: str, given: list[tuple[Stream, bytes]]) -> Path:
    file = folder / name
    file.write_bytes(b"".join(line + b"\n" for _, line in given))
    return file


def test_without_a_time_the_window_ends_with_the_last_step(tmp_path: Path) -> None:
    window = shown(written(tmp_path, "app", lines(100)))
    assert window.end == (START + 990) * SECOND
    assert window.metrics == ("in_flight", "queue", "threads")
    assert window.values.shape == (3, 64)
    assert not np.isnan(window.values[0]).any()
    assert np.isnan(window.values[1]).any()


def test_later_samples_change_nothing_before_them(tmp_path: Path) -> None:
    at = (START + 1400) * SECOND
    short, long = written(tmp_path, "a", lines(150)), written(tmp_path, "b", lines(300))
    one, other = shown(short, at=at), shown(long, at=at)
    assert one.end == at
    np.testing.assert_array_equal(image(one), image(other))


def test_rows_stand_by_name_whatever_the_order_in_the_file(tmp_path: Path) -> None:
    forwards = shown(written(tmp_path, "a", lines(120)))
    backwards = shown(written(tmp_path, "b", lines(120, order=-1)))
    assert forwards.metrics == backwards.metrics
    np.testing.assert_array_equal(image(forwards), image(backwards))


def test_deployments_of_the_labels_are_marked(tmp_path: Path) -> None:
    file, labels = written(tmp_path, "app", lines(100)), tmp_path / "labels.csv"
    stamp = str(np.datetime64(START + 800, "s")) + "Z"
    labels.write_text(
        f"source,deployment,start,end\napp,v2,{stamp},\nother,v9,{stamp},\napp,old,2001-01-01T00:00:00Z,\n"
    )
    marks = shown(file, labels=labels).marks
    assert [(mark.time, mark.name) for mark in marks if mark.kind == "deployment"] == [((START + 800) * SECOND, "v2")]
    labels.write_text("who,what\n")
    with pytest.raises(DataError, match="no column 'source'"):
        shown(file, labels=labels)


def test_what_cannot_be_shown_is_said_by_name(tmp_path: Path) -> None:
    app = written(tmp_path, "app", lines(100))
    with pytest.raises(NoInputError):
        shown(tmp_path / "missing")
    with pytest.raises(DataError, match="too few metrics"):
        shown(written(tmp_path, "once", lines(1)))
    with pytest.raises(DataError, match="too few metrics"):
        shown(written(tmp_path, "log", [(LOG, b"2026-01-01T00:00:00Z INFO hello")] * 100))
    with pytest.raises(DataError, match="no metrics of a source 'web'") as error:
        shown(app, source="web")
    assert "app" in error.value.hint
    for at in (START - 10**6, START + 10**6, -5):
        with pytest.raises(DataError, match="no metrics of 'app' at"):
            shown(app, at=at * SECOND)
    with pytest.raises(UsageError, match="2 sources have metrics: app, db"):
        shown(app, written(tmp_path, "db", lines(60)))
    assert shown(app, tmp_path / "db", source="db").source == "db"


def test_hostile_names_come_through_as_they_are_and_are_shown_clean(tmp_path: Path) -> None:
    from logwatch.heatmap.picture import picture

    rows = [b"time,name,labels,value"]
    for step in range(40):
        stamp = str(np.datetime64(START + 10 * step, "s")) + "Z"
        rows.append(f"{stamp},evil\x1b[31m\u202e{'x' * 500},a=\x07,{step % 7}".encode())
    file = tmp_path / "evil\x1b[2J"
    file.write_bytes(b"\n".join(rows) + b"\n")
    window = shown(file)
    assert picture(window).startswith(b"\x89PNG")
