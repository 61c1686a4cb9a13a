"""The online log LSTM: a shared model and a hidden state per key; learns as it goes, repeatably.

Time, in chunks: `learn` at the end of chunk k begins a training step, which runs beside the scoring of chunk k + 1 and
takes effect at the start of chunk k + 2. Between chunk ends all parameters are frozen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
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
from logwatch.score.model_weights import Here, arranged, for_elsewhere, from_elsewhere, kept, sources
from logwatch.score.versions import Versions
from logwatch.score.vocabulary import Vocabulary
from logwatch.types import NO_TIME, Bool, EventBatch, Expected, Float32, Float64, Int64

Arrays = Mapping[str, NDArray[Any]]


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
        self.versions = Versions(config.seed)
        self._rivals: list[Tensor] = []  # parent and shadow of the open version [P], as far as they are there
        self._step: Step | None = None  # in flight
        self._merged = False  # the vocabulary changed since the tables were folded
        self._dirty = {"model", "step"}

    @property
    def seen_events(self) -> int:
        """Events offered to learning so far."""
        return self._recipe.seen

    @property
    def trained_events(self) -> int:
        """Events among them that entered training."""
        return self._recipe.trained

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
        known = chunk.time[chunk.time != NO_TIME]
        since, until = (int(known.min()), int(known.max())) if len(known) else (int(NO_TIME), int(NO_TIME))
        first, last = chunk.numbers(np.array([0, len(chunk) - 1])).tolist()
        self.versions.count(first, last + 1, since, until, *self._recipe.said)
        replaced = self._turn()
        if len(fresh) or self._merged:
            self._follow()
        if outcome is not None or len(fresh) or self._merged or replaced:
            self._fold()
        else:
            self._scorer.use(self._scorer.tables.with_shares(self._shares()), self._model.lineage)
        self._merged = False
        if step is not None:
            self._begin(step)

    def _turn(self) -> bool:
        """Let the shadow take over or go, or a version end; True where the weights are others now."""
        versions, better = self.versions, self.versions.better
        if better is not None:
            if better:
                return self._replace(versions.promote)
            versions.refuse()
            self._follow()
        if not versions.over:
            return False
        if versions.open.worse:
            return self._replace(lambda: versions.close(None))
        versions.close(kept(self._model.flat, self._vocabulary, self._shape))
        self._follow()
        return False

    def _replace(self, choose: Callable[[], None]) -> bool:
        """Other weights than those that were trained: what the choice makes the parent of a new version."""
        choose()
        assert self.versions.parent is not None  # noqa: S101  # for the type checker: that is what was chosen
        flat = arranged(self.versions.parent, self._vocabulary, self._shape)
        zero = torch.zeros_like(flat)
        self._model = Model(flat, zero, zero.clone(), 0, self._model.lineage + 1)
        self._dirty.add("model")
        self._follow()
        return True

    def _follow(self) -> None:
        """Set the rivals out on the slots of today."""
        there = [one for one in (self.versions.parent, self.versions.tried) if one is not None]
        self._rivals = [arranged(one, self._vocabulary, self._shape) for one in there]

    def back_to(self, number: int) -> None:
        """From here on the weights of an older version. Call after a chunk's end. Raises LookupError."""
        self.versions.find(number)
        self._settle()
        self._replace(lambda: self.versions.back_to(number))
        self._fold()

    def bring(self, named: Arrays, texts: Sequence[str], bundle: str, *, at_once: bool) -> None:
        """Try a model from elsewhere beside the one that serves, or let it take over. Call after a chunk's end.

        Args:
            named: parameters; see `from_elsewhere`.
            texts: [V] of the templates of its slots.
            bundle: sha256, who it is.

        Raises:
            ValueError: it is of another shape.
        """
        weights = from_elsewhere(named, texts, self.here)
        self._settle()
        self.versions.bring(weights, bundle)
        if at_once:
            self._replace(self.versions.promote)
            self._fold()
        else:
            self._follow()

    def begin_with(self, named: Arrays, templates: Sequence[int], bundle: str) -> None:
        """Before the first event: a model from elsewhere, of templates that have ids here. Raises ValueError."""
        self._vocabulary.begin_with([one for one in templates if one > 0])
        self.bring(named, [self._text_of(one) if one > 0 else "" for one in templates], bundle, at_once=True)

    def travelling(self, number: int | None = None) -> tuple[Arrays, list[int]]:
        """Parameters by name for other machines, and the templates of their slots [V], -1: none.

        Args:
            number: of a version; None: what serves.

        Raises:
            LookupError: its weights are not kept.
        """
        weights = None if number is None else self.versions.find(number)
        flat = self._model.flat if weights is None else arranged(weights, self._vocabulary, self._shape)
        return for_elsewhere(flat, self.here)

    @property
    def recipe(self) -> Recipe:
        """What makes training steps of chunks."""
        return self._recipe

    @property
    def here(self) -> Here:
        """What stands for what."""
        return Here(self._shape, self._vocabulary, self._text_of)

    def _settle(self) -> None:
        """Let the step in flight take effect before its time: it was of the weights before."""
        outcome = self._trainer.collect()
        if outcome is not None:
            self._install(outcome)
            self._fold()

    def readmit(self, fits: Callable[[Int64], Bool], source: Int64 | None, barred: bool) -> None:
        """See `Recipe.readmit`. Call at a chunk's end, before `learn`."""
        self._recipe.readmit(fits, source, barred)

    def _install(self, outcome: Outcome) -> None:
        self._model, self._step = outcome.model, None
        self._dirty |= {"model", "step"}
        if outcome.nats:
            self.versions.judge(outcome.events, outcome.nats[0], outcome.nats[1:])

    def _begin(self, step: Step) -> None:
        self._step = step
        self._dirty.add("step")
        self._trainer.start(step, self._model, self._rivals)

    def _reset(self, fresh: Int64) -> None:
        """Slots that changed hands forget what they learned."""
        rows, active = torch.from_numpy(fresh), torch.from_numpy(self._vocabulary.active())
        old = self._model
        model = Model(old.flat.clone(), old.first.clone(), old.second.clone(), old.steps, old.lineage)
        learned = Parameters(self._shape, model.flat)
        learned.reset_slots(rows, active)
        if self.versions.head is not None:  # it may know what is new here
            source = sources(self.versions.head, self._vocabulary)[fresh]
            learned["slots"][rows[source >= 0]] = self.versions.head.rows(self._shape)[source[source >= 0]]
        for moment in (model.first, model.second):
            Parameters(self._shape, moment)["slots"][rows] = 0.0
        self._model = model
        self._dirty.add("model")

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
            yield "previous", None  # of earlier versions of the program
        if "step" in self._dirty:
            yield "step", None if self._step is None else _pack_step(self._step)
        self._dirty = set()
        yield from ((f"vocabulary/{name}", cell) for name, cell in self._vocabulary.changes())
        yield from ((f"recipe/{name}", cell) for name, cell in self._recipe.changes())
        yield from ((f"versions/{name}", cell) for name, cell in self.versions.changes())

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`. A step that was in flight is run again. Raises StateCorrupt."""
        parts = (("vocabulary/", self._vocabulary), ("recipe/", self._recipe), ("versions/", self.versions))
        for prefix, part in parts:
            part.restore({n.removeprefix(prefix): c for n, c in cells.items() if n.startswith(prefix)})
        if "model" in cells:
            arrays, facts = unpack(cells["model"])
            flat, first, second = (self._whole(arrays[name]) for name in ("flat", "first", "second"))
            self._model = Model(flat, first, second, facts["steps"], facts["lineage"])
        self._fold()
        self._follow()
        if "step" in cells:
            self._step = _unpack_step(cells["step"])
            self._trainer.start(self._step, self._model, self._rivals)
        self._dirty = {"previous"} & set(cells)

    def _whole(self, part: Any) -> Tensor:
        flat = Parameters(self._shape).flat
        flat[: len(part)] = torch.from_numpy(part.copy())
        return flat


def _pack_step(step: Step) -> bytes:
    arrays = {name: part.numpy() for name, part in zip(Batch._fields, step.batch, strict=True)}
    # Slots and buckets are small: a quarter of the bytes.
    small = {name: part.astype(np.int16) if part.dtype == np.int64 else part for name, part in arrays.items()}
    return pack(
        small | {"base": step.base, "active": step.active}, number=step.number, seed=step.seed, fresh=step.fresh
    )


def _unpack_step(cell: bytes) -> Step:
    arrays, facts = unpack(cell)
    wide: dict[str, Any] = {n: a.astype(np.int64) if a.dtype == np.int16 else a.copy() for n, a in arrays.items()}
    batch = Batch(*(torch.from_numpy(wide[name]) for name in Batch._fields))
    return Step(facts["number"], facts["seed"], wide["base"], wide["active"], facts["fresh"], batch)
