"""/healthz, /readyz and /metrics: what kubelet, systemd's watchers and Prometheus ask; never a line of a log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from logwatch.telemetry import exposition
from logwatch.web.plain_json import PlainJson

STUCK_S = 30.0
"""The loop turns once a second; one that has not for so long is stuck."""


@dataclass(frozen=True)
class Health:
    """How the daemon is, from any thread.

    Args:
        since_turn: seconds since the loop last turned.
        waiting: what it waits for before it is ready; empty: it is.
    """

    since_turn: Callable[[], float]
    waiting: Callable[[], str]


def routes(health: Health) -> list[Route]:
    """The three."""

    async def healthz(request: Request) -> Response:
        silent = health.since_turn()
        if silent > STUCK_S:
            return PlainJson({"error": f"the loop has not turned for {silent:.0f} s"}, 503)
        return PlainJson({"status": "ok"})

    async def readyz(request: Request) -> Response:
        waiting = health.waiting()
        return PlainJson({"error": f"not ready: {waiting}"}, 503) if waiting else PlainJson({"status": "ready"})

    def metrics(request: Request) -> Response:
        return PlainTextResponse("".join(exposition()), media_type="text/plain; version=0.0.4; charset=utf-8")

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]


def probes(health: Health) -> Starlette:
    """An application of these alone, for `probe_listen`."""
    return Starlette(routes=routes(health))
