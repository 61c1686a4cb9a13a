"""Settings of the Kafka sink."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from logwatch.config.values import Duration
from logwatch.kafka import client_settings
from logwatch.kafka.connection import ConnectionConfig


class KafkaSinkConfig(ConnectionConfig):
    """`[[sink]]` with `kind = "kafka"`."""

    CLIENT: ClassVar[client_settings.Types] = client_settings.PRODUCER

    topic: str = Field(min_length=1, max_length=249, pattern=r"^[A-Za-z0-9._-]+$")
    """Where alerts go, keyed by their incident: those of one incident stay in order. It must exist."""

    timeout: Duration = Field(30.0, gt=0)
    """How long one delivery may take before it is tried again."""
