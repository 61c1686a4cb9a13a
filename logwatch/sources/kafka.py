"""The Kafka source. Its contract with whoever keeps the state of its partitions:

A lane is a partition, named `{topic}-{partition}`; a RecordBatch holds records of one lane, with `lane` set and
`cursor = {lane: cell}` (`logwatch.kafka.position.next_offset(cell)` is the offset to go on from).

`source.hooks` (a `LaneHooks`, set before `open`) is told what happens to lanes. Hooks are called by `poll`, `wait`,
`attend` and `close`, on their caller's thread, between two batches: what was handed out before has been processed.

- `assigned(lanes)`: these lanes are ours now, and paused. Returns where to go on at once: lane → offset, `BEGINNING`,
  `END` or `CONFIGURED` (no state: as `start` says). A lane that is missing in the answer stays paused until
  `source.resume(lane, offset)`; polling for the others, and membership, go on meanwhile. None as hook: the cursors of
  `open` decide.
- `revoked(lanes)`: these lanes go to another worker when the hook returns: save what it needs. Bounded: after
  `revoke_timeout` (a setting) the lanes go anyway, and `lost` is called for them as soon as the hook has returned.
- `lost(lanes)`: these lanes already belong to another worker: discard their state, write nothing.

After `revoked` or `lost` no record of the lane comes any more, and records that were read ahead are dropped. A daemon
that is paused calls `attend()` now and then instead of `poll`: hooks run, nothing is handed out, membership is kept.
`source.assigned` are the lanes held now; `source.ready` says whether every one of them was resumed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

BEGINNING, END, CONFIGURED = -2, -1, -3
"""Where a lane goes on, instead of an offset ≥ 0."""


def _nothing(lanes: Sequence[str]) -> None:
    """Nobody keeps state."""


@dataclass(frozen=True, slots=True)
class LaneHooks:
    """Who is told about lanes; see the module."""

    assigned: Callable[[Sequence[str]], Mapping[str, int]] | None = None
    revoked: Callable[[Sequence[str]], None] = _nothing
    lost: Callable[[Sequence[str]], None] = _nothing
