"""Plots as SVG, drawn for this page alone: colours are the page's, and follow light and dark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np

from logwatch.backtest.evaluation import Curve
from logwatch.backtest.result import Calibrated, Line
from logwatch.backtest.text import power, safe
from logwatch.types import Float64, Int64

COLOURS = ("ours", "two", "three", "four", "five")
"""Of lines that are told apart, by their order; the names are the page's variables."""

RAREST = 6.0
"""Decades of probability that are drawn: nothing is counted beyond, only said."""

POINTS = 400
"""Of one line."""


class Frame(NamedTuple):
    """A plot's size and the room of its axes, in its own units."""

    width: float
    height: float
    left: float = 44
    right: float = 12
    top: float = 12
    bottom: float = 30

    def x(self, share: Float64 | float) -> Float64:
        """Places of shares of the width."""
        return self.left + np.asarray(share, np.float64) * (self.width - self.left - self.right)

    def y(self, share: Float64 | float) -> Float64:
        """Places of shares of the height, from below."""
        return self.height - self.bottom - np.asarray(share, np.float64) * (self.height - self.top - self.bottom)


def precision_recall(curves: Sequence[tuple[str, Curve]], chance: float) -> str:
    """Precision over recall of named curves, ours first, and of what always alerts."""
    frame = Frame(440, 340)
    parts = [*_grid(frame, [0, 0.25, 0.5, 0.75, 1.0], lambda share: f"{share:g}", "recall", "precision")]
    level = float(frame.y(chance))
    parts.append(_line(frame.x(0.0), level, frame.x(1.0), level, "rest", dashed=True, width=1))
    parts.append(_text(frame.x(1.0), level - 5, "an alarm all the time", "end"))
    for at, (name, curve) in reversed(list(enumerate(curves))):
        recall, precision = _thinned(curve)
        places = zip(frame.x(recall), frame.y(precision), strict=True)
        parts.append(_path(places, COLOURS[at % len(COLOURS)], 2.4 if at == 0 else 1.4, name))
    return _svg(frame, parts, "Precision over recall")


def _thinned(curve: Curve) -> tuple[Float64, Float64]:
    most = len(curve.recall) - 1
    rows = np.unique(np.linspace(0, most, POINTS).astype(np.int64))[: most + 1]
    return curve.recall[rows], curve.precision[rows]


def calibration(kinds: Sequence[Calibrated]) -> str:
    """Observed against nominal probability, both by decades."""
    frame = Frame(440, 340, left=62, right=26)
    rarest = max((float(-np.log10(one.nominal.min())) for one in kinds), default=1.0)
    rarest = min(max(rarest, *(float(-np.log10(one.observed.min())) for one in kinds), 1.0), RAREST)
    decades = np.arange(0, int(np.ceil(rarest)) + 1)
    shares = decades / max(decades[-1], 1)
    names = {float(share): _odds(int(decade)) for share, decade in zip(shares, decades, strict=True)}
    shown = shares.tolist()[:: max(1, len(shares) // 5)]
    parts = [*_grid(frame, shown, lambda share: names[share], "said to be as rare as", "really came")]
    parts.append(_line(frame.x(0.0), frame.y(0.0), frame.x(1.0), frame.y(1.0), "rest", dashed=True, width=1))
    for at, one in enumerate(kinds):
        near = one.nominal >= 10.0 ** -decades[-1]
        x, y = (-np.log10(p[near]) / decades[-1] for p in (one.nominal, one.observed))
        places = zip(frame.x(x), frame.y(y), strict=True)
        parts.append(_path(places, COLOURS[at % len(COLOURS)], 1.8, one.kind))
    return _svg(frame, parts, "Observed against nominal probability")


def _odds(decade: int) -> str:
    return "always" if decade == 0 else f"1 in {10**decade:,}" if decade < 4 else f"1 in {power(decade)}"


def scores(line: Line, incidents: Sequence[int], anomalies: Iterable[tuple[int, int]]) -> str:
    """Scores of a source over time; incidents as marks, labelled time as bands, and when it only learned."""
    frame = Frame(1000, 190, left=48)
    first, last = int(line.time[0]), int(line.time[-1])
    span = max(last - first, 1)
    known = line.score[~np.isnan(line.score)]
    most = max(float(known.max(initial=0.0)), 4.0)

    def place(time: Int64 | int) -> Float64:
        return frame.x(np.clip((np.asarray(time, np.float64) - first) / span, 0.0, 1.0))

    parts = [_box(place(first), place(line.warm), frame, "learn")]
    if line.warm > first:
        parts.append(_text(float(place(first)) + 4, frame.top + 11, "learning", "start"))
    for start, end in anomalies:
        if end > first and start < last:
            parts.append(_box(place(start), max(float(place(end)), float(place(start)) + 1.5), frame, "band"))
    for decade in range(0, int(most) + 1, max(1, int(most) // 4)):
        level = float(frame.y(decade / most))
        parts.append(_line(frame.x(0.0), level, frame.x(1.0), level, "grid", width=1))
        parts.append(_text(frame.left - 6, level + 4, power(-decade), "end"))
    rows = np.flatnonzero(~np.isnan(line.score))
    bottom = float(frame.y(0.0))
    bars = "".join(
        f"M{x:.1f} {bottom:.1f}V{y:.1f}"
        for x, y in zip(place(line.time[rows]), frame.y(line.score[rows] / most), strict=True)
    )
    parts.append(f'<path d="{bars}" fill="none" stroke="var(--ours)" stroke-width="1.2" opacity=".75"/>')
    parts += [_mark(float(place(time)), frame.top, time) for time in incidents]
    parts += [_text(float(place(time)), frame.height - 8, told, where) for time, told, where in _ticks(first, last)]
    return _svg(frame, parts, f"Scores of {line.source} over time", "wide")


def _mark(x: float, y: float, time: int) -> str:
    title = f"<title>incident, {moment(time)} UTC</title>"
    return f'<path d="M{x - 4:.1f} {y - 8:.1f}h8l-4 8z" fill="var(--bad)">{title}</path>'


def _ticks(first: int, last: int) -> list[tuple[int, str, str]]:
    """Four moments, as precise as the span asks for."""
    days = (last - first) / 86_400e9
    form = "%Y-%m-%d" if days > 20 else "%m-%d %H:%M" if days > 0.8 else "%H:%M:%S"
    places = [first + (last - first) * step // 3 for step in range(4)]
    where = ("start", "middle", "middle", "end")
    return [(time, _clock(time).strftime(form), side) for time, side in zip(places, where, strict=True)]


def _clock(time: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time // 1000)


def moment(time: int) -> str:
    """`2026-01-31 08:00:00`, UTC."""
    return _clock(time).strftime("%Y-%m-%d %H:%M:%S")


def _grid(frame: Frame, shares: Sequence[float], name: object, across: str, up: str) -> Iterable[str]:
    told = name if callable(name) else str
    for share in shares:
        x, y = float(frame.x(share)), float(frame.y(share))
        yield _line(frame.x(0.0), y, frame.x(1.0), y, "grid", width=1)
        yield _line(x, frame.y(0.0), x, frame.y(1.0), "grid", width=1)
        yield _text(x, frame.height - frame.bottom + 15, told(share), "middle")
        yield _text(frame.left - 6, y + 4, told(share), "end")
    yield _text(frame.x(1.0) - 4, frame.height - frame.bottom - 6, across, "end")
    yield _text(frame.left + 6, frame.top + 12, up, "start")


def _line(
    x1: Float64 | float, y1: Float64 | float, x2: Float64 | float, y2: Float64 | float, colour: str,
    *, dashed: bool = False, width: float,
) -> str:  # fmt: skip
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    places = f'x1="{float(x1):.1f}" y1="{float(y1):.1f}" x2="{float(x2):.1f}" y2="{float(y2):.1f}"'
    return f'<line {places} stroke="var(--{colour})" stroke-width="{width}"{dash}/>'


def _path(places: Iterable[tuple[float, float]], colour: str, width: float, name: str) -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    title = f"<title>{safe(name)}</title>"
    shape = f'fill="none" stroke="var(--{colour})" stroke-width="{width}" stroke-linejoin="round"'
    return f'<polyline points="{points}" {shape}>{title}</polyline>'


def _box(begin: Float64 | float, end: Float64 | float, frame: Frame, colour: str) -> str:
    width, height = max(float(end) - float(begin), 0.0), frame.height - frame.top - frame.bottom
    return (
        f'<rect x="{float(begin):.1f}" y="{frame.top}" width="{width:.1f}" height="{height}" fill="var(--{colour})"/>'
    )


def _text(x: Float64 | float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{float(x):.1f}" y="{y:.1f}" text-anchor="{anchor}">{safe(text)}</text>'


def _svg(frame: Frame, parts: Iterable[str], title: str, kind: str = "") -> str:
    head = f'<svg class="{kind}" viewBox="0 0 {frame.width:g} {frame.height:g}" role="img" aria-label="{safe(title)}">'
    return f"{head}{''.join(parts)}</svg>"
