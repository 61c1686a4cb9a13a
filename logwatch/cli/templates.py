"""`logwatchd templates`: which kinds of lines a log holds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from logwatch.cli import options
from logwatch.cli.wording import plural
from logwatch.requests import TemplateReport, TemplatesRequest

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from logwatch.cli.ui import Terminal

SHOWN = 30
"""Templates shown on a terminal where --top is not given."""


@options.verb(
    "templates",
    help="""List the kinds of lines in a log.

    Each with its variable parts masked, how often and when it came, an example, and which values the parts took.
    The most frequent come first. JSON, one template a line, where the output is not a terminal.""",
    examples="""
    logwatchd templates /var/log/syslog
    logwatchd templates '/var/log/app/*.log' --top 10
    logwatchd templates app.log --json | jq -r 'select(.count == 1) | .example'
    """,
)
@options.paths()
@click.option(
    "--top", type=click.IntRange(min=1), metavar="N", help=f"Only the N most frequent.  [default: {SHOWN}, JSON: all]"
)
@options.as_json
def command(paths: tuple[str, ...], top: int | None, as_json: bool) -> int:
    config = options.settings()
    from logwatch import app
    from logwatch.cli.ui import Terminal

    options.quiet_log()
    with Terminal(as_json=as_json) as ui:
        found = app.templates(TemplatesRequest(paths, config), ui)
        show_templates(found, ui, top or (SHOWN if ui.for_people else len(found)))
    return 0


def show_templates(found: Sequence[TemplateReport], ui: Terminal, top: int) -> None:
    """Print the first `top`; on a terminal for people, else as JSON lines."""
    if not ui.for_people:
        for report in found[:top]:
            ui.write(json.dumps(asdict(report), ensure_ascii=True))
        return
    for report in found[:top]:
        ui.show(*_rows(report))
    hidden = len(found) - top
    if hidden > 0:
        share = sum(report.share for report in found[top:])
        ui.note(f"{plural(hidden, 'more template')}, {share:.1%} of the lines: --top N shows more.")


def _rows(report: TemplateReport) -> Iterator[RenderableType]:
    from rich.text import Text

    from logwatch.sinks.render import escape

    head = Text().append(f"{report.count:>9,} {report.share:>6.1%}  ", "cyan")
    yield head.append(escape(report.template), "bold")
    indent = " " * 18
    if report.first and report.last:
        when = report.first if report.first == report.last else f"{report.first} … {report.last}"
        yield Text(f"{indent}{when}", "dim")
    if report.example != report.template:
        yield _cut(Text(f"{indent}e.g. {escape(report.example)}", "dim"))
    for number, values in enumerate(report.values, 1):
        yield _cut(Text().append(f"{indent}<{number}> ", "green").append(escape(", ".join(values))))


def _cut(text: Text) -> Text:
    """One row: examples and values are there to recognise a line, not to read it."""
    text.no_wrap, text.overflow = True, "ellipsis"
    return text
