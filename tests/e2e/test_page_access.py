"""Who may see the page, by what means, and what it says when something is wrong."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from logwatch.checkpoint.store import NewAlert, Store
from logwatch.sinks.schema import to_json
from logwatch.testing import sample_alert
from logwatch.web.event_routes import BEHIND
from tests.e2e.conftest import SETTINGS, serve
from tests.e2e.site import TOKEN, Site
from tests.integration.program import habit

pytestmark = pytest.mark.browser

VIEWS = ("", "incidents", "sources/app", "sources/new", "sources/app-metrics.csv", "risk", "incidents?source=nobody")


def grave(page: Any) -> list[str]:
    """Serious and critical violations that axe-core finds."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    found = axe.Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['html'][:200]} {node.get('failureSummary', '')}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


def test_without_the_token_there_is_only_the_login(visitor: Any, site: Site) -> None:
    visitor.goto(f"{site.url}/#/incidents")
    visitor.wait_for_url("**/login#/incidents")
    visitor.fill("#token", "not the token")
    visitor.click("button[type=submit]")
    visitor.wait_for_selector("text=that is not the token")
    assert grave(visitor) == []
    visitor.fill("#token", TOKEN)
    visitor.click("button[type=submit]")
    visitor.wait_for_selector(".incidents li")
    assert visitor.url == f"{site.url}/#/incidents"
    assert visitor.evaluate("document.cookie") == ""  # no script reads it
    visitor.click("#leave")
    visitor.wait_for_url("**/login")
    visitor.goto(f"{site.url}/#/")
    visitor.wait_for_url("**/login#/")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_view_is_accessible_and_fits_narrow_screens(page: Any, site: Site, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    for view in (*VIEWS, f"incidents/{site.incident('database is locked')}"):
        site.go(page, view)
        page.wait_for_timeout(150)
        assert grave(page) == [], view
        page.set_viewport_size({"width": 360, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, view
        page.set_viewport_size({"width": 1280, "height": 800})


def test_everything_is_reached_by_keyboard(page: Any, site: Site) -> None:
    site.go(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "view"
    page.keyboard.press("g")
    page.keyboard.press("i")
    page.wait_for_selector("form.filters")
    page.wait_for_selector(".incidents li")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_selector(".feedback form")
    page.keyboard.press("g")
    page.keyboard.press("o")
    page.wait_for_selector("table.sources")
    page.keyboard.press("?")
    assert page.locator("#shortcuts").is_visible()
    assert grave(page) == []
    page.keyboard.press("Escape")
    assert not page.locator("#shortcuts").is_visible()


def test_dark_is_chosen_and_kept(page: Any, site: Site) -> None:
    site.go(page)
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.click("#theme")
    dark = page.evaluate(ground)
    assert dark != light
    page.reload()
    assert page.evaluate(ground) == dark


def test_what_is_missing_is_said(page: Any, site: Site) -> None:
    for place, words in {
        "nowhere": "Nothing is here",
        "incidents/ffffffff": "there is no alert ffffffff",
        "sources/nobody": "There is no source nobody",
    }.items():
        site.go(page, place)
        page.wait_for_selector(f".state >> text={words}")


def test_a_lost_daemon_is_told_and_found_again(page: Any, site: Site) -> None:
    site.go(page)
    page.wait_for_selector("table.sources tbody tr")
    page.context.set_offline(True)
    page.click("a[data-view=incidents]")
    page.wait_for_selector("text=The daemon does not answer")
    page.context.set_offline(False)
    page.click("text=Try again")
    page.wait_for_selector(".incidents li")


def test_events_that_fail_are_replaced_by_questions(page: Any, site: Site) -> None:
    page.route("**/api/v1/events", lambda route: route.abort())
    site.go(page)
    page.wait_for_selector("#trouble >> text=asking every 5 seconds")
    page.route("**/api/v1/status", lambda route: route.abort())
    page.wait_for_selector("#trouble >> text=Disconnected")


def test_alerts_that_were_left_out_are_told(visitor: Any, tmp_path: Path) -> None:
    with Store(tmp_path / "state") as store:
        rows = [json.dumps(to_json(sample_alert(number))) for number in range(BEHIND + 2)]
        store.commit({}, [NewAlert(f"{number:064x}", time.time_ns(), body) for number, body in enumerate(rows)])
    (tmp_path / "app.log").write_text(habit(40))

    def long_away(route: Any) -> None:
        route.continue_(headers=route.request.headers | {"last-event-id": "1"})

    with serve(tmp_path, SETTINGS.format(tmp_path)) as served:
        served.enter(visitor)
        visitor.route("**/api/v1/events", long_away)
        served.go(visitor)
        visitor.wait_for_selector(f"#trouble >> text={BEHIND + 1} alerts were not shown live; the list has them.")
