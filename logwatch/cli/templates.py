"""`logwatchd templates`: which kinds of lines a log holds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from logwatch.cli import options
from logwatch.cli.wording import plural
from logwatch.requests import ConfusionReport, TemplateAgreement, TemplateReport, TemplatesRequest, VariableReport

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from logwatch.cli.ui import Terminal

SHOWN = 30
"""Templates shown on a terminal where --top is not given."""

BESIDE = 6
"""Statements of one template, and templates of one confusion, that are shown beside each other."""


@options.verb(
    "templates",
    help="""List the kinds of lines in a log.

    Each with the types of its variable parts, how often and when it came, an example, and which values the parts took.
    The most frequent come first. JSON, one template a line, where the output is not a terminal.

    With --labels: how well the templates agree with the statements that truly wrote the lines, and the worst of those
    that were merged or split. JSON: one object.""",
    examples="""
    logwatchd templates /var/log/syslog
    logwatchd templates '/var/log/app/*.log' --top 10
    logwatchd templates app.log --json | jq -r 'select(.count == 1) | .example'
    logwatchd templates app.log --labels app.labels.csv
    """,
)
@options.paths()
@click.option(
    "--top", type=click.IntRange(min=1), metavar="N", help=f"Only the N most frequent.  [default: {SHOWN}, JSON: all]"
)
@click.option(
    "--labels",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The statement of each physical line, as CSV or JSON lines: line,label.",
)
@click.option(
    "-c",
    "--config",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Obey the rules on templates, and the redactions, of this configuration.",
)
@options.as_json
def command(paths: tuple[str, ...], top: int | None, labels: Path | None, file: Path | None, as_json: bool) -> int:
    config = options.settings(file)
    from logwatch import app
    from logwatch.cli.ui import Terminal

    options.quiet_log()
    with Terminal(as_json=as_json) as ui:
        request = TemplatesRequest(paths, config)
        if labels is not None:
            show_agreement(app.judged_templates(request, labels, ui), ui, top or SHOWN)
            return 0
        found = app.templates(request, ui)
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
    for variable in report.variables:
        yield _cut(Text().append(f"{indent}<{variable.type}> ", "green").append(escape(_summary(variable))))


def _summary(variable: VariableReport) -> str:
    """`3 … 412 ms; 57 different: 12 ms (9), 3 ms (4) …`."""
    values = [value if count == 1 else f"{value} ({count:,})" for value, count in variable.values]
    told = ", ".join(values) + (" …" if variable.distinct > len(values) else "")
    span = f"{variable.least} … {variable.most}; " if variable.least != variable.most else ""
    return f"{span}{variable.distinct} different: {told}" if variable.distinct > 1 else told


def show_agreement(found: TemplateAgreement, ui: Terminal, top: int) -> None:
    """Print the figures and the `top` worst confusions; on a terminal for people, else as one JSON object."""
    if not ui.for_people:
        ui.write(json.dumps(asdict(replace(found, worst=found.worst[:top])), ensure_ascii=True))
        return
    from rich.text import Text

    ui.show(
        Text(f"GA {found.ga:.3f}  FGA {found.fga:.3f}", "bold").append(
            f"  {plural(found.templates, 'template')} of {plural(found.statements, 'statement')}, "
            f"{found.matched:.1%} of {plural(found.labels, 'label')} matched",
            "not bold",
        )
    )
    for confusion in found.worst[:top]:
        ui.show(Text(), *_confusion_rows(confusion))
    hidden = found.worst[top:]
    if hidden:
        lines = sum(confusion.lines for confusion in hidden)
        ui.note(f"{len(hidden):,} more, {plural(lines, 'line')}: --top N shows more.")


def _confusion_rows(confusion: ConfusionReport) -> Iterator[RenderableType]:
    """Templates below each other, and below each the statements whose lines it has."""
    from rich.text import Text

    from logwatch.sinks.render import escape

    what = f"{plural(confusion.statements, 'statement')} in {plural(len(confusion.templates), 'template')}"
    yield Text(f"{confusion.lines:>9,}  {what}", "yellow")
    for template in confusion.templates[:BESIDE]:
        yield _cut(Text().append(f"{template.id:>9}  ", "cyan").append(escape(template.template), "bold"))
        for one in template.statements[:BESIDE]:
            yield _cut(Text(f"{one.lines:>15,}  {escape(one.statement)}", "dim"))
            yield _cut(Text(f"{'':>15}  {escape(one.example)}"))
        others = len(template.statements) - BESIDE
        if others > 0:
            yield Text(f"{'':>15}  and {plural(others, 'more statement')}", "dim")
    more = len(confusion.templates) - BESIDE
    if more > 0:
        yield Text(f"{'':>9}  and {plural(more, 'more template')}", "dim")


def _cut(text: Text) -> Text:
    """One row: examples and values are there to recognise a line, not to read it."""
    text.no_wrap, text.overflow = True, "ellipsis"
    return text
