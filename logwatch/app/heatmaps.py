"""`heatmap`: a window of finished files, which go through the real pipeline, or one that a daemon has kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from logwatch.app.deployments import read_deployments
from logwatch.app.history import COMPONENT, Files, drive
from logwatch.app.session import detectors_of, opened
from logwatch.checkpoint.heatmaps import reading
from logwatch.config import SourceTable
from logwatch.errors import DataError, NoInputError, UsageError
from logwatch.heatmap.ticks import moment
from logwatch.parse.parser import ParseSettings
from logwatch.requests import HeatmapRequest, Ui
from logwatch.score.series.windows import Windows
from logwatch.types import Mark, MetricWindow


def heatmap(request: HeatmapRequest, ui: Ui) -> MetricWindow:
    """The window of a source that ends at a time, with what happened in it.

    Raises:
        NoInputError: none of the files is there.
        UsageError: several sources have metrics, and none is named.
        DataError: no file can be read, none has metrics (of that source), too few of them, or none at that time.
    """
    deployments = read_deployments(request.labels) if request.labels else {}
    return _marked(_kept(request) if request.state else _of_files(request, ui), deployments)


def _of_files(request: HeatmapRequest, ui: Ui) -> MetricWindow:
    files = Files(request.paths, "{name}", ui)
    settings = request.config.settings
    detectors = [one for one in detectors_of(request.config) if one.part.kind != "risk"]
    table = SourceTable(kind="file")
    seen: dict[str, MetricWindow] = {}
    with opened(settings, detectors, None, {COMPONENT: table}, finished=True) as session:
        windows = session.pipeline.stages.metrics.windows
        if request.at is not None and request.at > 0:
            windows.every = request.at  # so it is the one multiple that comes
            windows.on_window = lambda window, incident: _keep(seen, window, incident)
        if drive(session, files.batches(ParseSettings(lateness=int(settings.lateness * 1e9))), ui):
            raise KeyboardInterrupt
        known = {windows.name(number): number for number in windows.sources()}
        name = _choose(request, known)
        return seen.get(name) or _latest(windows, known[name], request.at)


def _kept(request: HeatmapRequest) -> MetricWindow:
    """The newest window that a daemon kept, or the last one that ended up to the time."""
    state = Path(request.state or "")
    with reading(state) as kept:
        if kept is None:
            raise NoInputError(f"no heatmaps in {state}", "`logwatchd run` keeps them in its state directory")
        name = _choose(request, dict.fromkeys(kept.sources(), 0))
    return kept_window(state, name, request.at)


def kept_window(state: Path, name: str, at: int | None, incident: str = "") -> MetricWindow:
    """A window that a daemon kept of a source: the newest up to a time (ns), or that of an incident.

    Raises:
        DataError: there is none.
    """
    with reading(state) as kept:
        ends = kept.ends(name) if kept else []
        if kept is None or not ends:
            raise DataError(f"no heatmap of {name!r}", "it has no metrics, or its first window has not ended")
        before = [one for one in ends if (at is None or one[0] <= at) and incident in ("", one[1])]
        if not before and incident:
            raise DataError(f"no heatmap of the incident {incident[:12]} of {name!r}")
        if not before:
            oldest = moment(ends[0][0])
            raise DataError(f"no heatmap of {name!r} up to {moment(at or 0)} UTC", f"the oldest ends at {oldest}")
        window = kept.window(name, *before[-1])
    if window is None:
        raise DataError(f"the heatmap of {name!r} is kept no more", "call again")
    return window


def _keep(seen: dict[str, MetricWindow], window: MetricWindow, incident: str) -> None:
    if not incident:
        seen[window.source] = window


def _choose(request: HeatmapRequest, known: Mapping[str, int]) -> str:
    if not known and request.state:
        raise DataError("the daemon has kept no heatmap yet")
    if not known:
        raise DataError("too few metrics: no source has had a whole step yet", "a series needs nine samples or more")
    if request.source is None:
        if len(known) > 1:
            raise UsageError(f"{len(known)} sources have metrics: {_listed(list(known))}", "name one with --source")
        return next(iter(known))
    if request.source not in known:
        raise DataError(f"no metrics of a source {request.source!r}", f"there are: {_listed(list(known))}")
    return request.source


def _listed(names: Sequence[str], most: int = 8) -> str:
    return ", ".join(sorted(names)[:most]) + (" …" if len(names) > most else "")


def _latest(windows: Windows, source: int, at: int | None) -> MetricWindow:
    window = windows.latest(source)
    if window is None:
        raise DataError(f"too few metrics of {windows.name(source)!r}: it has had no whole step yet")
    if at is not None and not window.end <= at < window.end + window.step:
        first, last = windows.span(source)
        raise DataError(
            f"no metrics of {windows.name(source)!r} at {moment(at)} UTC",
            f"they go from {moment(first)} to {moment(last)} UTC",
        )
    return window


def _marked(window: MetricWindow, deployments: Mapping[str, list[Mark]]) -> MetricWindow:
    mine = [mark for mark in deployments.get(window.source, []) if window.start <= mark.time <= window.end]
    return replace(window, marks=tuple(sorted([*window.marks, *mine])))
