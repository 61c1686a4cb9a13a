"""The page as people see it: in a real browser, of a real daemon that has read odd and hostile lines."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Page
from tests.integration.program import ODD
from tests.integration.served import NAMED, TOKEN, Api

pytestmark = pytest.mark.browser

SHOTS = os.environ.get("PAGE_SCREENSHOTS", "")
"""A folder for pictures of every view; empty: none."""


def shoot(page: Any, name: str) -> None:
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        page.wait_for_timeout(600)
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


def incident_of(api: Api, text: str) -> str:
    (row,) = [one for one in api("/api/v1/alerts")["alerts"] if text in one["line"]]
    return str(row["incident"])


def test_the_overview_shows_every_source_and_what_is_open(page: Page) -> None:
    seen = page.go("/")
    seen.wait_for_selector("table.sources tbody tr")
    assert seen.locator("table.sources tbody tr").count() == 2
    assert NAMED in seen.locator("table.sources").inner_text()
    assert seen.locator("svg.spark").count() == 2
    assert "20/hour" in seen.locator("table.sources").inner_text()
    seen.locator("#health", has_text="reading").wait_for()
    seen.fill("#filter", "m.c")
    assert seen.locator("table.sources tbody tr").count() == 1
    seen.fill("#filter", "nothing like it")
    seen.get_by_text("No source has such a name.").wait_for()
    seen.fill("#filter", "")
    shoot(seen, "overview")


def test_incidents_are_listed_and_filtered_by_the_address(page: Page) -> None:
    seen = page.go("/incidents")
    rows = seen.locator("table.incidents tbody tr")
    whole = rows.count()
    assert whole >= 2
    shoot(seen, "incidents")
    seen.fill("input[name=source]", "m.csv")
    seen.click("form button[type=submit]")
    seen.wait_for_url("**/#/incidents?source=m.csv")
    seen.wait_for_selector("main:not([aria-busy]) h1")
    assert rows.count() < whole
    page.go("/incidents?source=nobody")
    seen.get_by_text("No incident like that").wait_for()


def test_an_incident_shows_its_lines_what_was_expected_and_why(page: Page, api: Api) -> None:
    seen = page.go(f"/incidents/{incident_of(api, ODD)}")
    assert ODD in seen.locator(".lines .odd").last.inner_text()
    assert seen.locator(".lines li:not(.odd)").count() >= 3
    assert re.search(r"\d+ %", seen.locator("section:has(#expected-title)").inner_text())
    assert "nats" in seen.locator("section:has(#because-title)").inner_text()
    shoot(seen, "incident")


def test_feedback_is_given_and_undone(page: Page, api: Api) -> None:
    seen = page.go(f"/incidents/{incident_of(api, ODD)}")
    seen.fill("input[name=note]", "it burns <b>every</b> night")
    seen.select_option("select[name=expires]", "7d")
    seen.click("button[value=normal]")
    said = seen.locator(".given li", has_text="in force")
    said.wait_for()
    assert "it burns <b>every</b> night" in said.inner_text()
    shoot(seen, "feedback")
    seen.click("button[value=real]")
    seen.locator("form .bad", has_text="overlap").wait_for()
    page.wrong = [one for one in page.wrong if "400" not in one]  # the browser's own word on a refusal
    said.get_by_role("button", name="Undo").click()
    seen.locator(".given li", has_text="undone").first.wait_for()


def test_a_source_shows_its_score_and_the_keyboard_reads_it_out(page: Page) -> None:
    seen = page.go("/")
    seen.get_by_role("link", name=NAMED, exact=True).first.click()
    seen.wait_for_selector("svg.chart")
    seen.focus("svg.chart")
    for _ in range(3):
        seen.keyboard.press("ArrowLeft")
    assert re.search(r"score [\d.]+, [\d,]+ judged", seen.locator(".readout").inner_text())
    assert seen.locator(".kinds li").count() >= 1
    assert seen.locator("svg.chart a").count() >= 1
    shoot(seen, "source")


def test_the_risk_view_shows_the_gate_and_pictures(page: Page) -> None:
    seen = page.go("/risk")
    assert "m.csv" in seen.locator("main").inner_text()
    shoot(seen, "risk")


def test_hostile_lines_are_text(page: Page, api: Api) -> None:
    for where in ("/", "/incidents", f"/incidents/{incident_of(api, 'onerror')}", f"/sources/{NAMED}"):
        seen = page.go(where.replace('"', "%22").replace("<", "%3C").replace(">", "%3E"))
        assert seen.locator("main b, main img[src='x'], main script").count() == 0
    seen = page.go(f"/incidents/{incident_of(api, 'onerror')}")
    odd = seen.locator(".lines .odd").last.inner_text()
    assert "</script><img src=x onerror=alert(1)>" in odd
    assert "\\u202egnp.exe" in odd
    assert "\x1b" not in odd
    assert "more characters" in odd
    shoot(seen, "hostile")


VIEWS = ["/", "/incidents", "INCIDENT", "SOURCE", "/risk"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_accessible(page: Page, api: Api, view: str, scheme: Any) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="no axe: pip install axe-playwright-python"
    )
    where = {"INCIDENT": f"/incidents/{incident_of(api, ODD)}", "SOURCE": "/sources/m.csv"}.get(view, view)
    page.inner.emulate_media(color_scheme=scheme)
    seen = page.go(where)
    seen.wait_for_timeout(200)
    found = axe.Axe().run(seen).response["violations"]
    grave = [
        (one["id"], [node["html"][:200] for node in one["nodes"]][:3])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert grave == []
    if scheme == "dark":
        shoot(seen, f"dark-{VIEWS.index(view)}")


@pytest.mark.parametrize("view", VIEWS)
def test_narrow_screens_do_not_scroll_sideways(page: Page, api: Api, view: str) -> None:
    where = {"INCIDENT": f"/incidents/{incident_of(api, ODD)}", "SOURCE": "/sources/m.csv"}.get(view, view)
    page.inner.set_viewport_size({"width": 360, "height": 740})
    seen = page.go(where)
    assert seen.evaluate("document.documentElement.scrollWidth") <= 360
    shoot(seen, f"narrow-{VIEWS.index(view)}")


def test_the_keyboard_reaches_everything(page: Page) -> None:
    seen = page.go("/")
    seen.keyboard.press("Tab")
    assert seen.evaluate("document.activeElement.textContent") == "Skip to the content"
    seen.keyboard.press("Enter")
    assert seen.evaluate("document.activeElement.id") == "view"
    seen.keyboard.press("g")
    seen.keyboard.press("i")
    seen.wait_for_url("**/#/incidents")
    seen.wait_for_selector("table.incidents")
    seen.keyboard.press("j")
    assert seen.evaluate("document.activeElement.closest('td.what') !== null")
    seen.keyboard.press("/")
    assert seen.evaluate("document.activeElement.id") == "filter"
    seen.keyboard.press("Escape")
    seen.keyboard.press("?")
    seen.locator("dialog[open]").wait_for()
    seen.keyboard.press("Escape")
    seen.click("#theme")
    assert seen.evaluate("document.documentElement.dataset.theme") == "dark"


def test_the_login_lets_in_with_the_token_alone(browser: Any, api: Api) -> None:
    with browser.new_context() as context:
        seen = context.new_page()
        seen.set_default_timeout(15_000)
        seen.goto(f"http://127.0.0.1:{api.port}/")
        seen.wait_for_url("**/login")
        seen.fill("#token", "wrong")
        seen.click("button")
        seen.locator("#said", has_text="not the token").wait_for()
        shoot(seen, "login")
        seen.fill("#token", TOKEN)
        seen.click("button")
        seen.wait_for_selector("table.sources tbody tr")
        assert seen.evaluate("document.cookie") == ""
        seen.click("#leave")
        seen.wait_for_url("**/login")


def test_an_unknown_address_and_an_unknown_incident_are_said(page: Page) -> None:
    seen = page.go("/nowhere")
    assert "Nothing is here" in seen.locator("main").inner_text()
    seen = page.go("/incidents/ffffffff")
    assert "there is no alert ffffffff" in seen.locator("main").inner_text()
    page.wrong = [one for one in page.wrong if "404" not in one]
