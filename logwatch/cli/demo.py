"""`logwatchd demo`: our own recordings, with faults that were really injected."""

from __future__ import annotations

from pathlib import Path

import click

from logwatch.cli import options
from logwatch.requests import DemoRequest


@options.verb(
    "demo",
    help="""Watch it work on our own recordings.

    Replays logs and metrics that were recorded from real programs while faults were injected into them.
    Nothing is told to it: it learns from the first line, and its alerts are then held against the faults that were
    really injected: found by logs, by metrics or by both, missed, false. It ends with the heatmap of the metrics when
    the risk of a failure was highest, as a picture too. Takes under a minute, and needs no files.""",
    examples="""
    logwatchd demo
    logwatchd demo nginx --speed 60
    logwatchd demo --json | jq '.recordings[].faults[]'
    """,
)
@click.argument("recordings", nargs=-1, metavar="[NAME]...")
@click.option("--speed", type=click.FloatRange(min=1), metavar="X", help="Replay X times faster than it was recorded.")
@click.option("--fast", is_flag=True, help="Replay as fast as it goes; the default.")
@click.option(
    "--png", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Where the picture goes.  [default: a new file among the temporary ones]",
)  # fmt: skip
@options.budget
@options.as_json
def command(
    recordings: tuple[str, ...], speed: float | None, fast: bool, png: Path | None, budget: str | None, as_json: bool
) -> int:
    if fast and speed is not None:
        raise click.UsageError("--fast and --speed exclude each other.")
    config = options.settings(budget=("--budget", budget))
    from logwatch import app
    from logwatch.cli.demo_risk import draw, show_risk
    from logwatch.cli.ui import Terminal
    from logwatch.cli.verdict import show_demo

    options.quiet_log()
    with Terminal(as_json=as_json, show_alerts=not as_json) as ui:
        report = app.demo(DemoRequest(config, recordings, speed), ui)
        drawn = None if report.risk is None or (png is None and not ui.for_people) else draw(report.risk, png)
        show_demo(report, ui)
        if report.risk is not None and ui.for_people:
            show_risk(report.risk, drawn, ui)
    return 0
