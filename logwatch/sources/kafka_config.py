"""Settings of the Kafka source."""

from __future__ import annotations

import re
from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from logwatch.config.values import Duration, Pattern, Size
from logwatch.kafka import client_settings
from logwatch.kafka.connection import ConnectionConfig
from logwatch.sources.limits import MAX_LINE_BYTES
from logwatch.sources.start import Start, read_time

_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_MEMBER = re.compile(r"[A-Za-z0-9._-]{1,249}")
_KEY_FROM = re.compile(r"key|header:.+|field:[\w@-]+(\.[\w@-]+)*")


class KafkaConfig(ConnectionConfig):
    """`[[source]]` with `kind = "kafka"`."""

    CLIENT: ClassVar[client_settings.Types] = client_settings.CONSUMER

    topics: list[str] = Field(default_factory=list)
    """Topics to read."""

    pattern: Pattern = ""
    """Or: every topic whose whole name it matches, later ones too."""

    group: str = Field("logwatchd", min_length=1)
    """Workers of one group share the partitions."""

    group_instance_id: str = ""
    """Name of this worker among them, `{host}` filled in: with one, a restart keeps its partitions. Empty: none."""

    rack: str = ""
    """Where this worker stands: it then reads from replicas nearby."""

    start: Start = "end"
    """`"end"`, `"beginning"`, or a time (RFC 3339): where partitions begin that are there when the state begins. Those
    that are added to a topic later, and topics that `pattern` finds later, are read from their beginning."""

    once: bool = False
    """Read to the present end of all partitions, and stop."""

    key_from: str = "key"
    """What `{key}` in `name` is: the record's `key`, `header:NAME`, or `field:PATH` of a JSON payload (`field:a.b`)."""

    max_line_bytes: Size = Field(MAX_LINE_BYTES, ge=64)
    """Longer records are truncated."""

    dead_letter_topic: str = Field("", pattern=r"^[A-Za-z0-9._-]{0,249}$")
    """Where records that are not of `format` go, with their position and the reason as headers. Empty: into the file
    of `[dead_letters]`."""

    read_ahead: Size = Field(64 * 2**20, ge=2**20)
    """Bytes of records held before they are processed, over all partitions; beyond, partitions are paused."""

    revoke_timeout: Duration = Field(20.0, gt=0)
    """How long a partition that goes to another worker waits for its state to be saved."""

    state: Literal["local", "topic"] = "local"
    """Where the state of the partitions is kept: in this machine's state directory (one worker), or in a compacted
    topic, from which whoever gets a partition goes on."""

    state_topic: str = "logwatchd-state-{group}-{topic}"
    """Name of the state topic of a topic, with `{group}` and `{topic}` filled in."""

    state_copies: int = Field(0, ge=0)
    """Replicas of a state topic that we make; 0: as many as its input topic has, at most three."""

    control_topic: str = Field("logwatchd-control-{group}", pattern=r"^[A-Za-z0-9._{}-]{0,249}$")
    """With `state = "topic"`: where workers tell each other of feedback and deployment marks, `{group}` filled in.
    Empty: nowhere, and each worker knows what it was told itself."""

    @field_validator("topics")
    @classmethod
    def _check_topics(cls, value: list[str]) -> list[str]:
        for topic in value:
            if not _TOPIC.fullmatch(topic) or topic in (".", ".."):
                raise ValueError(f'"{topic}" is no name of a topic: letters, digits, dots, dashes and underscores')
        return list(dict.fromkeys(value))

    @field_validator("group_instance_id")
    @classmethod
    def _check_member(cls, value: str) -> str:
        if value and not _MEMBER.fullmatch(value.replace("{host}", "h")):
            raise ValueError(
                f'"{value}" is no name of a worker: letters, digits, dots, dashes, underscores and {{host}}'
            )
        return value

    @field_validator("key_from")
    @classmethod
    def _check_key_from(cls, value: str) -> str:
        if not _KEY_FROM.fullmatch(value):
            raise ValueError(f'must be "key", "header:NAME" or "field:PATH": {value!r}')
        return value

    @model_validator(mode="after")
    def _check_one_of(self) -> Self:
        if bool(self.topics) == bool(self.pattern):
            raise ValueError("give either `topics` or `pattern`")
        return self

    @field_validator("state_topic")
    @classmethod
    def _check_state_topic(cls, value: str) -> str:
        if "{topic}" not in value or not _TOPIC.fullmatch(value.replace("{topic}", "t").replace("{group}", "g")):
            raise ValueError(f'"{value}" is no name of state topics: it must hold {{topic}}, and may hold {{group}}')
        return value

    @field_validator("control_topic")
    @classmethod
    def _check_control_topic(cls, value: str) -> str:
        if value and not _TOPIC.fullmatch(value.replace("{group}", "g")):
            raise ValueError(f'"{value}" is no name of a topic: it may hold {{group}}')
        return value

    @property
    def whole_control_topic(self) -> str:
        """Its name; empty: there is none."""
        return self.control_topic.replace("{group}", self.group) if self.state == "topic" else ""

    @property
    def whole_pattern(self) -> str:
        """`pattern` as a regular expression that finds no topic of our own: its own state would be a topic, too."""
        before, _, after = self.state_topic.replace("{group}", self.group).partition("{topic}")
        own = f"(?!{re.escape(before)}.*{re.escape(after)}$)" if before or after else ""
        own += f"(?!{re.escape(self.control_topic.replace('{group}', self.group))}$)" if self.control_topic else ""
        return f"^{own}(?:{self.pattern})$" if self.pattern else ""

    @property
    def since_ms(self) -> int | None:
        """The time of `start` in ms since the epoch; None where it is no time."""
        return None if self.start in ("end", "beginning") else read_time(self.start) // 1_000_000
