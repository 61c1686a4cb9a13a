"""/api/v1/events: what happens, as it happens (server-sent events, html.spec.whatwg.org).

Every reader has a place in the alerts that are committed and is sent what stands behind it, at its own pace: a slow one
costs nobody anything, and one that comes back with `Last-Event-ID` misses nothing. Who is too far behind is told so,
and goes on from now.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Header
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from logwatch.web.asking import Asking, Busy, Reply
from logwatch.web.reading import Reading
from logwatch.web.refusal import REFUSALS, Refused
from logwatch.web.risk_routes import MOST_RISK, rows

TURN_S = 1.0
STATUS_EVERY = 5
"""Turns between two looks at status and risk."""

HEARTBEAT_EVERY = 15
"""Turns without an event after which a comment shows that the line holds."""

Risks = dict[tuple[str, str], str | None]
"""By source and plugin, the end of the window that was told of."""

MOST, MOST_OF_PEER = 32, 8
BEHIND = 500
"""Alerts that a reader may have missed and still gets."""


class Stream(StreamingResponse):
    """Events until their reader goes; then its place is free, also where it went before the first one."""

    def __init__(self, events: AsyncIterator[bytes], left: Callable[[], None]) -> None:
        super().__init__(events, media_type="text/event-stream")
        self._left = left

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._left()


def event_routes(reading: Reading, asking: Asking, ended: Callable[[], bool]) -> APIRouter:
    """Args:
    ended: whether the server stops: streams end with it.
    """
    router = APIRouter(prefix="/api/v1", tags=["status"], responses=REFUSALS)
    readers: Counter[str] = Counter()

    @router.get(
        "/events", response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {}}, "description": "events until the reader goes"}},
    )  # fmt: skip
    async def events(
        request: Request, last_event_id: Annotated[str, Header(pattern=r"^\d{0,15}$")] = ""
    ) -> StreamingResponse:
        """`alert` (a row of /alerts), `status` (as /status) every five seconds, `risk` (those of /risk that are of
        a new window), `lagged` where alerts were left out."""
        peer = (request.client or ("local", 0))[0]
        if readers[peer] >= MOST_OF_PEER or readers.total() >= MOST:
            raise Refused(429, "too many readers of events", "close another page", 30.0)
        readers[peer] += 1
        try:
            last, _ = await reading(reading.state.news, 0, 0)
            begun = int(last_event_id) if last_event_id else last
            told = _told(reading, asking, min(begun, last), ended)
            return Stream(told, lambda: readers.subtract([peer]))
        except BaseException:
            readers[peer] -= 1
            raise

    return router


async def _told(reading: Reading, asking: Asking, seq: int, ended: Callable[[], bool]) -> AsyncIterator[bytes]:
    turn, silent = 0, 0
    risks: Risks = {}
    yield b"retry: 3000\n\n"
    while not ended():
        events: list[bytes] = []
        try:
            last, rows = await reading(reading.state.news, seq, BEHIND)
            if last - seq > BEHIND:
                events.append(_event("lagged", {"missed": last - seq}, last))
                seq = last
            else:
                events += [_event("alert", row, number) for number, row in rows]
                seq = rows[-1][0] if rows else seq
            if turn % STATUS_EVERY == 0:
                events.append(_event("status", await asking.recent("status", 2.0)))
                events += _fresh(await asking.recent("risk", 2.0), risks)
        except (Busy, Refused) as error:  # it passes; the reader waits
            events.append(_event("trouble", {"error": str(error)}))
        silent = 0 if events else silent + 1
        if silent == HEARTBEAT_EVERY:
            silent = 0
            events = [b":\n\n"]
        for event in events:
            yield event
        turn += 1
        await asyncio.sleep(TURN_S)


def _fresh(reply: Reply, known: Risks) -> list[bytes]:
    """An event of what is said of windows that were not told of."""
    fresh = [one for one in rows(reply, MOST_RISK) if one.time and known.get((one.source, one.model)) != one.time]
    known.update({(one.source, one.model): one.time for one in fresh})
    return [_event("risk", {"results": [one.model_dump() for one in fresh]})] if fresh else []


def _event(kind: str, body: dict[str, Any], id: int | None = None) -> bytes:
    """JSON without line ends, so that no text in it can begin an event of its own."""
    head = "" if id is None else f"id: {id}\n"
    return f"{head}event: {kind}\ndata: {json.dumps(body, allow_nan=False)}\n\n".encode()
