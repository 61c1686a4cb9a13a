"""A window as a PNG for people: names, times, colour scale, and marks of incidents and deployments."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from logwatch.heatmap.colours import ABSENT, ABSENT_LINE, DEPLOYMENT, INCIDENT, TABLE, colours
from logwatch.heatmap.image import INNER, LEVEL, MISSING, image
from logwatch.heatmap.shown import MOST_LETTERS, clean, rows_shown
from logwatch.heatmap.ticks import length, moment, ticks
from logwatch.types import Bool, Float32, Mark, MetricWindow, UInt8

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

WIDE = 960
"""Pixels of the columns together, about."""

TEXT, TITLE = 12, 15
INK, PALE, PAPER = (30, 30, 30), (110, 110, 110), (255, 255, 255)
LETTER = 7
"""Pixels of a letter, on average: names leave so much room."""

LEAST_LETTERS = 14
"""Letters for which names have room at least: what the axis of times is called stands below them."""

LEAST_WORDS = 6
"""Letters of a mark; with room for fewer, its shape alone tells what it is."""

FRAMED = 0.5
"""Heat above which cells are framed."""

TOP, BOTTOM, RIGHT = 62, 34, 150
"""Room for the title and the words of marks, for times, and for the colour scale."""

_SCALE = (
    (1.0, "beyond all before"), (1 - INNER, "largest before"), (0.5, "median"), (INNER, "least before"),
    (0.0, "beyond all before"),
)  # fmt: skip


class Layout(NamedTuple):
    """Where what stands, in pixels: cell (i, j) has its upper left corner at (left + j · wide, TOP + i · high)."""

    left: int
    wide: int
    high: int
    rows: int
    columns: int

    @property
    def right(self) -> int:
        """End of the columns."""
        return self.left + self.columns * self.wide

    @property
    def bottom(self) -> int:
        """End of the rows."""
        return TOP + self.rows * self.high


def layout(window: MetricWindow, rows: Sequence[int]) -> Layout:
    """Of a picture with some of the window's rows."""
    longest = max((len(clean(window.metrics[row])) for row in rows), default=0)
    columns = max(window.values.shape[1], 1)
    high = 16 if len(rows) > 8 else 28
    return Layout(12 + max(longest, LEAST_LETTERS) * LETTER, max(WIDE // columns, 2), high, max(len(rows), 1), columns)


def picture(window: MetricWindow, *, note: str = "", heat: Float32 | None = None) -> bytes:
    """The window as PNG; the same bytes for the same window.

    Args:
        note: a sentence below the title; untrusted.
        heat: [m, t], 0 to 1: cells of more than a half are framed.
    """
    from PIL import Image, ImageDraw

    made = image(window)
    rows = rows_shown(made)
    place = layout(window, rows.tolist())
    canvas = Image.new("RGB", (place.right + RIGHT, max(place.bottom, TOP + 200) + BOTTOM), PAPER)
    if len(rows) and window.values.shape[1]:
        canvas.paste(Image.fromarray(_cells(made[LEVEL][rows], made[MISSING][rows] > 0, place)), (place.left, TOP))
    draw = ImageDraw.Draw(canvas)
    _title(draw, window, len(rows), note)
    _names(draw, [window.metrics[row] for row in rows.tolist()], place)
    _times(draw, window, place)
    _scale(draw, place)
    _marks(draw, window, place)
    if heat is not None:
        _frames(draw, heat[rows] > FRAMED, place)
    out = BytesIO()
    canvas.save(out, "PNG", compress_level=6)
    return out.getvalue()


def _cells(level: Float32, missing: Bool, place: Layout) -> UInt8:
    """Pixels of the cells, with a thin line between rows; what is missing is hatched."""
    pixels = colours(level)
    pixels = pixels.repeat(place.high, axis=0).repeat(place.wide, axis=1)
    gaps = missing.repeat(place.high, axis=0).repeat(place.wide, axis=1)
    y, x = np.indices(gaps.shape)
    pixels[gaps] = ABSENT
    pixels[gaps & ((x + y) % 8 == 0)] = ABSENT_LINE
    if place.high > 4:
        pixels[place.high - 1 :: place.high] = PAPER
    return pixels


@cache
def _font(size: int) -> FreeTypeFont | ImageFont:
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _write(
    draw: ImageDraw, at: tuple[float, float], text: str, size: int = TEXT, fill: tuple[int, int, int] = INK,
    anchor: str = "la",
) -> None:  # fmt: skip
    draw.text(at, text, font=_font(size), fill=fill, anchor=anchor)


def _title(draw: ImageDraw, window: MetricWindow, rows: int, note: str) -> None:
    _write(draw, (12, 8), clean(window.source, 80), TITLE)
    most = f", the {rows} furthest from usual" if rows < len(window.metrics) else ""
    span = f"{moment(window.start)} to {moment(window.end)} UTC, a column is {length(window.step)}"
    _write(draw, (12, 28), f"{span}; {len(window.metrics):,} metrics{most}", fill=PALE)
    if note:
        _write(draw, (12, 44), clean(note, 110))


def _names(draw: ImageDraw, names: Sequence[str], place: Layout) -> None:
    for row, name in enumerate(names):
        middle = TOP + row * place.high + place.high / 2
        _write(draw, (place.left - 6, middle), clean(name, MOST_LETTERS), anchor="rm")


def _times(draw: ImageDraw, window: MetricWindow, place: Layout) -> None:
    for at, label in ticks(window.start, window.end):
        x = _x(window, place, at)
        draw.line([(x, place.bottom), (x, place.bottom + 4)], fill=INK)
        _write(draw, (x, place.bottom + 6), label, anchor="ma")
    _write(draw, (12, place.bottom + 6), "time, UTC", fill=PALE)


def _x(window: MetricWindow, place: Layout, at: int) -> float:
    return place.left + (at - window.start) / window.step * place.wide


def _scale(draw: ImageDraw, place: Layout) -> None:
    """The colour scale, the largest level at its top, and what is missing."""
    left, high = place.right + 14, 150
    for y in range(high):
        level = 255 - round(y / (high - 1) * 255)
        draw.line([(left, TOP + y), (left + 12, TOP + y)], fill=tuple(TABLE[level].tolist()))
    for of, words in _SCALE:
        tick = TOP + (1 - of) * (high - 1)
        draw.line([(left + 12, tick), (left + 15, tick)], fill=INK)
        _write(draw, (left + 18, tick), words, anchor="lm")
    box = [(left, TOP + high + 16), (left + 12, TOP + high + 28)]
    draw.rectangle(box, fill=ABSENT, outline=ABSENT_LINE)
    draw.line([box[0], box[1]], fill=ABSENT_LINE)
    _write(draw, (left + 18, TOP + high + 22), "not measured", anchor="lm")


def _marks(draw: ImageDraw, window: MetricWindow, place: Layout) -> None:
    """Incidents: a whole line and a triangle. Deployments: a broken line and a square. Words where there is room."""
    marks = sorted(mark for mark in window.marks if window.start <= mark.time <= window.end)
    xs = [round(_x(window, place, mark.time)) for mark in marks]
    for mark, x, following in zip(marks, xs, [*xs[1:], place.right + RIGHT], strict=False):
        is_deployment = mark.kind == "deployment"
        colour, gap = (DEPLOYMENT, 4) if is_deployment else (INCIDENT, 0)
        _line(draw, x, place, colour, gap)
        shape = [(x - 4, TOP - 9), (x + 4, TOP - 9), (x + 4, TOP - 1), (x - 4, TOP - 1)]
        draw.polygon(shape if is_deployment else [*shape[:2], (x, TOP - 1)], fill=colour)
        letters = (following - x - 14) // LETTER
        if letters >= LEAST_WORDS:
            words = " ".join(filter(None, (mark.kind, _short(mark))))
            _write(draw, (x + 7, TOP - 5), clean(words, min(letters, 30)), fill=colour, anchor="lm")


def _frames(draw: ImageDraw, hot: Bool, place: Layout) -> None:
    """A frame, dark in light, around each run of cells in a row."""
    edges = np.diff(np.pad(hot, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    for row, begin in np.argwhere(edges > 0).tolist():
        end = begin + int(np.argmax(edges[row, begin:] < 0))
        left, top = place.left + begin * place.wide, TOP + row * place.high
        right, bottom = place.left + end * place.wide - 1, top + place.high - 2
        draw.rectangle([(left, top), (right, bottom)], outline=PAPER)
        draw.rectangle([(left - 1, top - 1), (right + 1, bottom + 1)], outline=INCIDENT)


def _short(mark: Mark) -> str:
    return mark.name[:8] if mark.kind == "incident" else mark.name


def _line(draw: ImageDraw, x: int, place: Layout, colour: tuple[int, int, int], gap: int) -> None:
    """With a light rim, so that it is seen on dark cells, too."""
    for y in range(TOP, place.bottom, 8):
        end = min(y + 7 - gap, place.bottom - 1)
        draw.line([(x - 1, y), (x - 1, end)], fill=PAPER)
        draw.line([(x + 1, y), (x + 1, end)], fill=PAPER)
        draw.line([(x, y), (x, end)], fill=colour)
