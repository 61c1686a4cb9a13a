"""Secrets of the configuration: never written into it where that can be avoided, never shown, never logged."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, SecretStr

LONGEST = 65_536
"""Bytes read of a secret's file."""

FORMS = 'write { file = "/run/secrets/NAME" } or { env = "NAME" }'


def check_closed(path: Path) -> Path:
    """The path, `~` expanded. Raises ValueError where everybody may read it; what is missing may come later."""
    path = path.expanduser()
    try:
        mode = path.stat().st_mode
    except OSError:
        return path  # who reads it says so
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        raise ValueError(
            f"everybody on this machine can read {path}: chmod o-rwx {path} (a Kubernetes Secret: defaultMode: 0440)"
        )
    return path


def secret_line(path: Path) -> str:
    """What a secret's file holds now. Raises OSError, ValueError where it is no single line of printable ASCII."""
    with path.open("rb") as file:
        text = file.read(LONGEST).strip()
    if not text or not all(32 <= byte < 127 for byte in text):
        raise ValueError("is not one line of plain text")
    return text.decode()


def read_secret(value: Any) -> Any:
    """A secret from where it is kept: `{ file = PATH }`, `{ env = NAME }`, or written out.

    Raises:
        ValueError: it is not there, or empty, or everybody may read its file.
    """
    if not isinstance(value, Mapping):
        return value
    if len(value) != 1 or not value.keys() <= {"file", "env"}:
        raise ValueError(f"not a secret: {FORMS}")
    if "env" in value:
        return _from_environment(str(value["env"]))
    return _from_file(str(value["file"]))


def _from_environment(name: str) -> SecretStr:
    found = os.environ.get(name)
    if not found:
        raise ValueError(f"the environment variable {name} is not set, or empty")
    return SecretStr(found)


def _from_file(name: str) -> SecretStr:
    try:
        text = check_closed(Path(name)).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{name} is not UTF-8 text") from None
    except OSError as error:
        raise ValueError(f"{name} cannot be read: {(error.strerror or str(error)).lower()}") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise ValueError(f"{name} is empty")
    return SecretStr(text)


Secret = Annotated[SecretStr, BeforeValidator(read_secret)]
"""A secret: `"text"`, `{ file = "/run/secrets/x" }` or `{ env = "X" }`."""

ClosedFile = Annotated[Path, AfterValidator(check_closed)]
"""A file with a secret that something else may write later, and renew."""
