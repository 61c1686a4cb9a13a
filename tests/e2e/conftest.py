"""A real daemon that has read a recording with faults and hostile lines, and a real Chromium in front of it."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.site import FLAGS, TOKEN, Site, no_browser
from tests.integration.program import Program, eventually, habit, line, odd

HOSTILE = (
    "ERROR </script><img src=x onerror=\"document.title='owned'\"> \x1b[2J\x1b]0;owned\x07 \u202egnp.exe "
    "javascript:alert(1) {{7*7}} " + "A" * 10_000
)
NAMED = "<img src=x onerror=alert(1)> 'name\"&"
SETTINGS = """state = "{0}/state"
budget = "20/hour"
[http]
listen = "127.0.0.1:0"
token_file = "{0}/token"
[risk.cnn]
[[source]]
kind = "file"
name = "{{name}}"
paths = ["{0}/*.log", "{0}/*.csv"]
start = "beginning"
"""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("page")
    recorded = Path(__file__).parents[1] / "data" / "recordings" / "app"
    (folder / "app.log").write_bytes(gzip.decompress((recorded / "app.log.gz").read_bytes()))
    (folder / "app-metrics.csv").write_bytes(gzip.decompress((recorded / "metrics.csv.gz").read_bytes()))
    hostile = f"{line(3300).split(' ', 1)[0]} {HOSTILE}\n"
    (folder / f"{NAMED}.log").write_text(habit(2500) + odd(2500) + habit(800, 2501) + hostile + habit(400, 3302))
    (folder / "new.log").write_text(habit(40))
    with serve(folder, SETTINGS.format(folder)) as served:
        eventually(lambda: settled(served), "everything is read, and its alerts are kept")
        yield served


def settled(site: Site) -> bool:
    """Whether the faults of the recording, the hostile line and a window of metrics are there."""
    rows = site.ask("alerts?limit=200")["alerts"]
    lines = "".join(row["line"] for row in rows)
    return "onerror" in lines and "database is locked" in lines and bool(site.ask("heatmaps")["heatmaps"])


class serve:  # a context manager
    """Runs a daemon on a folder; inside, it answers."""

    def __init__(self, folder: Path, settings: str) -> None:
        (folder / "token").write_text(TOKEN)
        (folder / "token").chmod(0o600)
        (folder / "logwatchd.toml").write_text(settings)
        self._program = Program(folder)
        self._folder = folder

    def __enter__(self) -> Site:
        config = self._folder / "logwatchd.toml"
        self._running = self._program.start("run", "-c", config, "--log-format", "json")

        def address() -> str:
            told = [json.loads(one) for one in self._running.err.read_text().splitlines() if one.startswith("{")]
            return next((str(one["url"]) for one in told if one["event"] == "listening"), "")

        return Site(eventually(address, "it listens"), self._running)

    def __exit__(self, *_: object) -> None:
        if self._running.process.poll() is None:
            self._running.process.terminate()
            self._running.process.wait(30)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if found is None:
        no_browser("chromium is not installed")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        no_browser("playwright is not installed: pip install -e '.[dev]'")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def visitor(chromium: Any) -> Iterator[Any]:
    """A page of somebody who has not logged in. Whatever a test does there: no script fails, nothing is run."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(15_000)
    page = context.new_page()
    bad: list[str] = []
    page.on("pageerror", lambda error: bad.append(str(error)))
    page.on("dialog", lambda dialog: bad.append(f"dialog: {dialog.message}"))
    page.on("console", lambda told: bad.append(told.text) if "Content Security Policy" in told.text else None)
    yield page
    context.close()
    assert bad == []


@pytest.fixture(scope="session")
def cookies(chromium: Any, site: Site) -> Any:
    """Those of one login: tries to log in are bounded."""
    context = chromium.new_context()
    site.enter(context.new_page())
    kept = context.cookies()
    context.close()
    return kept


@pytest.fixture
def page(visitor: Any, site: Site, cookies: Any) -> Any:
    """A page of somebody who has logged in."""
    visitor.context.add_cookies(cookies)
    return visitor
