"""How to log in at a server that speaks HTTP, and whom to trust."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from logwatch.config.secret import ClosedFile, Secret


class Login(BaseModel):
    """Keys of every component that asks such a server. Its files may come later, unless the component wants them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    token_file: ClosedFile | None = None
    """Holds a bearer token; read again at each request."""

    username: str = Field("", pattern="^[^:]*$")
    password: Secret | None = None

    tls_ca: Path | None = None
    """Certificates (PEM) to trust; without, those of the system."""

    tls_cert: Path | None = None
    """Our own certificate (PEM), where the server asks for one."""

    tls_key: ClosedFile | None = None
    """Its key (PEM), where it is not in the same file."""

    @model_validator(mode="after")
    def _check_login(self) -> Self:
        if self.token_file and (self.username or self.password):
            raise ValueError("`token_file` and `username` are given: there is one way to log in")
        if bool(self.username) != bool(self.password):
            raise ValueError("`username` and `password` go together")
        if self.tls_key and not self.tls_cert:
            raise ValueError("`tls_key` is given without `tls_cert`")
        return self
