"""A real daemon, and a real browser that looks at its page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.served import TOKEN, Api, daemon

QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium: apt-get install chromium")
    sync = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install playwright")
    with sync.sync_playwright() as play:
        one = play.chromium.launch(executable_path=found, args=QUIET)
        yield one
        one.close()


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with daemon(tmp_path_factory.mktemp("page"), "[risk.cnn]\n") as served:
        yield served


class Page:
    """A tab; whatever goes wrong in it is kept.

    Args:
        inner: of Playwright.
    """

    def __init__(self, inner: Any, base: str) -> None:
        self.inner, self.base = inner, base
        self.wrong: list[str] = []
        inner.on("pageerror", lambda error: self.wrong.append(str(error)))
        inner.on("dialog", lambda dialog: (self.wrong.append(f"dialog {dialog.message}"), dialog.dismiss()))
        inner.on("console", lambda said: self.wrong.append(said.text) if said.type == "error" else None)

    def go(self, where: str) -> Any:
        """Open a view, and wait until it is drawn."""
        self.inner.goto(f"{self.base}/#{where}")
        self.inner.wait_for_selector("main:not([aria-busy]) h1")
        return self.inner


@pytest.fixture(scope="session")
def session(browser: Any, api: Api) -> Any:
    """The cookie of a login; tries to log in are bounded."""
    with browser.new_context() as context:
        assert context.request.post(f"http://127.0.0.1:{api.port}/login", data={"token": TOKEN}).ok
        return context.storage_state()


@pytest.fixture
def page(browser: Any, api: Api, session: Any) -> Iterator[Page]:
    """A tab that is logged in."""
    look = {"reduced_motion": "reduce", "viewport": {"width": 1280, "height": 900}, "storage_state": session}
    with browser.new_context(**look) as context:
        base = f"http://127.0.0.1:{api.port}"
        one = Page(context.new_page(), base)
        one.inner.set_default_timeout(15_000)
        yield one
        assert not one.wrong
