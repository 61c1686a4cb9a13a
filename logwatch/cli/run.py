"""`logwatchd run`: the daemon."""

from __future__ import annotations

import os
import signal
import sys
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
    SIGHUP has it read its configuration again and begin anew with that; where that is wrong, it says so and goes on.
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
@options.model
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
    model: Path | None,
    log_format: Literal["auto", "console", "json", "logfmt"],
    log_level: str,
) -> int:
    from logwatch import app, telemetry
    from logwatch.plugins import Configured, Resolved, configure

    flags = options.given(
        state=("--state", state), budget=("--budget", budget), learning=("--learning", learning),
        model=("--model", model),
    )  # fmt: skip

    def read() -> Configured[Resolved]:
        return configure(file, flags=flags)

    def check() -> None:
        read()

    request = RunRequest(read(), check)
    telemetry.configure_log(log_format, log_level)
    if app.run(request):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until it listens again: one more would end it
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606  # itself, with its own arguments: everything is read anew
    return 0
