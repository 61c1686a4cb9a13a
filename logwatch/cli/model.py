"""`logwatchd model`: the versions of the log LSTM, and models that travel."""

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
    from logwatch.config import Loaded

Reply = Mapping[str, Any]


@options.verb(
    "model",
    help="""The versions of the network that reads the logs, and models that travel between hosts.

    list: the versions, the oldest first: what each learned from, its loss before it had learned it, and how its parent
    did on a sample of the same lines. One that did worse than its parent was rolled back.

    show [N]: one version and what it comes from; without N the one that serves, and which templates moved of late.

    rollback N: go back to a version whose weights are kept.

    export [N] -o FILE: write a version, with its templates, as one file for other hosts.

    import FILE: try such a model beside the one that serves; it takes over only if it does better on new lines.

    Asks the running daemon. Where none runs it works on the state, and a choice takes effect when the next one
    starts.""",
    examples="""
    logwatchd model list
    logwatchd model rollback 12
    logwatchd model export -o web.tar && scp web.tar other:
    logwatchd model import web.tar
    """,
)
@click.argument("action", type=click.Choice(["list", "show", "rollback", "export", "import"]))
@click.argument("what", required=False, metavar="[N | FILE]")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="export: where to."
)
@click.option("--now", is_flag=True, help="import: take over at once, untried.")
@click.option("--lane", metavar="NAME", help="Of this Kafka partition: TOPIC/NUMBER.")
@options.daemon_config
@click.option("--state", type=click.Path(path_type=Path), metavar="DIR", help="Its state directory.")
@options.as_json
def command(
    action: str, what: str | None, output: Path | None, now: bool, lane: str | None, file: Path | None,
    state: Path | None, as_json: bool,
) -> int:  # fmt: skip
    request = _request(action, what, output, now, lane)
    directory, loaded = state_of(file, state), options.settings(file)
    from logwatch.cli.ui import Terminal

    options.quiet_log()
    with Terminal(as_json=as_json) as ui:
        reply = _asked(request, directory, loaded, output)
        if ui.for_people:
            ui.show(*_rows(action, reply, what, output))
        else:
            _write(action, reply, ui)
    return 0


def _request(action: str, what: str | None, output: Path | None, now: bool, lane: str | None) -> dict[str, Any]:
    if what is None and action in ("rollback", "import"):
        raise click.UsageError(f"`model {action}` takes {'a version' if action == 'rollback' else 'a FILE'}.")
    if what is not None and action == "list":
        raise click.UsageError("`model list` takes nothing more.")
    if (output is not None) != (action == "export"):
        raise click.UsageError("`model export` takes -o FILE, and nothing else does.")
    if now and action != "import":
        raise click.UsageError(f"`model {action}` takes no --now.")
    request: dict[str, Any] = {"verb": "model", "action": action, "lane": lane or ""}
    if action == "import":
        return {**request, "file": what, "now": now}
    if what is not None:
        if not what.isdigit():
            raise click.UsageError(f"'{what}' is not the number of a version.")
        request["version"] = int(what)
    return request


def _asked(request: dict[str, Any], state: Path, loaded: Loaded, output: Path | None) -> Reply:
    from logwatch import app

    if request["action"] == "import":
        return app.import_model(state, Path(request.pop("file")), request, loaded.settings)
    if output is not None:
        return app.export_model(state, output, request, loaded.settings)
    return app.asked_model(state, request, loaded.settings)


def _write(action: str, reply: Reply, ui: Terminal) -> None:
    """One JSON object a line; of `list` one for each version."""
    if action != "list":
        ui.write(json.dumps(reply))
        return
    for lane in reply["lanes"]:
        for row in lane["versions"]:
            ui.write(json.dumps({"lane": lane["lane"], **row}))


def _rows(action: str, reply: Reply, what: str | None, output: Path | None) -> Iterator[RenderableType]:
    from rich.text import Text

    from logwatch.cli import model_rows

    if action == "list":
        yield from model_rows.versions(reply)
    elif action == "show":
        yield from model_rows.version(reply)
    elif action == "rollback":
        yield Text(f"From the next chunk on version {reply['version']} serves.")
    elif action == "export":
        yield Text(f"{output}: {reply['templates']:,} templates, {reply['bytes']:,} bytes, {reply['bundle'][:12]}")
    else:
        when = "serves from the next chunk on" if reply["now"] else "is tried beside the one that serves"
        yield Text(f"The model {reply['bundle'][:12]} ({reply['templates']:,} templates) {when}.")
