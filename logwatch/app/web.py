"""The daemon's HTTP side: binds first, serves once the state is restored, and asks the loop for everything."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from logwatch.app.session import Session
from logwatch.config.http import Http, address
from logwatch.control import Handler
from logwatch.daemon import Daemon
from logwatch.errors import UnreachableError
from logwatch.pipeline import Pipeline
from logwatch.rows import Scored
from logwatch.telemetry import Logger
from logwatch.web.asking import Asking
from logwatch.web.score_lines import ScoreLines

if TYPE_CHECKING:
    from logwatch.web.guard import App
    from logwatch.web.server import Bound

log = Logger(__name__)


@dataclass
class Listening:
    """Sockets that are bound, and what fills the answers."""

    http: Http
    main: Bound | None = None
    probes: Bound | None = None
    asking: Asking = field(default_factory=Asking)
    lines: ScoreLines = field(default_factory=ScoreLines)

    def watch(self, pipeline: Pipeline) -> None:
        """Draw the score lines of a lane's sources."""
        if self.main is None:
            return
        lane = self.lines.lane(pipeline.stages.registry.sources)

        def on_scored(scored: Scored) -> None:
            lane.add(scored.units.source, scored.units.last, scored.score)

        pipeline.on_scored = on_scored

    def handlers(self, session: Session) -> dict[str, Handler]:
        """What only HTTP asks."""
        return {
            "scores": self._scores,
            "templates": lambda request: _templates(session, request),
        }

    def _scores(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return {"lines": self.lines.lines(request["sources"] or self.lines.names(request["after"], request["most"]))}


def _templates(session: Session, request: Mapping[str, Any]) -> dict[str, Any]:
    """Kinds of lines of a source, most frequent of late first."""
    for pipeline in session.lanes:
        stages = pipeline.stages
        if request["source"] in stages.registry:
            counts = stages.templates_of(request["source"])
            most = sorted(counts.items(), key=lambda one: (-one[1], one[0]))[: int(request["limit"])]
            return {"templates": [{"id": id_, "template": stages.miner.text(id_), "count": n} for id_, n in most]}
    return {"error": f"no source {request['source']!r}", "hint": "see /api/v1/sources", "status": 404}


@contextlib.contextmanager
def listening(http: Http) -> Iterator[Listening]:
    """Bind what `[http]` names. Raises UnreachableError where a port is taken, ConfigError where it cannot be had.

    The default port is given up where another program has it, and that is said; a port that was asked for is not.
    """
    from logwatch.web.server import bind

    with contextlib.ExitStack() as stack:

        def bound(text: str, asked: bool) -> Bound | None:
            place = address(text)
            if place is None:
                return None
            try:
                one = bind(place)
            except UnreachableError:
                if asked:
                    raise
                log.warning("no page and no API: the port is taken", address=str(place), hint="set [http] listen")
                return None
            stack.callback(one.close)
            return one

        main = bound(http.listen, "listen" in http.model_fields_set)
        yield Listening(http, main, bound(http.probe_listen, True))


@contextlib.contextmanager
def serving(here: Listening, session: Session, daemon: Daemon) -> Iterator[None]:
    """Inside, requests are answered."""
    from logwatch.app.web_state import ReadState
    from logwatch.web.alert_routes import alert_routes
    from logwatch.web.app import application
    from logwatch.web.event_routes import event_routes
    from logwatch.web.guard import Guard
    from logwatch.web.health import Health, probes
    from logwatch.web.login import login
    from logwatch.web.pages import pages
    from logwatch.web.picture_routes import picture_routes
    from logwatch.web.reading import Reading
    from logwatch.web.risk_routes import risk_routes
    from logwatch.web.server import Server
    from logwatch.web.sessions import Sessions
    from logwatch.web.status_routes import status_routes

    health = Health(lambda: session.clock.monotonic() - daemon.turned, lambda: daemon.progress.waiting)
    http = here.http
    served: list[tuple[Bound, App, tuple[str, str] | None]] = []
    if here.main is not None:
        sessions = Sessions(http.token())
        tls = None
        if http.tls_cert and http.tls_key:
            tls = str(http.tls_cert.expanduser()), str(http.tls_key.expanduser())
        reading, asking = Reading(ReadState(session.settings)), here.asking
        routers = [
            login(sessions, secure=tls is not None), pages(), status_routes(asking), alert_routes(reading, asking),
            picture_routes(reading, asking), risk_routes(asking), event_routes(reading, asking, lambda: server.ending),
        ]  # fmt: skip
        app = application(health, routers)
        guarded = Guard(app, sessions, here.main.address, http.allowed_hosts)
        served.append((here.main, guarded, tls))
    if here.probes is not None:
        served.append((here.probes, probes(health), None))
    server = Server(served)
    server.start()
    try:
        yield
    finally:
        server.close()
