"""The online metric LSTM: a shared model and a hidden state per series; forecasts each next value.

Time, in chunks of points: at the end of chunk k a training step begins, which runs beside the scoring of chunk k + 1
and takes effect at the start of chunk k + 2. Between chunk ends all parameters are frozen. A forecast is made when the
value before it comes, and is part of the series' state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from logwatch.cells import pack, unpack
from logwatch.samples import Points
from logwatch.score.keys import KeyTable
from logwatch.score.learner import Background, Model
from logwatch.score.lstm_kernel import choose, padded, run
from logwatch.score.series import lstm_training
from logwatch.score.series.lstm_columns import HIDDEN, QUANTILES, State
from logwatch.score.series.lstm_features import GUESSES, INPUTS, Features
from logwatch.score.series.lstm_model import Parameters, initial, quantiles, readout, surprise
from logwatch.score.series.lstm_recipe import Recipe, Step
from logwatch.score.series.lstm_runs import SEGMENT, Runs, in_runs
from logwatch.score.series.lstm_scale import BLOCK
from logwatch.types import Float32, Float64, Int64

MOST = 20.0
"""Bound of a point's nats."""

FARTHEST = np.float32(1e31)
"""Forecasts are cut here, so that they stay numbers."""

_NONE = np.zeros(0, SEGMENT)


@dataclass(slots=True)
class Forecast:
    """What was said of n points before they came."""

    nats: Float32  # [n] −ln P(as far or further from the median), 0 to 20; NaN: no opinion
    quantiles: Float64  # [n, QUANTILES]; NaN: no forecast yet


class MetricLstm:
    """Forecasts points of series, and learns them.

    Args:
        table: one row a series, with `lstm_columns.COLUMNS` among its columns.
        learning: "frozen" learns nothing.
        learn_cap: segments learned per second of event time.
        seed: of every random choice.
    """

    def __init__(
        self,
        table: KeyTable,
        learning: Literal["online", "frozen"] = "online",
        learn_cap: float = 500.0,
        seed: int = 0,
    ) -> None:
        torch.set_num_threads(1)  # one thread: the order of additions is fixed
        self._table, self._learning = table, learning
        self._kernel = choose(INPUTS, HIDDEN)
        flat = initial(seed)
        self._model = Model(flat, torch.zeros_like(flat), torch.zeros_like(flat))
        self._recipe = Recipe(learn_cap, seed)
        self._background = Background()
        self._step: Step | None = None  # in flight
        self._dirty = {"model", "step"}

    @property
    def version(self) -> str:
        """Names the weights: gradient steps."""
        return f"metric-lstm-{self._model.steps}"

    def score(self, points: Points) -> Forecast:
        """What was expected at n points, and how surprising they are. Advances the state; learns at chunk ends.

        Args:
            points: those of a series in the order of time; any number of each.
        """
        nats, found = np.full(len(points), np.nan, np.float32), np.full((len(points), len(QUANTILES)), np.nan)
        at = 0
        while at < len(points):
            part = slice(at, min(len(points), at + self._recipe.room()))
            nats[part], found[part] = self._score(points.take(part))
            if not self._recipe.room():
                self._learn()
            at = part.stop
        return Forecast(nats, found)

    def _score(self, points: Points) -> tuple[Float32, Float64]:
        """Points of one chunk."""
        runs = in_runs(points, self._table)
        state = runs.state.copy()
        found = self._advance(runs, state)
        came = runs.line[runs.place]
        said = surprise(found, came, MOST)
        silent = runs.missing[runs.place] | ~(found[:, -1] > found[:, 0])  # nothing came, or the scale is not known
        said[silent] = np.nan
        barred = runs.barred(said > self._recipe.limit)
        runs.save(self._table, state, barred)
        newest = int(points.time.max(initial=0))
        offered = runs.segments(barred) if self._learning == "online" else _NONE
        self._recipe.add(len(points), newest, said[~silent], offered)
        nats, quantile = np.full(len(points), np.nan, np.float32), np.full((len(points), len(QUANTILES)), np.nan)
        nats[runs.rows] = said
        quantile[runs.rows] = found + runs.state["origin"][runs.run][:, None]
        return nats, quantile

    @torch.inference_mode()
    def _advance(self, runs: Runs, state: State) -> Float32:
        """Forecasts of the points [n, QUANTILES], made before they came, less the origins; moves states [k] on."""
        ready = np.flatnonzero(runs.count >= BLOCK)
        following = np.full((len(runs.rows), len(QUANTILES)), np.nan, np.float32)
        if len(ready):
            seen = runs.features(ready)
            h = self._hidden(runs, ready, seen, state)
            change = self._quantiles(h, seen)
            ahead = runs.line[runs.place[ready]][:, None] + runs.scale[ready, 2][:, None] * change
            following[ready] = np.clip(ahead, -FARTHEST, FARTHEST)
        found = np.empty_like(following)
        found[1:] = following[:-1]
        begun = state["count"] >= BLOCK
        found[runs.starts] = np.where(begun[:, None], state["next"], np.float32(np.nan))
        state["next"] = np.nan_to_num(following[runs.starts + runs.lengths - 1])
        return found

    def _hidden(self, runs: Runs, ready: Int64, seen: Features, state: State) -> Tensor:
        """States after the points that are ready [r, HIDDEN]."""
        lengths = np.bincount(runs.run[ready], minlength=len(runs.slots))
        who = np.flatnonzero(lengths)
        h, c = (torch.from_numpy(state[part][who]) for part in ("h", "c"))
        inputs = torch.from_numpy(seen.inputs)
        after, h, c = run(self._kernel, inputs, lengths[who], h, c, Parameters(self._model.flat).weights())
        state["h"][who], state["c"][who] = h.numpy(), c.numpy()
        return after

    def _quantiles(self, h: Tensor, seen: Features) -> Float32:
        """Of the changes to come [r, QUANTILES], in usual changes."""
        n = len(h)
        whole_h, whole_x = torch.zeros(padded(n), HIDDEN), torch.zeros(padded(n), INPUTS)
        guesses = torch.zeros(padded(n), GUESSES)
        whole_h[:n], whole_x[:n], guesses[:n] = h, torch.from_numpy(seen.inputs), torch.from_numpy(seen.guesses)
        found = quantiles(readout(Parameters(self._model.flat), whole_h, whole_x), guesses, whole_x)
        change: Float32 = found[:, :n].t().numpy()
        return change

    def _learn(self) -> None:
        """At a chunk's end: let the step in flight take effect, and begin the next."""
        outcome = self._background.collect()
        if outcome is not None:
            self._model, self._step = outcome.model, None
            self._dirty |= {"model", "step"}
        step = self._recipe.learn()
        if step is not None:
            self._begin(step)
            self._dirty.add("step")

    def _begin(self, step: Step) -> None:
        self._step = step
        self._background.submit(partial(lstm_training.run, step, self._model))

    def close(self) -> None:
        """End what runs in the background. It is begun again by `restore`."""
        self._background.close()

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """See `Cells.changes`: model (85 kB) and step (50 kB) when they change, the rest in small cells."""
        if "model" in self._dirty:
            parts = {"flat": self._model.flat, "first": self._model.first, "second": self._model.second}
            arrays = {name: part.numpy() for name, part in parts.items()}
            yield "model", pack(arrays, steps=self._model.steps, lineage=self._model.lineage)
        if "step" in self._dirty:
            step = self._step
            packed = None if step is None else pack({"segments": step.segments}, number=step.number, seed=step.seed)
            yield "step", packed
        self._dirty = set()
        yield from ((f"recipe/{name}", cell) for name, cell in self._recipe.changes())

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`; the table is restored before. A step that was in flight is run again. Raises
        StateCorrupt."""
        self._recipe.restore({n.removeprefix("recipe/"): c for n, c in cells.items() if n.startswith("recipe/")})
        if "model" in cells:
            arrays, facts = unpack(cells["model"])
            flat, first, second = (torch.from_numpy(arrays[name].copy()) for name in ("flat", "first", "second"))
            self._model = Model(flat, first, second, facts["steps"], facts["lineage"])
        if "step" in cells:
            arrays, facts = unpack(cells["step"])
            self._begin(Step(facts["number"], facts["seed"], arrays["segments"].copy()))
        self._dirty = set()
