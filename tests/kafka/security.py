"""TLS, SASL and access lists of the test broker: what its configuration says, and what its clients need."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from pathlib import Path

USERS = {"alice": "alice-secret", "bob": "bob-secret"}
"""Users of SASL. alice may do everything; bob only what access lists grant him."""

PROTOCOLS = {
    "SSL": "SSL", "MUTUAL": "SSL", "ELSEWHERE": "SSL", "SASL": "SASL_PLAINTEXT", "SASLSSL": "SASL_SSL",
}  # fmt: skip
"""Listener → protocol, beside the plain one, which may do everything. MUTUAL wants a certificate of its clients;
that of ELSEWHERE is of another host."""

KEY_PASSWORD = "key-secret"  # noqa: S105  # of a key that is made anew for each broker
REAUTHENTICATE_MS = 2000
"""How long a login by OAUTHBEARER is good for."""

_OAUTH = "org.apache.kafka.common.security.oauthbearer"
_AUTHORITY = """[ca]
default_ca = own
[own]
database = {folder}/index.txt
new_certs_dir = {folder}
unique_subject = no
rand_serial = yes
policy = any
default_md = sha256
[any]
commonName = supplied
"""


def certificate(folder: Path) -> Path:
    """Make self-signed certificates of 127.0.0.1 and of another host; returns the file that clients trust.

    Beside it lie the pairs of clients, `NAME.pem`: `worker` (apart in `worker.crt` and, under KEY_PASSWORD,
    `worker.locked.key`), `expired`, and `stranger`, which the broker does not know.
    """
    trusted = folder / "ca.pem"
    if not trusted.exists():
        _self_signed(folder, "server", "IP:127.0.0.1,DNS:localhost")
        _self_signed(folder, "elsewhere", "DNS:kafka.elsewhere.example")
        trusted.write_text((folder / "server.crt").read_text() + (folder / "elsewhere.crt").read_text())
        _client_certificates(folder)
    return trusted


def _client_certificates(folder: Path) -> None:
    _self_signed(folder, "authority", "DNS:authority")
    _self_signed(folder, "stranger", "DNS:stranger")
    (folder / "index.txt").touch()
    (folder / "authority.cnf").write_text(_AUTHORITY.format(folder=folder))
    for name, end in (("worker", "20491231235959Z"), ("expired", "20200102000000Z")):
        _openssl("req", *_new_key(folder, name), "-out", str(folder / "request"))
        _openssl(
            "ca", "-batch", "-config", str(folder / "authority.cnf"),
            "-cert", str(folder / "authority.crt"), "-keyfile", str(folder / "authority.key"),
            "-startdate", "20200101000000Z", "-enddate", end,
            "-in", str(folder / "request"), "-out", str(folder / f"{name}.crt"), "-notext",
        )  # fmt: skip
        _join(folder, name)
    given, locked = str(folder / "worker.key"), str(folder / "worker.locked.key")
    _openssl("pkey", "-in", given, "-aes256", "-passout", f"pass:{KEY_PASSWORD}", "-out", locked)


def _self_signed(folder: Path, name: str, alternatives: str) -> None:
    _openssl("req", "-x509", "-days", "30", "-addext", f"subjectAltName={alternatives}", *_new_key(folder, name),
             "-out", str(folder / f"{name}.crt"))  # fmt: skip
    _join(folder, name)


def _new_key(folder: Path, name: str) -> list[str]:
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    return [*key, "-subj", f"/CN={name}", "-keyout", str(folder / f"{name}.key")]


def _join(folder: Path, name: str) -> None:
    (folder / f"{name}.pem").write_text((folder / f"{name}.key").read_text() + (folder / f"{name}.crt").read_text())


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def properties(folder: Path) -> dict[str, str]:
    """Settings of a broker with TLS, PLAIN, SCRAM, OAUTHBEARER and access lists."""
    certificate(folder)
    users = " ".join(f'user_{name}="{password}"' for name, password in USERS.items())
    settings = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(folder / "server.pem"),
        "listener.name.elsewhere.ssl.keystore.type": "PEM",
        "listener.name.elsewhere.ssl.keystore.location": str(folder / "elsewhere.pem"),
        "listener.name.mutual.ssl.client.auth": "required",
        "listener.name.mutual.ssl.truststore.type": "PEM",
        "listener.name.mutual.ssl.truststore.location": str(folder / "authority.crt"),
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS;User:alice;User:CN=worker",
    }
    plain = f"org.apache.kafka.common.security.plain.PlainLoginModule required {users};"
    scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    bearer = f'{_OAUTH}.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";'
    validator = f"{_OAUTH}.internals.unsecured.OAuthBearerUnsecuredValidatorCallbackHandler"
    for listener in ("sasl", "saslssl"):
        own = f"listener.name.{listener}"
        settings[f"{own}.plain.sasl.jaas.config"] = plain
        settings[f"{own}.scram-sha-256.sasl.jaas.config"] = scram
        settings[f"{own}.scram-sha-512.sasl.jaas.config"] = scram
        settings[f"{own}.oauthbearer.sasl.jaas.config"] = bearer
        settings[f"{own}.oauthbearer.sasl.server.callback.handler.class"] = validator
        settings[f"{own}.oauthbearer.connections.max.reauth.ms"] = str(REAUTHENTICATE_MS)
    return settings


def token(user: str, seconds: float) -> str:
    """An unsigned JWT that is good for so long from now on."""
    now = time.time()
    parts = ({"alg": "none"}, {"sub": user, "iat": now + min(seconds, 0) - 60, "exp": now + seconds})
    return ".".join([*(base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in parts), ""])


def scram() -> list[str]:
    """Arguments of the storage tool that make the users known to SCRAM."""
    return [
        argument
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
        for name, password in USERS.items()
        for argument in ("--add-scram", f"{mechanism}=[name={name},password={password}]")
    ]
