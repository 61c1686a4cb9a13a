"""Bounds that SECURITY.md promises: user regexes, and who can read the state."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from logwatch.app.session import detectors_of, opened
from logwatch.config import ConfigProblems, load
from logwatch.errors import ConfigError
from logwatch.parse.entity import entities, matches
from logwatch.parse.redact import Redactor

SETTINGS = {
    "entity": "[[source]]\nkind = 'file'\npaths = ['x']\nentity = '{}'",
    "redact": "redact = ['{}']",
    "rule": "[[rule]]\nname = 'a'\npattern = '{}'",
    "mark": "[[mark]]\npattern = '{}'",
    "template": "[[template]]\nmask = '{}'",
}
ENDLESS = [r"(a+)+$", r"(a|aa)+$", r"(.*a){20}$", r"^(\w+\s?)*$"]
"""Each takes a backtracking engine longer than the sun will shine."""

TOO_LARGE = [r"\w{5000}", r"(\w{100}){40}", r"(x{1000}){1000}"]
BACKTRACKING = [r"(?=a)b", r"(?<!a)b", r"(a)\1"]


@pytest.mark.parametrize("pattern", ENDLESS)
def test_no_expression_of_a_user_runs_for_ever_on_a_hostile_line(pattern: str) -> None:
    hostile = ["a" * 50_000 + "!", "a " * 25_000 + "!"]
    matches(hostile, pattern)
    entities(hostile, pattern)
    redactor = Redactor([pattern])
    redactor.apply(hostile, redactor.rows(hostile, "\n".join(hostile).lower())[1])


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("pattern", TOO_LARGE + BACKTRACKING)
def test_expressions_that_cannot_be_bounded_are_refused_at_start(setting: str, pattern: str, tmp_path: Path) -> None:
    file = tmp_path / "logwatchd.toml"
    file.write_text(SETTINGS[setting].format(pattern))
    with pytest.raises((ConfigProblems, ConfigError), match=r"linear|regular|size|look|back"):
        load(file, environ={})


def test_our_own_redaction_is_linear_in_the_line() -> None:
    redactor = Redactor(["token", "password", "email", "card", "ipv4", "ipv6"])
    for piece in ("password=", "eyJ", "a@", "://a:", "4111 ", "-----BEGIN PRIVATE KEY-----", '\\\\"', "cookie: "):
        text = piece * (200_000 // len(piece))
        redactor.apply([text], redactor.rows([text], text.lower())[1])


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_the_state_is_its_owners_alone_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    state = tmp_path / "state"
    loaded = load(environ={}, flags={"state": ("--state", state)})
    before = os.umask(mask)
    try:
        with opened(loaded.settings, detectors_of(loaded), state, {}):
            assert stat.S_IMODE(state.stat().st_mode) == 0o700
    finally:
        os.umask(before)
