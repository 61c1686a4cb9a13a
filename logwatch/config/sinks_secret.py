"""Secrets of sinks: their files must be there, and a URL shows no more than where it leads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, PlainSerializer, SecretStr

from logwatch.config.secret import LONGEST, Secret, check_closed
from logwatch.config.url import split_url


def check_private(path: Path) -> Path:
    """The path, `~` expanded. Raises ValueError: it cannot be read, holds nothing, or everybody may read it."""
    path = check_closed(path)
    try:
        with path.open("rb") as file:
            empty = not file.read(LONGEST).strip()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from None
    if empty:
        raise ValueError(f"{path} is empty")
    return path


def shown_url(url: SecretStr) -> str:
    """Where a URL leads, for people: its scheme and host; of others than http the scheme alone, as hosts are tokens."""
    text = url.get_secret_value()
    scheme = text.partition("://")[0] if "://" in text else ""
    host = urlsplit(text).hostname if scheme in ("http", "https") else None
    return f"{scheme}://{host or ''}/…" if host else f"{scheme}://…"


def _check_url(url: SecretStr) -> SecretStr:
    split_url(url.get_secret_value())
    return url


PrivateFile = Annotated[Path, AfterValidator(check_private)]
"""A file that holds a secret, read again when it is used."""

SecretUrl = Annotated[Secret, AfterValidator(_check_url), PlainSerializer(shown_url, when_used="json")]
"""A URL of http or https; whoever knows it may often send to it, so all but its host is a secret."""
