"""Why no broker can be reached: the client only says that it took too long."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Sequence

from logwatch.errors import ConfigError
from logwatch.kafka.connection import ConnectionConfig
from logwatch.kafka.login import offered
from logwatch.kafka.token import read_token

CONNECT_S = 3.0
LISTEN_S = 0.3
"""A broker that wants a certificate from us says so after the handshake, within this time."""

OF_CERTIFICATES = ("certificate", "unknown ca", "handshake failure", "access denied", "decrypt error")
"""Words of the alerts (RFC 8446, 6.2) that a broker sends where ours is missing, or not to its liking."""


class Wrong(Exception):
    """What is wrong is in the configuration: waiting does not help."""


def check_files(config: ConnectionConfig) -> None:
    """Read the certificates and the token. Raises ConfigError that names the setting."""
    if config.oauth_token_file is not None:
        read_token(config.oauth_token_file)
    if not config.encrypted:
        return
    for name in ("tls_ca", "tls_cert", "tls_key"):
        path = getattr(config, name)
        try:
            if path is not None:
                path.expanduser().read_bytes()
        except OSError as error:
            raise ConfigError(f"`{name}` {path} cannot be read: {(error.strerror or str(error)).lower()}") from None
    _context(config)


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
    check_files(config)
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
    """What is wrong at one place; empty where it can be connected to. Raises Wrong.

    Args:
        asks: something is wrong: whether it wants TLS or a login where we have none; and be patient.
    """
    try:
        connection = _connect(place)
    except socket.gaierror:
        return f'the name "{place.rpartition(":")[0]}" is not known: check `bootstrap`'
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        return f"nothing answers at {place} ({reason}): check `bootstrap`, and that the broker runs"
    with connection:
        if config.encrypted:
            _shake_hands(config, connection, place, CONNECT_S if asks else LISTEN_S)
        elif asks and _speaks_tls(connection):
            raise Wrong(f"{place} speaks TLS", "set `tls = true`, or give another port in `bootstrap`")
    if asks and config.sasl is None:
        _ask_for_logins(config, place)
    return ""


def _connect(place: str) -> socket.socket:
    host, _, port = place.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), CONNECT_S)


def _ask_for_logins(config: ConnectionConfig, place: str) -> None:
    """Raise Wrong where it wants one; without, a broker only hangs up."""
    ways: list[str] = []
    with contextlib.suppress(OSError), _connect(place) as connection:
        if config.encrypted:
            with _wrapped(config, connection, place) as secure:
                ways = offered(secure)
        else:
            ways = offered(connection)
    if ways:
        raise Wrong(
            f"{place} wants a login ({', '.join(ways)})",
            "set `sasl` and what it needs, or give another port in `bootstrap`",
        )


def _wrapped(config: ConnectionConfig, connection: socket.socket, place: str) -> ssl.SSLSocket:
    return _context(config).wrap_socket(connection, server_hostname=place.rpartition(":")[0].strip("[]"))


def _shake_hands(config: ConnectionConfig, connection: socket.socket, place: str, listen_s: float) -> None:
    try:
        with _wrapped(config, connection, place) as secure:
            secure.settimeout(listen_s)
            with contextlib.suppress(TimeoutError):
                secure.recv(1)
    except ssl.SSLCertVerificationError as error:
        raise Wrong(
            f"the certificate of {place} is not trusted: {error.verify_message}",
            "check `tls_ca`, and that `bootstrap` has the name that stands in the certificate",
        ) from None
    except ssl.SSLError as error:
        raise _refusal(config, place, (error.reason or str(error)).lower().replace("_", " ")) from None
    except OSError:
        return  # it went away: it may come back


def _refusal(config: ConnectionConfig, place: str, reason: str) -> Wrong:
    """What a broker means that ends the handshake, or the connection right after it."""
    if "alert" in reason and any(word in reason for word in OF_CERTIFICATES):
        if config.tls_cert is None:
            return Wrong(f"{place} wants a certificate ({reason})", "give one that it trusts: `tls_cert` and `tls_key`")
        return Wrong(
            f"{place} refuses the certificate of `tls_cert` {config.tls_cert} ({reason})",
            "check that it has not expired, and that the broker trusts who signed it: "
            f"openssl x509 -noout -enddate -issuer -in {config.tls_cert}",
        )
    if "wrong version" in reason or "record layer" in reason or "eof" in reason:
        hint = "remove `tls` and what belongs to it, or give another port in `bootstrap`"
        return Wrong(f"{place} does not speak TLS", hint)
    return Wrong(f"TLS with {place} fails: {reason}", "check the `tls` settings")


def _speaks_tls(connection: socket.socket) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # only asked whether it is TLS: nothing is sent
    try:
        with context.wrap_socket(connection):
            return True
    except OSError:
        return False


def _context(config: ConnectionConfig) -> ssl.SSLContext:
    """As the client makes it. Raises ConfigError that names the setting."""
    try:
        context = ssl.create_default_context(cafile=str(config.tls_ca.expanduser()) if config.tls_ca else None)
    except (ssl.SSLError, OSError) as error:
        raise ConfigError(f"`tls_ca` {config.tls_ca} cannot be used: {error}", "check that it is PEM") from None
    context.check_hostname = bool(config.client.get("ssl_check_hostname", True))
    if config.tls_cert:
        key = str(config.tls_key.expanduser()) if config.tls_key else None
        try:
            context.load_cert_chain(str(config.tls_cert.expanduser()), key, config.key_password)
        except (ssl.SSLError, OSError) as error:
            raise ConfigError(
                f"`tls_cert` {config.tls_cert} and `tls_key` cannot be used: {error}",
                "check that both are PEM and belong together, and that `tls_key_password` opens the key",
            ) from None
    return context
