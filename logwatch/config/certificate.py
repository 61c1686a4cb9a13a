"""Our own certificate for TLS: tried before anybody connects."""

from __future__ import annotations

import time
from pathlib import Path


def check_certificate(cert: Path, key: Path) -> None:
    """Raises ValueError where it is missing, no certificate, not that key's, or out of date."""
    import ssl  # takes a while, and few have one

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert.expanduser(), key.expanduser(), _no_password)
        decoded = ssl._ssl._test_decode_cert(str(cert.expanduser()))  # type: ignore[attr-defined]  # nothing public does
    except ssl.SSLError as error:
        why = error.reason or error
        raise ValueError(f"tls_cert and tls_key cannot be used: {why}: they must be PEM, and a pair") from None
    except OSError as error:
        raise ValueError(f"tls_cert {cert} or tls_key {key} cannot be read: {error.strerror}") from None
    until = str(decoded["notAfter"])
    if ssl.cert_time_to_seconds(until) < time.time():
        raise ValueError(f"tls_cert: {cert} expired on {until}: renew it")


def _no_password() -> str:
    """Without one, OpenSSL would ask for it on the terminal."""
    return ""
