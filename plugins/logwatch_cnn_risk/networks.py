"""Training of the networks: AdamW with decay, rows left out at random, stopped where held-out windows get no better."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from logwatch.api import Float32
from logwatch_cnn_risk.progress import Progress

ASK = 512
LEAST_BATCHES = 8
"""Of few windows, batches are smaller."""


@dataclass(frozen=True)
class Schooling:
    """How a network is trained.

    Attributes:
        epochs: at most; the rate falls to nothing over them, as a cosine does.
        patience: epochs without a lower loss on held-out windows until it ends.
        rows: share of the rows left out in training, drawn for each window from 0 to twice of it.
        noise: standard deviation of what is added to levels and changes.
        batch: windows of a step, at most.
        flip: rows are turned upside down at random: what counts is how far, and not to which side.
    """

    epochs: int = 16
    patience: int = 4
    rate: float = 2e-3
    decay: float = 1e-2
    rows: float = 0.1
    noise: float = 0.03
    batch: int = 64
    flip: bool = False


def train(
    network: nn.Module, frames: Float32, failing: NDArray[np.bool_], held: tuple[Float32, NDArray[np.bool_]],
    how: Schooling, seed: int, progress: Progress = lambda share: None,
) -> nn.Module:  # fmt: skip
    """The network with the weights of its best epoch, on frames [n, 7, m, c] and truths [n]; `held` tells which."""
    rng = np.random.default_rng(seed)
    optimizer = torch.optim.AdamW(network.parameters(), how.rate, weight_decay=how.decay)
    criterion = nn.BCEWithLogitsLoss()
    batch = min(how.batch, max(len(frames) // LEAST_BATCHES, 16))
    best, kept, waited = np.inf, copy.deepcopy(network.state_dict()), 0
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        for epoch in range(how.epochs):
            network.train()
            for group in optimizer.param_groups:
                group["lr"] = how.rate * (1 + np.cos(np.pi * epoch / how.epochs)) / 2
            order = rng.permutation(len(frames))
            for at in range(0, max(len(order) - 1, 1), batch):  # a batch of one has no spread
                rows = np.sort(order[at : at + batch])
                logits = network(torch.from_numpy(disturbed(frames[rows], how, rng)))
                loss = criterion(logits, torch.from_numpy(failing[rows].astype(np.float32)))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            now = log_loss(ask(network, held[0]), held[1])
            progress((epoch + 1) / how.epochs)
            if now < best - 1e-4:
                best, kept, waited = now, copy.deepcopy(network.state_dict()), 0
            elif (waited := waited + 1) >= how.patience:
                break
    network.load_state_dict(kept)
    network.eval()
    return network


def disturbed(frames: Float32, how: Schooling, rng: np.random.Generator) -> Float32:
    """A batch [n, 7, m, c] with rows left out, noise and sides turned."""
    n, _, m, c = frames.shape
    made = frames.copy()
    measured = made[:, 2:3] < 1
    noise = rng.standard_normal((n, 2, m, c), dtype=np.float32) * np.float32(how.noise)
    made[:, :2] += noise * measured
    made[:, 3] += noise[:, 0] * measured[:, 0]
    if how.flip:
        side = rng.choice(np.array([-1, 1], np.float32), (n, 1, m, 1))
        made[:, :2] *= side
        made[:, 3:] *= side
    gone = rng.random((n, m)) < 2 * how.rows * rng.random((n, 1))
    made *= ~gone[:, None, :, None]
    made[:, 2] += gone[:, :, None]
    return made


def ask(network: nn.Module, frames: Float32) -> Float32:
    """Logits [n] of frames [n, 7, m, c]."""
    network.eval()
    with torch.inference_mode():
        parts = [network(torch.from_numpy(frames[at : at + ASK])).numpy() for at in range(0, len(frames), ASK)]
    found: Float32 = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    return found


def log_loss(logits: Float32, failing: NDArray[np.bool_]) -> float:
    """Mean of −log p of what came."""
    return float(np.logaddexp(0, np.where(failing, -logits, logits).astype(np.float64)).mean())
