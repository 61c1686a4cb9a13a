"""Alerts and feedback as rows on a terminal. All that comes from logs is escaped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from logwatch.sinks.render import escape, render
from logwatch.sinks.schema import from_json

Reply = Mapping[str, Any]

SHORT = 8
"""Characters of an id that are shown."""

COLORS = {"critical": "bold red", "warning": "yellow", "info": "dim"}


def moment(time: str | None) -> str:
    """A time as rows show it, UTC, to the second: `2026-01-05 08:40:00`."""
    return (time or "")[:19].replace("T", " ")


def _cut(text: str, width: int) -> str:
    text = escape(text)
    return text if len(text) <= width else text[: max(width - 1, 1)] + "…"


def incidents(reply: Reply, columns: int) -> Iterator[RenderableType]:
    """A line for each incident: id, when, severity, state, source, and what it says."""
    rows = reply["alerts"]
    if not rows:
        yield Text("There is no such alert.")
    width = min(24, max((len(row["source"]) for row in rows), default=0))
    for row in rows:
        state = "over" if row["state"] == "end" else row["state"].replace("update", "open")
        said = row["line"] or row["template"] or row["detail"]
        marked = f"{row['feedback']}: " if row["feedback"] else ""
        head = f"{row['incident'][:SHORT]}  {moment(row['last']):<19}  "
        text = Text(head).append(f"{row['severity']:<8}", COLORS[row["severity"]])
        text.append(f"  {state:<6}  {_cut(row['source'], width):<{width}}  {row['count']:>5}  ")
        yield text.append(marked, "bold").append(_cut(said, max(columns - len(text) - len(marked), 20)))
    if reply.get("scanned"):
        yield Text(f"Only the newest {reply['scanned']:,} alerts were looked at.", "dim")


def alert(reply: Reply, columns: int) -> Iterator[RenderableType]:
    """An alert as it went out, the later ones of its incident, and what was said of it."""
    yield render(from_json(reply["alert"]), width=columns)
    yield Text(f"id {reply['alert']['id']}", "dim")
    for one in reply["later"]:
        yield Text(f"{one['state']:<6}  {moment(one['last'])}  {one['severity']}  {_cut(one['detail'], columns)}")
    yield from _feedback(reply["feedback"])


def feedback(reply: Reply, columns: int) -> Iterator[RenderableType]:
    """What people said."""
    if not reply["feedback"]:
        yield Text("Nobody has said anything of an alert.")
    yield from _feedback(reply["feedback"])


def _feedback(rows: list[Reply]) -> Iterator[Text]:
    for row in rows:
        until = f" until {moment(row['until'])}" if row["until"] else ""
        silent = f", {row['silenced']:,} silenced" if row["silenced"] else ""
        state = f"undone by {row['undone']}" if row["undone"] else row["state"]
        head = Text(f"{row['id'][:SHORT]}  ").append(row["verdict"], "bold")
        yield head.append(f": {escape(row['said'])}{until} ({escape(state)}{silent})")
        note = f": {row['note']}" if row["note"] else ""
        yield Text(
            f"          {escape(row['by'])}, {moment(row['asked'])}, on {row['incident'][:SHORT]}{escape(note)}", "dim"
        )


def silenced(reply: Reply, columns: int) -> Iterator[RenderableType]:
    """Alerts that did not go out."""
    if not reply["silenced"]:
        yield Text("Nothing was silenced.")
    for row in reply["silenced"]:
        said = row["template"] or f"{row['kind']}, by {row['rule']}"
        head = f"{moment(row['time']):<19}  {row['by'][:SHORT]}  {escape(row['source'])}  "
        yield Text(head + _cut(said, max(columns - len(head), 20)))


def said(action: str, reply: Reply) -> list[str]:
    """What became of what was said."""
    if action == "undo":
        undone = [f"Undone: {escape(row['said'])} is no longer {row['verdict']}." for row in reply["feedback"]]
        return [*undone, "What was learned in the meantime stays learned."]
    row = reply["feedback"]
    short, what = row["id"][:SHORT], escape(row["said"])
    until = f" until {moment(row['until'])}" if row["until"] else ""
    result = "silent from now on" if row["verdict"] == "normal" else "kept out of training"
    return [f"{what[:1].upper()}{what[1:]} is {row['verdict']}{until}: {result}.",
            f"`logwatchd alerts undo {short}` takes it back."]  # fmt: skip
