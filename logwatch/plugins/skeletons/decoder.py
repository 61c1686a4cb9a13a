"""Decoder `skeleton`: lines of the form `time|level|message`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from logwatch.api import PluginConfig, plugin


class Config(PluginConfig):
    """Settings of `[decoders.skeleton]`; unknown keys are refused."""

    separator: str = "|"


@plugin(kind="decoder", name="skeleton", api=(1, 0), config=Config)
class Skeleton:
    """Each line by itself: bytes in, a mapping or None out. Lines may hold anything."""

    def __init__(self, config: Config) -> None:
        self._separator = config.separator

    def decode(self, lines: list[bytes]) -> list[Mapping[str, Any] | None]:
        """One answer a line; None where the line is not of this format."""
        return [self._decode(line.decode(errors="replace")) for line in lines]

    def _decode(self, line: str) -> Mapping[str, Any] | None:
        parts = line.split(self._separator, 2)
        if len(parts) != 3:
            return None
        time, level, message = parts
        return {"time": time, "level": level, "message": message}
