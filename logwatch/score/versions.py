"""The versions of the log LSTM: what each was made of, how it did, and which came out of it.

A version is open for `SPAN` chunks. All that time its parent, the weights that it began with, is its shadow: both say
what they think of a sample of each chunk before it is learned. At its end it is kept, and the next one begins with its
weights; or, where it did clearly worse than its parent, it is rolled back, and the next one begins with the parent's.

A model from elsewhere is a shadow, too: it takes over only if it does better on such samples of `SHADOW` chunks.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace

from logwatch import __version__
from logwatch.errors import StateCorrupt
from logwatch.score.model_weights import Weights
from logwatch.telemetry import MODEL_VERSIONS, Logger
from logwatch.types import NO_TIME

log = Logger(__name__)

SPAN = 16
"""Chunks that one version is open for."""

SHADOW = 8
"""Chunks with a sample for which a model from elsewhere runs beside the one that serves."""

LEAST = 1000
"""Events of such samples, at least."""

WORSE = 1.1
"""A version is rolled back where its loss exceeds its parent's by this factor and …"""

WORSE_BY = 0.05
"""… by this many nats an event."""

ROWS = 48
"""Versions that are told of."""

NEWEST = 4
"""Weights of so many of the newest versions are kept, …"""

SPARSE = 32
"""… and of every eighth of so many."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version. Losses are of events before they were learned."""

    number: int
    parent: int  # 0: none
    origin: str  # "fresh", "learned", "imported"
    state: str = "open"  # then "kept", "rolled back" or "left"; of a model from elsewhere "shadow", then "refused"
    seed: int = 0
    program: str = __version__
    begin: int = 0  # number of its first event
    end: int = 0  # of the one after its last
    since: int = int(NO_TIME)  # oldest and newest event time, ns
    until: int = int(NO_TIME)
    chunks: int = 0
    events: int = 0  # scored by it
    nats: float = 0.0  # of these, summed
    sampled: int = 0  # events of the samples
    own: float = 0.0  # nats of the samples, summed: its own …
    other: float = 0.0  # … and its parent's; of a shadow, those of the version that served
    head: int = 0  # the model from elsewhere that it comes from; 0: none
    bundle: str = ""  # sha256, of such a model

    @property
    def worse(self) -> bool:
        """It did clearly worse than its parent on the same sample. One that says nothing finite did."""
        if not self.sampled:
            return False
        return not self.own / self.sampled <= WORSE * self.other / self.sampled + WORSE_BY

    def counted(self, begin: int, end: int, since: int, until: int) -> Version:
        """With one more chunk."""
        times = [time for time in (self.since, since) if time != NO_TIME]
        return replace(
            self, begin=self.begin if self.chunks else begin, end=end, chunks=self.chunks + 1,
            since=min(times, default=int(NO_TIME)), until=max(self.until, until),
        )  # fmt: skip

    def judged(self, events: int, own: float, other: float) -> Version:
        """With one more sample."""
        return replace(self, sampled=self.sampled + events, own=self.own + own, other=self.other + other)


@dataclass
class Versions:
    """What is known of all versions. Implements `Cells`.

    Args:
        seed: of the training.
    """

    seed: int
    rows: list[Version] = field(default_factory=list)  # closed, oldest first
    weights: dict[int, Weights] = field(default_factory=dict)
    shadow: Version | None = None  # a model from elsewhere that is tried
    _dirty: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.open = Version(1, 0, "fresh", seed=self.seed)

    def __iter__(self) -> Iterator[Version]:
        yield from self.rows
        if self.shadow is not None:
            yield self.shadow
        yield self.open

    @property
    def parent(self) -> Weights | None:
        """The weights that the open version began with."""
        return self.weights.get(self.open.parent)

    @property
    def tried(self) -> Weights | None:
        """Those of the shadow."""
        return None if self.shadow is None else self.weights[self.shadow.number]

    @property
    def head(self) -> Weights | None:
        """The model from elsewhere that the open version comes from: it may know templates that are yet to come."""
        return self.weights.get(self.open.head)

    def find(self, number: int) -> Weights:
        """Weights of a version. Raises LookupError."""
        if number not in self.weights or (self.shadow is not None and number == self.shadow.number):
            raise LookupError(f"the weights of version {number} are not kept")
        return self.weights[number]

    def count(self, begin: int, end: int, since: int, until: int, nats: float, events: int) -> None:
        """A chunk that the open version scored."""
        one = self.open.counted(begin, end, since, until)
        self.open = replace(one, nats=one.nats + nats, events=one.events + events)
        self._dirty.add("open")

    def judge(self, events: int, own: float, others: Iterable[float]) -> None:
        """What the open version said of a sample, and what its parent and the shadow did, as far as they are there."""
        rest = iter(others)
        if self.parent is not None:
            self.open = self.open.judged(events, own, next(rest))
        if self.shadow is not None:
            self.shadow = replace(self.shadow.judged(events, next(rest), own), chunks=self.shadow.chunks + 1)
        self._dirty.add("open")

    @property
    def over(self) -> bool:
        """Whether the open version ends."""
        return self.open.chunks >= SPAN

    @property
    def better(self) -> bool | None:
        """Whether the shadow takes over; None where it is too early to tell, or there is none."""
        one = self.shadow
        if one is None or one.chunks < SHADOW or one.sampled < LEAST:
            return None
        return one.own < one.other

    def close(self, weights: Weights | None) -> None:
        """End the open version; the next begins with its weights, or where there are none, with those of its parent."""
        closed = self._end(self.open, "rolled back" if weights is None else "kept")
        if weights is not None:
            self._keep(closed.number, weights)
        self._begin(closed.parent if weights is None else closed.number)

    def back_to(self, number: int) -> None:
        """The open version is left, and the next begins with the weights of an older one. Raises LookupError."""
        self.find(number)
        self._leave()
        self._begin(number)

    def bring(self, weights: Weights, bundle: str) -> None:
        """Try a model from elsewhere; one that is tried already is refused."""
        if self.shadow is not None:
            self.refuse()
        number, at = self._next(), self.open.end
        self.shadow = Version(number, 0, "imported", "shadow", self.seed, begin=at, head=number, bundle=bundle)
        self._keep(number, weights)

    def promote(self) -> None:
        """The shadow takes over."""
        self._leave()
        one = self._end_shadow("kept")
        self._begin(one.number)

    def refuse(self) -> None:
        """The shadow goes."""
        self._drop(self._end_shadow("refused").number)

    def _end_shadow(self, state: str) -> Version:
        one, self.shadow = self.shadow, None
        assert one is not None  # noqa: S101  # for the type checker
        self._dirty |= {"rows", "open"}
        return self._end(replace(one, end=self.open.end), state)

    def _leave(self) -> None:
        if self.open.chunks:
            self._end(self.open, "left")

    def _end(self, one: Version, state: str) -> Version:
        ended = replace(one, state=state)
        self.rows.append(ended)
        MODEL_VERSIONS.inc(state=state)
        if state != "kept" or one.origin == "imported":
            own, other = (round(nats / max(1, one.sampled), 4) for nats in (one.own, one.other))
            log.info("a version of the model ended", version=one.number, state=state, nats=own, beside=other)
        return ended

    def _next(self) -> int:
        return max(one.number for one in self) + 1

    def _begin(self, parent: int) -> None:
        at, head = self.open.end, next((row.head for row in self.rows if row.number == parent), 0)
        self.open = Version(self._next(), parent, "learned", seed=self.seed, begin=at, end=at, head=head)
        needed = {parent, head, *sorted(self.weights)[-NEWEST:]} | ({self.shadow.number} if self.shadow else set())
        for number in list(self.weights):
            if number not in needed and (number % 8 or number <= self.open.number - SPARSE):
                self._drop(number)
        self.rows = [row for row in self.rows[:-ROWS] if row.number in self.weights] + self.rows[-ROWS:]
        self._dirty |= {"rows", "open"}

    def _keep(self, number: int, weights: Weights) -> None:
        self.weights[number] = weights
        self._dirty |= {f"weights/{number}", "rows", "open"}

    def _drop(self, number: int) -> None:
        del self.weights[number]
        self._dirty.add(f"weights/{number}")

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """What the open version has done with each chunk; rows and weights where one begins."""
        for name in sorted(self._dirty):
            if name == "rows":
                yield name, _json([asdict(row) for row in self.rows])
            elif name == "open":
                yield name, _json([asdict(self.open), None if self.shadow is None else asdict(self.shadow)])
            else:
                weights = self.weights.get(int(name.removeprefix("weights/")))
                yield name, None if weights is None else weights.cell()
        self._dirty = set()

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`. Raises StateCorrupt."""
        try:
            self.rows = [Version(**row) for row in json.loads(cells["rows"])] if "rows" in cells else []
            if "open" in cells:
                now, shadow = json.loads(cells["open"])
                self.open = Version(**now)
                self.shadow = None if shadow is None else Version(**shadow)
        except (TypeError, ValueError) as error:
            raise StateCorrupt(f"the versions of the model cannot be read: {error}") from error
        named = {name.removeprefix("weights/"): cell for name, cell in cells.items() if name.startswith("weights/")}
        self.weights = {int(number): Weights.read(cell) for number, cell in named.items()}
        self._dirty = set()


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
