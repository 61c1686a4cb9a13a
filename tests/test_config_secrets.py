"""Files that hold secrets: refused where everybody on the machine can read them, whoever uses them."""

from __future__ import annotations

from pathlib import Path

import pytest

from logwatch.config import ConfigProblems
from logwatch.plugins import configure

KAFKA = 'kind = "kafka"\nbootstrap = "a:1"\n'
SCRAPED = 'kind = "prometheus"\nurls = "http://app"\n'
POSTED = 'kind = "webhook"\nurl = "https://host/hook"\n'
USES = {
    "kafka password": (
        "source",
        KAFKA + 'topics = ["t"]\nsasl = "PLAIN"\nusername = "u"\npassword = { file = "FILE" }',
    ),
    "kafka token": ("source", KAFKA + 'topics = ["t"]\nsasl = "OAUTHBEARER"\noauth_token_file = "FILE"'),
    "kafka key": ("source", KAFKA + 'topics = ["t"]\ntls_cert = "FILE"\ntls_key = "FILE"'),
    "kafka sink": ("sink", KAFKA + 'topic = "t"\nsasl = "PLAIN"\nusername = "u"\npassword = { file = "FILE" }'),
    "prometheus password": ("source", SCRAPED + 'username = "u"\npassword = { file = "FILE" }'),
    "prometheus token": ("source", SCRAPED + 'token_file = "FILE"'),
    "prometheus key": ("source", SCRAPED + 'tls_cert = "FILE"\ntls_key = "FILE"'),
    "webhook url": ("sink", 'kind = "webhook"\nurl = { file = "FILE" }'),
    "webhook token": ("sink", POSTED + 'token_file = "FILE"'),
    "webhook header": ("sink", POSTED + 'headers = { X-Key = { file = "FILE" } }'),
    "webhook signature": ("sink", POSTED + 'secret_file = "FILE"'),
    "alertmanager password": (
        "sink",
        'kind = "alertmanager"\nurls = "http://am:9093"\nusername = "u"\npassword = { file = "FILE" }',
    ),
    "notify urls": ("sink", 'kind = "notify"\nurls_file = "FILE"'),
    "http token": ("http", 'token_file = "FILE"'),
    "http key": ("http", 'tls_cert = "FILE"\ntls_key = "FILE"'),
}


def _configured(folder: Path, use: str, mode: int) -> None:
    secret = folder / "secret"
    scheme = "jsons" if use == "notify urls" else "https"  # Apprise has its own
    secret.write_text(f"{scheme}://hooks.example/0123456789abcdef\n")
    secret.chmod(mode)
    kind, given = USES[use]
    tables = {"source": '[[source]]\nkind = "stdin"\n', "sink": "", "http": "[http]\n"}
    tables[kind] = f"[[{kind}]]\n" if kind != "http" else "[http]\n"
    tables[kind] += given.replace("FILE", str(secret)) + "\n"
    file = folder / "logwatchd.toml"
    file.write_text("".join(tables.values()))
    configure(file)


@pytest.mark.parametrize("use", USES)
def test_a_secret_that_everybody_can_read_is_refused_wherever_it_is_used(use: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigProblems) as told:
        _configured(tmp_path, use, 0o644)
    assert f"everybody on this machine can read {tmp_path}/secret: chmod o-rwx" in str(told.value)
    assert "0123456789abcdef" not in str(told.value)


@pytest.mark.parametrize("use", sorted(USES.keys() - {"http key"}))  # which must be a key: tests/web
def test_one_that_a_group_can_read_is_taken(use: str, tmp_path: Path) -> None:
    _configured(tmp_path, use, 0o640)
