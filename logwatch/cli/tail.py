"""`logwatchd tail`: watch logs from a terminal, with no configuration."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from logwatch.cli import options
from logwatch.requests import TailRequest


@options.verb(
    "tail",
    help="""Watch logs or metrics as they grow, and show what is not normal in them.

    PATH is a file, a glob in quotes, or - for standard input (the default where it is a pipe). The end of each file is
    first learned silently; then new lines are followed, through rotation and truncation. Ctrl-C ends with a summary.

    On a terminal alerts are shown in colour with a status line below; anywhere else they are JSON, one a line.""",
    examples="""
    logwatchd tail /var/log/nginx/access.log
    logwatchd tail metrics.csv --budget 5/day
    logwatchd tail '/var/log/app/*.log' --entity 'request_id=(\\S+)' --budget 5/day
    journalctl -f -o short-iso | logwatchd tail -
    logwatchd tail build.log --from-start --once --fail      # in CI: exit 1 if something alerted
    """,
)
@options.paths("[PATH]", required=False)
@click.option("--from-start", is_flag=True, help="Show what is not normal in the lines already there, too.")
@click.option("--once", is_flag=True, help="End at the end of the files instead of following them.")
@click.option("--fail", is_flag=True, help="Exit 1 if something alerted. Needs --once.")
@options.source
@options.entity
@options.budget
@options.state
@options.model
@options.as_json
def command(
    paths: tuple[str, ...],
    from_start: bool,
    once: bool,
    fail: bool,
    source: str | None,
    entity: str | None,
    budget: str | None,
    state: Path | None,
    model: Path | None,
    as_json: bool,
) -> int:
    if fail and not once:
        raise click.UsageError("--fail needs --once: without it there is no end at which to say so.")
    paths = paths or _standard_input()
    if "-" in paths and len(paths) > 1:
        raise click.UsageError("'-' (standard input) cannot be mixed with files.")
    config = options.settings(budget=("--budget", budget), model=("--model", model))
    from logwatch import app
    from logwatch.cli.summary import show_summary
    from logwatch.cli.ui import Terminal

    request = TailRequest(paths, config, from_start, once, source, entity, state)
    options.quiet_log()
    with Terminal(as_json=as_json) as ui:
        summary = app.tail(request, ui)
        show_summary(summary, ui)
    return 1 if fail and summary.incidents else 0


def _standard_input() -> tuple[str, ...]:
    if sys.stdin.isatty():
        raise click.UsageError("Which log? Give a PATH, or pipe lines in.")
    return ("-",)
