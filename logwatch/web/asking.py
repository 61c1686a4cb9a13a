"""How a request reaches the daemon's loop: it waits in a bounded queue until the loop carries it out between two
batches, so that nothing is read or changed under the pipeline's feet."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

Request = dict[str, Any]
Reply = dict[str, Any]
Handler = Callable[[Request], Reply]

WAITING = 64
"""Requests that wait for the loop; more are told to come back."""

ANSWER_WITHIN_S = 10.0


class Busy(Exception):
    """The loop did not take the request in time."""


class Asking:
    """The daemon's loop, as the threads of the HTTP server see it."""

    def __init__(self, room: int = WAITING) -> None:
        self._waiting: queue.Queue[tuple[Request, Future[Reply]]] = queue.Queue(maxsize=room)
        self._known: dict[str, tuple[float, Future[Reply]]] = {}
        self._lock = threading.Lock()

    async def ask(self, verb: str, body: Mapping[str, Any] | None = None) -> Reply:
        """What the loop answers. Raises Busy."""
        return await self._result(self._put({**(body or {}), "verb": verb}))

    async def recent(self, verb: str, seconds: float) -> Reply:
        """The same of a request without arguments, or an answer that is not older: many readers cost the loop one."""
        now = time.monotonic()
        with self._lock:
            asked, answer = self._known.get(verb, (float("-inf"), None))
            if answer is None or now - asked > seconds or answer.cancelled():
                answer = self._put({"verb": verb})
                self._known[verb] = now, answer
        return await self._result(answer)

    def _put(self, request: Request) -> Future[Reply]:
        answer: Future[Reply] = Future()
        try:
            self._waiting.put_nowait((request, answer))
        except queue.Full:
            raise Busy("too many requests wait for the daemon's loop") from None
        return answer

    @staticmethod
    async def _result(answer: Future[Reply]) -> Reply:
        waited = asyncio.shield(asyncio.wrap_future(answer))  # another reader may wait for the same answer
        try:
            return await asyncio.wait_for(waited, ANSWER_WITHIN_S)
        except TimeoutError:
            raise Busy("the daemon's loop did not take the request in time") from None

    def serve(self, handlers: Mapping[str, Handler]) -> None:
        """Carry out what waits; called by the loop between two batches."""
        while True:
            try:
                request, answer = self._waiting.get_nowait()
            except queue.Empty:
                return
            if not answer.set_running_or_notify_cancel():
                continue
            handler = handlers.get(request["verb"])
            try:
                answer.set_result(handler(request) if handler else {"error": f"unknown verb {request['verb']!r}"})
            except Exception as error:  # noqa: BLE001  # a bug of one request must not end the daemon
                answer.set_exception(error)
