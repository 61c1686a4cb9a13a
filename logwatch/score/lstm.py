"""The online log LSTM: a shared model and a hidden state per key; learns as it goes, repeatably.

Time, in chunks: `learn` at the end of chunk k begins a training step, which runs beside the scoring of chunk k + 1 and
takes effect at the start of chunk k + 2. Between chunk ends all parameters are frozen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from logwatch.api import plugin
from logwatch.cells import pack, unpack
from logwatch.score.detector_configs import LstmConfig
from logwatch.score.keys import KeyTable
from logwatch.score.learn_segments import LENGTH
from logwatch.score.learn_steps import Recipe
from logwatch.score.learner import Model, Outcome, Step, Trainer
from logwatch.score.lstm_model import Batch, Parameters, Shape, Tables
from logwatch.score.lstm_scorer import Scorer
from logwatch.score.vocabulary import Vocabulary
from logwatch.types import EventBatch, Expected, Float32, Float64, Int64


def columns(shape: Shape) -> tuple[tuple[Any, ...], ...]:
    """What the model keeps per key: 668 bytes with the default shape."""
    return (
        ("lstm_h", "f4", (shape.hidden,)),
        ("lstm_c", "f4", (shape.hidden,)),
        ("lstm_ring", "i4", (LENGTH,)),  # templates of the last events; event i stands at i % LENGTH
        ("lstm_gap", "u1", (LENGTH,)),  # their gap buckets, and whether they are barred from learning
        ("lstm_seen", "i8"),  # events of the key so far
        ("lstm_born", "i8"),  # number of its first event, plus one: who the key is, whatever its slot
        ("lstm_lineage", "i4"),  # of the model that made h and c
        ("lstm_silence", "f4", (4,)),  # nats of silence through each rung after the last event
    )


@plugin(kind="detector", name="lstm", api=(1, 0), config=LstmConfig)
class LogLstm:
    """Nats of each event under an LSTM that predicts a key's next template; gaps are an input, and are not scored
    (predicting them too, or adding their nats, cost 0.01-0.04 of average precision on HDFS).

    Args:
        config: settings.
        table: keys, with `COLUMNS` (or `columns(shape)`) among its columns.
        text_of: the text of a template by its id.
        shape: sizes of the model.
    """

    name = "lstm"
    usual_only = True  # see `logwatch.score.detectors`
    COLUMNS = columns(Shape())

    def __init__(
        self, config: LstmConfig, table: KeyTable, text_of: Callable[[int], str], shape: Shape | None = None
    ) -> None:
        shape = shape or Shape()
        self._config = config
        self._shape = shape
        self._text_of = text_of
        self._vocabulary = Vocabulary(text_of, shape.capacity, shape.width)
        self._recipe = Recipe(table, self._vocabulary, config.learn_cap, config.seed)
        self._trainer = Trainer(shape)
        self._model = Model.fresh(shape, config.seed)
        self._scorer = Scorer(table, self._vocabulary, shape, self._tables())
        self._previous: Tensor | None = None  # weights of the version before
        self._step: Step | None = None  # in flight
        self._judged_by: Tensor | None = None  # the version that the step in flight is compared with
        self._rollbacks = 0
        self._merged = False  # the vocabulary changed since the tables were folded
        self._dirty = {"model", "previous", "step"}

    @property
    def seen_events(self) -> int:
        """Events offered to learning so far."""
        return self._recipe.seen

    @property
    def trained_events(self) -> int:
        """Events among them that entered training."""
        return self._recipe.trained

    @property
    def rollbacks(self) -> int:
        """Versions that were taken back since the start of the process."""
        return self._rollbacks

    @property
    def version(self) -> str:
        """Names the weights in alerts: lineage and gradient steps."""
        return f"lstm-{self._model.lineage}.{self._model.steps}"

    @property
    def silence(self) -> Float32:
        """−log P(the key keeps silent through each rung) after each event of the last `score` [n, 4]."""
        return self._scorer.silence

    def begin(self, events: EventBatch) -> None:
        """Start on `score` of these events, which must come next, beside the caller."""
        self._scorer.begin(events)

    def score(self, events: EventBatch) -> Float32:
        """Nats [n], 0 to 20; NaN until the first chunk has been learned. Advances the keys' hidden states."""
        return self._scorer.score(events)

    def expected(self, rows: Sequence[int], top: int = 3) -> list[list[Expected]]:
        """The most likely templates before each of some events (rows of the last `score`)."""
        return self._named(self._scorer.expected(rows, top))

    def expected_next(self, slots: Sequence[int], top: int = 3) -> list[list[Expected]]:
        """The most likely next templates of some keys (rows of the table): what a silence withholds."""
        return self._named(self._scorer.expected_next(slots, top))

    def _named(self, found: list[list[tuple[int, float]]]) -> list[list[Expected]]:
        return [[Expected(self._text_of(template), p) for template, p in row] for row in found]

    def merged(self, pairs: Sequence[tuple[int, int]]) -> None:
        """The miner's merges (loser, winner) of the chunk that ends; call before `learn`."""
        if pairs:
            self._vocabulary.merged(pairs)
            self._merged = True

    def learn(self, chunk: EventBatch, nats: Float32) -> None:
        """Let the step in flight take effect, and begin the next. Frozen: only the former, once."""
        outcome = self._trainer.collect()
        if outcome is not None:
            self._install(outcome)
        if self._config.learning == "frozen" or not len(chunk):
            self._fold()
            return
        step, fresh = self._recipe.learn(chunk, nats)
        if len(fresh):
            self._reset(fresh)
        if outcome is not None or len(fresh) or self._merged:
            self._fold()
        else:
            self._scorer.use(self._scorer.tables.with_shares(self._shares()), self._model.lineage)
        self._merged = False
        if step is not None:
            self._begin(step)

    def _install(self, outcome: Outcome) -> None:
        self._model, self._step, self._judged_by = outcome.model, None, None
        self._dirty |= {"model", "step"}
        if outcome.rolled_back:
            self._rollbacks += 1
            self._previous = outcome.model.flat
            self._dirty.add("previous")

    def _begin(self, step: Step) -> None:
        self._step, self._judged_by = step, self._previous if step.judge else None
        self._dirty.add("step")
        if self._recipe.version_ended:
            self._previous = self._model.flat
            self._dirty.add("previous")
        self._trainer.start(step, self._model, self._judged_by)

    def _reset(self, fresh: Int64) -> None:
        """Slots that changed hands forget what they learned."""
        rows, active = torch.from_numpy(fresh), torch.from_numpy(self._vocabulary.active())
        old = self._model
        model = Model(old.flat.clone(), old.first.clone(), old.second.clone(), old.steps, old.lineage)
        Parameters(self._shape, model.flat).reset_slots(rows, active)
        for moment in (model.first, model.second):
            Parameters(self._shape, moment)["slots"][rows] = 0.0
        self._model = model
        if self._previous is not None:
            self._previous = self._previous.clone()
            Parameters(self._shape, self._previous).reset_slots(rows, active)
        self._dirty |= {"model", "previous"}

    def _fold(self) -> None:
        self._scorer.use(self._tables(), self._model.lineage)

    def _tables(self) -> Tables:
        parameters = Parameters(self._shape, self._model.flat)
        return Tables(parameters, self._vocabulary.base, self._vocabulary.active(), self._shares())

    def _shares(self) -> Float64:
        return self._recipe.shares()[: self._vocabulary.size]

    def close(self) -> None:
        """End the background thread. What was in flight is begun again by `restore`."""
        self._trainer.close()

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """See `Cells.changes`: model (350 kB) and step when they change, the rest in small cells."""
        used = Parameters(self._shape, self._model.flat).used(self._vocabulary.size)
        if "model" in self._dirty:
            model = self._model
            parts = {"flat": model.flat, "first": model.first, "second": model.second}
            arrays = {name: part[:used].numpy() for name, part in parts.items()}
            yield "model", pack(arrays, steps=model.steps, lineage=model.lineage)
        if "previous" in self._dirty:
            yield "previous", None if self._previous is None else pack({"flat": self._previous[:used].numpy()})
        if "step" in self._dirty:
            yield "step", None if self._step is None else _pack_step(self._step, self._judged_by, used)
        self._dirty = set()
        yield from ((f"vocabulary/{name}", cell) for name, cell in self._vocabulary.changes())
        yield from ((f"recipe/{name}", cell) for name, cell in self._recipe.changes())

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`. A step that was in flight is run again. Raises StateCorrupt."""
        for prefix, part in (("vocabulary/", self._vocabulary), ("recipe/", self._recipe)):
            part.restore({n.removeprefix(prefix): c for n, c in cells.items() if n.startswith(prefix)})
        if "model" in cells:
            arrays, facts = unpack(cells["model"])
            flat, first, second = (self._whole(arrays[name]) for name in ("flat", "first", "second"))
            self._model = Model(flat, first, second, facts["steps"], facts["lineage"])
        if "previous" in cells:
            self._previous = self._whole(unpack(cells["previous"])[0]["flat"])
        self._fold()
        if "step" in cells:
            self._step, judged_by = _unpack_step(cells["step"])
            self._judged_by = None if judged_by is None else self._whole(judged_by)
            self._trainer.start(self._step, self._model, self._judged_by)
        self._dirty = set()

    def _whole(self, part: Any) -> Tensor:
        flat = Parameters(self._shape).flat
        flat[: len(part)] = torch.from_numpy(part.copy())
        return flat


def _pack_step(step: Step, judged_by: Tensor | None, used: int) -> bytes:
    arrays = {name: part.numpy() for name, part in zip(Batch._fields, step.batch, strict=True)}
    # Slots and buckets are small: a quarter of the bytes.
    small = {name: part.astype(np.int16) if part.dtype == np.int64 else part for name, part in arrays.items()}
    small |= {"base": step.base, "active": step.active}
    if judged_by is not None:
        small["judged_by"] = judged_by[:used].numpy()
    facts = {"number": step.number, "seed": step.seed, "fresh": step.fresh, "judge": int(step.judge)}
    return pack(small, **facts)


def _unpack_step(cell: bytes) -> tuple[Step, Any]:
    arrays, facts = unpack(cell)
    wide: dict[str, Any] = {n: a.astype(np.int64) if a.dtype == np.int16 else a.copy() for n, a in arrays.items()}
    batch = Batch(*(torch.from_numpy(wide[name]) for name in Batch._fields))
    step = Step(
        facts["number"], facts["seed"], wide["base"], wide["active"], facts["fresh"], batch, bool(facts["judge"])
    )
    return step, arrays.get("judged_by")
