"""TLS, SASL and access lists of the test broker: what its configuration says, and what its clients need."""

from __future__ import annotations

import subprocess
from pathlib import Path

USERS = {"alice": "alice-secret", "bob": "bob-secret"}
"""Users of SASL. alice may do everything; bob only what access lists grant him."""

PROTOCOLS = {"SSL": "SSL", "SASL": "SASL_PLAINTEXT", "SASLSSL": "SASL_SSL"}
"""Listener → protocol, beside the plain one, which may do everything."""


def certificate(folder: Path) -> Path:
    """Make a self-signed certificate of 127.0.0.1; returns the file that clients trust."""
    key, trusted = folder / "key.pem", folder / "ca.pem"
    if not trusted.exists():
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=localhost",
             "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", str(key), "-out", str(trusted)],
            check=True, capture_output=True,
        )  # fmt: skip
        (folder / "server.pem").write_text(key.read_text() + trusted.read_text())
    return trusted


def properties(folder: Path) -> dict[str, str]:
    """Settings of a broker with TLS, PLAIN, SCRAM and access lists."""
    certificate(folder)
    users = " ".join(f'user_{name}="{password}"' for name, password in USERS.items())
    settings = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(folder / "server.pem"),
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS;User:alice",
    }
    for listener in ("sasl", "saslssl"):
        plain = f"org.apache.kafka.common.security.plain.PlainLoginModule required {users};"
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        settings[f"listener.name.{listener}.plain.sasl.jaas.config"] = plain
        settings[f"listener.name.{listener}.scram-sha-256.sasl.jaas.config"] = scram
        settings[f"listener.name.{listener}.scram-sha-512.sasl.jaas.config"] = scram
    return settings


def scram() -> list[str]:
    """Arguments of the storage tool that make the users known to SCRAM."""
    return [
        argument
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
        for name, password in USERS.items()
        for argument in ("--add-scram", f"{mechanism}=[name={name},password={password}]")
    ]
