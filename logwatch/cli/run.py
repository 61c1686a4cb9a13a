"""`logwatchd run`: the daemon."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from logwatch.cli import options
from logwatch.requests import RunRequest


@options.verb(
    "run",
    help="""Run the daemon.

    Watches everything that a configuration names, until it is told to stop.
    What it has learned, how far it has read and which alerts are still to be delivered is kept in the state directory,
    and it goes on from there, also after a crash. SIGTERM and Ctrl-C end it cleanly; a second one ends it at once.
    Its own log goes to standard error.""",
    examples="""
    logwatchd check-config -c logwatchd.toml && logwatchd run -c logwatchd.toml
    LOGWATCHD_BUDGET=5/day logwatchd run -c logwatchd.toml --state ./state
    systemctl enable --now logwatchd
    """,
)
@options.config_file
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The state directory, instead of the configured one.",
)
@options.budget
@options.learning
@click.option(
    "--log-format",
    type=click.Choice(["auto", "console", "json", "logfmt"]),
    default="auto",
    show_default=True,
    help="Form of its own log; auto is console on a terminal, logfmt elsewhere.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="Least important messages to show.",
)
def command(
    file: Path,
    state: Path | None,
    budget: str | None,
    learning: str | None,
    log_format: Literal["auto", "console", "json", "logfmt"],
    log_level: str,
) -> int:
    from logwatch import app, telemetry
    from logwatch.plugins import configure

    flags = options.given(state=("--state", state), budget=("--budget", budget), learning=("--learning", learning))
    request = RunRequest(configure(file, flags=flags))
    telemetry.configure_log(log_format, log_level)
    app.run(request)
    return 0
