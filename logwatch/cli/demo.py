"""`logwatchd demo`: our own recordings, with faults that were really injected."""

from __future__ import annotations

import click

from logwatch.cli import options
from logwatch.requests import DemoRequest


@options.verb(
    "demo",
    help="""Watch it work on our own recordings.

    Replays logs and metrics that were recorded from real programs while faults were injected into them.
    Nothing is told to it: it learns from the first line, and its alerts are then held against the faults that were
    really injected: found by logs, by metrics or by both, missed, false. Takes under a minute, needs no files and
    writes none.""",
    examples="""
    logwatchd demo
    logwatchd demo nginx --speed 60
    logwatchd demo --json | jq '.recordings[].faults[]'
    """,
)
@click.argument("recordings", nargs=-1, metavar="[NAME]...")
@click.option("--speed", type=click.FloatRange(min=1), metavar="X", help="Replay X times faster than it was recorded.")
@click.option("--fast", is_flag=True, help="Replay as fast as it goes; the default.")
@options.budget
@options.as_json
def command(recordings: tuple[str, ...], speed: float | None, fast: bool, budget: str | None, as_json: bool) -> int:
    if fast and speed is not None:
        raise click.UsageError("--fast and --speed exclude each other.")
    config = options.settings(budget=("--budget", budget))
    from logwatch import app
    from logwatch.cli.ui import Terminal
    from logwatch.cli.verdict import show_demo

    options.quiet_log()
    with Terminal(as_json=as_json, show_alerts=not as_json) as ui:
        show_demo(app.demo(DemoRequest(config, recordings, speed), ui), ui)
    return 0
