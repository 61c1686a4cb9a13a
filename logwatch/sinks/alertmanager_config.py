"""Settings of the sink `alertmanager`."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field, field_validator

from logwatch.config.sinks_secret import SecretUrl
from logwatch.config.values import Duration
from logwatch.sinks.http_config import HttpConfig

OURS = ("alertname", "source", "severity", "entity", "instance")
"""Labels that say which incident it is."""


def _check_labels(labels: dict[str, str]) -> dict[str, str]:
    for name in labels:
        if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]{0,63}", name):
            raise ValueError(f'"{name}" is no name of a label: letters, digits and _, at most 64')
        if name in OURS:
            raise ValueError(f'"{name}" is a label of the alert itself')
    return labels


LabelValue = Annotated[str, Field(min_length=1, max_length=256)]


class AlertmanagerConfig(HttpConfig):
    """`[[sink]]` with `kind = "alertmanager"`."""

    urls: list[SecretUrl] = Field(min_length=1, max_length=16)
    """Every member of a cluster: each gets each alert, as Prometheus does it."""

    resend: Duration = Field(60.0, ge=1.0, le=3600.0)
    """How often an open incident is told again; after four times as long without, it is over there."""

    add_labels: Annotated[dict[str, LabelValue], AfterValidator(_check_labels)] = Field({}, max_length=16)
    """Labels of every alert."""

    @field_validator("urls", mode="before")
    @classmethod
    def _wrap(cls, value: Any) -> Any:
        return value if isinstance(value, list) else [value]
