"""What every `[[sink]]` may say of the alerts that it wants."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, model_validator

from logwatch.config.alert_rules import Severity
from logwatch.config.problems import unknown
from logwatch.config.values import Duration

AlertKind = Literal["event", "visit", "window", "silence", "metric", "risk", "gap", "plugin"]

LABELS = ("source", "instance", "entity", "rule", "kind", "state")
"""What of an alert `labels` can speak of."""

Glob = Annotated[str, Field(min_length=1, max_length=200)]
"""`*`, `?` and `[abc]`, on the whole text, as a shell reads them."""


def _check_labels(labels: dict[str, str]) -> dict[str, str]:
    for name in labels:
        if name not in LABELS:
            raise ValueError(unknown("label", name, LABELS))
    return labels


def _check_repeat(seconds: float) -> float:
    if seconds < 60:
        raise ValueError("must be 1min or more")
    return seconds


class RouteKeys(BaseModel):
    """Which alerts a sink gets; without any of these, all."""

    severity: Severity = "info"  # or worse
    sources: tuple[Glob, ...] = ()  # any of them
    kinds: tuple[AlertKind, ...] = ()
    labels: Annotated[dict[str, Glob], AfterValidator(_check_labels)] = {}  # all of them
    repeat: Annotated[Duration, AfterValidator(_check_repeat)] | None = None  # of an incident that is still open

    @property
    def routed(self) -> bool:
        """Whether some alerts are not for this sink."""
        return self.severity != "info" or bool(self.sources or self.kinds or self.labels)

    @model_validator(mode="after")
    def _check_repeats(self) -> Self:
        if self.repeat is not None and getattr(self, "kind", "") == "alertmanager":
            raise ValueError("repeat: Alertmanager repeats by itself; set repeat_interval in its own configuration")
        return self
