"""Why no broker can be reached: the client only says that it took too long."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Sequence

from logwatch.errors import ConfigError
from logwatch.kafka.connection import ConnectionConfig

CONNECT_S = 3.0
LISTEN_S = 0.3
"""A broker that wants a certificate from us says so after the handshake, within this time."""


class Wrong(Exception):
    """What is wrong is in the configuration: waiting does not help."""


def check_files(config: ConnectionConfig) -> None:
    """Read the certificates. Raises ConfigError that names the setting."""
    if not config.encrypted:
        return
    for name in ("tls_ca", "tls_cert", "tls_key"):
        path = getattr(config, name)
        try:
            if path is not None:
                path.expanduser().read_bytes()
        except OSError as error:
            raise ConfigError(f"`{name}` {path} cannot be read: {(error.strerror or str(error)).lower()}") from None
    try:
        _context(config)
    except (ssl.SSLError, OSError) as error:
        raise ConfigError(
            f"the TLS files cannot be used: {error}", "check that `tls_ca`, `tls_cert` and `tls_key` are PEM, and fit"
        ) from None


def probe(config: ConnectionConfig) -> str:
    """Whether any place of `bootstrap` can be connected to, with TLS where that is spoken: empty, or why not.

    Raises:
        ConfigError: nothing but a change of the configuration will help.
    """
    return _first(config, config.bootstrap, asks=False)


def diagnose(config: ConnectionConfig, places: Sequence[str] = ()) -> str:
    """One sentence on why no broker answers at these places (none: at `bootstrap`).

    Raises:
        ConfigError: nothing but a change of the configuration will help.
    """
    found = _first(config, places or config.bootstrap, asks=True)
    place = (places or config.bootstrap)[0]
    return found or f"{place} answers, but not in time, or not as a Kafka broker with `tls` and `sasl` as configured"


def _first(config: ConnectionConfig, places: Sequence[str], asks: bool) -> str:
    found = ""
    for place in places:
        try:
            found = _look(config, place, asks)
        except Wrong as wrong:
            message, hint = wrong.args
            raise ConfigError(f"kafka: {message}", hint) from None
        if not found:
            break
    return found


def _look(config: ConnectionConfig, place: str, asks: bool) -> str:
    """What is wrong at one place; empty where it can be connected to. `asks`: whether it speaks TLS. Raises Wrong."""
    host, _, port = place.rpartition(":")
    try:
        connection = socket.create_connection((host.strip("[]"), int(port)), CONNECT_S)
    except socket.gaierror:
        return f'the name "{host}" is not known: check `bootstrap`'
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        return f"nothing answers at {place} ({reason}): check `bootstrap`, and that the broker runs"
    with connection:
        if config.encrypted:
            _shake_hands(config, connection, host, place)
        elif asks and _speaks_tls(connection):
            raise Wrong(f"{place} speaks TLS", "set `tls = true`, or give another port in `bootstrap`")
    return ""


def _shake_hands(config: ConnectionConfig, connection: socket.socket, host: str, place: str) -> None:
    try:
        with _context(config).wrap_socket(connection, server_hostname=host.strip("[]")) as secure:
            secure.settimeout(LISTEN_S)
            with contextlib.suppress(TimeoutError):
                secure.recv(1)
    except ssl.SSLCertVerificationError as error:
        raise Wrong(
            f"the certificate of {place} is not trusted: {error.verify_message}",
            "check `tls_ca`, and that `bootstrap` has the name that stands in the certificate",
        ) from None
    except ssl.SSLError as error:
        reason = (error.reason or str(error)).lower().replace("_", " ")
        if "certificate required" in reason or "handshake failure" in reason:
            raise Wrong(f"{place} wants a certificate ({reason})", "check `tls_cert` and `tls_key`") from None
        if "wrong version" in reason or "record layer" in reason or "eof" in reason:
            hint = "remove `tls` and what belongs to it, or give another port in `bootstrap`"
            raise Wrong(f"{place} does not speak TLS", hint) from None
        raise Wrong(f"TLS with {place} fails: {reason}", "check the `tls` settings") from None
    except OSError:
        return  # it went away: it may come back


def _speaks_tls(connection: socket.socket) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # only asked whether it is TLS: nothing is sent
    try:
        with context.wrap_socket(connection):
            return True
    except OSError:
        return False


def _context(config: ConnectionConfig) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(config.tls_ca.expanduser()) if config.tls_ca else None)
    context.check_hostname = bool(config.client.get("ssl_check_hostname", True))
    if config.tls_cert:
        password = config.tls_key_password.get_secret_value() if config.tls_key_password else None
        key = str(config.tls_key.expanduser()) if config.tls_key else None
        context.load_cert_chain(str(config.tls_cert.expanduser()), key, password)
    return context
