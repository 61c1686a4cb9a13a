"""Secrets leave a line before it goes anywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logwatch.errors import ConfigError
from logwatch.parse.redact import Redactor, literal


def redacted(text: str, *rules: str) -> str:
    redactor = Redactor(rules)
    texts = ["first", text, "last"]
    found, active = redactor.rows(texts, "\n".join(texts).lower())
    changed = redactor.apply(texts, active)
    assert changed[0] == "first"
    assert changed[2] == "last"
    if changed[1] != text:
        assert found.tolist() == [1]
    return changed[1]


CASES = [
    ("password=hunter2 ok", "password", "password=<redacted:password> ok"),
    ('{"password": "hunter 2", "a": 1}', "password", '{"password": "<redacted:password>", "a": 1}'),
    ("PGPASSWORD='x y' psql", "password", "PGPASSWORD='<redacted:password>' psql"),
    ("password=password", "password", "password=<redacted:password>"),
    ("db_passwd: s3cret, next", "password", "db_passwd: <redacted:password>, next"),
    ("at postgres://bob:pw@db:5432/x", "password", "at postgres://bob:<redacted:password>@db:5432/x"),
    ("Failed password for root from 1.2.3.4", "password", "Failed password for root from 1.2.3.4"),
    ("api_key=abc123&x=1", "token", "api_key=<redacted:token>&x=1"),
    ("client_secret=abc", "token", "client_secret=<redacted:token>"),
    ("Authorization: Bearer abcdefgh.ij-k", "token", "Authorization: Bearer <redacted:token>"),
    ("jwt eyJhbGciOi.eyJzdWIiOi.sig-x end", "jwt", "jwt <redacted:jwt> end"),
    ("key AKIAIOSFODNN7EXAMPLE used", "token", "key <redacted:token> used"),
    ("mail to Ann.Lee+x@mail.example.org failed", "email", "mail to <redacted:email> failed"),
    ("two a@b.cc and d@e.ff", "email", "two <redacted:email> and <redacted:email>"),
    ("from 10.0.0.255 port 1.2.3", "ipv4", "from <redacted:ipv4> port 1.2.3"),
    ("from 2001:db8::1 at 12:00:01", "ipv6", "from <redacted:ipv6> at 12:00:01"),
    ("card 4111 1111 1111 1111 ok", "card", "card <redacted:card> ok"),
    ("order 4111111111111112 ok", "card", "order 4111111111111112 ok"),
    ("x4111111111111111 4111111111111111", "card", "x4111111111111111 <redacted:card>"),
    ("card=77 card=78", r"card=(\d+)", "card=<redacted> card=<redacted>"),
    ("plate AB-123", r"[A-Z]{2}-\d+", "plate <redacted>"),
    ("a=e&b=d", r"a=(\w)&b=(\w)", "a=<redacted>&b=<redacted>"),
    ("nested xyz", r"(x(y)z)", "nested <redacted>"),
]


@pytest.mark.parametrize(("text", "rule", "wanted"), CASES)
def test_a_secret_is_replaced_and_nothing_else(text: str, rule: str, wanted: str) -> None:
    assert redacted(text, rule) == wanted


def test_rules_work_together() -> None:
    wanted = "<redacted:email> password=<redacted:password>"
    assert redacted("a@b.cc password=x", "token", "password", "email") == wanted


def test_a_batch_without_a_trigger_is_left_alone() -> None:
    texts = ["nothing here", "or here"]
    assert Redactor(["token", "password", "email"]).rows(texts, "\n".join(texts))[0].tolist() == []


@pytest.mark.parametrize("rule", ["passwort", "(?=x)", "(", "creditcards"])
def test_an_unknown_rule_is_refused_by_name(rule: str) -> None:
    with pytest.raises(ConfigError, match="redact") as refused:
        Redactor([rule])
    assert refused.value.hint


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [(r"card=(\d+)", "card="), ("Ab*c", "a"), ("a|b", ""), ("(?i)x", ""), (r"\d", ""), ("x{0,2}", ""), ("id=+", "id=")],
)
def test_the_literal_of_a_pattern_is_in_every_match(pattern: str, wanted: str) -> None:
    assert literal(pattern) == wanted


@given(st.lists(st.text(alphabet="ab@.=pwd:/ -1", max_size=30), min_size=1, max_size=6))
def test_redacting_never_fails_and_finds_the_same_line_by_line(texts: list[str]) -> None:
    redactor = Redactor(["token", "password", "email", "card", "ipv4", r"a=(\w+)"])

    def all_of(lines: list[str]) -> list[str]:
        return redactor.apply(lines, redactor.rows(lines, "\n".join(lines).lower())[1])

    assert all_of(texts) == [all_of([text])[0] for text in texts]
