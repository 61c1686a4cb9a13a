"""Secrets of sinks: their files must not be everybody's, and a URL shows no more than where it leads."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, SecretStr

from logwatch.config.secret import read_secret

LONGEST = 65_536
"""Bytes read of a secret's file."""


def check_private(path: Path) -> Path:
    """The path, `~` expanded. Raises ValueError: it cannot be read, holds nothing, or everybody may read it."""
    path = path.expanduser()
    try:
        mode = path.stat().st_mode
        with path.open("rb") as file:
            empty = not file.read(LONGEST).strip()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from None
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        raise ValueError(
            f"everybody on this machine can read {path}: chmod o-rwx {path} (a Kubernetes Secret: defaultMode: 0440)"
        )
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


def _read_private(value: Any) -> Any:
    if isinstance(value, Mapping) and "file" in value:
        check_private(Path(str(value["file"])))
    return read_secret(value)


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

PrivateSecret = Annotated[SecretStr, BeforeValidator(_read_private)]
"""A secret as `logwatch.config.secret` reads it; a file of it must not be everybody's."""

SecretUrl = Annotated[PrivateSecret, AfterValidator(_check_url), PlainSerializer(shown_url, when_used="json")]
"""A URL of http or https; whoever knows it may often send to it, so all but its host is a secret."""
