"""Scoring by the log LSTM: surprise of each event, and of the silence after it, from the hidden state of its key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from logwatch.score.keys import KeyTable
from logwatch.score.learn_segments import BARRED, LENGTH, Runs, ring_positions, runs_of
from logwatch.score.lstm_gaps import RUNGS, buckets
from logwatch.score.lstm_kernel import Kernel, Weights, choose, padded, run
from logwatch.score.lstm_model import Shape, Tables
from logwatch.score.vocabulary import UNKNOWN, Vocabulary
from logwatch.spent import timed
from logwatch.types import EventBatch, Float32, Int32, Int64, UInt8

MOST = 20.0
"""Bound of an event's nats."""

UNSEEN = 12.0
"""Nats of a template without a slot: born in this chunk, or squeezed out."""


WORTH = 512
"""Events for which another thread is worth its while."""

_THREAD: list[ThreadPoolExecutor] = []


def _thread() -> ThreadPoolExecutor:
    """Advances hidden states beside whoever asked: the kernel holds no lock. One for all scorers of the process."""
    if not _THREAD:
        # One thread of torch's there too: the order of additions is fixed.
        _THREAD.append(ThreadPoolExecutor(1, "logwatchd-lstm", torch.set_num_threads, (1,)))
    return _THREAD[0]


_Advanced = tuple[Tensor, Tensor, Tensor]


@torch.inference_mode()
def _advance(kernel: Kernel, x: Tensor, lengths: Int64, h: Tensor, c: Tensor, weights: Weights) -> _Advanced:
    return run(kernel, x, lengths, h, c, weights)


class _Begun(NamedTuple):
    """Events whose keys are on their way; `n` stands for their number."""

    events: EventBatch
    runs: Runs
    gaps: UInt8  # [n]
    templates: Int32  # [n]
    slots: Int32  # [n] of the vocabulary
    before: Tensor  # [K, H] states before
    advanced: Callable[[], _Advanced]


class Scorer:
    """Advances hidden states and says how surprising each event was. Parameters change only by `use`.

    Args:
        table: keys, with the columns of `lstm.columns`.
        vocabulary: template slots.
        tables: parameters to begin with.
        shape: sizes of the model.
    """

    def __init__(self, table: KeyTable, vocabulary: Vocabulary, shape: Shape, tables: Tables) -> None:
        torch.set_num_threads(1)  # one thread: the order of additions is fixed
        self._table = table
        self._vocabulary = vocabulary
        self._shape = shape
        self._kernel: Kernel = choose(shape.width, shape.hidden)
        self.tables = tables
        self._lineage = 0
        self._begun: _Begun | None = None
        self._before: tuple[Tables, Tensor, Int64] | None = None  # of the last call, for `expected`
        self.silence: Float32 = np.zeros((0, 4), dtype=np.float32)

    def use(self, tables: Tables, lineage: int) -> None:
        """From here on score with these parameters; another lineage has states rebuilt when their key speaks."""
        self.tables, self._lineage = tables, lineage

    def begin(self, events: EventBatch) -> None:
        """Let another thread advance the keys of many events, for `score` of the same events."""
        if len(events) >= WORTH:
            self._begun = self._begin(events, beside=True)

    @torch.inference_mode()
    def _begin(self, events: EventBatch, beside: bool) -> _Begun:
        tables = self.tables
        runs = runs_of(events.slot)
        gaps = self._gaps(events, runs)
        self._rebuild(runs.slots, tables)
        h0, c0 = self._states(runs.slots)
        templates = events.template[runs.order]
        slots = self._vocabulary.slots(templates)
        x = tables.inputs[torch.from_numpy(slots)] + tables.gaps[torch.from_numpy(gaps.astype(np.int32))]
        advance = partial(_advance, self._kernel, x, runs.lengths, h0, c0, tables.weights)
        return _Begun(
            events,
            runs,
            gaps,
            templates,
            slots,
            h0,
            _thread().submit(timed, "lstm", advance).result if beside else advance,
        )

    @torch.inference_mode()
    def score(self, events: EventBatch) -> Float32:
        """Nats [n]; NaN while nothing is known. `silence` then holds the nats of silence through each rung [n, 4]; NaN
        where no event has an entity."""
        begun, self._begun = self._begun, None
        if begun is None or begun.events is not events:
            begun = self._begin(events, beside=False)
        tables, runs, slots = self.tables, begun.runs, begun.slots
        after, h, c = begun.advanced()
        before = torch.empty(padded(len(events)), self._shape.hidden)
        before[len(after) :] = 0.0
        before[1 : len(after)] = after[:-1]
        before[torch.from_numpy(runs.starts)] = begun.before
        nats = self._surprise(tables, before, slots)
        place = np.empty(len(events), dtype=np.int64)
        place[runs.order] = np.arange(len(events))
        self._before = (tables, before, place)
        ends = runs.starts + runs.lengths - 1
        if events.entity.count(None) == len(events):  # no visits: few silences are asked for
            self.silence = np.full((len(events), len(RUNGS)), np.nan, dtype=np.float32)
            quiet = self._silence(tables, after[torch.from_numpy(ends)])
        else:
            each = self._silence(tables, after)
            self.silence, quiet = each[place], each[ends]
        self._remember(events, runs, begun.templates, begun.gaps, h, c, quiet)
        return nats[place]

    def _gaps(self, events: EventBatch, runs: Runs) -> UInt8:
        """Gap bucket before each event [n], in the order of `runs`."""
        times = events.time[runs.order]
        before = np.roll(times, 1)
        before[runs.starts] = self._table.view("last")[runs.slots]
        return buckets(times, before)

    def _states(self, slots: Int32) -> tuple[Tensor, Tensor]:
        table = self._table
        return torch.from_numpy(table.view("lstm_h")[slots]), torch.from_numpy(table.view("lstm_c")[slots])

    def _surprise(self, tables: Tables, before: Tensor, slots: Int32) -> Float32:
        if not tables.known:
            return np.full(len(slots), np.nan, dtype=np.float32)
        nats = np.clip(tables.surprise(before, slots), np.float32(0.0), np.float32(MOST))
        return np.where(slots == UNKNOWN, np.float32(UNSEEN), nats)

    def _silence(self, tables: Tables, after: Tensor) -> Float32:
        whole = torch.zeros(padded(len(after)), self._shape.hidden)
        whole[: len(after)] = after
        quiet: Float32 = tables.silence(whole)[: len(after)].numpy()
        return quiet

    def _remember(
        self, events: EventBatch, runs: Runs, templates: Int32, gaps: UInt8, h: Tensor, c: Tensor, quiet: Float32
    ) -> None:
        table, slots = self._table, runs.slots
        seen = table.view("lstm_seen")
        table.view("lstm_born")[slots[seen[slots] == 0]] = events.numbers(runs.order[runs.starts])[seen[slots] == 0] + 1
        key = np.repeat(np.arange(len(slots)), runs.lengths)
        nth = np.arange(len(events)) - runs.starts[key]
        kept = nth >= runs.lengths[key] - LENGTH
        at = (seen[slots][key] + nth)[kept] % LENGTH
        rows = slots[key][kept]
        table.view("lstm_ring")[rows, at] = templates[kept]
        table.view("lstm_gap")[rows, at] = gaps[kept]
        seen[slots] += runs.lengths
        table.view("lstm_h")[slots] = h.numpy()
        table.view("lstm_c")[slots] = c.numpy()
        table.view("lstm_silence")[slots] = quiet
        table.view("lstm_lineage")[slots] = self._lineage

    def _rebuild(self, slots: Int32, tables: Tables) -> None:
        """Make the states of another lineage again from the keys' last events."""
        table = self._table
        old = slots[(table.view("lstm_lineage")[slots] != self._lineage) & (table.view("lstm_seen")[slots] > 0)]
        if not len(old):
            return
        h, c = self._from_ring(old, tables)
        table.view("lstm_h")[old] = h.numpy()
        table.view("lstm_c")[old] = c.numpy()
        table.view("lstm_lineage")[old] = self._lineage

    def _from_ring(self, slots: Int32, tables: Tables) -> tuple[Tensor, Tensor]:
        rows = self._table.rows[slots]
        places, held = ring_positions(rows["lstm_seen"])
        there = np.arange(LENGTH)[None, :] < held[:, None]
        templates = self._vocabulary.slots(np.take_along_axis(rows["lstm_ring"], places, 1)[there])
        gaps = np.take_along_axis(rows["lstm_gap"], places, 1)[there] & ~np.uint8(BARRED)
        x = tables.inputs[torch.from_numpy(templates)] + tables.gaps[torch.from_numpy(gaps.astype(np.int32))]
        zero = torch.zeros(len(slots), self._shape.hidden)
        _, h, c = run(self._kernel, x, held, zero, zero.clone(), tables.weights)
        return h, c

    @torch.inference_mode()
    def expected(self, rows: Sequence[int], top: int = 3) -> list[list[tuple[int, float]]]:
        """Template ids and probabilities, most likely first, before events (rows of the last `score`)."""
        if self._before is None:
            return [[] for _ in rows]
        tables, before, place = self._before
        return self._likeliest(tables, before[torch.from_numpy(place[list(rows)])], top)

    @torch.inference_mode()
    def expected_next(self, slots: Sequence[int], top: int = 3) -> list[list[tuple[int, float]]]:
        """The same for what keys (rows of the table) would say next."""
        keys = np.array(slots, dtype=np.int32)
        h, _ = self._states(keys)
        stale = (self._table.view("lstm_lineage")[keys] != self._lineage) & (self._table.view("lstm_seen")[keys] > 0)
        if stale.any():
            h[torch.from_numpy(np.flatnonzero(stale))] = self._from_ring(keys[stale], self.tables)[0]
        return self._likeliest(self.tables, h, top)

    def _likeliest(self, tables: Tables, h: Tensor, top: int) -> list[list[tuple[int, float]]]:
        if not tables.known:
            return [[] for _ in h]
        whole = torch.zeros(padded(len(h)), self._shape.hidden)
        whole[: len(h)] = h
        p, slots = torch.exp(tables.events(whole)[: len(h)]).topk(min(top, tables.out.shape[1]), dim=1)
        ids = self._vocabulary.ids
        return [
            [(int(ids[slot]), chance) for slot, chance in zip(row, chances, strict=True) if chance > 0.0]
            for row, chances in zip(slots.tolist(), p.tolist(), strict=True)
        ]
