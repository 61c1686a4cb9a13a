"""`logwatchd heatmap`: metrics as a picture."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from logwatch.cli import options
from logwatch.requests import HeatmapRequest

if TYPE_CHECKING:
    from rich.text import Text

    from logwatch.types import MetricWindow

OUT = Path("-")
NAME_SHARE = 3
"""Names take one of so many parts of the terminal's width."""


def _png(context: click.Context, parameter: click.Parameter, value: Path | None) -> Path | None:
    if value is not None and value != OUT and value.suffix.lower() != ".png":
        raise click.BadParameter(f"'{value}' must end in .png.")
    if value == OUT and sys.stdout.isatty():
        raise click.BadParameter("a picture is no text for a terminal: name a file, or leave it out.")
    if value is None and not sys.stdout.isatty():
        raise click.UsageError("Nobody would see the colours: name a file with -o, or -o - for the picture itself.")
    return value


def read_at(context: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    """A time in RFC 3339, in ns."""
    if value is None:
        return None
    from logwatch.sources.start import read_time

    try:
        return read_time(value)
    except (ValueError, OverflowError):
        raise click.BadParameter(f"'{value}' is no time like 2026-01-31T08:00:00Z.") from None


@options.verb(
    "heatmap",
    help="""Show metrics as a heatmap: a row a metric, a column a step.

    The colour says where each value stands among those that the metric had before: grey is usual, dark blue and yellow
    are as low and as high as never before. Incidents that the files hold are marked.

    A window has the newest 120 steps ([heatmap] window). In a terminal it is shown in colours; -o writes a PNG.
    With --state: the newest one that a daemon kept, or with --at the last one up to then.""",
    examples="""
    logwatchd heatmap metrics.csv
    logwatchd heatmap 'metrics/*.csv' --source web-1 -o web-1.png
    logwatchd heatmap metrics.csv --at 2026-11-22T13:20:00Z -o then.png
    logwatchd heatmap --state /var/lib/logwatchd --source web-1
    """,
)
@options.paths(required=False)
@click.option(
    "--state", type=click.Path(path_type=Path), metavar="DIR", help="What a daemon kept there, instead of files."
)
@click.option("--source", metavar="NAME", help="Of which source; a file is a source of its own name.")
@click.option(
    "--at", callback=read_at, metavar="TIME", help="When the window ends: 2026-01-31T08:00:00Z.  [default: at the end]"
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=_png,
    metavar="FILE",
    help="Write a picture, FILE.png; - is standard output.",
)
@click.option(
    "--labels",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Deployments to be marked, as CSV or JSON lines: source,deployment,start,end.",
)
def command(
    paths: tuple[str, ...], state: Path | None, source: str | None, at: int | None, output: Path | None,
    labels: Path | None,
) -> int:  # fmt: skip
    if bool(paths) == (state is not None):
        raise click.UsageError("Name files, or the --state of a daemon.")
    config = options.settings()
    from logwatch import app
    from logwatch.cli.ui import Terminal

    options.quiet_log()
    with Terminal(show_alerts=False) as ui:
        window = app.heatmap(HeatmapRequest(paths, config, source, at, labels, state), ui)
        if output is None:
            ui.show(*preview(window, ui.columns))
            return 0
        from logwatch.heatmap.picture import picture

        png = picture(window)
        if output == OUT:
            sys.stdout.buffer.write(png)
        else:
            save_png(output, png)
            ui.note(f"{output}: {len(window.metrics):,} metrics of {window.source}")
    return 0


def save_png(output: Path, png: bytes) -> None:
    """Write a picture. Raises StateNotWritable."""
    from logwatch.errors import StateNotWritable

    try:
        output.write_bytes(png)
    except OSError as error:
        raise StateNotWritable(f"cannot write {output}: {(error.strerror or str(error)).lower()}") from error


def preview(window: MetricWindow, columns: int) -> Iterator[Text]:
    """Rows for a terminal of some width: a metric each, and below them marks and times."""
    from rich.text import Text

    from logwatch.heatmap.colours import ABSENT, colours
    from logwatch.heatmap.image import LEVEL, MISSING, image
    from logwatch.heatmap.shown import clean, rows_shown
    from logwatch.heatmap.ticks import length, moment

    made = image(window)
    rows = rows_shown(made).tolist()
    names = max(columns // NAME_SHARE, 8)
    steps = max(min(columns - names - 2, window.values.shape[1]), 1)  # the newest that fit
    rgb = colours(made[LEVEL][:, -steps:])
    rgb[made[MISSING][:, -steps:] > 0] = ABSENT
    start = window.end - steps * window.step
    yield Text(f"{clean(window.source, columns)}", "bold", no_wrap=True)
    for row in rows:
        line = Text(f"{clean(window.metrics[row], names):>{names}} ", no_wrap=True, overflow="crop")
        for red, green, blue in rgb[row].tolist():
            line.append(" ", f"on rgb({red},{green},{blue})")
        yield line
    if window.marks:
        yield _marked(window, start, steps, names)
    span = f"{moment(start)} to {moment(window.end)} UTC, a column is {length(window.step)}"
    yield Text(f"{'':>{names}} {span}", "dim", no_wrap=True, overflow="crop")


def _marked(window: MetricWindow, start: int, steps: int, names: int) -> Text:
    """`▲` where an incident opened, `■` where a deployment began."""
    from rich.text import Text

    cells = [" "] * steps
    for mark in window.marks:
        at = (mark.time - start) // window.step
        if 0 <= at < steps:
            cells[at] = "■" if mark.kind == "deployment" else "▲"
    return Text(f"{'▲ incident ■ deployment':>{names}} {''.join(cells)}", "red", no_wrap=True, overflow="crop")
