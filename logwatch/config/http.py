"""`[http]`: where the daemon answers, and who may ask."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated, NamedTuple, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr, model_validator

from logwatch.config.certificate import check_certificate
from logwatch.config.secret import ClosedFile, check_closed

SHORTEST_TOKEN = 16
"""Letters; what is shorter can be guessed. `openssl rand -hex 32` makes one of 64."""

_LISTEN = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[^:\[\]/\s]*)):(?P<port>\d{1,5})")
_HOST = re.compile(r"[A-Za-z0-9_.-]{1,253}|\[[0-9A-Fa-f:.]+\]")


class Address(NamedTuple):
    """Where to listen; host "" is every address of the machine, port 0 any that is free."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether nobody outside this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def address(text: str) -> Address | None:
    """From `HOST:PORT`, `[IPv6]:PORT` or `:PORT`; None of "". Raises ValueError."""
    if not text:
        return None
    match = _LISTEN.fullmatch(text)
    if match is None or int(match["port"]) > 65535:
        raise ValueError(f'"{text}" is no address to listen on: write HOST:PORT, as in 127.0.0.1:8711, or "" for none')
    return Address(match["v6"] or match["host"], int(match["port"]))


def _check_listen(text: str) -> str:
    address(text)
    return text


def _check_host(name: str) -> str:
    if not _HOST.fullmatch(name):
        raise ValueError(f'"{name}" is no host name: write it as a browser shows it, without scheme and port')
    return name.lower()


Listen = Annotated[str, AfterValidator(_check_listen)]
HostName = Annotated[str, AfterValidator(_check_host)]


class Http(BaseModel):
    """The HTTP API and page, and the probes. Secrets are in files, never in the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    listen: Listen = "127.0.0.1:8711"  # "": none
    probe_listen: Listen = ""  # /healthz, /readyz and /metrics alone
    token_file: Path | None = None  # without: everybody on this machine reads, nobody writes
    tls_cert: Path | None = None
    tls_key: ClosedFile | None = None
    allowed_hosts: tuple[HostName, ...] = ()  # beside localhost and what `listen` says

    @model_validator(mode="after")
    def _check(self) -> Self:
        place = address(self.listen)
        if place is not None and not place.loopback and self.token_file is None:
            raise ValueError(
                f'listen = "{self.listen}" can be reached from other machines, and needs token_file; '
                "probe_listen serves health and metrics alone, without a token"
            )
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key go together")
        if self.tls_cert is not None and self.tls_key is not None:
            check_certificate(self.tls_cert, self.tls_key)
        self.token()
        return self

    def token(self) -> SecretStr | None:
        """What is asked of those who write, and of those who read; None: nobody writes.

        Raises:
            ValueError: its file cannot be read, others can read it, or what it holds is too short.
        """
        if self.token_file is None:
            return None
        try:
            path = check_closed(self.token_file)
        except ValueError as error:
            raise ValueError(f"token_file: {error}") from None
        try:
            text = path.read_text(encoding="ascii").strip()
        except UnicodeDecodeError:
            raise ValueError(f"token_file: {path} is not plain text") from None
        except OSError as error:
            raise ValueError(f"token_file: {path} cannot be read: {(error.strerror or str(error)).lower()}") from None
        if len(text) < SHORTEST_TOKEN or not text.isprintable() or " " in text:
            raise ValueError(
                f"token_file: {path} must hold one word of {SHORTEST_TOKEN} letters or more (openssl rand -hex 32)"
            )
        return SecretStr(text)
