"""What was learned, as a safetensors file: arrays, and a short head in JSON. Nothing of it can be run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from logwatch_cnn_risk.boosted import Boosted
from logwatch_cnn_risk.calibrate import Platt
from logwatch_cnn_risk.election import BUILDS, network
from logwatch_cnn_risk.evidence import KINDS
from logwatch_cnn_risk.frames import COLUMNS
from logwatch_cnn_risk.logistic import Logistic
from logwatch_cnn_risk.models import NAMES, Models

FORMAT, VERSION = "logwatch-risk", "3"
MOST_METRICS, MOST_WIDE, MOST_PARTS, MOST_BYTES = 4096, 64, 5, 1 << 28


@dataclass(frozen=True)
class Learned:
    """Models, and what they were trained for."""

    models: Models
    serves: str
    horizon: float  # seconds
    length: float  # of a window, seconds


SHIPPED = Path(__file__).parent / "weights" / "deployments.safetensors"
"""Weights trained on our own recordings; beside them lies what they are."""


def shipped_names() -> frozenset[str]:
    """Metrics of the weights that are shipped; none where they are not there."""
    from safetensors import safe_open

    if not SHIPPED.is_file():
        return frozenset()
    with safe_open(SHIPPED, "np") as file:
        return frozenset(json.loads(file.metadata()["head"])["metrics"])


def save(learned: Learned, out: Path, card: str = "") -> None:
    """Write `out`, with a few words on what the weights are. Raises OSError."""
    from safetensors.torch import save as saved
    from torch import from_numpy

    models = learned.models
    arrays = {f"logistic.{name}": array for name, array in models.logistic._asdict().items()}
    arrays |= {f"boosted.{name}": array for name, array in models.boosted._asdict().items()}
    arrays |= {"scale": models.scale, "trends": models.trends, "foreign": models.foreign}
    tensors = {name: from_numpy(np.ascontiguousarray(array, np.float32)) for name, array in arrays.items()}
    for name, committee in models.networks.items():
        tensors |= {f"{name}.{part}": tensor.contiguous() for part, tensor in committee.state_dict().items()}
    head = {
        "format": FORMAT, "version": VERSION, "serves": learned.serves,
        "horizon": learned.horizon, "length": learned.length, "metrics": models.names, "columns": models.columns,
        "wide": models.wide, "builds": {name: list(BUILDS[name]) for name in models.networks},
        "parts": {name: len(network.members) // len(BUILDS[name]) for name, network in models.networks.items()},
        "platt": {name: list(one) for name, one in models.platt.items()},
    }  # fmt: skip
    head |= {"card": card} if card else {}  # one entry: several would stand in an order that changes
    out.write_bytes(saved(tensors, {"head": json.dumps(head)}))  # its own way to a file keeps others from reading it


def load(path: Path) -> Learned:
    """Read a file of `save`.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no such file, is damaged, or its arrays do not fit together.
    """
    from safetensors import SafetensorError, safe_open

    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"{path}: larger than {MOST_BYTES >> 20} MiB: no weights of the risk plugin")
    try:
        with safe_open(path, "pt") as file:
            head = json.loads((file.metadata() or {}).get("head", "null"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # it is no mapping
    except (SafetensorError, ValueError, RecursionError) as error:
        raise ValueError(f"{path}: no safetensors file, or a damaged one ({error})") from error
    if not isinstance(head, Mapping) or head.get("format") != FORMAT:
        raise ValueError(f"{path}: no weights of the risk plugin")
    if head.get("version") != VERSION:
        raise ValueError(f"{path}: weights of version {head.get('version')}; this plugin reads {VERSION}")
    try:
        return _learned(head, tensors)
    except (KeyError, TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise ValueError(f"{path}: its parts do not fit together ({str(error).splitlines()[0]})") from error


def _learned(head: Mapping[str, Any], tensors: dict[str, Any]) -> Learned:
    names = tuple(str(name) for name in head["metrics"])
    m, columns, wide = len(names), int(head["columns"]), int(head["wide"])
    if not (0 < m <= MOST_METRICS and len(set(names)) == m and 0 < columns <= COLUMNS and 0 < wide <= MOST_WIDE):
        raise ValueError("sizes out of bounds")
    if not all(bool(tensor.isfinite().all()) for tensor in tensors.values()):
        raise ValueError("numbers that are not finite")
    scale = _array(tensors, "scale", (m, 2))
    k = 4 * m
    shapes = {"middle": (k,), "spread": (k,), "weights": (k + 1,)}
    logistic = Logistic(**{name: _array(tensors, f"logistic.{name}", shape) for name, shape in shapes.items()})
    boosted = _boosted(tensors, KINDS * m)
    usual, foreign = _array(tensors, "trends", (m, 3, 2)), _array(tensors, "foreign", (3, 2))
    networks = {name: _committee(name, head, tensors) for name in BUILDS}
    platt = {name: Platt(*map(float, head["platt"][name])) for name in NAMES}
    horizon, length = float(head["horizon"]), float(head["length"])
    if head["serves"] not in NAMES or not (0 < horizon < 1e9 and 0 < length < 1e9):
        raise ValueError("what it serves is not known")
    if not np.isfinite(list(platt.values())).all():
        raise ValueError("numbers that are not finite")
    models = Models(names, columns, wide, scale, usual, foreign, logistic, boosted, networks, platt)
    return Learned(models, head["serves"], horizon, length)


def _committee(name: str, head: Mapping[str, Any], tensors: Mapping[str, Any]) -> Any:
    """Raises KeyError, RuntimeError, TypeError, ValueError."""
    from logwatch_cnn_risk.committee import Committee

    builds, parts, begin = BUILDS[name], int(head["parts"][name]), f"{name}."
    if list(builds) != head["builds"][name] or not 0 < parts <= MOST_PARTS:
        raise ValueError(f"no builds of {name}: {parts} of {head['builds'][name]}")
    made = Committee(
        [network(one, len(head["metrics"]), int(head["columns"]), int(head["wide"])) for one in builds * parts]
    )
    made.load_state_dict({key[len(begin) :]: t for key, t in tensors.items() if key.startswith(begin)})
    return made.eval()


def _boosted(tensors: Mapping[str, Any], features: int) -> Boosted:
    rounds = len(tensors["boosted.feature"])
    shapes = {name: (rounds,) for name in Boosted._fields} | {"offset": (1,)}
    made = Boosted(**{name: _array(tensors, f"boosted.{name}", shape) for name, shape in shapes.items()})
    if not ((made.feature >= 0) & (made.feature < features)).all():
        raise ValueError("features that there are not")
    return made


def _array(tensors: Mapping[str, Any], name: str, shape: tuple[int, ...]) -> Any:
    found = tensors[name].numpy()
    if found.shape != shape or found.dtype != np.float32:
        raise ValueError(f"{name} is {found.dtype} {list(found.shape)}, not float32 {list(shape)}")
    return found
