"""The human form of an alert: at most 100 columns, the same on a terminal (styled) and in a pipe (plain).

Log lines are untrusted: every character that could act on a terminal is shown as an escape, never sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.text import Text

from logwatch.plain import escape as escape
from logwatch.types import NO_TIME, Alert, Expected, Fired, Line

WIDTH = 100
"""Columns; wider terminals do not help reading."""

LINES, BEFORE, EXPECTED, FIRED = 5, 4, 3, 4
"""At most shown of each; an alert should fit a screen together with the next one."""

ROWS = 3
"""Rows that one line may take before it is cut."""

MEMBERS = 9
"""Rows of a record of many lines that are shown whole; of a longer one some are chosen."""

NEWS = 2.0
"""Nats from which a new template is news: less where a source makes new ones all the time."""

_SKIPPED = re.compile(r"… (\d+) lines")

_SEVERITY = {"critical": "bold red", "warning": "bold yellow", "info": "bold blue"}
_LABEL = 18  # columns of the labels below the lines

_HEADLINE = {
    "new": "A kind of line that was never seen here before",
    "rare": "A kind of line that is rare here",
    "markov": "Not what usually follows here",
    "lstm": "Not what was expected at this point",
    "gap": "An unusual pause before this line",
    "values": "An unusual value in this line",
    "course": "Unusual all along, more than any one line of it",
    "set": "An unusual set of lines",
    "rate": "An unusual number of lines",
    "silence": "Silent for longer than it should be",
}
_KIND = {
    "event": "An unusual line",
    "visit": "An unusual course of events",
    "window": "An unusual stretch of time",
    "silence": "Silent for longer than it should be",
    "metric": "A metric is not what was expected",
    "risk": "A failure is likely",
    "gap": "A part of the input was lost",
    "plugin": "A plugin was switched off",
}


def headline(alert: Alert) -> str:
    """What happened, in one sentence."""
    if alert.detail:
        begins_with_name = alert.kind == "metric" and alert.state in ("open", "update")
        return escape(alert.detail if begins_with_name else alert.detail[:1].upper() + alert.detail[1:])
    # A visit is judged as a whole: which detector weighed most does not name a single line.
    rule = _HEADLINE.get(_telling(alert)) if alert.kind in ("event", "window") else None
    return (rule or _KIND.get(alert.kind, "Something unusual")) + _so_far(alert)


def _telling(alert: Alert) -> str:
    """The detector whose words fit best: that a line is new says more than that it was not expected."""
    new = any(fired.detector == "new" and fired.nats >= NEWS for fired in alert.fired)
    return "new" if new and alert.kind == "event" else alert.rule


def _so_far(alert: Alert) -> str:
    members = f"{alert.count:,} {'anomaly' if alert.count == 1 else 'anomalies'}"
    if alert.state == "end":
        return (
            f"; it is over: {members} in {_duration(alert.last - alert.first)}" if alert.first != NO_TIME else "; over"
        )
    if alert.state == "update":
        return f"; it has got worse: {members} so far"
    return f" ({members} so far)" if alert.count > 1 else ""


def _duration(ns: int) -> str:
    seconds = max(0, ns) / 1e9
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size or (unit == "min" and seconds >= size):
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def odds(p: float) -> str:
    """A tail probability for people: `1 in 830,000`."""
    if p <= 0:
        return "1 in more than 10^30"
    if p < 1e-9:
        exponent = len(f"{1 / p:.0f}") - 1
        return f"1 in 10^{exponent}"
    times = 1 / p
    digits = 10 ** max(0, len(str(int(times))) - 2)
    return f"1 in {round(times / digits) * digits:,.0f}"


def moment(time: int, zone: tzinfo | None = None) -> str:
    """`2026-03-01 14:02:11` in a zone; None: the zone of this machine."""
    if time == NO_TIME:
        return "without time"
    return datetime.fromtimestamp(time // 1_000_000_000, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def render(alert: Alert, *, width: int = WIDTH, zone: tzinfo | None = None) -> Text:
    """The alert as styled text, rows of at most `min(width, 100)` columns, with a line end at the end of each row.

    Args:
        width: columns of the terminal, ≥ 40.
        zone: of the times; None: that of this machine.
    """
    width = max(40, min(width, WIDTH))
    bar = ("▌ ", _SEVERITY.get(alert.severity, "bold"))
    out = Text(no_wrap=True)
    for row in _rows(alert, width - 2, zone):
        row.truncate(width - 2, overflow="ellipsis")
        line = Text.assemble(bar, row)
        line.rstrip()
        out.append_text(line).append("\n")
    return out


def _rows(alert: Alert, width: int, zone: tzinfo | None) -> Iterator[Text]:
    yield _title(alert, zone)
    for row in _wrapped(headline(alert) + ".", width, ROWS):
        yield Text(row)
    if alert.lines or alert.before:
        yield Text()
    for line in alert.before[-BEFORE:]:
        yield Text("  " + escape(line.text.partition("\n")[0]), "dim")
    yield from _offending(alert.lines, width)
    yield Text()
    if alert.state != "end":
        yield from _expected(alert.expected)
        yield from _labelled("because", _because(alert.fired), width)
    yield from _labelled("where", [*_where(alert), f"incident {alert.incident[:12]}"], width)


def _title(alert: Alert, zone: tzinfo | None) -> Text:
    state = {"update": " · UPDATE", "end": " · OVER", "digest": " · DIGEST"}.get(alert.state, "")
    title = Text().append(f"{alert.severity.upper()}{state}", _SEVERITY.get(alert.severity, "bold"))
    title.append(f"  {moment(alert.last if alert.state == 'end' else alert.first, zone)}  ")
    title.append(escape(alert.source), "bold")
    if alert.entity is not None and alert.kind != "metric":  # a series is named in the sentence below
        title.append(f"  {escape(alert.entity)}", "cyan")
    if alert.provisional:
        title.append("  (provisional)", "dim")
    return title


def _offending(lines: tuple[Line, ...], width: int) -> Iterator[Text]:
    for line in lines[:LINES]:
        mark = "→ "
        for row in _line_rows(line.text, width - 2):
            yield Text().append(mark, "bold red").append(row, "bold")
            mark = "  "
    if len(lines) > LINES:
        yield Text(f"  … and {len(lines) - LINES} more lines", "dim")


def _line_rows(text: str, width: int) -> list[str]:
    """A record's own lines, wrapped. Of a stack trace the first, the causes and the last: what and why."""
    parts = [escape(part) for part in text.split("\n")]
    if len(parts) == 1:
        return _wrapped(parts[0], width, ROWS)
    if len(parts) > MEMBERS:
        causes = [i for i, part in enumerate(parts) if part.startswith("Caused by: ")]
        parts = _chosen(parts, {0, 1, 2, 3, *causes[: ROWS - 1], *causes[-1:], len(parts) - 2, len(parts) - 1})
    return [row for part in parts for row in _wrapped(part, width, 1)]


def _chosen(parts: list[str], rows: set[int]) -> list[str]:
    """Some of the lines, and how many were left out between them, also by who handed them on."""
    out, left = [], 0
    for i, part in enumerate(parts):
        skipped = _SKIPPED.fullmatch(part)
        if i in rows and skipped is None:
            out += [f"… {left} lines" if left > 1 else "… 1 line", part] if left else [part]
            left = 0
        else:
            left += 1 if skipped is None else int(skipped[1])
    return out


def _wrapped(text: str, width: int, limit: int) -> list[str]:
    """Rows of at most `width` columns, broken at spaces where there are some; the last is cut."""
    rows: list[str] = []
    while cell_len(text) > width and len(rows) < limit - 1:
        head = chop_cells(text, width)[0]
        space = head.rfind(" ")
        cut = space if space > len(head) // 2 else len(head)
        rows.append(text[:cut].rstrip())
        text = text[cut:].lstrip()
    if cell_len(text) > width:
        text = set_cell_size(text, width - 1).rstrip() + "…"
    return [*rows, text]


def _expected(expected: tuple[Expected, ...]) -> Iterator[Text]:
    label = "expected instead"
    for template, probability in expected[:EXPECTED]:
        yield (
            Text()
            .append(f"{label:<{_LABEL}}", "dim")
            .append(f"{100 * probability:>4.0f} %  ", "green")
            .append(escape(template))
        )
        label = ""


def _because(fired: tuple[Fired, ...]) -> list[str]:
    most = sorted(fired, key=lambda one: -one.nats)[:FIRED]
    return [f"{name.replace('_', ' ')} {odds(p) if p is not None else f'{nats:.1f} nats'}" for name, nats, p in most]


def _where(alert: Alert) -> list[str]:
    position = dict(alert.position)
    # The identity of a file is a hash of its content: its beginning is enough to tell two files apart.
    instance = (
        f"file {escape(alert.instance[:8])}" if position.get("file") == alert.instance else escape(alert.instance)
    )
    out = [instance] if alert.instance and alert.instance != alert.source else []
    for key in ("topic", "partition"):
        if key in position:
            out.append(f"{key} {escape(str(position[key]))}")
    if isinstance(offset := position.get("offset"), int):
        out.append(f"offset {offset:,}" if "topic" in position else f"byte {offset:,}")
    return out


def _labelled(label: str, parts: list[str], width: int) -> Iterator[Text]:
    """`label  a · b · c`, wrapped between the parts."""
    row = ""
    for part in parts:
        joined = f"{row} · {part}" if row else part
        if row and cell_len(joined) > width - _LABEL:
            yield Text().append(f"{label:<{_LABEL}}", "dim").append(row)
            label, joined = "", part
        row = joined
    if row:
        yield Text().append(f"{label:<{_LABEL}}", "dim").append(row)
