"""Settings of the source that scrapes Prometheus' targets."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlunsplit

from pydantic import AfterValidator, Field, field_validator

from logwatch.api import PluginConfig
from logwatch.config.login import Login
from logwatch.config.url import split_url
from logwatch.config.values import Duration, Size

DEFAULT_PATH = "/metrics"


def _check_url(value: str) -> str:
    url = split_url(value, "target", "http://HOST:PORT/metrics, or https")
    return urlunsplit(url._replace(path=url.path or DEFAULT_PATH))


class PrometheusConfig(PluginConfig, Login):
    """`[[source]]` with `kind = "prometheus"`."""

    urls: list[Annotated[str, AfterValidator(_check_url)]] = Field(min_length=1, max_length=64)
    """Targets; without a path, `/metrics`."""

    interval: Duration = Field(15.0, ge=0.1)
    """Time between two scrapes of a target."""

    timeout: Duration = Field(10.0, gt=0)
    """How long one may take; never longer than `interval`."""

    max_bytes: Size = Field(16 * 2**20, ge=1024)
    """Larger answers are a failed scrape; unpacked."""

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
