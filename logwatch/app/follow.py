"""`tail` and `run`: live sources through the pipeline, until told to stop."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from logwatch.api import Alert, Decoder, Sink, Source
from logwatch.app.desk import handlers as said_of_alerts
from logwatch.app.heatmap_pacing import Waiting, kept_heatmaps
from logwatch.app.history import Tally
from logwatch.app.models import handlers as said_of_models
from logwatch.app.partitions import Kept, kept_partitions
from logwatch.app.plugins_run import decoded, decoders_of
from logwatch.app.risk_told import handlers as said_of_risks
from logwatch.app.session import Session, detectors_of, opened
from logwatch.app.status import report_of
from logwatch.app.web import Listening, listening, serving
from logwatch.config import SourceTable
from logwatch.control import ControlSocket
from logwatch.daemon import Daemon, Progress, on_hang_up, on_signals
from logwatch.delivery import Delivery
from logwatch.errors import ConfigError, DataError, NoInputError, StateFull
from logwatch.plugins.loader import Plugins
from logwatch.requests import Live, Phase, RunRequest, Summary, TailRequest, Ui
from logwatch.rows import Scored
from logwatch.sources.opening import MISSING
from logwatch.telemetry import Logger

log = Logger(__name__)

RATE_OVER_S = 5.0
"""The lines and values per second of the status line are those of so many seconds."""

HISTORY_EVERY_S = 600.0

SWEEP_EVERY_S = 10.0
"""A slice of the keys' cells is looked at so often; at each tick while many of them have expired."""

MANY_EXPIRED = 2000


class TerminalSink:
    """Alerts for the person at the terminal."""

    def __init__(self, ui: Ui) -> None:
        self._ui = ui

    def deliver(self, alerts: list[Alert]) -> None:
        self._ui.deliver(alerts)

    def close(self) -> None:
        """The terminal is not ours to close."""


def tail(request: TailRequest, ui: Ui) -> Summary:
    """Follow files or standard input until they end or Ctrl-C.

    Raises:
        NoInputError: nothing that was named is there.
        DataError: nothing of it can be read.
    """
    tally = Tally()

    def on_scored(scored: Scored) -> None:
        tally.add(scored.events)

    table = _tail_table(request)
    settings, detectors = request.config.settings, detectors_of(request.config)
    with opened(settings, detectors, request.state, {table.kind: table}, on_scored=on_scored) as session:
        name = request.source or ("stdin" if table.kind == "stdin" else "{name}")
        source: Source = Plugins().build("source", table, clock=session.clock, name=name)
        session.pipeline.on_measured = tally.measure
        delivery = Delivery(session.store, {"terminal": TerminalSink(ui)}, settings.outbox_max, settings.when_full)
        live = _LiveLine(session, tally, ui)
        daemon = Daemon(
            session.lanes, {table.kind: source}, delivery, session.clock, session.ahead, history=_Sweep(session)
        )
        stopped = _Stop(daemon)

        def on_tick(progress: Progress) -> None:
            live.show(progress)
            if ui.gone():  # `tail | head`: nobody reads any more
                daemon.stop()

        daemon.on_tick = on_tick
        problems = _Problems(source, ui)
        daemon.on_open = problems.at_start
        with on_signals(stopped):
            daemon.run()
        problems.say()
        ui.close()
        return tally.summary(session, interrupted=stopped.called)


class _Stop:
    """Remembers that a signal ended the run."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self.called = False

    def __call__(self) -> None:
        self.called = True
        self._daemon.stop()


def _tail_table(request: TailRequest) -> SourceTable:
    if request.paths == ("-",):
        return SourceTable(kind="stdin", entity=request.entity)
    start = "beginning" if request.from_start or request.once else "end"
    own = {
        "paths": [str(Path(path).expanduser()) for path in request.paths],
        "once": request.once,
        "start": start,
        "warmup": request.config.settings.warmup,
    }
    return SourceTable(kind="file", entity=request.entity, **own)  # type: ignore[arg-type]  # extra keys are the component's


class _Problems:
    """Files that cannot be read: each is said once."""

    def __init__(self, source: Source, ui: Ui) -> None:
        self._source = source
        self._ui = ui
        self._said: set[object] = set()

    def at_start(self) -> None:
        """Raises NoInputError where none of the files is there, DataError where none of those can be read."""
        waits = bool(getattr(self._source, "files", 1))
        self.say(waits)
        if waits:
            return
        hint = "see the warnings above" if self._said else "nothing matches what was named"
        if any(problem.reason != MISSING for problem in getattr(self._source, "problems", [])):
            raise DataError("nothing to read: no file that was named can be read", hint)
        raise NoInputError("nothing to read: no file that was named is there", hint)

    def say(self, waits: bool = True) -> None:
        """Args: waits: what is missing may still come."""
        for problem in getattr(self._source, "problems", []):
            if problem not in self._said:
                self._said.add(problem)
                hint = f"; {problem.hint}" if problem.hint and (waits or problem.reason != MISSING) else ""
                self._ui.warn(f"{problem.path} {problem.reason}{hint}")


class _LiveLine:
    """Turns the loop's progress into what the status line shows."""

    def __init__(self, session: Session, tally: Tally, ui: Ui) -> None:
        self._session, self._tally = session, tally
        self._ui = ui
        self._seen: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])

    def show(self, progress: Progress) -> None:
        now = time.monotonic()
        done = self._tally.records + self._tally.points
        self._seen.append((now, done))
        while now - self._seen[0][0] > RATE_OVER_S and len(self._seen) > 2:
            self._seen.popleft()
        began, before = self._seen[0]
        phase, to_go = _phase(self._session, progress)
        self._ui.live(
            Live(
                phase=phase,
                records=self._tally.records,
                rate=(done - before) / max(now - began, 1e-6),
                sources=sum(len(lane.stages.registry.sources) for lane in self._session.lanes),
                templates=sum(len(lane.stages.miner) for lane in self._session.lanes),
                incidents=self._session.lanes.opened.total(),
                values=self._tally.points,
                series=sum(len(lane.stages.metrics.table) for lane in self._session.lanes),
                to_go=to_go,
            )
        )


def _phase(session: Session, progress: Progress) -> tuple[Phase, str]:
    if progress.paused:
        return "paused", progress.paused
    sources = session.sources()
    learning = [source for source in sources if source.phase == "learning"]
    if sources and not learning:
        return "watching", ""
    return "learning", learning[0].to_go if learning else ""


def run(request: RunRequest) -> bool:
    """The daemon: every source and sink of the configuration, with the control socket; until a signal ends it.

    Returns whether it is to begin again, since its configuration is another.

    Raises:
        ConfigError, StateError.
    """
    settings, resolved = request.config.loaded.settings, request.config.resolved
    if not settings.source:
        raise ConfigError("the configuration names no [[source]]", "add one; see `logwatchd check-config --help`")
    tables = {
        one.part.id: one.part.table
        for one in resolved
        if one.part.kind == "source" and isinstance(one.part.table, SourceTable)
    }
    waiting = Waiting()
    with (
        listening(settings.http) as here,
        opened(settings, resolved, settings.state, tables, on_window=waiting.put, on_lane=here.watch) as session,
    ):
        sources: dict[str, Source] = {
            one.part.id: one.build(on_trip=session.trips, clock=session.clock, **_name(tables[one.part.id]))
            for one in resolved
            if one.part.kind == "source"
        }
        sinks: dict[str, Sink] = {
            one.part.id: one.build(on_trip=session.trips, clock=session.clock)
            for one in resolved
            if one.part.kind == "sink"
        }
        decoders = decoders_of(resolved, tables, session.trips)
        with kept_heatmaps(session, waiting), kept_partitions(session, resolved, sources, sinks) as kept:
            return _watch(session, sources, sinks, kept, decoders, here, request.check)


def _name(table: SourceTable) -> dict[str, Any]:
    """`name` as it is given; without, files go by host and path, and every other source by its own default."""
    name = table.name or ("{host}:{path}" if table.kind == "file" else "")
    return {"name": name} if name else {}


def _watch(
    session: Session, sources: Mapping[str, Source], sinks: Mapping[str, Sink], kept: Sequence[Kept],
    decoders: Mapping[str, Decoder], here: Listening, check: Callable[[], None],
) -> bool:  # fmt: skip
    settings = session.settings
    routes = {table.name or table.kind: table for table in settings.sink}
    delivery = Delivery(session.store, sinks, settings.outbox_max, settings.when_full, routes, session.clock)
    delivery.still_open = partial(_still_open, session)
    daemon = Daemon(
        session.lanes, sources, delivery, session.clock, session.ahead,
        control=ControlSocket(settings.state / "control.sock"), history=_History(session, delivery),
        decode={name: partial(decoded, decoder) for name, decoder in decoders.items()},
    )  # fmt: skip
    began = session.clock.monotonic()
    daemon.handlers = {"status": lambda _: report_of(session, daemon, session.clock.monotonic() - began, kept)}
    log.info("started", state=str(settings.state), sources=len(sources), sinks=len(sinks), resumed=session.resumed)
    daemon.handlers |= here.handlers(session) | said_of_alerts(session) | said_of_models(session)
    daemon.handlers |= said_of_risks(session)
    daemon.asking = here.asking
    daemon.reload = partial(_is_right, check)
    with serving(here, session, daemon), on_signals(daemon.stop), on_hang_up(daemon.hang_up):
        progress = daemon.run()
    log.info("ended", records=progress.records, alerts=progress.alerts)
    return progress.reloads


def _still_open(session: Session) -> dict[str, str]:
    """Incidents that are open and were told: id → id of the latest alert of each."""
    told = {name: last for lane in session.lanes for name, last in lane.stages.incidents.told().items()}
    return told | (session.risks.told() if session.risks is not None else {})


def _is_right(check: Callable[[], None]) -> bool:
    """Whether the configuration can be used; the old one is kept where it cannot."""
    try:
        check()
    except ConfigError as error:
        log.error("reload: the configuration is wrong, and the old one is kept", reason=str(error))
        return False
    log.info("reload: beginning again with the configuration as it is now")
    return True


class _Sweep:
    """Deletes cells of keys that are forgotten, a slice at a time."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._due = 0.0

    def __call__(self) -> None:
        now = self._session.clock.monotonic()
        if now < self._due:
            return
        self._due = now + SWEEP_EVERY_S
        with contextlib.suppress(StateFull):  # done later
            if self._session.lanes.sweep().deleted >= MANY_EXPIRED:
                self._due = now


class _History:
    """Keeps the alerts within `[history]`."""

    def __init__(self, session: Session, delivery: Delivery) -> None:
        self._session = session
        self._delivery = delivery
        self._sweep = _Sweep(session)
        self._due = 0.0

    def __call__(self) -> None:
        self._sweep()
        now = self._session.clock.monotonic()
        if now < self._due:
            return
        self._due = now + HISTORY_EVERY_S
        history = self._session.settings.history
        last = self._session.store.last_seq()
        keep_after = min(self._delivery.progress().values(), default=last)
        before = self._session.clock.now() - int(history.keep * 1e9)
        with contextlib.suppress(StateFull):  # the commit says so, and waits; history is cut later
            self._session.store.forget(before, history.max_size, keep_after)
