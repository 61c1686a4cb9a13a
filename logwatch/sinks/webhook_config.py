"""Settings of the sink `webhook`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from logwatch.config.secret import Secret
from logwatch.config.sinks_secret import PrivateFile, SecretUrl
from logwatch.sinks.http_config import HttpConfig, Readable

OURS = ("content-type", "content-length", "host", "transfer-encoding", "connection", "authorization",
        "webhook-id", "webhook-timestamp", "webhook-signature")  # fmt: skip
"""Headers that are ours to set."""


def _check_headers(headers: dict[str, Secret]) -> dict[str, Secret]:
    for name, value in headers.items():
        if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}", name):
            raise ValueError(f'"{name}" is no name of a header')
        if name.lower() in OURS:
            hint = ": write token_file, or username and password" if name.lower() == "authorization" else ""
            raise ValueError(f'"{name}" is set by logwatchd{hint}')
        if not re.fullmatch(r"[\x20-\x7e]{1,4096}", value.get_secret_value()):
            raise ValueError(f'the value of "{name}" is not one line of plain text')
    return headers


class WebhookConfig(HttpConfig):
    """`[[sink]]` with `kind = "webhook"`."""

    url: SecretUrl
    """Where to; http or https."""

    method: Literal["POST", "PUT"] = "POST"

    content_type: str = Field(
        "application/json", pattern=r"^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(; ?charset=utf-8)?$"
    )

    template: str | None = None
    """Of the body; without, the alert as JSON."""

    template_file: Readable | None = None
    """Holds it; read at the start."""

    secret_file: PrivateFile | None = None
    """Signs each request (Standard Webhooks); read again at each."""

    headers: Annotated[dict[str, Secret], AfterValidator(_check_headers)] = Field({}, max_length=16)
    """Further headers; their values are secrets."""

    @property
    def as_json(self) -> bool:
        """Whether bodies are JSON."""
        return is_json(self.content_type)

    def template_text(self) -> str | None:
        """The template, if there is one. Raises ValueError."""
        return self.template if self.template_file is None else _read(self.template_file)

    @field_validator("template", "template_file")
    @classmethod
    def _check_template(cls, value: str | Path | None, info: ValidationInfo) -> str | Path | None:
        if value is not None:
            from logwatch.sinks.template import Template  # 40 ms, and most have none

            text = _read(value) if isinstance(value, Path) else value
            Template(text, as_json=is_json(info.data.get("content_type", "")))
        return value

    @model_validator(mode="after")
    def _check_body(self) -> Self:
        if self.template is not None and self.template_file is not None:
            raise ValueError("`template` and `template_file` are given: there is one body")
        if self.template is None and self.template_file is None and not self.as_json:
            raise ValueError(f'content_type = "{self.content_type}" needs a `template`: without, bodies are JSON')
        return self


def is_json(content_type: str) -> bool:
    """Whether it is a type of JSON."""
    media = content_type.partition(";")[0]
    return media == "application/json" or media.endswith("+json")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from None
