"""All that a plugin imports: the Protocols of each kind, `@plugin`, and the value types.

A component is a class declared with `@plugin` whose constructor takes its own typed config. Built-ins are declared
the same way and pass the same conformance suite (`logwatch.testing`). Declaring runs nothing: a component is built
only when the configuration names it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel, ConfigDict

from logwatch.errors import DeliveryError, RefusedError

if TYPE_CHECKING:
    from logwatch.heatmap.image import image
    from logwatch.types import (
        Alert,
        Cells,
        EventBatch,
        Expected,
        FieldColumn,
        Fired,
        Flag,
        Float32,
        Gap,
        Line,
        Mark,
        MetricWindow,
        RecordBatch,
        Stream,
        Values,
    )
else:

    def __getattr__(name: str) -> Any:
        """The value types, at their first use: they need numpy, and a configuration is checked without (0.13 s)."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        if name == "image":
            from logwatch.heatmap.image import image

            return image
        from logwatch import types

        return getattr(types, name)


API_VERSION = (1, 0)
"""Major changes break plugins; minor ones add. A plugin names the version that it was written for."""

Kind = Literal["source", "decoder", "detector", "risk", "sink", "hook"]

__all__ = [
    "API_VERSION",
    "Alert",
    "Assessor",
    "Cells",
    "Clock",
    "Component",
    "Decoder",
    "DeliveryError",
    "Detector",
    "EventBatch",
    "Expected",
    "FieldColumn",
    "Fired",
    "FitReport",
    "Flag",
    "Float32",
    "Gap",
    "Hook",
    "KeyFields",
    "Kind",
    "LabelledWindow",
    "Line",
    "Mark",
    "MetricWindow",
    "PluginConfig",
    "RecordBatch",
    "RefusedError",
    "Risk",
    "Sink",
    "Source",
    "Stream",
    "Trainable",
    "Values",
    "declared",
    "image",
    "plugin",
]


class PluginConfig(BaseModel):
    """Base of every component's own configuration: unknown keys are refused, values are immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Clock(Protocol):
    """Time is injected, never called."""

    def now(self) -> int:
        """Wall time, ns since the epoch, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back; for timers."""
        ...


@runtime_checkable
class Source(Protocol):
    """Delivers records in order, per stream, and goes on from saved cursors."""

    def open(self, cursors: Mapping[str, bytes]) -> None:
        """Start, going on from the cursors of an earlier run (empty: a first start)."""
        ...

    def poll(self, max_records: int) -> RecordBatch | None:
        """The next records, at most `max_records`, without waiting; None where there is nothing new."""
        ...

    def wait(self, seconds: float) -> None:
        """Sleep until something may have come, at most `seconds`."""
        ...

    def exhausted(self) -> bool:
        """True when a finite source has delivered everything (finished files, `--once`, stdin at its end)."""
        ...

    def close(self) -> None:
        """Release everything. Safe to call twice."""
        ...


@runtime_checkable
class Decoder(Protocol):
    """Turns raw lines of one format into text, time, level and fields.

    What it returns is read like a line of JSON with the same keys: every name that JSON logs have for a time, a level
    and a message is known, everything else is a field. Values are text, numbers, truth values, None, lists, mappings.
    """

    def decode(self, lines: list[bytes]) -> list[Mapping[str, Any] | None]:
        """One mapping per line (`message`, `time`, `level`, fields); None where the line is not of this format: it is
        then read as if there were no decoder. An answer depends on its line alone."""
        ...


@dataclass(frozen=True, slots=True)
class KeyFields:
    """Columns that a detector keeps per key: numpy dtype fields, zero for a new key."""

    dtype: tuple[tuple[Any, ...], ...]


@runtime_checkable
class Detector(Protocol):
    """Scores events; learns once per chunk.

    `score` and `learn` are separate so that results do not depend on batching: between two calls of `learn` every
    parameter is frozen, and `score` may change only what is exact in stream order (per-key state, seen-sets).
    Splitting a batch anywhere must give bit-equal results.
    """

    name: str

    def score(self, events: EventBatch) -> Float32:
        """Nats [n], ≥ 0, high = anomalous; NaN where the detector has no opinion. Advances per-key state.

        Of a plugin, more than 1000 counts as 1000; negative or infinite nats are a failure: no opinion on the batch.
        """
        ...

    def learn(self, chunk: EventBatch, nats: Float32) -> None:
        """One whole chunk after all of it was scored, with what `score` said [n]. The only place where parameters
        may change. `chunk.text` and `chunk.entity` are empty here; rows with `Flag.ALERTED` should not be learned."""
        ...

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """See `Cells.changes`."""
        ...

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`."""
        ...


@runtime_checkable
class Sink(Protocol):
    """Delivers alerts. Called only with alerts whose transaction has committed."""

    def deliver(self, alerts: list[Alert]) -> None:
        """Deliver all, in order; raise to have the same alerts offered again later. Ids may repeat after a crash.

        A DeliveryError can say how many of them arrived all the same, and when to come back; a RefusedError, that the
        one after these will never be taken.
        """
        ...

    def close(self) -> None:
        """Flush and release. Safe to call twice."""
        ...


@runtime_checkable
class Hook(Protocol):
    """Says more of alerts, before they are saved: which team, which runbook, how much it matters here."""

    def annotate(self, alert: Alert) -> Alert | None:
        """The alert with another `severity` or `detail` (`dataclasses.replace`); None: as it is.

        Every alert comes by once: "open", "update", "end" and "digest". Other changes are not taken over, and none can
        be held back. The answer depends on the alert alone: a replay gives the same.
        """
        ...


@dataclass(frozen=True, slots=True)
class Risk:
    """How likely a failure is."""

    probability: float  # of a failure within the horizon, [0, 1]
    horizon: float  # seconds, > 0
    drivers: tuple[tuple[str, float], ...] = ()  # metric, its share [0, 1]; the strongest first
    detail: str = ""  # one sentence for people
    heat: Float32 | None = field(default=None, compare=False)  # [m, t] of the window: what drove it, [0, 1]


@runtime_checkable
class Assessor(Protocol):
    """Says how risky the state of a source is: what a component of the kind `risk` does.

    It may have `assess_many(windows: list[MetricWindow]) -> list[Risk | None]` beside: the answers of `assess`, for
    less work than one by one; of small risks it may leave out what drove them. An answer depends on its window alone.
    """

    def assess(self, window: MetricWindow) -> Risk | None:
        """The risk at the window's end; None where there is nothing to be said of it. Depends on the window alone."""
        ...


@dataclass(frozen=True, slots=True)
class LabelledWindow:
    """A window of a deployment of which it is known what became of it."""

    window: MetricWindow
    failing: bool  # it failed within the horizon after the window's end
    deployment: str
    group: str  # deployments that ran at the same time: all of them on one side of a split
    fault: str = ""  # the kind of failure of this deployment; empty: it did not fail
    lead: float = 0.0  # seconds from the window's end to the failure; 0: it did not fail


@dataclass(frozen=True, slots=True)
class FitReport:
    """What training found, on windows that were held out."""

    serves: str  # the model that answers from now on
    models: Mapping[str, Mapping[str, float]]  # model -> figure -> its value; NaN: cannot be said
    curves: Mapping[str, Mapping[str, tuple[tuple[float, float], ...]]]  # model -> roc, pr, … -> points
    notes: tuple[str, ...] = ()  # sentences for people


@runtime_checkable
class Trainable(Protocol):
    """An assessor that learns from labelled windows: `logwatchd train risk` calls it."""

    def fit(
        self, windows: Sequence[LabelledWindow], out: Path, horizon: float, seed: int,
        progress: Callable[[float, str], None],
    ) -> FitReport:  # fmt: skip
        """Learn, and write what was learned to `out`.

        Args:
            windows: of one length and step.
            horizon: seconds, > 0.
            progress: told the share of the work that is done, [0, 1], and what is being done.

        Raises:
            ValueError: nothing can be learned from them; the message says why.
        """
        ...


@dataclass(frozen=True, slots=True)
class Component:
    """A declared component."""

    kind: Kind
    name: str
    api: tuple[int, int]
    config: type[PluginConfig]
    build: Callable[..., Any]


_declared: dict[tuple[str, str], Component] = {}

T = TypeVar("T", bound=type)


class NoConfig(PluginConfig):
    """The config of a component that has no settings."""


def plugin(*, kind: Kind, name: str, api: tuple[int, int], config: type[PluginConfig] = NoConfig) -> Callable[[T], T]:
    """Declare a class as a component: `@plugin(kind="sink", name="pager", api=(1, 0), config=Config)`."""

    def declare(cls: T) -> T:
        _declared[kind, name] = Component(kind, name, api, config, cls)
        return cls

    return declare


def declared() -> Mapping[tuple[str, str], Component]:
    """Everything declared so far, by kind and name."""
    return _declared
