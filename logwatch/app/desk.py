"""Where the handlers of `alerts` and `mark` find what they work on: in a running daemon, or in a state at rest."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from logwatch.app.alerts import Desk, answer
from logwatch.app.mark import mark
from logwatch.app.session import Session
from logwatch.checkpoint.alerts import AlertRows, read_journal, read_only
from logwatch.checkpoint.store import Store
from logwatch.clock import SystemClock
from logwatch.config import Settings
from logwatch.control import ask, user
from logwatch.decide.feedback_silenced import SilencedLog, together
from logwatch.directives import Directive
from logwatch.errors import DataError, StateError, UnreachableError, UsageError

Handler = Callable[[dict[str, Any]], dict[str, Any]]

EVERYDAY = 0.02
"""Share of its commonest template from which on a template is what the source says every day."""

CHANGING = ("normal", "real", "undo")
"""Actions that write."""


def handlers(session: Session) -> dict[str, Handler]:
    """What a daemon answers."""
    desk = of_session(session)
    return {"alerts": partial(answer, desk), "mark": partial(mark, desk)}


def of_session(session: Session) -> Desk:
    """The desk of a running daemon."""

    def silenced() -> SilencedLog:
        return together([pipeline.stages.feedback.silenced for pipeline in session.lanes])

    def unusual(source: str, numbers: Sequence[int]) -> Sequence[str]:
        stages = next((one.stages for one in session.lanes if source in one.stages.registry), None)
        if stages is None:
            return [""] * len(numbers)
        counts = stages.templates_of(source)
        everyday = EVERYDAY * max(counts.values(), default=0.0)
        roots = stages.miner.find(np.maximum(np.array(numbers, np.int32), 0)).tolist()
        rare = [number >= 0 and counts.get(root, 0.0) < everyday for number, root in zip(numbers, roots, strict=True)]
        return [stages.miner.text(root) if one else "" for one, root in zip(rare, roots, strict=True)]

    store, types = session.store, type_names(session.settings)
    return Desk(store.alerts, store.journal, session.clock.now, silenced, unusual, session.lanes.direct, types)


def type_names(settings: Settings) -> tuple[str, ...]:
    """Names that the configuration gives to variables."""
    return tuple(rule.name for rule in settings.template if rule.kind == "mask" and rule.name)


def asked(state: Path, request: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """What a daemon answers to a request, or the state itself where none runs.

    Raises:
        UnreachableError: there is neither.
        StateLocked: somebody holds the state who does not answer.
        DataError, UsageError: what the request names is not there, or makes no sense.
    """
    try:
        reply = ask(state, dict(request))
    except UnreachableError:
        with at_rest(state, request["verb"] == "mark" or request["action"] in CHANGING, settings) as desk:
            handler = mark if request["verb"] == "mark" else answer
            reply = handler(desk, {**request, "by": user(os.getuid())})
    if "error" not in reply:
        return reply
    kinds = {64: UsageError, 65: DataError, 73: StateError}
    raise kinds.get(reply.get("code", 69), UnreachableError)(str(reply["error"]), str(reply.get("hint", "")))


@contextlib.contextmanager
def at_rest(state: Path, change: bool, settings: Settings) -> Iterator[Desk]:
    """The desk of a state that no daemon holds. What is said takes effect when the next one starts.

    Raises:
        UnreachableError: there is no state.
        StateLocked: it is held.
    """
    types, clock = type_names(settings), SystemClock()
    db = read_only(state)  # also where it is written: a wrong --state must not make a state
    with contextlib.closing(db):
        rows = [bytes(value) for (value,) in _cells(db, "feedback", "silenced")]
        logs = together([SilencedLog.unpack(row) for row in rows])

        if not change:
            yield Desk(AlertRows(db), read_journal(db), clock.now, lambda: logs, _unknown, _nobody, types)
            return
        with Store(state) as store:

            def direct(directive: Directive) -> bool:
                return store.journal.add(directive, {})

            yield Desk(store.alerts, store.journal, clock.now, lambda: logs, _unknown, direct, types)


def _cells(db: Any, component: str, name: str) -> Any:
    return db.execute("SELECT value FROM cells WHERE component = ? AND name = ?", (component, name)).fetchall()


def _unknown(source: str, numbers: Sequence[int]) -> Sequence[str]:
    return [""] * len(numbers)


def _nobody(directive: Directive) -> bool:
    raise AssertionError("nothing that only reads says anything")
