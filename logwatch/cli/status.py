"""`logwatchd status`: how a daemon is doing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from logwatch.cli import options
from logwatch.cli.wording import span
from logwatch.requests import SourceReport, StatusReport, StatusRequest

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from logwatch.cli.ui import Terminal


@options.verb(
    "status",
    help="""Say how the daemon is doing.

    What it reads, what it has learned, which incidents are open, what waits to be delivered.

    Asks the running daemon; where none runs, says what the state directory holds. The directory is the configured one,
    or --state.""",
    examples="""
    logwatchd status
    logwatchd status -c logwatchd.toml --json | jq '.sources[] | select(.phase == "learning")'
    logwatchd status --state ./state
    logwatchd status --ready || echo 'not yet'
    """,
)
@options.daemon_config
@click.option("--state", type=click.Path(path_type=Path), metavar="DIR", help="Its state directory.")
@click.option("--ready", is_flag=True, help="Say nothing; exit code 0 if a daemon runs and is ready, else 69.")
@options.as_json
def command(file: Path | None, state: Path | None, ready: bool, as_json: bool) -> int:
    request = StatusRequest(state_of(file, state))
    if ready:
        check_ready(request.state)
        return 0
    from logwatch import app
    from logwatch.cli.ui import Terminal

    options.quiet_log()
    with Terminal(as_json=as_json) as ui:
        show_status(app.status(request, ui), ui)
    return 0


def state_of(file: Path | None, state: Path | None) -> Path:
    """The state directory that is meant. Raises click.UsageError where two are."""
    if file is not None and state is not None:
        raise click.UsageError("-c and --state both name a state directory: give one of them.")
    if state is not None:
        return state
    if file is None and options.DEFAULT_CONFIG.exists():
        file = options.DEFAULT_CONFIG
    return options.settings(file).settings.state


def check_ready(state: Path) -> None:
    """Ask the daemon's own loop, and load nothing heavy: health checks do it twice a minute.

    Raises:
        UnreachableError: no daemon answers, or it is not ready yet.
    """
    from logwatch.control import ask
    from logwatch.errors import UnreachableError

    reply = ask(state, {"verb": "status"})
    if not reply.get("ready"):
        raise UnreachableError(f"not ready: {reply.get('error') or reply.get('waiting')}")


def show_status(report: StatusReport, ui: Terminal) -> None:
    """Print it: for people, or as one JSON object."""
    if ui.for_people:
        ui.show(*_rows(report, ui.columns))
    else:
        ui.write(json.dumps(asdict(report)))


def _rows(report: StatusReport, columns: int) -> Iterator[RenderableType]:
    from rich.text import Text

    from logwatch.cli.summary import source_rows
    from logwatch.sinks.render import escape

    if report.running:
        yield (
            Text()
            .append(f"running for {span(report.uptime or 0)}", "bold green")
            .append(f" · logwatchd {report.version} · {report.state}", "default")
        )
    else:
        yield Text().append("not running", "bold yellow").append(f" · {report.state}")
    if report.paused:
        yield Text(f"paused: {escape(report.paused)}", "bold red")
    if report.waiting:
        yield Text(escape(report.waiting), "bold yellow")
    facts = [f"{report.records:,} lines", f"model {escape(report.model)}" if report.model else ""]
    facts += [f"last checkpoint {report.last_commit}" if report.last_commit else "no checkpoint yet"]
    facts += [f"{report.state_bytes / 2**20:,.1f} MiB of state"]
    yield Text(" · ".join(fact for fact in facts if fact), "dim")
    if report.sources:
        yield Text()
        yield from source_rows(report.sources, columns)
        yield from _verdicts(report.sources)
        for source in (one for one in report.sources if one.moved):
            yield Text(
                f"{escape(source.source)}: its templates moved (drift {source.drift:.2f}); see model show", "yellow"
            )
    for mark in report.marks:
        where = f" of {mark['source']}" if mark["source"] else ""
        since, until = (str(mark[end])[:19] for end in ("since", "until"))
        yield Text(escape(f"mark {mark['name']}{where}, {since}Z: drift is expected until {until}Z"), "dim")
    if report.lanes:
        yield Text(_partitions(report.lanes))
    for sink in report.sinks:
        error = f", {sink['error']}" if sink.get("error") else ""
        text = f"sink {sink.get('sink')}: {sink.get('delivered')} delivered, {sink.get('waiting')} waiting{error}"
        yield Text(escape(text), "red" if error else "")


def _verdicts(sources: Sequence[SourceReport]) -> Iterator[Text]:
    """Whether each source needs its LSTM, and what all of them were asked and have told."""
    from rich.text import Text

    from logwatch.cli.summary import SHOWN
    from logwatch.sinks.render import escape

    for source in [one for one in sources if one.verdicts][:SHOWN]:
        for verdict in source.verdicts:
            signal = f" ({verdict.signal})" if len(source.verdicts) > 1 else ""
            yield Text(f"{escape(source.source)}{signal}: ", "dim").append(verdict.sentence, "default")
    achieved = [float(source.achieved.removesuffix("/day")) for source in sources if source.achieved]
    if len(achieved) > 1:
        yield Text(f"budget: {sum(achieved):.1f} incidents a day of {len(achieved)} sources", "dim").append(
            _asked(sources)
        )


def _asked(sources: Sequence[SourceReport]) -> str:
    """`, 14.0 asked`: of those whose budget is a rate."""
    from logwatch.config.values import Budget

    asked = [Budget.parse(source.budget) for source in sources if source.achieved]
    if any(one.count is None or one.per is None for one in asked):
        return ""
    return f", {sum((one.count or 0) / (one.per or 1) for one in asked) * 86_400:.1f} asked"


def _partitions(lanes: Sequence[Mapping[str, object]]) -> str:
    """How many there are, and how far those are that are still being restored."""
    left = [lane for lane in lanes if lane["restored"] != 1.0]
    shown = ", ".join(f"{lane['lane']} {float(str(lane['restored'])):.0%}" for lane in left[:5])
    more = f", and {len(left) - 5} more" if len(left) > 5 else ""
    return f"{len(lanes)} partitions" + (f"; being restored: {shown}{more}" if left else "")
