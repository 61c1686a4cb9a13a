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
SIDE, EDGE = 260, 44
DRAWN = {  # curve: its title, what lies on both axes
    "roc": ("ROC", "share of healthy windows alarmed", "share of failing windows alarmed"),
    "pr": ("Precision and recall", "recall", "precision"),
    "calibration": ("Calibration", "probability said", "share that failed"),
    "lead": ("Lead time at 5 % false alarms", "seconds before the failure", "share of failures stopped"),
}
DIAGONAL = ("roc", "calibration")
FIGURES = (("auc", "AUC", 3), ("auc_low", "from", 3), ("auc_high", "to", 3), ("caught", "caught at 5 %", 2),
           ("lead", "median lead, s", 0), ("brier", "Brier", 3))  # fmt: skip
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#1e1e1e}"
    "table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem .8rem;text-align:right;"
    "border-bottom:1px solid #ddd}td:first-child,th:first-child{text-align:left}figure{display:inline-block;margin:0}"
)


def page(report: FitReport) -> str:
    """HTML that needs nothing beside it, and runs nothing."""
    names = list(report.models)
    figures = [(name + (" *" if name == report.serves else ""), [
        _said(report.models[name].get(key, math.nan), digits) for key, _, digits in FIGURES
    ]) for name in names]  # fmt: skip
    kinds = sorted({key for one in report.models.values() for key in one if key.startswith("fault/")})
    by_kind = [(kind[6:], [_said(report.models[name].get(kind, math.nan), 3) for name in names]) for kind in kinds]
    drawn = "".join(_figure(curve, {name: report.curves.get(name, {}).get(curve, ()) for name in names})
                    for curve in DRAWN)  # fmt: skip
    notes = "".join(f"<p>{escape(note)}</p>" for note in report.notes)
    held = _table("fault, held out: AUC", names, by_kind) if kinds else ""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Training of the risk</title>'
        f"<style>{STYLE}</style><h1>Training of the risk</h1>{notes}<p>Held out by deployment; * serves. "
        f"From, to: 95 % interval by bootstrap over deployments.</p>"
        f"{_table('model', [head for _, head, _ in FIGURES], figures)}{held}{drawn}</html>\n"
    )


def _said(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def _table(corner: str, heads: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> str:
    top = "".join(f"<th>{escape(head)}</th>" for head in (corner, *heads))
    body = "".join(
        f"<tr><td>{escape(name)}</td>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
        for name, cells in rows
    )
    return f"<table><tr>{top}</tr>{body}</table>"


def _figure(curve: str, lines: dict[str, Points]) -> str:
    """A drawing of one curve of all models, to the right and up."""
    title, across, up = DRAWN[curve]
    most = 1.0 if curve != "lead" else max([x for points in lines.values() for x, _ in points], default=0.0) or 1.0
    width, height = SIDE + 2 * EDGE, SIDE + 2 * EDGE
    parts = [f'<rect x="{EDGE}" y="{EDGE}" width="{SIDE}" height="{SIDE}" fill="none" stroke="#999"/>']
    if curve in DIAGONAL:
        ends = f'x1="{EDGE}" y1="{EDGE + SIDE}" x2="{EDGE + SIDE}" y2="{EDGE}"'
        parts.append(f'<line {ends} stroke="#ccc"/>')
    for at, (name, points) in enumerate(lines.items()):
        look = f'stroke="{COLOURS[at % len(COLOURS)]}" stroke-dasharray="{DASHES[at % len(DASHES)]}" stroke-width="2"'
        path = " ".join(f"{EDGE + SIDE * x / most:.1f},{EDGE + SIDE * (1 - y):.1f}" for x, y in points)
        y = EDGE + SIDE - 12 - 15 * at
        parts.append(f'<polyline points="{path}" fill="none" {look}/>')
        parts.append(f'<line x1="{EDGE + SIDE - 112}" y1="{y - 4}" x2="{EDGE + SIDE - 84}" y2="{y - 4}" {look}/>')
        parts.append(f'<text x="{EDGE + SIDE - 78}" y="{y}">{escape(name)}</text>')
    middle = EDGE + SIDE / 2
    parts += [
        f'<text x="{middle}" y="{EDGE - 14}" text-anchor="middle" font-weight="bold">{escape(title)}</text>',
        f'<text x="{middle}" y="{height - 12}" text-anchor="middle">{escape(across)}</text>',
        f'<text transform="translate(16 {middle}) rotate(-90)" text-anchor="middle">{escape(up)}</text>',
        f'<text x="{EDGE}" y="{EDGE + SIDE + 15}">0</text>',
        f'<text x="{EDGE + SIDE}" y="{EDGE + SIDE + 15}" text-anchor="end">{most:.0f}</text>',
        f'<text x="{EDGE - 4}" y="{EDGE + 10}" text-anchor="end">1</text>',
    ]
    inside = "".join(parts)
    drawing = f'<svg width="{width}" height="{height}" font-size="12" role="img" aria-label="{escape(title)}">'
    return f"<figure>{drawing}{inside}</svg></figure>"
