"""`logwatchd score`: the same pipeline over finished files."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from logwatch.cli import options
from logwatch.requests import ScoreRequest

Format = Literal["jsonl", "csv", "parquet"]
FORMATS: dict[str, Format] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".parquet": "parquet"}


def _rows(context: click.Context, parameter: click.Parameter, value: Path | None) -> Path | None:
    if value is not None and value != Path("-") and value.suffix not in FORMATS:
        raise click.BadParameter(f"'{value}' must end in .jsonl, .csv or .parquet.")
    return value


@options.verb(
    "score",
    help="""Score finished files of lines or metrics.

    Writes one row per line, window and visit, or per reading of a series (with what was expected), and shows every
    alert there would have been.

    Several files are read in the order of their times; with --source a log and metrics are one source. The first lines
    only teach (their rows have no score yet); with --state it starts from what an earlier call learned, and keeps what
    it learned. Compressed files are read.""",
    examples="""
    logwatchd score app.log                              # the alerts, and a summary
    logwatchd score app.log.2.gz app.log.1 app.log -o rows.parquet
    logwatchd score app.log metrics.csv --source app -o rows.parquet
    logwatchd score january.log --state ./learned        # learn a month ...
    logwatchd score today.log --state ./learned -o - | jq 'select(.alert)'
    """,
)
@options.paths()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=_rows,
    metavar="FILE",
    help="Write the rows: .jsonl, .csv or .parquet; - is JSON lines on standard output.",
)
@click.option(
    "--forecasts",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write how good the forecasts of metrics were, beside simple ones: .json, else a table.",
)
@options.state
@options.source
@options.entity
@options.budget
@options.learning
@options.model
@options.as_json
def command(
    paths: tuple[str, ...],
    output: Path | None,
    forecasts: Path | None,
    state: Path | None,
    source: str | None,
    entity: str | None,
    budget: str | None,
    learning: str | None,
    model: Path | None,
    as_json: bool,
) -> int:
    config = options.settings(budget=("--budget", budget), learning=("--learning", learning), model=("--model", model))
    from logwatch import app
    from logwatch.cli.summary import show_summary
    from logwatch.cli.ui import Terminal

    rows_format = FORMATS[output.suffix] if output and output.suffix in FORMATS else "jsonl"
    request = ScoreRequest(paths, config, state, output, rows_format, source, entity, forecasts)
    # Rows on standard output and alerts there would be two streams in one: then the alerts are in the rows.
    options.quiet_log()
    with Terminal(as_json=as_json, show_alerts=output != Path("-")) as ui:
        show_summary(app.score(request, ui), ui, rows=output)
    return 0
