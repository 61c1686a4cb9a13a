"""Secrets of sinks: their files must be there, and a URL shows no more than where it leads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, PlainSerializer, SecretStr

from logwatch.config.secret import Secret, check_closed

LONGEST = 65_536
"""Bytes read of a secret's file."""


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


def secret_line(path: Path) -> str:
    """What a secret's file holds now. Raises OSError, ValueError where it is no single line of printable ASCII."""
    with path.open("rb") as file:
        text = file.read(LONGEST).strip()
    if not text or not all(32 <= byte < 127 for byte in text):
        raise ValueError("is not one line of plain text")
    return text.decode()


def split_url(text: str) -> SplitResult:
    """A URL of http or https in its parts. Raises ValueError, which holds no more of it than its scheme."""
    try:
        url = urlsplit(text)
        host, _ = url.hostname, url.port
    except ValueError:
        raise ValueError("is no URL: write https://HOST/PATH") from None
    if url.scheme not in ("http", "https") or not host:
        raise ValueError("is no URL of http or https: write https://HOST/PATH")
    if "@" in url.netloc:
        raise ValueError("holds a user or a password: write `username` and `password`")
    if not (text.isascii() and text.isprintable()) or " " in text or url.fragment:
        raise ValueError("is no URL: it holds a fragment, a space, or what is not ASCII")
    return url


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
