"""What a daemon has committed, read beside its loop: in a few threads, on a connection of each question's own.

So no question about the past, however large, holds the loop up; and what is shown is what sinks were given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from logwatch.errors import LogwatchError
from logwatch.web.refusal import Refused

T = TypeVar("T")

THREADS = 4
STATUS = {64: 400, 65: 404, 66: 404, 69: 503, 73: 503, 75: 503}
"""Exit codes of errors, as HTTP has them."""


class State(Protocol):
    """The state directory, as the threads read it. Its methods raise LogwatchError."""

    def alerts(self, request: dict[str, Any]) -> dict[str, Any]:
        """What is answered to an action of `alerts` that only reads."""
        ...

    def marks(self) -> list[dict[str, Any]]:
        """Deployment marks, newest first."""
        ...

    def news(self, seq: int, most: int) -> tuple[int, list[tuple[int, dict[str, Any]]]]:
        """The newest alert's number, and the first alerts after one: their numbers, and rows of their incidents."""
        ...

    def heatmaps(self, source: str) -> list[dict[str, Any]]:
        """Windows that are kept, of one source or of all: source, time, incident."""
        ...

    def drawn(self, source: str, at: int | None, incident: str, risk: dict[str, Any] | None) -> bytes:
        """A window as PNG: the newest of a source up to a time, ns, or that of an incident."""
        ...


class Reading:
    """Args:
    state: what is read.
    """

    def __init__(self, state: State) -> None:
        self.state = state
        self._limiter: CapacityLimiter | None = None

    async def __call__(self, work: Callable[..., T], *given: Any) -> T:
        """A method of the state, in a thread. Raises Refused for what cannot be read."""
        self._limiter = self._limiter or CapacityLimiter(THREADS)  # needs the running loop
        try:
            return await run_sync(work, *given, limiter=self._limiter)
        except LogwatchError as error:
            raise Refused(STATUS.get(error.exit_code, 503), error.message, error.hint) from error

    async def alerts(self, action: str, **request: Any) -> dict[str, Any]:
        """What is answered to an action of `alerts` that only reads. Raises Refused."""
        return told(await self(self.state.alerts, {**request, "action": action}))


def told(reply: dict[str, Any]) -> dict[str, Any]:
    """A reply of the handlers. Raises Refused for one that is an error."""
    if "error" not in reply:
        return reply
    status = int(reply.get("status") or STATUS.get(int(reply.get("code", 64)), 400))
    raise Refused(status, str(reply["error"]), str(reply.get("hint", "")))
