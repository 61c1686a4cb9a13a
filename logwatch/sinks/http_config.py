"""Settings of every sink that speaks HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from logwatch.api import PluginConfig
from logwatch.config.secret import Secret
from logwatch.config.sinks_secret import PrivateFile
from logwatch.config.values import Duration


def _check_readable(path: Path) -> Path:
    path = path.expanduser()
    try:
        path.open("rb").close()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from None
    return path


Readable = Annotated[Path, AfterValidator(_check_readable)]


class HttpConfig(PluginConfig):
    """How to reach a server, and how to log in."""

    timeout: Duration = Field(10.0, gt=0, le=300)
    """How long one request may take, from the connection to the end of the answer."""

    token_file: PrivateFile | None = None
    """Holds a bearer token; read again at each request."""

    username: str = Field("", pattern="^[^:]*$")
    password: Secret | None = None

    tls_ca: Readable | None = None
    """Certificates (PEM) to trust; without, those of the system."""

    tls_cert: Readable | None = None
    """Our own certificate (PEM), where the server asks for one."""

    tls_key: PrivateFile | None = None
    """Its key (PEM), where it is not in the same file."""

    proxy: bool = False
    """Go through the proxy that the environment names (`https_proxy`, `no_proxy`)."""

    @model_validator(mode="after")
    def _check_login(self) -> Self:
        if self.token_file and (self.username or self.password):
            raise ValueError("`token_file` and `username` are given: there is one way to log in")
        if bool(self.username) != bool(self.password):
            raise ValueError("`username` and `password` go together")
        if self.tls_key and not self.tls_cert:
            raise ValueError("`tls_key` is given without `tls_cert`")
        return self
