"""`logwatchd train`: models that learn from what became of deployments."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from logwatch.cli import options
from logwatch.cli.status import state_of
from logwatch.cli.train_logs import train_logs
from logwatch.requests import TrainRequest

if TYPE_CHECKING:
    from logwatch.api import FitReport
    from logwatch.cli.ui import Terminal

FIGURES = ("auc", "caught", "lead", "brier")


def duration(context: click.Context, parameter: click.Parameter, value: str) -> float:
    """A duration above 0, in seconds."""
    from logwatch.config.values import parse_duration

    try:
        seconds = parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    if not 0 < seconds < 1e9:
        raise click.BadParameter("it must be above 0.")
    return seconds


def _horizon(context: click.Context, parameter: click.Parameter, value: str) -> float:
    """Windows end twelve times within it: of a shorter one there would be more of them than steps of any metric."""
    seconds = duration(context, parameter, value)
    if seconds < 1:
        raise click.BadParameter("it must be at least 1s.")
    return seconds


@options.verb(
    "train",
    help="""Learn from history: how metrics look before a deployment fails, or what a log usually says.

    logs: a model of logs for a warm start (--model). History goes through the same pipeline as live lines, so that what
    is odd in it is not learned; then several passes, until the newest tenth is no longer foretold better. On a GPU
    where there is one.

    risk: takes metrics of deployments, and labels of what became of each: CSV with the columns
    source,deployment,start,end,failed,failed_at,fault. Five models are fitted: a convolutional network on heatmaps,
    one that reads every metric alike, logistic regression, boosted stumps, and the plain rule that needs no labels.
    They are compared on deployments and on kinds of faults that they have not seen; the best one serves.

    Without labels, incidents that the log side found and --state keeps are what they are to foretell: those of the
    source of a file's name (web-1.csv: web-1), or of --source; not those that somebody called normal.""",
    examples="""
    logwatchd train logs /var/log/app/app.log.*.gz --entity 'request_id=(\\S+)' -o app.tar
    logwatchd train risk 'metrics/*.csv.gz' --labels labels.csv -o risk.safetensors
    logwatchd train risk --metrics web.csv --metrics db.csv --labels labels.csv --horizon 5min -o risk.safetensors
    logwatchd train risk web.csv --source web-1 --state /var/lib/logwatchd -o risk.safetensors
    """,
)
@click.argument("what", type=click.Choice(["logs", "risk"]), metavar="logs | risk")
@options.paths(required=False)
@click.option("--metrics", "more", multiple=True, metavar="PATH", help="Files of metrics; as those named without it.")
@click.option(
    "--labels", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="risk: what became of each deployment.  [default: none, the incidents of --state]",
)  # fmt: skip
@click.option("--state", type=click.Path(path_type=Path), metavar="DIR",
              help="risk: the state of a daemon that read the logs.  [default: as configured]")  # fmt: skip
@click.option(
    "--horizon", callback=_horizon, default="60s", show_default=True, metavar="TIME",
    help="How long before a failure it is to be seen.",
)  # fmt: skip
@click.option(
    "--window", type=click.IntRange(16, 1024), metavar="STEPS",
    help="Steps of the metrics that are looked at.  [default: as configured, else 120]",
)  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, metavar="N", help="Of what is drawn at random.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, metavar="FILE",
    help="Where what was learned goes: FILE.safetensors, or of logs FILE.tar.",
)  # fmt: skip
@click.option(
    "--report", "to", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="The report as a page with curves: FILE.html.",
)  # fmt: skip
@click.option("--passes", type=click.IntRange(1, 1000), default=20, show_default=True, metavar="N",
              help="logs: over the history, at most.")  # fmt: skip
@options.source
@options.entity
@options.as_json
def command(
    what: str, paths: tuple[str, ...], more: tuple[str, ...], labels: Path | None, state: Path | None, horizon: float,
    window: int | None, seed: int, output: Path, to: Path | None, passes: int, source: str | None, entity: str | None,
    as_json: bool,
) -> int:  # fmt: skip
    if what == "logs":
        if more or labels or state or to or not paths:
            raise click.UsageError(
                "`train logs` takes files of logs, and neither --metrics, --labels, --state nor --report."
            )
        return train_logs(paths, output, seed, passes, source, entity, as_json)
    if entity:
        raise click.UsageError("`train risk` takes no --entity.")
    if labels is not None and state is not None:
        raise click.UsageError("--labels and --state both say what became of it: give one of them.")
    if not (paths or more):
        raise click.UsageError("Name files of metrics.")
    config = options.windowed(options.settings(), window)
    from logwatch import app
    from logwatch.cli.ui import Terminal
    from logwatch.errors import StateNotWritable

    options.quiet_log()
    with Terminal(show_alerts=False, as_json=as_json) as ui:
        for one in (output, to):  # said before the work, not after it
            if one is not None and not one.absolute().parent.is_dir():
                raise StateNotWritable(f"cannot write {one}: no such directory")
        kept = state_of(None, state) if labels is None else Path()
        request = TrainRequest((*more, *paths), config, labels, output, horizon, seed, source, kept)
        try:
            report = app.train_risk(request, ui)
        except OSError as error:
            raise StateNotWritable(f"cannot write {output}: {(error.strerror or str(error)).lower()}") from error
        if to is not None:
            write_page(to, report)
        if as_json:
            sys.stdout.write(json.dumps(_plain(report)) + "\n")
        else:
            show(report, ui)
            ui.note(f"{output}: {report.serves} serves")
    return 0


def write_page(to: Path, report: FitReport) -> None:
    """Raises StateNotWritable."""
    from logwatch.cli.train_page import page
    from logwatch.errors import StateNotWritable

    try:
        to.write_text(page(report), encoding="utf-8")
    except OSError as error:
        raise StateNotWritable(f"cannot write {to}: {(error.strerror or str(error)).lower()}") from error


def _plain(report: FitReport) -> Mapping[str, object]:
    """Numbers that are not known are null."""
    figures = {
        model: {key: None if math.isnan(value) else value for key, value in one.items()}
        for model, one in report.models.items()
    }
    return {**asdict(report), "models": figures}


def show(report: FitReport, ui: Terminal) -> None:
    """One table of all models; below it kinds of faults, the curves of the model that serves, and what to know."""
    from rich.table import Table
    from rich.text import Text

    heads = ("model", "AUC", "95 %", "caught at 5 % false alarms", "median lead", "Brier")
    table = Table(*heads, box=None, pad_edge=False)
    for name, one in report.models.items():
        star = " *" if name == report.serves else ""
        table.add_row(
            name + star, _said(one["auc"]), f"{_said(one['auc_low'])} to {_said(one['auc_high'])}",
            _said(one["caught"], "{:.0%}"), _said(one["lead"], "{:.0f} s"), _said(one["brier"]),
        )  # fmt: skip
    ui.show(Text("Held out by deployment; * serves", "bold"), table)
    kinds = sorted({key for one in report.models.values() for key in one if key.startswith("fault/")})
    if kinds:
        table = Table("fault, held out", *report.models, box=None, pad_edge=False)
        for kind in kinds:
            table.add_row(kind[6:], *(_said(one.get(kind, math.nan)) for one in report.models.values()))
        ui.show(Text(""), table)
    for name, points in report.curves.get(report.serves, {}).items():
        ui.show(Text(f"{name}: " + " ".join(f"{x:.2f}/{y:.2f}" for x, y in points), "dim"))
    for note in report.notes:
        ui.show(Text(note))


def _said(value: float, form: str = "{:.3f}") -> str:
    return "-" if math.isnan(value) else form.format(value)
