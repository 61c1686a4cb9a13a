"""Where the page is, and who may see it."""

from __future__ import annotations

import json
import os
import urllib.request
from dataclasses import dataclass
from typing import Any, NoReturn

import pytest

from tests.integration.program import Running, eventually

TOKEN = "fedcba9876543210" * 2  # of the tests alone
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@dataclass(frozen=True)
class Site:
    """A daemon that serves the page."""

    url: str
    running: Running

    def ask(self, path: str) -> Any:
        """What its API answers."""
        url, login = f"{self.url}/api/v1/{path}", {"authorization": f"Bearer {TOKEN}"}
        request = urllib.request.Request(url, headers=login)  # noqa: S310  # our own address
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # likewise
            return json.load(answer)

    def incident(self, words: str) -> str:
        """The incident whose line has these words."""
        return next(str(row["incident"]) for row in self.ask("alerts?limit=200")["alerts"] if words in row["line"])

    def enter(self, page: Any) -> None:
        """Log in, without the page."""
        answer = page.context.request.post(f"{self.url}/login", data={"token": TOKEN}, headers={"origin": self.url})
        assert answer.status == 204

    def go(self, page: Any, place: str = "") -> None:
        """Show a view, and wait until it stands."""
        page.goto(f"{self.url}/#/{place}")
        page.wait_for_selector("main:not([aria-busy]) h1", state="attached")
        until(page, "!document.querySelector('main').textContent.includes('Loading…')")


def until(page: Any, holds: str) -> None:
    """Wait until an expression holds. Playwright's own wait needs `eval`, which the page forbids."""
    eventually(lambda: page.evaluate(holds), holds)


def no_browser(reason: str) -> NoReturn:
    """Skip, or fail where a real browser is promised."""
    if os.environ.get("LOGWATCHD_CI_BROWSER"):
        pytest.fail(reason)
    pytest.skip(reason)
