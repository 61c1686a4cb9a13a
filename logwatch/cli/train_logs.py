"""`logwatchd train logs`: a model of logs for a warm start."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from logwatch.cli import options
from logwatch.requests import TrainLogsReport, TrainLogsRequest

if TYPE_CHECKING:
    from rich.console import RenderableType


def train_logs(
    paths: tuple[str, ...], output: Path, seed: int, passes: int, source: str | None, entity: str | None, as_json: bool
) -> int:
    """The verb's part for logs; returns the exit code."""
    config = options.settings(seed=("--seed", seed))
    from logwatch import app
    from logwatch.cli.ui import Terminal
    from logwatch.errors import StateNotWritable

    options.quiet_log()
    if not output.absolute().parent.is_dir():  # said before the work, not after it
        raise StateNotWritable(f"cannot write {output}: no such directory")
    with Terminal(show_alerts=False, as_json=as_json) as ui:
        report = app.train_logs(TrainLogsRequest(paths, config, output, source, entity, passes), ui)
        if ui.for_people:
            ui.show(*_rows(report, output))
        else:
            ui.write(json.dumps(asdict(report)))
    return 0


def _rows(report: TrainLogsReport, output: Path) -> Iterator[RenderableType]:
    from rich.text import Text

    yield Text(f"{report.records:,} lines, {report.templates:,} templates, {report.segments:,} runs of lines", "bold")
    if report.dropped:
        yield Text(f"the first {report.dropped:,} runs were left out: the newest teach")
    told = " ".join(f"{loss:.3f}" for loss in report.losses)
    yield Text(
        f"held out, the newest {report.held_out:,} runs: {told} nats an event after each pass on {report.device}"
    )
    beside = "" if report.online is None else f"; learned once, as it came: {report.online:.3f}"
    yield Text(f"pass {report.best} is kept: {report.losses[report.best - 1]:.3f}{beside}")
    yield Text(f"{output}: {report.bundle[:12]}, in {report.seconds:.0f} s. Begin with it by --model {output}.")
