"""`train risk`: labelled windows of finished files, through the real pipeline, to a plugin that learns from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from logwatch.api import FitReport, LabelledWindow, Trainable
from logwatch.app.desk import type_names
from logwatch.app.history import COMPONENT, Files, drive
from logwatch.app.incident_labels import IncidentLabels
from logwatch.app.incidents_found import read_incidents
from logwatch.app.outcomes import Outcome, overlapping, read_outcomes
from logwatch.app.session import opened
from logwatch.config import Loaded, SourceTable
from logwatch.errors import DataError
from logwatch.parse.parser import ParseSettings
from logwatch.plugins.loader import Plugins
from logwatch.requests import TrainRequest, Ui
from logwatch.types import MetricWindow

ENDS = 12
"""Windows end so often within the horizon."""

MATCHED = 0.5
"""Share of the deployments of which there must be windows."""


def train_risk(request: TrainRequest, ui: Ui) -> FitReport:
    """Fit all models of the risk plugin, and write what they learned.

    Raises:
        NoInputError: none of the files is there.
        DataError: labels that cannot be read or do not match, too few deployments, incidents, failures or samples.
        StateNotWritable: the output cannot be written.
    """
    labelled, note = _by_incidents(request, ui) if request.labels is None else _by_outcomes(request, request.labels, ui)
    component = Plugins(request.config.settings.plugins_dir).find("risk", "cnn")
    learner: Trainable = component.build(component.config())
    try:
        report = learner.fit(labelled, request.out, request.horizon, request.seed, _told(ui))
    except ValueError as error:
        raise DataError(str(error)) from error
    return replace(report, notes=(note, *report.notes)) if note else report


def _by_outcomes(request: TrainRequest, labels: Path, ui: Ui) -> tuple[list[LabelledWindow], str]:
    """Windows labelled by what became of deployments; nothing more is to be said of it."""
    outcomes = read_outcomes(labels)
    if all(one.failed_at is None for one in outcomes):
        raise DataError(f"{labels}: none of {len(outcomes)} deployments failed", "there is nothing to learn")
    found: list[MetricWindow] = []
    each_window(_files(request, ui), request.config, _every(request), ui, found.append)
    labelled = label(found, outcomes, request.horizon)
    _check_matched(labelled, outcomes, found, ui)
    return labelled, ""


def _by_incidents(request: TrainRequest, ui: Ui) -> tuple[list[LabelledWindow], str]:
    """Windows labelled by what the log side found, and what the report says of it."""
    known = read_incidents(request.state, type_names(request.config.settings))
    files = _files(request, ui)
    sources = sorted({stream.source for stream in files.streams.values()})
    labels = IncidentLabels(known.incidents, sources, request.horizon, request.seed)
    others = f", {known.normal} more are normal" if known.normal else ""
    ui.note(f"labels: {labels.matched} of {len(known.incidents)} incidents of logs in {request.state}{others}")
    if known.incidents and not labels.matched:
        theirs = sorted({one.source for one in known.incidents})
        hint = f"it has {_some(theirs)}; the metrics are of {_some(sources)}: --source says how they are called there"
        raise DataError(f"no incident in {request.state} is of a source of these metrics", hint)
    each_window(files, request.config, _every(request), ui, labels.see)
    labelled = labels.labelled()
    count = len({one.deployment for one in labelled if one.failing})
    return labelled, f"labels: {count} incidents that the log side found, no failures that anybody named{others}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (" …" if len(names) > 4 else "")


def _files(request: TrainRequest, ui: Ui) -> Files:
    return Files(request.paths, request.source or "{name}", ui)


def _every(request: TrainRequest) -> int:
    return int(request.horizon / ENDS * 1e9)


def windows_of(paths: tuple[str, ...], config: Loaded, every: int, ui: Ui) -> list[MetricWindow]:
    """See `each_window`; every file is a source of its own."""
    found: list[MetricWindow] = []
    each_window(Files(paths, "{name}", ui), config, every, ui, found.append)
    return found


def each_window(files: Files, config: Loaded, every: int, ui: Ui, see: Callable[[MetricWindow], None]) -> None:
    """Let `see` have the windows of all sources of metrics that end at the multiples of `every` ns."""
    settings = config.settings

    def keep(window: MetricWindow, incident: str) -> None:
        if not incident:
            see(window)

    with opened(settings, (), None, {COMPONENT: SourceTable(kind="file")}, finished=True, on_window=keep) as session:
        session.pipeline.stages.metrics.windows.every = every
        if drive(session, files.batches(ParseSettings(lateness=int(settings.lateness * 1e9))), ui):
            raise KeyboardInterrupt


def label(windows: Sequence[MetricWindow], outcomes: Sequence[Outcome], horizon: float) -> list[LabelledWindow]:
    """Windows that ended within a deployment and before its failure, of the commonest step."""
    groups = overlapping(outcomes)
    of: dict[str, list[int]] = {}
    for number, one in enumerate(outcomes):
        of.setdefault(one.source, []).append(number)
    step = Counter(window.step for window in windows).most_common(1)[0][0] if windows else 0
    labelled = []
    for window in windows:
        for number in of.get(window.source, ()) if window.step == step else ():
            one = outcomes[number]
            if one.start < window.end <= min(one.end, one.failed_at or one.end):
                lead = (one.failed_at - window.end) / 1e9 if one.failed_at is not None else 0.0
                failing = one.failed_at is not None and lead <= horizon
                labelled.append(LabelledWindow(window, failing, one.deployment, groups[number], one.fault, lead))
    return labelled


def _check_matched(
    labelled: Sequence[LabelledWindow], outcomes: Sequence[Outcome], windows: Sequence[MetricWindow], ui: Ui
) -> None:
    """Raises DataError."""
    have = len({one.deployment for one in labelled})
    of = len({one.deployment for one in outcomes})
    ui.note(f"labels: windows of {have} of {of} deployments")
    if have < MATCHED * of:
        named = sorted({window.source for window in windows})
        hint = f"sources of the metrics: {_some(named)}" if named else "the files hold no whole step of a metric"
        raise DataError(f"labels match {have} of {of} deployments: less than half", hint)


def _told(ui: Ui) -> Callable[[float, str], None]:
    return lambda share, what: ui.progress(int(share * 1000), 1000, what)
