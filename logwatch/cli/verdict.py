"""What `demo` says at its end: the alerts against the faults that were really injected."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

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
        yield Text().append(recording.name, "bold").append(f"  {plural(recording.records, 'line')}", "dim")
        for fault in recording.faults:
            yield from _fault(fault)
        for alert in recording.false:
            yield _said(Text().append("  false   ", "yellow"), alert)
    faults = [fault for recording in report.recordings for fault in recording.faults]
    found = sum(fault.alert is not None for fault in faults)
    false = sum(len(recording.false) for recording in report.recordings)
    hours = sum(recording.clean_hours for recording in report.recordings)
    per_hour = f" in {hours:.1f} hours without faults ({false / hours:.2f}/h)" if hours else ""
    yield Text()
    yield Text(
        f"{found} of {plural(len(faults), 'fault')} found, {len(faults) - found} missed, "
        f"{plural(false, 'false alert')}{per_hour}; {span(report.seconds)}.",
        "bold",
    )
    if report.interrupted:
        yield Text("Ended before the recordings did.", "dim")


def _fault(fault: Fault) -> Iterator[Text]:
    from rich.text import Text

    from logwatch.sinks.render import escape

    mark = ("  found   ", "green") if fault.alert is not None else ("  missed  ", "red")
    after = f", after {span(fault.delay)}" if fault.delay is not None else ""
    row = Text.assemble(mark, (f"{fault.start[11:19]}  ", "dim"), (escape(fault.description or fault.name), "bold"))
    yield row.append(after, "dim")
    if fault.alert is None:
        return
    yield _said(Text("          said      "), fault.alert)
    for template, probability in fault.alert.expected[:1]:
        expected = Text("          expected  ").append(f"{100 * probability:.0f} %  ", "green")
        yield _one_row(expected.append(escape(template), "dim"))


def _said(label: Text, alert: Alert) -> Text:
    from logwatch.sinks.render import escape, headline

    first = alert.lines[0].text.split("\n")[0] if alert.lines and not alert.detail else headline(alert)
    return _one_row(label.append(escape(first)))


def _one_row(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _json(report: DemoReport) -> dict[str, Any]:
    recordings = [_recording_json(recording) for recording in report.recordings]
    return {"seconds": report.seconds, "interrupted": report.interrupted, "recordings": recordings}


def _recording_json(recording: RecordingReport) -> dict[str, Any]:
    from logwatch.sinks.schema import to_json

    return {
        "name": recording.name,
        "records": recording.records,
        "clean_hours": recording.clean_hours,
        "faults": [
            {
                "name": fault.name,
                "description": fault.description,
                "start": fault.start,
                "end": fault.end,
                "found": fault.alert is not None,
                "delay": fault.delay,
                "alert": to_json(fault.alert) if fault.alert else None,
            }
            for fault in recording.faults
        ],
        "false": [to_json(alert) for alert in recording.false],
    }
