"""The token of OAUTHBEARER, in a file that something else keeps fresh (a projected service account, an agent)."""

from __future__ import annotations

import base64
import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path

from logwatch.errors import ConfigError


def read_token(path: Path) -> str:
    """The token that the file holds now. Raises ConfigError where there is none."""
    try:
        token = path.expanduser().read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"`oauth_token_file` {path} cannot be read: {error}") from error
    if not token:
        raise ConfigError(f"`oauth_token_file` {path} is empty")
    return token


def good_until(path: Path) -> str:
    """When the token ends, as it says itself (a JWT, RFC 7519: `exp`); empty where it does not."""
    with contextlib.suppress(ConfigError, ValueError, LookupError, TypeError, OverflowError):
        claims = read_token(path).split(".")[1]
        end = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"]
        return datetime.fromtimestamp(end, UTC).isoformat(timespec="seconds")
    return ""
