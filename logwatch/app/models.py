"""What people ask about models, and which they choose. The handlers are plain functions from a request to a reply, and
no request names a file: bundles go through the folder `models` of the state directory.

    {"verb": "model", "action": "list" | "show" | "rollback" | "export" | "import", …}

An error is a reply, too: `{"error": …, "hint": …, "code": …}`, the code as of the command line.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from logwatch.app.model_store import FOLDER, KIND, checked, lstm_of, packed, store, stored
from logwatch.app.session import Session
from logwatch.checkpoint.alerts import read_only
from logwatch.checkpoint.store import Store
from logwatch.clock import SystemClock
from logwatch.config import Settings
from logwatch.control import ask, user
from logwatch.directives import Directive
from logwatch.drifted import drifted
from logwatch.errors import DataError, LogwatchError, StateError, UnreachableError, UsageError
from logwatch.pipeline import Pipeline
from logwatch.sinks.schema import rfc3339
from logwatch.train.bundle import packed_again, write
from logwatch.types import NO_TIME

if TYPE_CHECKING:
    from logwatch.parse.miner import TemplateMiner
    from logwatch.score.lstm import LogLstm
    from logwatch.score.versions import Version

Request = Mapping[str, Any]
Reply = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane's model."""

    name: str
    lstm: LogLstm
    miner: TemplateMiner
    drift: Callable[[], list[Reply]]


@dataclass(frozen=True, slots=True)
class Models:
    """What the handlers work on."""

    state: Path
    lanes: Callable[[], list[Lane]]
    direct: Callable[[Directive], bool]
    now: Callable[[], int]
    learning: str


def of_session(session: Session) -> Models:
    """The models of a running daemon."""

    def lane_of(name: str, pipeline: Pipeline) -> Lane | None:
        stages, lstm = pipeline.stages, lstm_of(pipeline)
        if lstm is None:
            return None
        names, text_of = stages.registry.sources.__getitem__, stages.miner.text
        return Lane(name, lstm, stages.miner, lambda: drifted(stages.drift.told(), names, text_of))

    def lanes() -> list[Lane]:
        named = (lane_of(name, pipeline) for name, pipeline in session.lanes.named().items())
        return [one for one in named if one is not None]

    settings = session.settings
    return Models(settings.state, lanes, session.lanes.direct, session.clock.now, settings.learning)


def handlers(session: Session) -> dict[str, Callable[[dict[str, Any]], Reply]]:
    """What a daemon answers."""
    return {"model": partial(answer, of_session(session))}


def answer(models: Models, request: Request) -> Reply:
    """Carry a request out."""
    action = request.get("action")
    handler = ACTIONS.get(action) if isinstance(action, str) else None
    try:
        if handler is None:
            raise UsageError(f"there is no action {action!r}", f"there are {', '.join(ACTIONS)}")
        return handler(models, request)
    except LogwatchError as error:
        return {"error": error.message, "hint": error.hint, "code": error.exit_code}


def listed(models: Models, request: Request) -> Reply:
    """The versions of each lane, oldest first."""
    return {"lanes": [_told(lane) for lane in models.lanes()]}


def shown(models: Models, request: Request) -> Reply:
    """One version, with what it comes from; without a number, the one that serves and how the templates moved."""
    lane, number = _lane(models, request), request.get("version")
    told = _told(lane)
    rows = {row["number"]: row for row in told["versions"]}
    one = rows.get(number, rows[lane.lstm.versions.open.number]) if number is None or number in rows else None
    if one is None:
        raise DataError(f"there is no version {number}", "`logwatchd model list` shows them")
    chain = [one]
    while chain[-1]["parent"] in rows:
        chain.append(rows[chain[-1]["parent"]])
    seen, trained = lane.lstm.seen_events, lane.lstm.trained_events
    return {
        "lane": lane.name, "model": told["model"], "version": one, "lineage": chain[1:], "drift": lane.drift(),
        "events": seen, "trained": trained, "templates": len(lane.miner), "learning": models.learning,
    }  # fmt: skip


def _told(lane: Lane) -> Reply:
    versions = lane.lstm.versions
    rows = [_row(one, one.number in versions.weights) for one in versions]
    return {"lane": lane.name, "model": lane.lstm.version, "versions": rows}


def _row(one: Version, kept: bool) -> Reply:
    def per(nats: float, events: int) -> float | None:
        return round(nats / events, 4) if events else None

    since, until = (None if time == NO_TIME else rfc3339(time) for time in (one.since, one.until))
    return {
        "number": one.number, "parent": one.parent or None, "origin": one.origin, "state": one.state, "kept": kept,
        "events": [one.begin, one.end], "since": since, "until": until, "chunks": one.chunks,
        "loss": per(one.nats, one.events), "sampled": one.sampled, "own": per(one.own, one.sampled),
        "beside": per(one.other, one.sampled), "seed": one.seed, "program": one.program, "bundle": one.bundle or None,
    }  # fmt: skip


def _lane(models: Models, request: Request) -> Lane:
    lanes, name = models.lanes(), request.get("lane") or ""
    if not lanes:
        raise DataError("there is no model here", "the detector lstm is off, or nothing was ever read")
    for lane in lanes:
        if lane.name == name:
            return lane
    raise DataError(f"there is no lane {name!r}", f"there are {', '.join(repr(lane.name) for lane in lanes[:10])}")


def roll_back(models: Models, request: Request) -> Reply:
    """Go back to an older version, at the next chunk's end."""
    lane, number = _lane(models, request), request.get("version")
    if not isinstance(number, int) or isinstance(number, bool):
        raise UsageError("which version? give its number", "`logwatchd model list` shows them")
    try:
        lane.lstm.versions.find(number)
    except LookupError as error:
        raise DataError(str(error.args[0]), "`logwatchd model list` shows those that are") from error
    _direct(models, {"rollback": number, "lane": lane.name}, request)
    return {"lane": lane.name, "version": number}


def bring_in(models: Models, request: Request) -> Reply:
    """Have every lane try a bundle that is in the folder `models`, or take it at once."""
    bundle, at_once = stored(models.state, str(request.get("bundle", ""))), bool(request.get("now"))
    if models.learning == "frozen" and not at_once and any(lane.miner.lines for lane in models.lanes()):
        raise UsageError("nothing is compared while learning is frozen", "`--now` takes the model without")
    _direct(models, {"import": bundle.id, "at_once": at_once}, request)
    facts = bundle.facts
    return {"bundle": bundle.id, "program": facts.get("program"), "templates": len(bundle.templates), "now": at_once}


def send_out(models: Models, request: Request) -> Reply:
    """Write a version as a bundle into the folder `models`."""
    lane, number = _lane(models, request), request.get("version")
    try:
        data = packed(lane.lstm, lane.miner, number)
    except LookupError as error:
        raise DataError(str(error.args[0]), "`logwatchd model list` shows those that are") from error
    bundle = store(data, models.state)
    return {"bundle": bundle.id, "bytes": len(data), "templates": len(bundle.templates)}


def _direct(models: Models, body: Reply, request: Request) -> None:
    now = models.now()
    id = hashlib.sha256(json.dumps([KIND, body, now], sort_keys=True).encode()).hexdigest()
    models.direct(Directive(KIND, body, id, now, str(request.get("by", ""))))


ACTIONS: dict[str, Callable[[Models, Request], Reply]] = {
    "list": listed, "show": shown, "rollback": roll_back, "export": send_out, "import": bring_in,
}  # fmt: skip


def asked_model(state: Path, request: Mapping[str, Any], settings: Settings) -> Reply:
    """What a daemon answers to a request, or the state itself where none runs.

    Raises:
        UnreachableError: there is neither.
        StateLocked: somebody holds the state who does not answer.
        DataError, UsageError: what the request names is not there, or makes no sense.
    """
    try:
        reply = ask(state, dict(request))
    except UnreachableError:
        with at_rest(state, settings) as models:
            reply = answer(models, {**request, "by": user(os.getuid())})
    if "error" not in reply:
        return reply
    kinds = {64: UsageError, 65: DataError, 73: StateError}
    raise kinds.get(reply.get("code", 69), UnreachableError)(str(reply["error"]), str(reply.get("hint", "")))


@contextlib.contextmanager
def at_rest(state: Path, settings: Settings) -> Iterator[Models]:
    """The models of a state that no daemon holds. A choice takes effect when the next one starts.

    Raises:
        UnreachableError: there is no state.
        StateLocked: it is held.
    """
    read_only(state).close()  # a wrong --state must not make a state
    with contextlib.ExitStack() as stack:
        kept = stack.enter_context(Store(state))
        lanes = [lane for name in ("", *kept.lanes()) if (lane := _lane_at_rest(kept, name)) is not None]
        for lane in lanes:
            stack.callback(lane.lstm.close)
        yield Models(state, lambda: lanes, lambda one: kept.journal.add(one, {}), SystemClock().now, settings.learning)


def _lane_at_rest(kept: Store, name: str) -> Lane | None:
    cells = kept.cells("detector/lstm", name)
    if "model" not in cells:
        return None
    from logwatch.parse.miner import TemplateMiner
    from logwatch.score.detector_configs import LstmConfig
    from logwatch.score.drift import Drift
    from logwatch.score.keys import KeyTable
    from logwatch.score.lstm import LogLstm
    from logwatch.score.registry import Registry

    miner, drift, registry = TemplateMiner(), Drift(), Registry()
    for component, part in (("miner", miner), ("drift", drift), ("registry", registry)):
        part.restore(kept.cells(component, name))
    lstm = LogLstm(LstmConfig(), KeyTable(LogLstm.COLUMNS), miner.text)
    lstm.restore({cell: value for cell, value in cells.items() if cell != "step"})
    return Lane(name, lstm, miner, lambda: drifted(drift.told(), registry.sources.__getitem__, miner.text))


def import_model(state: Path, file: Path, request: Reply, settings: Settings) -> Reply:
    """Bring a bundle's file into the state's folder, and have it tried. Raises as `asked_model`, StateNotWritable."""
    checked(file)
    read_only(state).close()
    data = file.read_bytes() if file.is_file() else packed_again(file)
    return asked_model(state, {**request, "bundle": store(data, state).id}, settings)


def export_model(state: Path, out: Path, request: Reply, settings: Settings) -> Reply:
    """Write a version to a file. Raises as `asked_model`, StateNotWritable."""
    reply = asked_model(state, request, settings)
    write((state / FOLDER / f"{reply['bundle']}.tar").read_bytes(), out)
    return reply
