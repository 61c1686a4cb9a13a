"""Versions of a model as rows on a terminal. All that comes from logs is escaped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from logwatch.cli.alert_rows import moment
from logwatch.sinks.render import escape

Reply = Mapping[str, Any]

COLORS = {"open": "bold green", "rolled back": "red", "refused": "red", "shadow": "yellow", "left": "dim"}


def versions(reply: Reply) -> Iterator[RenderableType]:
    """A table for each lane; `*`: its weights are kept."""
    if not reply["lanes"]:
        yield Text("There is no model here.")
    for lane in reply["lanes"]:
        if lane["lane"]:
            yield Text(lane["lane"], "bold")
        heads = ("version", "parent", "origin", "state", "events", "until", "loss", "on the sample", "beside")
        table = Table(*heads, box=None, pad_edge=False)
        for row in lane["versions"]:
            table.add_row(
                f"{row['number']}{'*' if row['kept'] else ''}", _said(row["parent"]), row["origin"],
                Text(row["state"], COLORS.get(row["state"], "")), _events(row), moment(row["until"]) or "-",
                _said(row["loss"]), _said(row["own"]), _said(row["beside"]),
            )  # fmt: skip
        yield table
        yield Text(
            f"{lane['model']} serves; * can be gone back to; losses in nats an event, before it was learned", "dim"
        )


def version(reply: Reply) -> Iterator[RenderableType]:
    """One version, where it comes from, and the drift of the sources."""
    row = reply["version"]
    yield Text(f"version {row['number']}: {row['state']}, {row['origin']}, {reply['model']} serves", "bold")
    span = f"{moment(row['since'])} to {moment(row['until'])} UTC" if row["since"] else "no times"
    yield Text(f"events {_events(row)}, {span}, {row['chunks']} chunks, seed {row['seed']}, logwatchd {row['program']}")
    yield Text(f"loss {_said(row['loss'])}; on a sample {_said(row['own'])}, beside it {_said(row['beside'])}")
    if row["bundle"]:
        yield Text(f"bundle {row['bundle']}")
    if reply["lineage"]:
        yield Text("comes from " + " ← ".join(str(one["number"]) for one in reply["lineage"]))
    share = f"{reply['trained'] / reply['events']:.0%} of " if reply["events"] else ""
    yield Text(f"trained on {share}{reply['events']:,} events, {reply['templates']:,} templates; {reply['learning']}")
    for one in reply["drift"]:
        style = "bold yellow" if one["moved"] else "dim"
        yield Text(f"{escape(one['source'])}: drift {one['drift']:.2f}{', moved' if one['moved'] else ''}", style)
        for move in one["templates"] if one["moved"] else ():
            yield Text(f"  {move['before']:7.2%} → {move['now']:7.2%}  {escape(move['template'])}")


def _events(row: Reply) -> str:
    begin, end = row["events"]
    return f"{begin:,} to {end:,}" if end > begin else "-"


def _said(value: float | None) -> str:
    return "-" if value is None else f"{value}" if isinstance(value, int) else f"{value:.3f}"
