"""Hands the client the token of OAUTHBEARER at each login."""

from __future__ import annotations

from pathlib import Path

from kafka.net.sasl.oauth import AbstractTokenProvider

from logwatch.kafka.token import read_token


class TokenFile(AbstractTokenProvider):  # type: ignore[misc]  # the client has no types
    """The token that a file holds now.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def token(self) -> str:
        """Read it anew. Raises ConfigError where there is none."""
        return read_token(self._path)
