"""Weights of a model that outlive its vocabulary: kept with what each slot stood for, and set out anew on the slots of
another time, or of another machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from logwatch.cells import pack, unpack
from logwatch.score.lstm_model import Parameters, Shape
from logwatch.score.vocabulary import UNKNOWN, Vocabulary, text_vector
from logwatch.types import Float32, Int64


@dataclass(frozen=True)
class Weights:
    """Parameters, and the templates of their slots: by id, and of weights from elsewhere by the text's vector those
    that this machine has not seen yet."""

    flat: Tensor  # [P'] parameters up to the last slot used
    ids: Int64  # [V] -1: none
    base: Float32 | None = None  # [V, width] zero: none

    def cell(self) -> bytes:
        """For the state."""
        named = {"flat": self.flat.numpy(), "ids": self.ids}
        return pack(named if self.base is None else {**named, "base": self.base})

    @staticmethod
    def read(cell: bytes) -> Weights:
        """From `cell`. Raises StateCorrupt."""
        arrays = {name: array.copy() for name, array in unpack(cell)[0].items()}
        return Weights(torch.from_numpy(arrays["flat"]), arrays["ids"], arrays.get("base"))

    def rows(self, shape: Shape) -> Tensor:
        """What was learned of each slot [V, width + 1]."""
        return self.flat[Parameters(shape).fixed :].view(-1, shape.width + 1)


class Here(NamedTuple):
    """What stands for what on this machine."""

    shape: Shape
    vocabulary: Vocabulary
    text_of: Callable[[int], str]


def kept(flat: Tensor, vocabulary: Vocabulary, shape: Shape) -> Weights:
    """Parameters [P] as they are now."""
    return Weights(flat[: Parameters(shape).used(vocabulary.size)].clone(), vocabulary.ids[: vocabulary.size].copy())


def arranged(weights: Weights, vocabulary: Vocabulary, shape: Shape) -> Tensor:
    """Parameters [P] for the slots of today; templates that the weights do not know begin anew.

    A function of the weights and the vocabulary alone: what comes of it need not be saved.
    """
    p = Parameters(shape)
    p.flat[: p.fixed] = weights.flat[: p.fixed]
    source = sources(weights, vocabulary)
    known = np.flatnonzero(source >= 0)
    p["slots"][torch.from_numpy(known)] = weights.rows(shape)[torch.from_numpy(source[known])]
    active = torch.from_numpy(vocabulary.active())
    p.reset_slots((active & torch.from_numpy(source < 0)).nonzero().squeeze(1), active)
    return p.flat


def sources(weights: Weights, vocabulary: Vocabulary) -> Int64:
    """The row of the weights for each slot [size] of today; -1: none."""
    source = np.full(vocabulary.size, -1, np.int64)
    held = np.flatnonzero(weights.ids >= 0)
    now = vocabulary.slots(weights.ids[held])
    own = vocabulary.ids[now] == weights.ids[held]
    order = np.argsort(own, kind="stable")  # of merged templates the winner's own row comes last: it stays
    order = order[now[order] != UNKNOWN]
    source[now[order]] = held[order]
    if weights.base is not None:
        of = {row.tobytes(): slot for slot, row in enumerate(weights.base) if row.any()}
        for slot in np.flatnonzero(vocabulary.active() & (source < 0)).tolist():
            source[slot] = of.get(vocabulary.base[slot].tobytes(), -1)
    source[UNKNOWN] = UNKNOWN
    return source


def misfit(named: Mapping[str, NDArray[Any]], rows: int, shape: Shape) -> str:
    """Why parameters with so many slots cannot be used; empty where they can."""
    if not 0 < rows <= shape.capacity:
        return f"it has {rows:,} slots for templates, not 1 to {shape.capacity:,}"
    for name, view in Parameters(shape._replace(capacity=rows)).items():
        if name not in named or named[name].shape != tuple(view.shape) or named[name].dtype != np.float32:
            return f"its weights {name!r} are not those of this network"
    return ""


def from_elsewhere(named: Mapping[str, NDArray[Any]], texts: Sequence[str], here: Here) -> Weights:
    """Weights of a model that was trained with another vocabulary.

    Args:
        named: parameters; `slots` has a row for each of `texts`.
        texts: [V] of the templates of the slots; empty: none.
        here: what stands for what on this machine.

    Raises:
        ValueError: they are of another shape.
    """
    if wrong := misfit(named, len(texts), here.shape):
        raise ValueError(wrong)
    p = Parameters(here.shape._replace(capacity=len(texts)))
    for name, view in p.items():
        view.copy_(torch.from_numpy(named[name].copy()))
    base = np.stack([text_vector(text, here.shape.width) for text in texts])
    ids = np.full(len(texts), -1, np.int64)
    of = {text: slot for slot, text in enumerate(texts) if text}
    for slot in np.flatnonzero(here.vocabulary.active()).tolist():
        there = of.get(here.text_of(int(here.vocabulary.ids[slot])))
        if there is not None:  # the template's whole vector is what was learned: what differs is the text's part
            ids[there] = here.vocabulary.ids[slot]
            p.delta[there] += torch.from_numpy(base[there] - here.vocabulary.base[slot])
            base[there] = 0.0
    return Weights(p.flat, ids, base)


def for_elsewhere(flat: Tensor, here: Here) -> tuple[dict[str, NDArray[Any]], list[int]]:
    """Parameters [P] by name, for `from_elsewhere`, and the templates of the slots; -1: none."""
    size = here.vocabulary.size
    p = Parameters(here.shape, flat.clone())
    for slot in np.flatnonzero(here.vocabulary.active()).tolist():
        text = here.text_of(int(here.vocabulary.ids[slot]))
        p.delta[slot] += torch.from_numpy(here.vocabulary.base[slot] - text_vector(text, here.shape.width))
    named = {name: view.numpy() for name, view in p.items()}
    return {**named, "slots": named["slots"][:size].copy()}, here.vocabulary.ids[:size].tolist()
