"""Settings of the source that scrapes Prometheus' targets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit, urlunsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

from logwatch.api import PluginConfig
from logwatch.config.secret import ClosedFile, Secret
from logwatch.config.values import Duration, Size

DEFAULT_PATH = "/metrics"


def _check_url(value: str) -> str:
    try:
        url = urlsplit(value)
        host, _ = url.hostname, url.port
    except ValueError as error:
        raise ValueError(f"is no URL: {error}") from None
    if url.scheme not in ("http", "https") or not host:
        raise ValueError(f'"{value}" is no target: write http://HOST:PORT/metrics, or https')
    if "@" in url.netloc:
        raise ValueError("holds a user or a password: write `username` and `password`")
    if not (value.isascii() and value.isprintable()) or " " in value or url.fragment:
        raise ValueError("is no URL: it holds a fragment, a space, or what is not ASCII")
    return urlunsplit(url._replace(path=url.path or DEFAULT_PATH))


class PrometheusConfig(PluginConfig):
    """`[[source]]` with `kind = "prometheus"`."""

    urls: list[Annotated[str, AfterValidator(_check_url)]] = Field(min_length=1, max_length=64)
    """Targets; without a path, `/metrics`."""

    interval: Duration = Field(15.0, ge=0.1)
    """Time between two scrapes of a target."""

    timeout: Duration = Field(10.0, gt=0)
    """How long one may take; never longer than `interval`."""

    max_bytes: Size = Field(16 * 2**20, ge=1024)
    """Larger answers are a failed scrape; unpacked."""

    token_file: ClosedFile | None = None
    """Holds a bearer token; read again at each scrape."""

    username: str = Field("", pattern="^[^:]*$")
    password: Secret | None = None

    tls_ca: Path | None = None
    """Certificates (PEM) to trust; without, those of the system."""

    tls_cert: Path | None = None
    """Our own certificate (PEM), where targets ask for one."""

    tls_key: ClosedFile | None = None
    """Its key (PEM), where it is not in the same file."""

    tls_verify: bool = True
    """False: take any certificate."""

    once: bool = False
    """Scrape each target once, now, and stop."""

    @field_validator("urls", mode="before")
    @classmethod
    def _wrap(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("urls")
    @classmethod
    def _check_different(cls, value: list[str]) -> list[str]:
        twice = [url for url in value if value.count(url) > 1]
        if twice:
            raise ValueError(f"{twice[0]} is given twice")
        return value

    @model_validator(mode="after")
    def _check_login(self) -> Self:
        if self.token_file and (self.username or self.password):
            raise ValueError("`token_file` and `username` are given: there is one way to log in")
        if bool(self.username) != bool(self.password):
            raise ValueError("`username` and `password` go together")
        if self.tls_key and not self.tls_cert:
            raise ValueError("`tls_key` is given without `tls_cert`")
        return self
