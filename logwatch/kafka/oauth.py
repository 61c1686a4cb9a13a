"""Tokens for OAUTHBEARER from a file that something else keeps fresh (a projected service account, an agent)."""

from __future__ import annotations

from pathlib import Path

from kafka.net.sasl.oauth import AbstractTokenProvider

from logwatch.errors import ConfigError


class TokenFile(AbstractTokenProvider):  # type: ignore[misc]  # the client has no types
    """The token that a file holds now.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.expanduser()

    def token(self) -> str:
        """Read it anew. Raises ConfigError where there is none."""
        try:
            token = self._path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"`oauth_token_file` {self._path} cannot be read: {error}") from error
        if not token:
            raise ConfigError(f"`oauth_token_file` {self._path} is empty")
        return token

    def extensions(self) -> dict[str, str]:
        """None."""
        return {}
