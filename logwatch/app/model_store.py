"""Models of a state: bundles that are kept beside it until they take effect, and commands that choose a model."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from logwatch.directives import Directive, Position
from logwatch.errors import ConfigError, DataError, LogwatchError, StateNotWritable
from logwatch.pipeline import Pipeline
from logwatch.telemetry import Logger
from logwatch.train.bundle import Bundle, pack, read, write

if TYPE_CHECKING:
    from logwatch.parse.miner import TemplateMiner
    from logwatch.score.lstm import LogLstm

log = Logger(__name__)

KIND = "model"
FOLDER = "models"
"""Of bundles, in the state directory: a run that goes on from an older commit needs them again."""

MOST = 8
"""Bundles that are kept; the oldest go."""

_ID = re.compile("[0-9a-f]{64}")


def lstm_of(pipeline: Pipeline) -> LogLstm | None:
    """The log LSTM of a lane; None without one."""
    found: LogLstm | None = next(
        (cast("LogLstm", d) for d in pipeline.stages.detectors if hasattr(d, "versions")), None
    )
    return found


def store(data: bytes, state: Path) -> Bundle:
    """Keep a bundle's bytes in the state directory. Raises DataError, StateNotWritable."""
    folder = state / FOLDER
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        half = folder / f"half.{os.getpid()}"
        write(data, half)
        try:
            bundle = checked(half)
            half.replace(folder / f"{bundle.id}.tar")
        finally:
            half.unlink(missing_ok=True)
        owner = state.stat()
        for path in (folder, folder / f"{bundle.id}.tar"):
            if path.stat().st_uid != owner.st_uid:  # root wrote it, and the daemon is to read it
                os.chown(path, owner.st_uid, owner.st_gid)
    except OSError as error:
        raise StateNotWritable(f"cannot write {folder}: {(error.strerror or str(error)).lower()}") from error
    for old in sorted(folder.glob("*.tar"), key=lambda path: path.stat().st_mtime_ns)[:-MOST]:
        old.unlink(missing_ok=True)
    return bundle


def stored(state: Path, id: str) -> Bundle:
    """A bundle that is kept. Raises DataError."""
    path = state / FOLDER / f"{id}.tar"
    if not _ID.fullmatch(id) or not path.is_file():
        raise DataError(f"there is no bundle {id[:12]} in {state / FOLDER}")
    return checked(path)


def checked(path: Path) -> Bundle:
    """A bundle that this program's network can use. Raises DataError."""
    from logwatch.score.lstm_model import Shape
    from logwatch.score.model_weights import misfit

    bundle = read(path)
    if wrong := misfit(bundle.arrays, len(bundle.arrays["template"]), Shape()):
        raise DataError(f"{path}: {wrong}", "it was made by a version of logwatchd with another network")
    return bundle


def configured(path: Path) -> Bundle:
    """The bundle that the configuration names. Raises ConfigError."""
    try:
        return checked(path)
    except DataError as error:
        raise ConfigError(f"model: {error.message}", error.hint) from error


def packed(lstm: LogLstm, miner: TemplateMiner, number: int | None = None) -> bytes:
    """A version of a model as a bundle; None: what serves. Raises LookupError: its weights are not kept."""
    rows = [one for one in lstm.versions if number is None or one.number <= number]
    return packed_weights(lstm.travelling(number), miner, lineage(rows))


def packed_weights(
    travelling: tuple[Mapping[str, NDArray[Any]], Sequence[int]], miner: TemplateMiner, facts: Mapping[str, Any]
) -> bytes:
    """Parameters by name and the templates of their slots as a bundle."""
    named, of_slot = travelling
    ids = sorted(miner.patterns)
    place = {id: at for at, id in enumerate(ids)}
    roots = [place.get(int(miner.find(np.array([id], np.int32))[0]), -1) if id > 0 else -1 for id in of_slot]
    arrays = {**named, "template": np.array(roots, np.int32)}
    return pack(arrays, [miner.patterns[id] for id in ids], {"rules": miner.signature, **facts})


def lineage(rows: list[Any]) -> dict[str, Any]:
    """The newest of these versions, and those that it comes from, as a manifest tells of them."""
    of = {one.number: one for one in rows}
    chain, one = [], rows[-1]
    while one is not None:
        chain.append({name: getattr(one, name) for name in _TOLD})
        one = of.get(one.parent)
    return {"lineage": chain, "seed": rows[-1].seed}


_TOLD = (
    "number", "parent", "origin", "state", "seed", "program", "begin", "end", "since", "until", "events", "nats",
    "bundle",
)  # fmt: skip


def begin_with(pipeline: Pipeline, bundle: Bundle) -> None:
    """A lane that has seen nothing begins with a model from elsewhere. Raises ValueError: it is of another shape."""
    lstm, miner = lstm_of(pipeline), pipeline.stages.miner
    miner.begin_with(bundle.templates, str(bundle.facts.get("rules", "")))
    if lstm is None:
        return
    ids = miner.find(np.arange(len(bundle.templates) + 1, dtype=np.int32))
    of_slot = [int(ids[at + 1]) if at >= 0 else -1 for at in bundle.arrays["template"].tolist()]
    lstm.begin_with(bundle.arrays, of_slot, bundle.id)


def bring(pipeline: Pipeline, bundle: Bundle, *, at_once: bool) -> None:
    """Try a model from elsewhere in a lane; one that has seen nothing begins with it. Raises ValueError."""
    if not pipeline.seen and not pipeline.stages.miner.lines:
        begin_with(pipeline, bundle)
    elif (lstm := lstm_of(pipeline)) is not None:
        texts = [bundle.templates[at].text() if at >= 0 else "" for at in bundle.arrays["template"].tolist()]
        lstm.bring(bundle.arrays, texts, bundle.id, at_once=at_once)


def obey(pipeline: Pipeline, lane: str, state: Path) -> None:
    """Have a lane obey choices of a model."""

    def choose(one: Directive, at: Position) -> None:
        if "import" in one.body:
            try:
                bring(pipeline, stored(state, str(one.body["import"])), at_once=bool(one.body.get("at_once")))
            except LogwatchError as error:
                raise LookupError(error.message) from error
        elif (lstm := lstm_of(pipeline)) is not None and one.body["lane"] == lane:
            lstm.back_to(int(one.body["rollback"]))

    pipeline.directives.on(KIND, choose)


def warm_start(bundle: Bundle | None, pipeline: Pipeline) -> None:
    """What `model` in the configuration does to a lane: one that has a model of its own already keeps it."""
    if bundle is not None and not pipeline.seen and not pipeline.stages.miner.lines:
        begin_with(pipeline, bundle)
        log.info("begins with a model from elsewhere", bundle=bundle.id[:12], templates=len(bundle.templates))
