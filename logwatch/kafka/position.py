"""Names of lanes (partitions), and where one of them is, as it is saved."""

from __future__ import annotations

import json
from typing import NamedTuple

VERSION = 1


class Position(NamedTuple):
    """Where a lane goes on."""

    offset: int  # of the next record
    topic_id: str = ""  # of the topic it was read from; a recreated topic has another. Empty: not known


def lane_of(topic: str, partition: int) -> str:
    """`("logs", 3)` → `logs-3`."""
    return f"{topic}-{partition}"


def partition_of(lane: str) -> tuple[str, int]:
    """`logs-3` → `("logs", 3)`. Raises ValueError where it is no lane."""
    topic, dash, partition = lane.rpartition("-")
    if not dash or not partition.isdecimal():
        raise ValueError(f"{lane!r} is no lane: a topic, a dash and the number of a partition")
    return topic, int(partition)


def dump(position: Position) -> bytes:
    """As a cell."""
    head = {"v": VERSION, "offset": position.offset}
    return json.dumps(head | ({"topic": position.topic_id} if position.topic_id else {})).encode()


def load(cell: bytes) -> Position:
    """A cell as a position. Raises ValueError where it is damaged or newer."""
    data = json.loads(cell)
    if not isinstance(data, dict) or data.get("v") != VERSION or not isinstance(data.get("offset"), int):
        raise ValueError(f"no position of version {VERSION}: {cell[:100]!r}")
    return Position(data["offset"], str(data.get("topic", "")))


def next_offset(cell: bytes) -> int:
    """The offset that a lane goes on from. Raises ValueError."""
    return load(cell).offset
