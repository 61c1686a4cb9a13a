"""What `demo` says at its end: the alerts against the faults that were really injected."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from logwatch.cli.demo_risk import risk_json
from logwatch.cli.ui import Terminal
from logwatch.cli.wording import plural, span
from logwatch.requests import DemoReport, Fault, RecordingReport

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from logwatch.types import Alert


def show_demo(report: DemoReport, ui: Terminal) -> None:
    """Print it: for people, or as one JSON object."""
    if ui.for_people:
        ui.show(*_rows(report))
    else:
        ui.write(json.dumps(_json(report)))


def _rows(report: DemoReport) -> Iterator[RenderableType]:
    from rich.text import Text

    for recording in report.recordings:
        yield Text()
        yield Text().append(recording.name, "bold").append(f"  {_came(recording)}", "dim")
        for fault in recording.faults:
            yield from _fault(fault)
        for fault in recording.seen:
            yield from _fault(fault, "while")
        for alert in recording.false:
            yield _said(Text("  false   ", "yellow").append(f"{_clock(alert.last)}  ", "dim"), alert)
    yield Text()
    yield Text(_sum(report), "bold")
    if report.interrupted:
        yield Text("Ended before the recordings did.", "dim")


def _came(recording: RecordingReport) -> str:
    """`1,200 lines, 24,000 values`."""
    lines = [plural(recording.records, "line")] if recording.records else []
    return ", ".join([*lines, plural(recording.values, "value")] if recording.values else lines)


def _sum(report: DemoReport) -> str:
    faults = [fault for recording in report.recordings for fault in recording.faults]
    found = [fault for fault in faults if fault.alert is not None]
    false = [alert for recording in report.recordings for alert in recording.false]
    hours = sum(recording.clean_hours for recording in report.recordings)
    rate = f" in {hours:.1f} hours without faults ({len(false) / hours:.2f}/h)" if hours else ""
    told = Counter(" and ".join(fault.by) for fault in found)
    said = Counter("metrics" if alert.kind == "metric" else "logs" for alert in false)
    return (
        f"{len(found)} of {plural(len(faults), 'fault')} found{_each(told)}, {len(faults) - len(found)} missed, "
        f"{plural(len(false), 'false alert')}{_each(said)}{rate}; {span(report.seconds)}."
    )


def _each(sides: Counter[str]) -> str:
    """` (8 by logs, 2 by metrics, 6 by logs and metrics)`."""
    return f" ({', '.join(f'{count} by {side}' for side, count in sorted(sides.items()))})" if sides else ""


def _fault(fault: Fault, mark: str = "found") -> Iterator[Text]:
    from rich.text import Text

    from logwatch.sinks.render import escape

    word, style = (mark, "green") if fault.alert is not None else ("missed", "red")
    row = Text.assemble((f"  {word:<8}", style), (f"{fault.start[11:19]}  ", "dim"))
    row.append(escape(fault.description or fault.name), "bold")
    if fault.alert is None:
        yield row
        return
    after = f", after {span(fault.delay)}" if fault.delay is not None else ""
    yield row.append(f"{after}, by {' and '.join(fault.by)}" if fault.by else after, "dim")
    for alert in (fault.alert, *fault.also):
        yield _said(Text("          said      "), alert)
        for template, probability in alert.expected[:1]:
            expected = Text("          expected  ").append(f"{100 * probability:.0f} %  ", "green")
            yield _one_row(expected.append(escape(template), "dim"))


def _clock(time: int) -> str:
    from logwatch.decide.alerts import clock

    return clock(time)


def _said(label: Text, alert: Alert) -> Text:
    from logwatch.sinks.render import escape, headline

    first = alert.lines[0].text.split("\n")[0] if alert.lines and not alert.detail else headline(alert)
    return _one_row(label.append(escape(first)))


def _one_row(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _json(report: DemoReport) -> dict[str, Any]:
    recordings = [_recording_json(recording) for recording in report.recordings]
    facts = {"seconds": report.seconds, "interrupted": report.interrupted, "recordings": recordings}
    return facts | {"risk": None if report.risk is None else risk_json(report.risk)}


def _recording_json(recording: RecordingReport) -> dict[str, Any]:
    from logwatch.sinks.schema import to_json

    return {
        "name": recording.name,
        "records": recording.records,
        "values": recording.values,
        "clean_hours": recording.clean_hours,
        "faults": [_fault_json(fault) for fault in recording.faults],
        "seen": [_fault_json(fault) for fault in recording.seen],
        "false": [to_json(alert) for alert in recording.false],
    }


def _fault_json(fault: Fault) -> dict[str, Any]:
    from logwatch.sinks.schema import to_json

    return {
        "name": fault.name,
        "description": fault.description,
        "start": fault.start,
        "end": fault.end,
        "found": fault.alert is not None,
        "by": list(fault.by),
        "delay": fault.delay,
        "alert": to_json(fault.alert) if fault.alert else None,
        "also": [to_json(alert) for alert in fault.also],
    }
