"""Which metrics and times drove an answer.

Metrics by occlusion: how much less the logit is without each. Times by Grad-CAM, gradients times maps, place by place
(HiResCAM; Draelos and Carin, 2020), as the network's head reads each place with weights of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from logwatch.api import Float32
from logwatch_cnn_risk.frames import Frames, distances
from logwatch_cnn_risk.models import RULE, Models


def occlusion(models: Models, one: Frames, name: str) -> Float32:
    """Shares [m] of the metrics in the score of one window by a model; they sum up to 1, or are all 0."""
    m = len(one.names)
    each = one.take(np.zeros(m + 1, np.int64)).without(np.eye(m + 1, m, dtype=bool))
    score = models.scores(each, (name,))[name]
    return _shares(score[m] - score[:m])


def _shares(part: Float32) -> Float32:
    part = np.maximum(np.nan_to_num(part), 0)
    shares: Float32 = (part / part.sum() if part.sum() > 0 else np.zeros_like(part)).astype(np.float32)
    return shares


def grad_cam(network: Any, read: Float32) -> Float32:
    """Heat [m, c], 0 to 1, of what a committee reads, [7, m, c]; 0 all over where nothing spoke for a failure."""
    import torch

    with torch.enable_grad():
        maps = [one.detach().requires_grad_(True) for one in network.features(torch.from_numpy(read[None]))]
        gradients = torch.autograd.grad(network.judge(maps).sum(), maps)
    m, c = read.shape[1:]
    total = np.zeros((m, c), np.float32)
    for one, gradient in zip(maps, gradients, strict=True):
        cam = torch.relu((one * gradient).sum(dim=1))[0].detach().numpy()  # [m', c']
        total += cam[np.arange(m) * len(cam) // m][:, np.arange(c) * cam.shape[1] // c] * (cam.size / (m * c))
    return _heat(total)


def _heat(cells: Float32) -> Float32:
    most = float(cells.max(initial=0))
    heat: Float32 = (cells / most if most > 0 else np.zeros_like(cells)).astype(np.float32)
    return heat


def explained(models: Models, one: Frames, name: str) -> tuple[Float32, Float32]:
    """Shares [m] and heat [m, c] of the first of some frames by a model."""
    one = one.named(models.names)
    shares = occlusion(models, one, name)
    if name not in models.networks:
        when = np.abs(distances(one, None if name == RULE else models.scale))[0]
    else:
        when = grad_cam(models.networks[name], models.read(one)[0])
        when = when if when.any() else np.ones_like(when)
    return shares, _heat(when * shares[:, None])
