"""What `tail` and `score` say at their end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from logwatch.cli.ui import STYLE, Terminal
from logwatch.cli.wording import plural, span
from logwatch.requests import SourceReport, Summary
from logwatch.sinks.render import escape

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

TRAINED_WELL = 0.95
"""A share below this is worth a word."""

SHOWN = 20
"""Sources shown in a table; the rest is counted."""

NAMED = 5
"""Unusual series that are named; the rest is counted."""

_NUMBERS, _PHASE = 35, 34  # columns of the numbers, and of what is said behind them


def show_summary(summary: Summary, ui: Terminal, rows: Path | None = None) -> None:
    """Print it; in a pipe it goes to standard error, beside the data."""
    ui.show(*_rows(summary, rows, ui.columns))


def _rows(summary: Summary, rows: Path | None, columns: int) -> Iterator[RenderableType]:
    from rich.text import Text

    done = summary.records + summary.points
    rate = f" ({done / summary.seconds:,.0f}/s)" if summary.seconds > 0 else ""
    incidents = plural(summary.incidents, "incident")
    yield Text()
    yield Text(f"{_came(summary)} in {span(summary.seconds)}{rate}, {_told_apart(summary)}, {incidents}.", "bold")
    if summary.first and summary.last:
        yield Text(f"From {summary.first} to {summary.last}.")
    if summary.set_aside:
        told = ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in sorted(summary.set_aside.items()))
        yield Text(f"Set aside or marked: {told}.")
    if summary.trained is not None and summary.trained < TRAINED_WELL:
        yield Text(f"Trained on {summary.trained:.0%} of what came: the stream is faster than learning may take.")
    if rows is not None and rows != Path("-"):
        yield Text(f"{plural(summary.rows, 'row')} written to {rows}.")
    if summary.sources:
        yield from source_rows(summary.sources, columns)
    if summary.unusual:
        yield from _unusual(summary)
    if any(source.phase == "learning" for source in summary.sources):
        yield Text("A source that is still learning raises no alert; give it more lines, or --state DIR to go on from.")


def _came(summary: Summary) -> str:
    """`1,200 lines and 24,000 values`."""
    lines, values = plural(summary.records, "line"), plural(summary.points, "value")
    if not summary.points:
        return lines
    return f"{lines} and {values}" if summary.records else values


def _told_apart(summary: Summary) -> str:
    """`14 templates, 6 series`."""
    templates, series = plural(summary.templates, "template"), f"{summary.series:,} series"
    if not summary.points:
        return templates
    return f"{templates}, {series}" if summary.records else series


def _unusual(summary: Summary) -> Iterator[Text]:
    """The series that incidents were about."""
    from rich.text import Text

    several = len({source for source, _, _ in summary.unusual}) > 1
    for number, (source, series, steps) in enumerate(summary.unusual[:NAMED]):
        row = Text("unusual: " if number == 0 else " " * 9, "dim", no_wrap=True, overflow="ellipsis")
        row.append(f"{plural(steps, 'step')}  ", "dim").append(f"{escape(source)} " if several else "", "dim")
        yield row.append(escape(series))
    if len(summary.unusual) > NAMED:
        yield Text(f"{' ' * 9}and {len(summary.unusual) - NAMED:,} more series", "dim")


def source_rows(sources: Sequence[SourceReport], columns: int) -> Iterator[Text]:
    """A table, one row a source, the busiest first.

    Args:
        sources: any number; `SHOWN` of them are shown.
        columns: width of the terminal.
    """
    from rich.text import Text

    ordered = sorted(sources, key=lambda one: (-one.incidents, -one.records, one.source))
    longest = max(len(escape(source.source)) for source in ordered[:SHOWN])
    width = min(max(longest, 6), max(14, columns - _NUMBERS - _PHASE))
    yield Text(f"{'source':<{width}}{'lines':>13}{'templates':>11}{'incidents':>11}", "dim")
    for source in ordered[:SHOWN]:
        row = Text(f"{_shortened(source.source, width)}{source.records:>13,} {_kinds(source):>10}")
        row.append(f"{source.incidents:>11,}   ", "bold" if source.incidents else "dim")
        row.append_text(_phase(source))
        row.no_wrap, row.overflow = True, "ellipsis"
        yield row
    if len(ordered) > SHOWN:
        yield Text(f"and {len(ordered) - SHOWN:,} more", "dim")


def _kinds(source: SourceReport) -> str:
    """What is told apart: templates, or series."""
    return f"{source.series:,} series" if source.series else f"{source.templates or ''}"


def _phase(source: SourceReport) -> Text:
    from rich.text import Text

    phase = Text().append(source.phase, STYLE[source.phase])
    if source.to_go:
        return phase.append(f", {source.to_go}" + (" to go" if source.phase == "learning" else ""), "dim")
    return phase.append(f", {source.achieved} of {source.budget}", "dim") if source.achieved else phase


def _shortened(name: str, width: int) -> str:
    """The end of a long name tells sources apart: `…/orders/app.log`."""
    name = escape(name)
    return f"{name if len(name) <= width else '…' + name[1 - width :]:<{width}}"
