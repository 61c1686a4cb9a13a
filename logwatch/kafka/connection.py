"""How a Kafka cluster is reached: the settings that sources, sinks and the state topic share."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from logwatch.api import PluginConfig
from logwatch.config.secret import ClosedFile, Secret
from logwatch.kafka import client_settings

Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]


class ConnectionConfig(PluginConfig):
    """Brokers, TLS and SASL."""

    CLIENT: ClassVar[client_settings.Types] = client_settings.SHARED

    bootstrap: list[str] = Field(min_length=1)
    """Some brokers of the cluster, `host:port`; the others are learned from them."""

    tls: bool = False
    """Speak TLS; also where `tls_ca` or `tls_cert` is given."""

    tls_ca: Path | None = None
    """Certificates (PEM) to trust; without, those of the system."""

    tls_cert: Path | None = None
    """Our own certificate (PEM), where brokers ask for one."""

    tls_key: ClosedFile | None = None
    """Its key (PEM), where it is not in the same file."""

    tls_key_password: Secret | None = None

    sasl: Mechanism | None = None
    """How to log in."""

    username: str = ""
    password: Secret | None = None

    oauth_token_file: ClosedFile | None = None
    """Holds the token of OAUTHBEARER; read again at each login."""

    client: dict[str, Any] = Field(default_factory=dict)
    """More settings of kafka-python, by its own names."""

    @field_validator("bootstrap", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return [part.strip() for part in value.split(",")] if isinstance(value, str) else value

    @field_validator("bootstrap")
    @classmethod
    def _check_places(cls, value: list[str]) -> list[str]:
        for place in value:
            host, _, port = place.rpartition(":")
            if "://" in place or not host or not port.isdecimal() or not 0 < int(port) < 65536:
                raise ValueError(f'"{place}" is not the address of a broker: write host:port, as in kafka-1:9092')
        return value

    @field_validator("client")
    @classmethod
    def _check_client(cls, value: dict[str, Any]) -> dict[str, Any]:
        client_settings.check(value, cls.CLIENT)
        return value

    @model_validator(mode="after")
    def _check_login(self) -> Self:
        if self.tls_key and not self.tls_cert:
            raise ValueError("`tls_key` is given without `tls_cert`")
        if self.sasl is None:
            given = [name for name in ("username", "password", "oauth_token_file") if getattr(self, name)]
            if given:
                raise ValueError(f"`{given[0]}` is given without `sasl`: say how to log in")
        elif self.sasl == "OAUTHBEARER":
            if self.oauth_token_file is None:
                raise ValueError('`sasl = "OAUTHBEARER"` needs `oauth_token_file`')
        elif not self.username or self.password is None:
            raise ValueError(f'`sasl = "{self.sasl}"` needs `username` and `password`')
        return self

    @property
    def encrypted(self) -> bool:
        """Whether TLS is spoken."""
        return self.tls or self.tls_ca is not None or self.tls_cert is not None

    @property
    def protocol(self) -> str:
        """As Kafka calls it: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL."""
        if self.sasl:
            return "SASL_SSL" if self.encrypted else "SASL_PLAINTEXT"
        return "SSL" if self.encrypted else "PLAINTEXT"

    @property
    def key_password(self) -> str:
        """Of `tls_key`; empty where there is none: without any, OpenSSL would ask for it on the terminal."""
        return self.tls_key_password.get_secret_value() if self.tls_key_password else ""

    def client_config(self) -> dict[str, Any]:
        """Keyword arguments of any of kafka-python's clients. Secrets are in it: never to be shown."""
        quiet_client()
        out: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap,
            "security_protocol": self.protocol,
            "client_id": "logwatchd",
            **self.client,
        }
        if self.encrypted:
            out |= {
                "ssl_cafile": _text(self.tls_ca),
                "ssl_certfile": _text(self.tls_cert),
                "ssl_keyfile": _text(self.tls_key),
                "ssl_password": self.key_password,
            }
        if self.sasl == "OAUTHBEARER" and self.oauth_token_file is not None:
            from logwatch.kafka.oauth import TokenFile

            out |= {"sasl_mechanism": self.sasl, "sasl_oauth_token_provider": TokenFile(self.oauth_token_file)}
        elif self.sasl and self.password is not None:
            secret = self.password.get_secret_value()
            out |= {"sasl_mechanism": self.sasl, "sasl_plain_username": self.username, "sasl_plain_password": secret}
        return out


def quiet_client() -> None:
    """Keep the client's own log off our standard error: what matters in it is said by us, once, in a sentence."""
    logger = logging.getLogger("kafka")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
        logger.propagate = False


def _text(path: Path | None) -> str | None:
    return str(path.expanduser()) if path else None
