"""Secrets of real formats leave a line; values here are made up. Ordinary lines stay as they are."""

from __future__ import annotations

import pytest

from logwatch.parse.redact import Redactor
from logwatch.parse.secret_shapes import BUILT_IN, NAMES

DEFAULT = ("token", "password", "email")
A = "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5bC7dE9fG1hJ3kL5mN7pQ9rS1tU3v"
"""Letters and digits."""
HEX = "0123456789abcdef" * 4

ISSUED = {
    "AWS access key": "AKIA" + "Q3EGRTY5UIO7PAS2",
    "AWS temporary key": "ASIA" + "Q3EGRTY5UIO7PAS2",
    "GitHub personal": "ghp_" + A[:36],
    "GitHub app": "ghs_" + A[:36],
    "GitHub fine-grained": "github_pat_" + A[:22] + "_" + A[:59],
    "GitLab": "glpat-" + A[:20],
    "Slack bot": "xoxb-" + "123456789012-1234567890123-" + A[:24],
    "Slack app": "xapp-" + "1-A0123456789-1234567890123-" + HEX,
    "Google API key": "AIza" + A[:35],
    "Google OAuth": "ya29." + A[:60],
    "Google client secret": "GOCSPX-" + A[:28],
    "Stripe live": "sk_live_" + A[:24],
    "Stripe restricted": "rk_live_" + A[:24],
    "Stripe test": "sk_test_" + A[:24],
    "Stripe webhook": "whsec_" + A[:32],
    "npm": "npm_" + A[:36],
    "PyPI": "pypi-" + "AgEIcHlwaS5vcmc" + A[:60],
    "OpenAI project": "sk-proj-" + A[:48],
    "OpenAI": "sk-" + A[:20] + "T3BlbkFJ" + A[:20],
    "Anthropic": "sk-ant-" + "api03-" + A[:60],
    "Hugging Face": "hf_" + A[:34],
    "Vault": "hvs." + A[:40],
    "DigitalOcean": "dop_v1_" + HEX,
    "Docker Hub": "dckr_pat_" + A[:27],
    "Grafana": "glsa_" + A[:32] + "_" + HEX[:8],
    "Shopify": "shpat_" + HEX[:32],
    "Atlassian": "ATATT3" + A[:60],
    "age": "AGE-SECRET-KEY-1" + "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQPZRY9X8GF2TVDW0S3JN54KHCE",
    "JSON web token": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0." + A[:43],
}

PLACED = [
    ("AWS_SECRET_ACCESS_KEY=<S>", A[:40]),
    ('{"aws_secret_access_key": "<S>"}', A[:40]),
    ("DefaultEndpointsProtocol=https;AccountName=a;AccountKey=<S>==;EndpointSuffix=core.windows.net", A[:64]),
    ("Endpoint=sb://x.servicebus.windows.net/;SharedAccessKeyName=root;SharedAccessKey=<S>=", A[:43]),
    ("GET https://a.blob.core.windows.net/c/b?sv=2022-11-02&sig=<S>&se=2026", A[:44]),
    ("GET https://b.s3.amazonaws.com/k?X-Amz-Expires=60&X-Amz-Signature=<S>", HEX),
    ("Server=db;User Id=sa;Password=<S>;Encrypt=yes", "Pa55-w0rd!"),
    ("jdbc:postgresql://db/x?user=bob&password=<S>&ssl=true", "hunter2"),
    ("clone https://bob:<S>@git.example.org/x.git", "hunter2"),
    ("clone https://<S>@git.example.org/x.git", A[:36]),
    ("connect postgres://bob:<S>@db:5432/x", "p@ss@word"),
    ("connect redis://:<S>@cache:6379/0", "hunter2"),
    ("connect mongodb+srv://u:<S>@h1,h2/db?retryWrites=true", "hunter2"),
    ("POST https://hooks.slack.com/services/<S>", "T0123ABCD/B0123ABCD/" + A[:24]),
    ("Authorization: Basic <S>", "Ym9iOmh1bnRlcjI="),
    ("Authorization: Bearer <S>", A[:40]),
    ("authorization: token <S>", A[:40]),
    ('{"Authorization": "ApiKey <S>"}', A[:40]),
    ("X-Api-Key: <S>", A[:32]),
    ("X-Vault-Token: <S>", "s." + A[:24]),
    ("Cookie: session=<S>", A[:40]),
    ("< Set-Cookie: sid=<S>; Path=/; HttpOnly", A[:40]),
    ('{"Cookie":["sid=<S>"]}', A[:40]),
    ("GET /cart;jsessionid=<S>", HEX[:32]),
    ('payload "{\\"user\\": \\"bob\\", \\"password\\": \\"<S>\\"}"', "hunter2"),
    ('Parameters: {"user"=>"bob", "password"=>"<S>"}', "hunter2"),
    ("<login><password><S></password></login>", "hunter2"),
    ("body user=bob&password%3D<S>", "hunter2"),
    ("exec mysql --user bob --password <S> -h db", "hunter2"),
    ('exec ["vault", "login", "--token", "<S>"]', "s.hunter2"),
    ("ALTER USER bob WITH PASSWORD '<S>'", "hunter 2"),
    ("CREATE USER bob IDENTIFIED BY '<S>'", "hunter2"),
    ("DB_PASS=<S> ./run", "hunter2"),
    ("password=<S> end", "dom\\hunter2"),
    ("key -----BEGIN RSA PRIVATE KEY-----\\n<S>\\n-----END RSA PRIVATE KEY----- loaded", "MIIEpAIBAAKCAQEA" + A),
    ("key -----BEGIN PRIVATE KEY----- <S>", "MIIEpAIBAAKCAQEA" + A),
]

ORDINARY = [
    "Failed password for root from 10.0.0.1 port 22 ssh2",
    "refresh-token expired for session 12",
    "token expired, secret santa is off, password incorrect",
    "task-12 of disk-3 done: monkey keyboard, keys pressed",
    "msg.handler risk-free sk-learn 1.2 npm_config_cache hf_hub on",
    "user:pass is no URL, see http://a.example:8080/x and mail.example.org",
    "cookies=3 user=bob",
    "cookies enabled: 3 cookies set",
    "Authorization: permission denied",
    "GET /index.html?sig=1&page=2 200",
    "connected to postgres://db:5432/x as bob",
    "commit 3f786850e387550fdab836ed7e6dc881de23001b by alice",
    "-----BEGIN CERTIFICATE----- MIIC -----END CERTIFICATE-----",
    "xoxo and akiaido",
]


def redacted(text: str) -> str:
    redactor = Redactor(DEFAULT)
    _, rules = redactor.rows([text], text.lower())
    return redactor.apply([text], rules)[0]


@pytest.mark.parametrize("name", ISSUED)
def test_what_issuers_mark_as_theirs_is_known_anywhere(name: str) -> None:
    secret = ISSUED[name]
    for text in (f"got {secret} from env", f'{{"x": "{secret}"}}', f"a={secret},b", f"https://a.example/{secret}/x"):
        assert secret[-12:] not in redacted(text), redacted(text)
        assert "<redacted:token>" in redacted(text)


@pytest.mark.parametrize(("text", "secret"), PLACED)
def test_a_secret_is_known_by_its_place(text: str, secret: str) -> None:
    shown = redacted(text.replace("<S>", secret))
    assert secret not in shown
    assert secret[-6:] not in shown
    assert "<redacted:" in shown


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_lines_stay(text: str) -> None:
    assert redacted(text) == text


def test_the_default_rules_are_looked_for_in_one_pass() -> None:
    literals = {word for name in DEFAULT for part in NAMES[name] for word in BUILT_IN[part][0] if len(word) > 1}
    assert len(literals) <= 64
