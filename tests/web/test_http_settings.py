"""`[http]`: what is refused before anything listens."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pydantic import ValidationError

from logwatch.config.http import Address, Http, address
from logwatch.errors import ConfigError, UnreachableError
from logwatch.web.server import bind


def test_addresses_are_read_and_shown() -> None:
    for text in ("127.0.0.1:8711", "localhost:0", ":80", "[::1]:8711", "0.0.0.0:65535", "logs.example:1"):
        found = address(text)
        assert found is not None
        assert str(found) == text
    assert address("") is None


@pytest.mark.parametrize("text", ["8711", "127.0.0.1", "http://x:1", "a:65536", "::1:80", "a b:1", "x:1/", "[::1]"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no address to listen on"):
        address(text)


@pytest.mark.parametrize("text", ["0.0.0.0:1", ":1", "[::]:1", "192.0.2.1:1", "logs.example:1", "[::ffff:8.8.8.8]:1"])
def test_beyond_loopback_a_token_is_needed(text: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="token_file"):
        Http(listen=text)
    assert Http(listen=text, token_file=_token(tmp_path)).token() is not None
    assert Http(listen="", probe_listen=text).token() is None


@pytest.mark.parametrize("text", ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1"])
def test_on_loopback_none_is_needed(text: str) -> None:
    assert Http(listen=text).token() is None


def _token(folder: Path, text: str = "0123456789abcdef\n", mode: int = 0o640) -> Path:
    path = folder / "token"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_the_token_is_a_secret_and_its_line_end_no_part_of_it(tmp_path: Path) -> None:
    token = Http(token_file=_token(tmp_path)).token()
    assert token is not None
    assert token.get_secret_value() == "0123456789abcdef"
    assert "0123" not in repr(Http(token_file=_token(tmp_path)))


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [("0123456789abcdef", 0o644, "everybody"), ("short", 0o600, "16 letters"), ("", 0o600, "16 letters"),
     ("two words 0123456789", 0o600, "one word"), ("0123456789abcdef\x07", 0o600, "one word")],
)  # fmt: skip
def test_a_token_file_that_is_no_secret_is_refused(tmp_path: Path, text: str, mode: int, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Http(token_file=_token(tmp_path, text, mode))


def test_a_missing_token_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="nowhere"):
        Http(token_file=tmp_path / "nowhere")


def test_a_key_without_its_certificate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="go together"):
        Http(tls_key=tmp_path / "key")


def test_a_taken_port_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with pytest.raises(UnreachableError, match="taken"):
            bind(Address("127.0.0.1", taken.getsockname()[1]))


def test_an_address_of_another_machine_is_said() -> None:
    with pytest.raises(ConfigError, match=r"192\.0\.2\.1"):
        bind(Address("192.0.2.1", 0))


def _certificate(folder: Path, expired: bool = False) -> tuple[Path, Path]:
    """A self-signed certificate and its key, by openssl's own small authority: only that takes any dates."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    cert, key = folder / "cert.pem", folder / "key.pem"
    (folder / "index").touch()
    (folder / "serial").write_text("01\n")
    (folder / "ca.cnf").write_text(
        f"[ca]\ndefault_ca=d\n[d]\ndatabase={folder}/index\nserial={folder}/serial\nnew_certs_dir={folder}\n"
        "default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n"
    )
    dates = ("20200101000000Z", "20200102000000Z") if expired else ("20200101000000Z", "20491231000000Z")
    for command in (
        ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", f"{folder}/csr",
         "-subj", "/CN=x"],
        ["ca", "-batch", "-notext", "-selfsign", "-config", f"{folder}/ca.cnf", "-in", f"{folder}/csr",
         "-keyfile", str(key), "-out", str(cert), "-startdate", dates[0], "-enddate", dates[1]],
    ):  # fmt: skip
        subprocess.run(["openssl", *command], capture_output=True, check=True)
    return cert, key


def test_a_certificate_is_tried_before_anybody_connects(tmp_path: Path) -> None:
    cert, key = _certificate(tmp_path)
    Http(tls_cert=cert, tls_key=key)
    locked = tmp_path / "locked.pem"
    command = ["openssl", "pkey", "-in", key, "-aes256", "-passout", "pass:1234", "-out", locked]
    subprocess.run(command, capture_output=True, check=True)
    for wrong in ((key, cert), (cert, locked)):
        wrong[1].chmod(0o600)
        with pytest.raises(ValidationError, match="cannot be used"):
            Http(tls_cert=wrong[0], tls_key=wrong[1])
    with pytest.raises(ValidationError, match="nowhere cannot be read"):
        Http(tls_cert=cert, tls_key=tmp_path / "nowhere")


@pytest.mark.parametrize("verb", ["check-config", "run"])
def test_an_expired_certificate_is_said_before_anything_begins(tmp_path: Path, verb: str) -> None:
    cert, key = _certificate(tmp_path, expired=True)
    with _run(tmp_path, f'listen = "127.0.0.1:0"\ntls_cert = "{cert}"\ntls_key = "{key}"', verb) as run:
        _, said = run.communicate(timeout=60)
    assert run.returncode == 78
    assert f"{cert} expired on Jan  2 00:00:00 2020 GMT: renew it" in said
    assert not (tmp_path / "state").exists()


def _run(folder: Path, http: str, verb: str = "run") -> subprocess.Popen[str]:
    (folder / "a.log").write_text("2026-02-03T04:05:06Z INFO one line\n")
    config = f'state = "{folder}/state"\n[http]\n{http}\n[[source]]\nkind = "file"\npaths = ["{folder}/a.log"]\n'
    (folder / "c.toml").write_text(config)
    command = [sys.executable, "-m", "logwatch", verb, "-c", str(folder / "c.toml")]
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)


def test_a_port_that_was_asked_for_and_is_taken_ends_the_start(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        run = _run(tmp_path, f'listen = "127.0.0.1:{taken.getsockname()[1]}"')
        _, said = run.communicate(timeout=60)
    assert run.returncode == 69
    assert "is taken by another program" in said
    assert "Traceback" not in said


def test_the_page_is_served_over_tls(tmp_path: Path) -> None:
    import ssl
    import urllib.request

    cert, key = _certificate(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    run = _run(tmp_path, f'listen = "127.0.0.1:{port}"\ntls_cert = "{cert}"\ntls_key = "{key}"')
    try:
        context = ssl.create_default_context(cafile=str(cert))
        context.check_hostname = False
        for _ in range(300):
            try:
                with urllib.request.urlopen(f"https://127.0.0.1:{port}/readyz", context=context, timeout=5) as answer:
                    assert answer.status == 200
                break
            except OSError:
                time.sleep(0.2)
        else:
            pytest.fail("it never answered over TLS")
    finally:
        run.terminate()
        run.communicate(timeout=30)
    assert run.returncode == 0
