"""What is remembered of each stream of metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from logwatch.cells import pack, unpack
from logwatch.errors import StateCorrupt
from logwatch.types import Stream

MAX_STREAMS = 65_536
"""Streams remembered; those unheard of for longest begin anew."""
MAX_NAMES = 16_384
_LONGEST = 256


@dataclass(slots=True)
class Remembered:
    """Of one stream. What changes it sets `changed`."""

    format: str = ""  # "": not told yet
    header: str = ""  # of CSV, as it was written
    types: dict[str, str] = field(default_factory=dict)  # of Prometheus' families
    measured: set[str] = field(default_factory=set)  # names that had a number: text in them is a fault
    buckets: list[str] = field(default_factory=list)  # lines of a histogram of Prometheus that is not whole yet
    order: int = -1  # orders of day, month and year that are still possible; see `dateorder`
    changed: bool = True

    def learn(self, name: str) -> None:
        """The field had a number. A label's value may be a secret: it is not kept."""
        if name not in self.measured and "{" not in name and len(name) <= _LONGEST and len(self.measured) < MAX_NAMES:
            self.measured.add(name)
            self.changed = True

    def is_measured(self, name: str) -> bool:
        """Whether the field had a number before. Where that cannot be remembered it counts as such."""
        return name in self.measured or "{" in name or len(name) > _LONGEST or len(self.measured) >= MAX_NAMES

    def learn_type(self, family: str, kind: str) -> None:
        """A family's type was told."""
        known = self.types.get(family)
        if known != kind and len(family) <= _LONGEST and (known is not None or len(self.types) < MAX_NAMES):
            self.types[family] = kind[:_LONGEST]
            self.changed = True


class Memory:
    """What is remembered, by stream. Cells: one a stream."""

    def __init__(self) -> None:
        self._of: dict[Stream, Remembered] = {}  # unheard of for longest first
        self._gone: set[str] = set()

    def hear(self, stream: Stream) -> Remembered:
        """What is remembered of a stream, which now is the latest one heard."""
        found = self._of.pop(stream, None)
        if found is None:
            found = Remembered()
            self._gone.discard(_name(stream))
        self._of[stream] = found
        return found

    def forget(self) -> None:
        """Make room; between batches."""
        while len(self._of) > MAX_STREAMS:
            stream = next(iter(self._of))
            del self._of[stream]
            self._gone.add(_name(stream))

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """See `Cells.changes`."""
        for name in sorted(self._gone):
            yield name, None
        self._gone.clear()
        for stream, one in self._of.items():
            if one.changed:
                one.changed = False
                yield _name(stream), _dumped(stream, one)

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`."""
        for _, cell in sorted(cells.items()):
            facts = unpack(cell)[1]
            try:
                one = Remembered(
                    str(facts["format"]), str(facts["header"]), dict(facts["types"]), set(facts["measured"]),
                    list(facts.get("buckets", ())), int(facts["order"]), changed=False,
                )  # fmt: skip
                self._of[Stream(*facts["stream"])] = one
            except (KeyError, TypeError, ValueError) as error:
                raise StateCorrupt(f"a state cell of metrics cannot be read: {error}") from error


def _dumped(stream: Stream, one: Remembered) -> bytes:
    return pack(
        {}, stream=list(stream), format=one.format, header=one.header, types=one.types, measured=sorted(one.measured),
        buckets=one.buckets, order=one.order,
    )  # fmt: skip


def _name(stream: Stream) -> str:
    return f"stream/{stream.source}/{stream.instance}"
