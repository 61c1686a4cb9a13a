"""Text of untrusted lines in a page, and numbers for people."""

from __future__ import annotations

import html
import math

from logwatch.sinks.render import escape

LONGEST = 2000
"""Characters of one line that are shown."""

NONE = "\N{EN DASH}"
"""Where there is no number."""

TIMES = "\N{MULTIPLICATION SIGN}"


def safe(text: str) -> str:
    """The text in HTML, as content or in a quoted attribute: no markup, nothing that acts, no line without end."""
    shown = text if len(text) <= LONGEST else text[:LONGEST] + " …"
    return html.escape(escape(shown), quote=True)


def number(value: float | None, digits: int = 3) -> str:
    """`0.914`; `NONE` where there is none."""
    return NONE if value is None or math.isnan(value) else f"{value:.{digits}f}"


def rate(value: float | None) -> str:
    """Incidents a day."""
    if value is None or math.isnan(value):
        return NONE
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2g}"


def power(exponent: int) -> str:
    """`10⁻³`; `1` of 0."""
    raised = str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{raised}" if exponent else "1"


def odds(score: float) -> str:
    """`1 in 3,200` of −log10 p."""
    if math.isnan(score):
        return NONE
    return f"1 in {10**score:,.0f}" if score < 6 else f"1 in {power(round(score))}"


def seconds(value: float | None) -> str:
    """`40 s`, `12 min`, `3.1 h`."""
    if value is None or math.isnan(value):
        return NONE
    if value < 120:
        return f"{value:.1f} s" if value < 10 else f"{value:.0f} s"
    return f"{value / 60:.0f} min" if value < 7200 else f"{value / 3600:.1f} h"
