"""`train risk`: labelled windows of finished files, through the real pipeline, to a plugin that learns from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from logwatch.api import FitReport, LabelledWindow, Trainable
from logwatch.app.history import COMPONENT, Files, drive
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
        DataError: labels that cannot be read or do not match, too few deployments, failures or samples.
        StateNotWritable: the output cannot be written.
    """
    outcomes = read_outcomes(request.labels)
    if all(one.failed_at is None for one in outcomes):
        raise DataError(f"{request.labels}: none of {len(outcomes)} deployments failed", "there is nothing to learn")
    found = windows_of(request.paths, request.config, int(request.horizon / ENDS * 1e9), ui)
    labelled = label(found, outcomes, request.horizon)
    _check_matched(labelled, outcomes, found, ui)
    component = Plugins(request.config.settings.plugins_dir).find("risk", "cnn")
    learner: Trainable = component.build(component.config())
    try:
        return learner.fit(labelled, request.out, request.horizon, request.seed, _told(ui))
    except ValueError as error:
        raise DataError(str(error)) from error


def windows_of(paths: tuple[str, ...], config: Loaded, every: int, ui: Ui) -> list[MetricWindow]:
    """Windows of all sources of metrics in finished files that end at the multiples of `every` ns."""
    files = Files(paths, "{name}", ui)
    found: list[MetricWindow] = []
    settings = config.settings

    def keep(window: MetricWindow, incident: str) -> None:
        if not incident:
            found.append(window)

    with opened(settings, (), None, {COMPONENT: SourceTable(kind="file")}, finished=True, on_window=keep) as session:
        session.pipeline.stages.metrics.windows.every = every
        drive(session, files.batches(ParseSettings(lateness=int(settings.lateness * 1e9))), ui)
    return found


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
        named = sorted({window.source for window in windows})[:4]
        hint = f"sources of the metrics: {', '.join(named)} …" if named else "the files hold no whole step of a metric"
        raise DataError(f"labels match {have} of {of} deployments: less than half", hint)


def _told(ui: Ui) -> Callable[[float, str], None]:
    return lambda share, what: ui.progress(int(share * 1000), 1000, what)
