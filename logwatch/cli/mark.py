"""`logwatchd mark`: a deployment, after which drift is expected."""

from __future__ import annotations

import json
from pathlib import Path

import click

from logwatch.cli import options
from logwatch.cli.alerts import Span
from logwatch.cli.status import state_of


@options.verb(
    "mark",
    help="""Mark a deployment: for a while after it, drift is expected.

    New and rare lines and values after it alert as `info`, named after the mark, and are learned: they are normal
    afterwards, unless they are marked real. Errors alert as ever. Heatmaps show the mark.

    Asks the running daemon; where none runs, the mark is kept for the next one.""",
    examples="""
    logwatchd mark "release 1.2"
    logwatchd mark "release 1.2" --source web --for 2h
    """,
)
@click.argument("name")
@click.option("--source", metavar="NAME", help="Of this source alone.  [default: all]")
@click.option("--for", "for_", type=Span(), default="30min", show_default=True, metavar="DURATION",
              help="How long drift is expected.")  # fmt: skip
@options.daemon_config
@click.option("--state", type=click.Path(path_type=Path), metavar="DIR", help="Its state directory.")
@options.as_json
def command(
    name: str, source: str | None, for_: float, file: Path | None, state: Path | None, as_json: bool
) -> int:  # fmt: skip
    directory = state_of(file, state)
    loaded = options.settings(file)
    from logwatch import app

    options.quiet_log()
    request = {"verb": "mark", "name": name, "source": source or "", "for": for_}
    reply = app.asked(directory, request, loaded.settings)["mark"]
    if as_json:
        click.echo(json.dumps(reply))
    else:
        from logwatch.cli.alert_rows import moment
        from logwatch.sinks.render import escape

        where = f" of {reply['source']}" if reply["source"] else ""
        click.echo(
            f"Marked{escape(where)}: {escape(reply['name'])}. Drift is expected until {moment(reply['until'])} UTC."
        )
    return 0
