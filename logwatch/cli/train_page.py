"""The report of a training as one page of HTML: tables, and the curves of all models as drawings within it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from logwatch.api import FitReport

Points = Sequence[tuple[float, float]]

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#555555", "#cc79a7")
"""Told apart with any colour vision (Okabe and Ito, 2008)."""

DASHES = ("", "7 3", "2 3", "9 3 2 3", "4 4")
CHANCE = 0.5
SIDE, EDGE = 300, 48
DRAWN = {  # curve: its title, what lies on both axes
    "roc": ("ROC", "share of healthy windows alarmed", "share of failing windows alarmed"),
    "pr": ("Precision and recall", "recall", "precision"),
    "calibration": ("Calibration", "probability said", "share that failed"),
    "lead": ("Lead time at 5 % false alarms", "seconds before the failure", "share of failures stopped"),
}
DIAGONAL = ("roc", "calibration")
PARTS = 4
"""Each side of a drawing is parted into so many."""

BAR = 140
"""Pixels of a bar of AUC, from 0.5 to 1."""

STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:54rem;margin:2rem auto;padding:0 1rem;color:#1e1e1e}"
    "table{border-collapse:collapse;margin:1rem 0;font-variant-numeric:tabular-nums}td,th{padding:.2rem .8rem;"
    "text-align:right;border-bottom:1px solid #ddd}td:first-child,th:first-child{text-align:left;white-space:nowrap}"
    ".serves td{font-weight:bold}.poor{color:#767676}.sum td{border-top:2px solid #999}svg{vertical-align:middle}"
    "figure{display:inline-block;margin:0 .5rem 0 0}ul{padding-left:1.2rem}"
)


def page(report: FitReport) -> str:
    """HTML that needs nothing beside it, and runs nothing."""
    names = list(report.models)
    notes = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
    drawn = "".join(_figure(curve, {name: report.curves.get(name, {}).get(curve, ()) for name in names})
                    for curve in DRAWN)  # fmt: skip
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Training of the risk</title>'
        f"<style>{STYLE}</style><h1>Training of the risk</h1><ul>{notes}</ul><h2>Held out by deployment</h2>"
        f"<p>The model in bold serves. From, to: 95 % interval by bootstrap over deployments.</p>{_models(report)}"
        f"{_kinds(report)}<h2>Curves</h2><p>{_legend(names)}</p>{drawn}</html>\n"
    )


def _said(value: float, form: str = "{:.3f}") -> str:
    return "-" if math.isnan(value) else form.format(value)


def _table(heads: Sequence[str], rows: Sequence[str]) -> str:
    top = "".join(f"<th>{escape(head)}</th>" for head in heads)
    return f"<table><tr>{top}</tr>{''.join(rows)}</table>"


def _row(cells: Sequence[str], look: str = "") -> str:
    """Of cells that are HTML already."""
    return f'<tr class="{look}">{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'


def _models(report: FitReport) -> str:
    rows = []
    for at, (name, one) in enumerate(report.models.items()):
        value, low, high = (one.get(key, math.nan) for key in ("auc", "auc_low", "auc_high"))
        cells = [
            escape(name), _bar(value, low, high, COLOURS[at % len(COLOURS)]), _said(value), _said(low), _said(high),
            _said(one.get("caught", math.nan), "{:.0%}"), _said(one.get("lead", math.nan), "{:.0f} s"),
            _said(one.get("brier", math.nan)),
        ]  # fmt: skip
        rows.append(_row(cells, "serves" if name == report.serves else ""))
    heads = ("model", "0.5 to 1", "AUC", "from", "to", "caught at 5 % false alarms", "median lead", "Brier")
    return _table(heads, rows)


def _bar(value: float, low: float, high: float, colour: str) -> str:
    """An AUC and its interval, drawn from 0.5 to 1."""
    x, first, last = (min(max((one - 0.5) * 2, 0.0), 1.0) * BAR if math.isfinite(one) else 0.0
                      for one in (value, low, high))  # fmt: skip
    return (
        f'<svg width="{BAR + 8}" height="14" role="img" aria-label="{_said(low)} to {_said(high)}">'
        f'<rect x="4" y="1" width="{BAR}" height="12" fill="#f2f2f2"/><line x1="{4 + first:.1f}" x2="{4 + last:.1f}" '
        f'y1="7" y2="7" stroke="{colour}" stroke-width="2"/>'
        f'<circle cx="{4 + x:.1f}" cy="7" r="4" fill="{colour}"/></svg>'
    )


def _kinds(report: FitReport) -> str:
    """AUC by kind of fault that was in no training; grey where chance does as well."""
    kinds = sorted({key for one in report.models.values() for key in one if key.startswith("fault/")})
    if not kinds:
        return ""
    by_model = [[one.get(kind, math.nan) for kind in kinds] for one in report.models.values()]
    rows = [_row([escape(kind[6:]), *(_kind(column[at]) for column in by_model)]) for at, kind in enumerate(kinds)]
    known = [[value for value in column if not math.isnan(value)] for column in by_model]
    rows.append(_row(["mean", *(_said(sum(one) / len(one) if one else math.nan) for one in known)], "sum"))
    above = [f"{sum(value > CHANCE for value in one)} of {len(one)}" for one in known]
    rows.append(_row(["above chance", *above]))
    return (
        "<h2>Kinds of faults that were in no training</h2><p>AUC; grey is no better than chance.</p>"
        + _table(("fault", *report.models), rows)
    )  # fmt: skip


def _kind(value: float) -> str:
    return f'<span class="poor">{_said(value)}</span>' if value <= CHANCE else _said(value)


def _look(at: int) -> str:
    return f'stroke="{COLOURS[at % len(COLOURS)]}" stroke-dasharray="{DASHES[at % len(DASHES)]}" stroke-width="2"'


def _legend(names: Sequence[str]) -> str:
    return " &emsp; ".join(
        f'<svg width="36" height="10" aria-hidden="true"><line x1="0" x2="36" y1="5" y2="5" {_look(at)}/></svg> '
        f"{escape(name)}"
        for at, name in enumerate(names)
    )


def _figure(curve: str, lines: dict[str, Points]) -> str:
    """A drawing of one curve of all models, to the right and up."""
    title, across, up = DRAWN[curve]
    most = 1.0 if curve != "lead" else _round(max([x for points in lines.values() for x, _ in points], default=0.0))
    size, middle = SIDE + 2 * EDGE, EDGE + SIDE / 2
    parts = [_grid(most)]
    if curve in DIAGONAL:
        parts.append(f'<path d="M{EDGE} {EDGE + SIDE}L{EDGE + SIDE} {EDGE}" stroke="#999"/>')
    for at, points in enumerate(lines.values()):
        path = " ".join(f"{EDGE + SIDE * x / most:.1f},{EDGE + SIDE * (1 - y):.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" {_look(at)}/>')
    parts += [
        f'<text x="{middle}" y="{EDGE - 14}" text-anchor="middle" font-weight="bold">{escape(title)}</text>',
        f'<text x="{middle}" y="{size - 8}" text-anchor="middle">{escape(across)}</text>',
        f'<text transform="translate(12 {middle}) rotate(-90)" text-anchor="middle">{escape(up)}</text>',
    ]
    drawing = f'<svg width="{size}" height="{size}" font-size="12" role="img" aria-label="{escape(title)}">'
    return f"<figure>{drawing}{''.join(parts)}</svg></figure>"


def _round(most: float) -> float:
    """The end of an axis whose parts are round numbers, from `most` on."""
    if not 0 < most < math.inf:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(most / PARTS))
    return math.ceil(most / PARTS / unit) * unit * PARTS


def _grid(most: float) -> str:
    """Lines, and numbers: 0 to 1 up, 0 to `most` to the right."""
    parts = []
    for part in range(PARTS + 1):
        x, y = EDGE + SIDE * part / PARTS, EDGE + SIDE * (1 - part / PARTS)
        parts.append(f'<path d="M{x} {EDGE}V{EDGE + SIDE}M{EDGE} {y}H{EDGE + SIDE}" stroke="#e4e4e4"/>')
        parts.append(f'<text x="{x}" y="{EDGE + SIDE + 16}" text-anchor="middle">{most * part / PARTS:g}</text>')
        parts.append(f'<text x="{EDGE - 6}" y="{y + 4}" text-anchor="end">{part / PARTS:g}</text>')
    return "".join(parts)
