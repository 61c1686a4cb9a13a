"""`logwatchd alerts`: what was alerted, and what people say of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from logwatch.cli import options
from logwatch.cli.status import state_of

if TYPE_CHECKING:
    from rich.console import RenderableType

    from logwatch.cli.ui import Terminal

Reply = Mapping[str, Any]

SAYING = ("normal", "real", "undo")


class Span(options.Text):
    """A duration, as seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from logwatch.config import parse_duration

        try:
            return parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@options.verb(
    "alerts",
    help="""List alerts, and say which are normal and which are real.

    list: the incidents, the newest first; with --feedback what people said, with --silenced what did not go out.

    show ID: one alert with its lines, and what came after it. The first characters of an id stand for it.

    normal ID: alerts like this one are normal. They are silent from the next line on, and what they are of is learned:
    the alert's template in its source, narrowed by --value, --entity and --detector, widened by --any-source and
    --any-template; of a window's rate, a silence or a metric, such alerts of the source.

    real ID: what this alert is of is never learned, however often it comes: it remains news.

    undo ID: takes back what was said, by its own id or the alert's.

    Asks the running daemon. Where none runs, list and show read the state, and what is said takes effect when the next
    one starts.""",
    examples="""
    logwatchd alerts list --open --severity warning
    logwatchd alerts show 3fa8
    logwatchd alerts normal 3fa8 --for 30d --note "the backup, since May"
    logwatchd alerts undo 3fa8
    """,
)
@click.argument("action", type=click.Choice(["list", "show", *SAYING]))
@click.argument("id", required=False, metavar="[ID]")
@options.daemon_config
@click.option("--state", type=click.Path(path_type=Path), metavar="DIR", help="Its state directory.")
@click.option("--source", metavar="NAME", help="list: of this source.")
@click.option("--since", type=Span(), metavar="DURATION", help="list: not longer ago than 2h, 7d.")
@click.option("--severity", type=click.Choice(["info", "warning", "critical"]), help="list: at least so severe.")
@click.option("--open", "open_", is_flag=True, help="list: incidents that are not over.")
@click.option("--limit", type=click.IntRange(1, 1000), metavar="N", help="list: so many.  [default: 20]")
@click.option("--feedback", is_flag=True, help="list: what people said, also what was undone or has expired.")
@click.option("--silenced", is_flag=True, help="list: the latest alerts that did not go out, being normal.")
@click.option("--value", metavar="TEXT", help="normal, real: only where the line has this value.")
@click.option("--entity", type=options.Checked("regex", "entity"), metavar="REGEX",
              help="normal, real: only entities that match.")  # fmt: skip
@click.option("--detector", is_flag=True, help="normal: only what the detector says that decided here.")
@click.option("--any-source", is_flag=True, help="normal, real: in every source.")
@click.option("--any-template", is_flag=True, help="normal: whatever the line says.")
@click.option("--for", "for_", type=Span(), metavar="DURATION", help="normal, real: only for so long, as in 30d.")
@click.option("--note", metavar="TEXT", help="normal, real: why; it is kept.")
@options.as_json
def command(action: str, id: str | None, file: Path | None, state: Path | None, as_json: bool, **given: Any) -> int:
    request, directory = _request(action, id, given), state_of(file, state)
    loaded = options.settings(file)
    from logwatch import app
    from logwatch.cli.ui import Terminal

    options.quiet_log()
    with Terminal(as_json=as_json) as ui:
        reply = app.asked(directory, request, loaded.settings)
        if ui.for_people:
            ui.show(*_rows(request["action"], reply, ui))
        else:
            _write(request["action"], reply, ui)
    return 0


_TAKES = {
    "list": ("source", "since", "severity", "open_", "limit", "feedback", "silenced"),
    "show": (),
    "normal": ("value", "entity", "detector", "any_source", "any_template", "for_", "note"),
    "real": ("value", "entity", "any_source", "for_", "note"),
    "undo": (),
}
"""Options that each action takes."""


def _request(action: str, id: str | None, given: Mapping[str, Any]) -> dict[str, Any]:
    if (id is None) != (action == "list"):
        raise click.UsageError(f"`alerts {action}` takes {'no id' if action == 'list' else 'the id of an alert'}.")
    said = {name: value for name, value in given.items() if value}
    for name in said:
        if name not in _TAKES[action]:
            raise click.UsageError(f"`alerts {action}` takes no --{name.strip('_').replace('_', '-')}.")
    kinds = [name for name in ("feedback", "silenced") if said.pop(name, False)]
    if len(kinds) > 1 or (kinds and said):
        raise click.UsageError(f"--{kinds[-1]} is a list of its own, without other options.")
    named = {name.strip("_"): value for name, value in said.items()}
    return {"verb": "alerts", "action": kinds[0] if kinds else action, **({"id": id} if id else {}), **named}


def _write(action: str, reply: Reply, ui: Terminal) -> None:
    """One JSON object a line."""
    listed = {"list": "alerts", "feedback": "feedback", "silenced": "silenced", "undo": "feedback"}
    for row in reply[listed[action]] if action in listed else [reply]:
        ui.write(json.dumps(row))


def _rows(action: str, reply: Reply, ui: Terminal) -> Iterator[RenderableType]:
    from rich.text import Text

    from logwatch.cli import alert_rows

    shown = {
        "list": alert_rows.incidents, "show": alert_rows.alert, "feedback": alert_rows.feedback,
        "silenced": alert_rows.silenced,
    }  # fmt: skip
    yield from shown[action](reply, ui.columns) if action in shown else map(Text, alert_rows.said(action, reply))
