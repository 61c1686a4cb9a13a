"""Settings of the sink `notify`."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, PlainSerializer, SecretStr, field_validator, model_validator

from logwatch.api import PluginConfig
from logwatch.config.secret import LONGEST, Secret
from logwatch.config.sinks_secret import PrivateFile, shown_url


def read_urls(path: Path) -> list[SecretStr]:
    """URLs of a file, one a line; empty lines and what begins with # are passed over. Raises OSError, ValueError."""
    with path.open(encoding="utf-8") as file:
        lines = [line.strip() for line in file.read(LONGEST).splitlines()]
    return [SecretStr(line) for line in lines if line and not line.startswith("#")]


def _check_url(url: SecretStr) -> SecretStr:
    """Where Apprise is not installed, only the form: a configuration may be checked on another host."""
    text = url.get_secret_value()
    wrong = not re.match(r"[a-z][a-z0-9+.-]*://", text, re.IGNORECASE)
    if not wrong and importlib.util.find_spec("apprise") is not None:
        from logwatch.sinks.apprise_urls import known  # 0.1 s

        wrong = not known(text)
    if wrong:
        raise ValueError(
            "is no URL that Apprise knows (github.com/caronc/apprise/wiki): check its scheme and its parts"
        )
    return url


AppriseUrl = Annotated[Secret, AfterValidator(_check_url), PlainSerializer(shown_url, when_used="json")]


class NotifyConfig(PluginConfig):
    """`[[sink]]` with `kind = "notify"`."""

    urls: list[AppriseUrl] = Field([], max_length=64)
    """Apprise URLs, `slack://…`; `{ file = PATH }` and `{ env = NAME }` too."""

    urls_file: PrivateFile | None = None
    """Holds further ones, one a line; read at the start."""

    max_chars: int = Field(2000, ge=200, le=30_000)
    """Of a message; longer ones are cut."""

    @field_validator("urls", mode="before")
    @classmethod
    def _wrap(cls, value: Any) -> Any:
        return value if isinstance(value, list) else [value]

    def all_urls(self) -> list[SecretStr]:
        """Those that are given, and those of the file. Raises ValueError, which holds none of them."""
        if self.urls_file is None:
            return self.urls
        try:
            found = read_urls(self.urls_file)
        except (OSError, ValueError) as error:
            raise ValueError(f"urls_file: {self.urls_file} cannot be read: {type(error).__name__}") from None
        for number, url in enumerate(found, 1):
            try:
                _check_url(url)
            except ValueError as error:
                raise ValueError(f"urls_file: URL {number} {error}") from None
        return [*self.urls, *found]

    @model_validator(mode="after")
    def _check_urls(self) -> Self:
        if not self.all_urls():
            raise ValueError("neither `urls` nor `urls_file` names a URL")
        return self
