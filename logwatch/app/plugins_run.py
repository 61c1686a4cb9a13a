"""Plugins in a run: decoders before the pipeline, hooks behind it, and the alert where one is switched off."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from logwatch.api import Alert, Clock, Decoder, RecordBatch
from logwatch.config import SourceTable, format_duration
from logwatch.decide.alerts import digest_id
from logwatch.plugins.loader import Resolved

KIND = "plugin"

SOURCE = "logwatchd"
"""The source of alerts about the daemon itself."""


class Trips:
    """Plugins that were switched off; called by their guards, from any thread.

    Args:
        clock: for the time of the alerts.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._alerts: deque[Alert] = deque(maxlen=1000)

    def __call__(self, component: str, error: str, seconds: float) -> None:
        self._alerts.append(trip_alert(component, error, seconds, self._clock.now()))

    def take(self) -> list[Alert]:
        """The alerts since the last call."""
        return [self._alerts.popleft() for _ in range(len(self._alerts))]


def trip_alert(component: str, error: str, seconds: float, now: int) -> Alert:
    """One alert for each time that a component is switched off.

    Args:
        component: `kind "name"`.
        error: its last one.
        seconds: for which it stays off; inf: until the next start.
        now: ns.
    """
    name = digest_id(SOURCE, component, None, KIND, now)
    until = "until the next start" if math.isinf(seconds) else f"for {format_duration(seconds)}"
    return Alert(
        id=name, incident=name, state="open", severity="warning", source=SOURCE, instance=component, entity=None,
        kind=KIND, rule=KIND, first=now, last=now, count=1, score=0.0, p=1.0, provisional=False,
        fired=(), lines=(), before=(), expected=(), template_id=-1, template="", position={},
        model="", detail=f"{component} is switched off {until}: {error[:500]}",
    )  # fmt: skip


def annotated(hooks: Sequence[Any]) -> Callable[[Alert], Alert]:
    """What all hooks say of an alert, one after the other, in the order of the configuration."""

    def annotate(alert: Alert) -> Alert:
        for hook in hooks:
            alert = hook.annotate(alert)
        return alert

    return annotate


def decoders_of(resolved: Sequence[Resolved], tables: Mapping[str, SourceTable], trips: Trips) -> Mapping[str, Decoder]:
    """Source → its decoder; sources that name the same one share it."""
    built = {one.part.id: one.build(on_trip=trips) for one in resolved if one.part.kind == "decoder"}
    return {source: built[table.decoder] for source, table in tables.items() if table.decoder in built}


def decoded(decoder: Decoder, records: RecordBatch) -> RecordBatch:
    """The records with what the decoder says in the place of their lines, as JSON; positions stay."""
    import orjson

    lines = list(records.lines)
    for row, said in enumerate(decoder.decode(records.lines)):
        if said is not None:
            try:
                lines[row] = orjson.dumps(said, default=str, option=orjson.OPT_NON_STR_KEYS)
            except (TypeError, ValueError):  # text that is not Unicode, mappings without an end: as if not decoded
                continue
    return replace(records, lines=lines)
