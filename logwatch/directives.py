"""Commands to a running pipeline: feedback, deployment marks, choices of a model.

A directive makes a chunk's end of its own: where it arrives the open chunk ends and is learned, and it takes effect.
So it takes effect at a chunk's boundary, as everything that changes what is learned, and at once even on a stream
that brings a line an hour. Where that was is journalled before it is obeyed (`logwatch.checkpoint.journal`): a run
that goes on from an older commit obeys it there again, so that its results are those of the uninterrupted run.

Each lane obeys each directive once. What a directive leaves behind is state of its handlers, in cells of their own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from logwatch import telemetry
from logwatch.errors import UsageError

log = telemetry.Logger(__name__)

MOST = 4096
"""Directives that are remembered: more than that were asked, and the oldest may no longer be repeated."""

MAX_BODY = 16 * 1024
"""Bytes of a directive's body, as JSON."""

FOR_EVER = 1 << 62
"""Events until the next directive, where none is known."""


class Position(NamedTuple):
    """Where in a lane's stream something took effect: after so many events, and so many steps of metrics."""

    seen: int
    judged: int


@dataclass(frozen=True, slots=True)
class Directive:
    """A command. Raises UsageError where its body is larger than `MAX_BODY`, or no JSON."""

    kind: str  # "feedback", "mark", "model"
    body: Mapping[str, Any]  # JSON
    id: str  # the same id is obeyed once
    asked: int  # ns, wall time
    by: str = ""  # who asked, for the audit

    def __post_init__(self) -> None:
        try:
            size = len(json.dumps(dict(self.body), allow_nan=False))
        except (TypeError, ValueError) as error:
            raise UsageError(f"a {self.kind} cannot be kept: {error}") from error
        if size > MAX_BODY:
            raise UsageError(f"a {self.kind} of {size:,} bytes is too long", f"at most {MAX_BODY:,} bytes are kept")


Handler = Callable[[Directive, Position], None]
"""Carries a directive out in one lane, at the position given. What is wrong was refused before it was journalled; one
of another version that makes no sense here (LookupError, TypeError, ValueError) is passed over."""


class Directives:
    """Which directives a lane has obeyed, and which it has yet to repeat. Implements `Cells`."""

    def __init__(self) -> None:
        self._before: dict[str, list[Handler]] = {}
        self._after: dict[str, list[Handler]] = {}
        self._taken: dict[str, Position] = {}  # by id, oldest first
        self._ahead: list[tuple[Position, Directive]] = []  # obeyed further on by the run before, in order
        self._dirty = False

    def on(self, kind: str, handler: Handler, *, before: bool = False) -> None:
        """Have a handler called at the boundary that each directive of a kind makes.

        Args:
            before: before the chunk that ends there is learned, else after it.
        """
        (self._before if before else self._after).setdefault(kind, []).append(handler)

    def take(self, directive: Directive, at: Position) -> None:
        """Have it obeyed at a position, or where the lane is if that lies behind. One that is known is passed over."""
        if directive.id not in self._taken and all(directive.id != one.id for _, one in self._ahead):
            self._ahead.append((at, directive))
            self._ahead.sort(key=lambda one: one[0].seen)  # those of one place stay in their order

    def room(self, seen: int) -> int:
        """Events from number `seen` on until the next directive takes effect, at least one."""
        return max(1, self._ahead[0][0].seen - seen) if self._ahead else FOR_EVER

    def due(self, seen: int) -> Iterator[tuple[Directive, Position]]:
        """Directives that take effect after `seen` events, each with its position; they count as obeyed."""
        while self._ahead and self._ahead[0][0].seen <= seen:
            at, directive = self._ahead.pop(0)
            self._taken[directive.id] = at
            if len(self._taken) > MOST:
                del self._taken[next(iter(self._taken))]
            self._dirty = True
            yield directive, at

    def tell(self, directive: Directive, at: Position, *, before: bool = False) -> None:
        """Call the handlers of a directive's kind; a kind that nobody handles is passed over."""
        for handler in (self._before if before else self._after).get(directive.kind, ()):
            try:
                handler(directive, at)
            except (LookupError, TypeError, ValueError) as error:
                log.warning("a command makes no sense here", kind=directive.kind, id=directive.id, reason=repr(error))

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """One cell: what was obeyed, and where."""
        if self._dirty:
            self._dirty = False
            yield "taken", json.dumps({"v": 1, "taken": self._taken}).encode()

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`."""
        if "taken" in cells:
            saved = json.loads(cells["taken"])
            if saved["v"] != 1:
                raise ValueError("directives of another version")
            self._taken = {id: Position(*at) for id, at in saved["taken"].items()}
