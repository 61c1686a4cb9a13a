"""The metrics of one source, step by step: columns, model and tail, and the block of steps that is being filled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from logwatch.cells import pack, unpack
from logwatch.score.series.pca_columns import NOBODY, Columns
from logwatch.score.series.pca_model import BLOCK, Model, Recipe
from logwatch.score.series.pca_tail import ScoreTail
from logwatch.telemetry import DROPPED
from logwatch.types import Float32, Float64, Int32, Int64

DRIVERS = 3
"""Metrics named for each step."""
RENEW = 4
"""Blocks between two computations of the axes and of the tail's end; each of the first `YOUTH` blocks renews them."""
YOUTH = 16
"""Blocks in which the axes settle; their scores are too high to be remembered."""
RECENT = 256.0
"""Steps after which a metric without a value has no part in the axes."""
LEAST_SHARE = 0.5
"""A step with fewer of the metrics says little of how they move together: a late value is a step of its own."""
GONE = 1024.0
"""Steps after which a metric that is silent or constant may lose its column."""


class PcaScores(NamedTuple):
    """What was made of k steps of a source."""

    nats: Float64  # [k] −ln p by the source's own tail, ≥ 0; NaN without an opinion
    drivers: Int32  # [k, DRIVERS] slots of the metrics that contribute most, the first one most; -1: none
    shares: Float32  # [k, DRIVERS] of the step's score, (0, 1]


class PcaSource:
    """State of one source.

    Args:
        recipe: the choices of the model.
        most: metrics at most.
    """

    def __init__(self, recipe: Recipe, most: int) -> None:
        self.recipe = recipe
        self.columns = Columns(most)
        self.model = Model(recipe, len(self.columns))
        self.tail = ScoreTail(recipe.memory, recipe.recent, recipe.gate)
        self.block: Float64 = np.full((BLOCK, len(self.columns)), np.nan)
        self.at = 0  # steps in the block
        self.blocks = 0  # learned
        self.unsaved_model = True

    @property
    def size(self) -> int:
        """Numbers in the covariance."""
        return self.model.cov.size

    def score(self, slots: Int32, values: Float64) -> PcaScores:
        """Judge steps [k, m] of the metrics `slots` [m], then learn them."""
        scores, done = no_scores(len(values)), 0
        while done < len(values):
            taken = self._place(slots, values[done : done + BLOCK - self.at])
            rows = slice(done, done + taken)
            scores.nats[rows], scores.drivers[rows], scores.shares[rows] = self._judge(taken)
            done += taken
        return scores

    def _place(self, slots: Int32, values: Float64) -> int:
        """Put steps into the block, up to one at which a new metric appears; returns how many."""
        columns = self.columns.known(slots)
        if (columns < 0).any():
            appears = ~np.isnan(values) & (columns < 0)
            if appears.any() and not self.columns.full():
                values = values[: max(int(appears.any(axis=1).argmax()), 1)]
                if appears[0].any():
                    self.columns.admit(slots[appears[0]])
                    self._grow(len(self.columns))
                    columns = self.columns.known(slots)
            lost = int(np.count_nonzero(~np.isnan(values[:, columns < 0])))
            if lost:
                DROPPED.inc(lost, reason="pca_metrics")
        self.block[self.at : self.at + len(values), columns[columns >= 0]] = values[:, columns >= 0]
        return len(values)

    def _grow(self, columns: int) -> None:
        more = columns - self.block.shape[1]
        if more:
            self.block = np.pad(self.block, ((0, 0), (0, more)), constant_values=np.nan)
            self.model.grow(columns)

    def _judge(self, taken: int) -> PcaScores:
        """Scores of the block's next steps; a block that is full is learned.

        The whole block is computed each time, since products of other shapes round differently.
        """
        squares = self.model.residuals(self.block)
        voting = self.model.voting(self.block)
        parts = np.where(voting, self.model.magnitudes(squares), 0.0)
        voters = voting.sum(axis=1)
        scores = parts.sum(axis=1) / np.maximum(voters, 1)
        voters[voters < LEAST_SHARE * np.count_nonzero(self.model.votes)] = 0
        log_p = np.where(voters > 0, self.tail.log_p(scores), np.nan)
        rows = slice(self.at, self.at + taken)
        result = PcaScores(-log_p[rows], *self._drivers(parts[rows]))
        self.at += taken
        if self.at == BLOCK:
            self._learn(squares, scores, voters)
        return result

    def _drivers(self, parts: Float64) -> tuple[Int32, Float32]:
        top = np.argsort(-parts, axis=1, kind="stable")[:, :DRIVERS]
        most = parts[np.arange(len(parts))[:, None], top]
        shares = most / np.maximum(parts.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
        return np.where(most > 0.0, self.columns.slots[top], NOBODY), shares.astype(np.float32)

    def _learn(self, squares: Float64, scores: Float64, voters: Int64) -> None:
        own = np.sqrt(squares.sum(axis=1) / np.maximum(voters, 1))
        self.model.learn(self.block, squares, self.tail.usual(own))
        judged = voters > 0
        if judged.any():
            self.tail.learn(scores[judged], own[judged])
        self._free(self.columns.make_room(self.model.dispensable(GONE)))
        self.blocks += 1
        if self.blocks <= YOUTH or self.blocks % RENEW == 0:
            self.model.renew_axes(RECENT)
            self.tail.renew()
        if self.blocks == YOUTH:
            self.tail.begin_anew()
        self.block[:] = np.nan
        self.at, self.unsaved_model = 0, True

    def release(self, slots: Int32) -> bool:
        """These slots belong to other series from now on: forget them; whether there was any."""
        columns = np.flatnonzero(np.isin(self.columns.slots, slots) & (self.columns.slots != NOBODY))
        self.columns.release(columns)
        self._free(columns)
        return len(columns) > 0

    def _free(self, columns: Int64) -> None:
        if len(columns):
            self.model.clear(columns)
            self.block[:, columns] = np.nan
            self.unsaved_model = True

    def steps_cell(self, used: int) -> bytes:
        """The block so far: what every step changes."""
        facts = {"at": self.at, "blocks": self.blocks, "used": used, **self.columns.facts()}
        return pack({"slots": self.columns.slots, "block": self.block[: self.at]}, **facts)

    def model_cell(self) -> bytes:
        """What a full block changes."""
        self.unsaved_model = False
        return pack({**self.model.arrays(), **self.tail.arrays()})

    def restore(self, steps: bytes, model: bytes) -> int:
        """From both cells; returns the number at which the source was last used."""
        arrays, facts = unpack(steps)
        self.columns.restore(arrays["slots"], facts["refused"], facts["turn"])
        learned, _ = unpack(model)
        self.model.restore(learned)
        self.tail.restore(learned)
        self.model.grow(len(self.columns))
        self.block = np.full((BLOCK, len(self.columns)), np.nan)
        self.at, self.blocks, self.unsaved_model = facts["at"], facts["blocks"], False
        self.block[: self.at] = arrays["block"]
        return int(facts["used"])


def no_scores(steps: int) -> PcaScores:
    """No opinion on so many steps."""
    none = np.full((steps, DRIVERS), NOBODY, np.int32)
    return PcaScores(np.full(steps, np.nan), none, np.zeros((steps, DRIVERS), np.float32))
