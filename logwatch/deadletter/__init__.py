"""Dead letters: records that are not what their source's configuration says, kept with their place and the reason.

They are counted (`logwatchd_dead_letters_total`), and written to a file, or to the Kafka topic that their source names.
What cannot be written is counted as dropped: dead letters stall nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from logwatch.types import RecordBatch, position_of


class Failed(Protocol):
    """A row that could not be used; as `logwatch.parse` names it."""

    @property
    def row(self) -> int: ...
    @property
    def reason(self) -> str: ...


class Letter(NamedTuple):
    """One dead letter."""

    source: str
    position: Mapping[str, Any]  # file and offset, or topic, partition and offset
    reason: str
    text: str  # redacted
    line: bytes  # as it came


class Box(Protocol):
    """Takes letters; never raises, never waits for long."""

    def put(self, letters: Sequence[Letter]) -> None: ...
    def close(self) -> None: ...


class DeadLetters:
    """Hands letters to the box of their component.

    Args:
        make: the box of all components that have none of their own; made at the first letter.
        own: boxes by component.
    """

    def __init__(self, make: Callable[[], Box], own: Mapping[str, Box]) -> None:
        self._make = make
        self._own = own
        self._common: Box | None = None

    def put(self, component: str, records: RecordBatch, texts: Sequence[str], failed: Sequence[Failed]) -> None:
        """Keep some rows of a batch.

        Args:
            component: of the source.
            records: the batch.
            texts: its redacted lines [n].
            failed: which rows, and why.
        """
        letters = [self._letter(records, texts, one) for one in failed]
        box = self._own.get(component)
        if box is None:
            box = self._common = self._common or self._make()
        box.put(letters)

    def _letter(self, records: RecordBatch, texts: Sequence[str], failed: Failed) -> Letter:
        row = failed.row
        stream = records.streams[int(records.stream[row])]
        position = position_of(stream.instance, int(records.start[row]))
        return Letter(stream.source, position, failed.reason, texts[row], records.lines[row])

    def close(self) -> None:
        """Release every box."""
        for box in [*self._own.values(), *([self._common] if self._common else [])]:
            box.close()
