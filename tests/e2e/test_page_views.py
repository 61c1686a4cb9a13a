"""What the page shows of a daemon that has found the faults of a recording."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest

from tests.e2e.conftest import NAMED
from tests.e2e.site import Site, until

pytestmark = pytest.mark.browser


def test_the_overview_shows_every_source_and_how_long_it_learns(page: Any, site: Site) -> None:
    site.go(page)
    page.wait_for_selector("table.sources tbody tr")
    names = page.locator("table.sources tbody th").all_text_contents()
    assert sorted(names) == sorted(one["source"] for one in site.ask("sources"))
    text = {name: page.locator("table.sources tbody tr").nth(at).text_content() for at, name in enumerate(names)}
    assert "watching" in text["app"]
    assert "lines to go" in text["new"]
    assert "20/hour" in text["app"]
    page.wait_for_selector("tr[data-source=app] svg.spark")
    until(page, "document.getElementById('health').textContent.includes('reading')")
    assert "incidents of the last 14 days" in page.locator("main").text_content()


def test_the_filter_box_narrows_the_sources(page: Any, site: Site) -> None:
    site.go(page)
    page.wait_for_selector("table.sources tbody tr")
    page.keyboard.press("/")
    page.keyboard.type("metrics")
    assert page.locator("table.sources tbody th").all_text_contents() == ["app-metrics.csv"]
    page.keyboard.type(" nothing")
    assert "No source has such a name" in page.locator("main").text_content()


def test_incidents_are_filtered_and_the_filters_stand_in_the_address(page: Any, site: Site) -> None:
    site.go(page, "incidents")
    page.wait_for_selector(".incidents li")
    assert page.locator(".incidents li").count() == len(site.ask("alerts")["alerts"])
    page.select_option("select[name=severity]", "critical")
    until(page, "location.hash.includes('severity=critical')")
    until(page, "!document.querySelector('.incidents .badge.info, .incidents .badge.warning')")
    site.go(page, "incidents?source=nobody")
    page.wait_for_selector("text=None that fits these filters.")


def test_an_incident_shows_its_odd_lines_and_what_was_expected(page: Any, site: Site) -> None:
    incident = site.incident("database is locked")
    alert = site.ask(f"alerts/{incident}")["alert"]
    site.go(page, f"incidents/{incident}")
    page.wait_for_selector(".lines li.odd")
    assert page.locator(".lines li").count() == len(alert["before"]) + len(alert["lines"])
    assert "database is locked" in page.locator(".lines li.odd").last.text_content()
    assert alert["expected"][0]["template"] in page.locator("section[aria-labelledby=expected-title]").text_content()
    assert re.search(r"\d %", page.locator("section[aria-labelledby=expected-title]").text_content())
    detectors = page.locator("section[aria-labelledby=because-title] tbody th").all_text_contents()
    assert sorted(detectors) == sorted(one["detector"] for one in alert["fired"])
    assert str(alert["position"]["offset"]) in page.locator("section[aria-labelledby=place-title]").text_content()
    page.locator("figure img").first.scroll_into_view_if_needed()
    until(page, "[...document.querySelectorAll('figure img')].some((one) => one.naturalWidth > 100)")


def test_feedback_is_given_and_undone(page: Any, site: Site) -> None:
    incident = site.incident("database is locked")
    site.go(page, f"incidents/{incident}")
    page.fill("input[name=note]", "the <b>nightly</b> copy")
    page.select_option("select[name=expires]", "7d")
    page.click("button[value=normal]")
    page.wait_for_selector("text=Noted: such alerts do not come again.")
    (said,) = site.ask(f"alerts/{incident}")["feedback"]
    assert (said["verdict"], said["state"], said["note"]) == ("normal", "in force", "the <b>nightly</b> copy")
    assert said["until"]
    assert page.locator(".given .quote").text_content() == "the <b>nightly</b> copy"
    page.click("button[value=real]")  # it contradicts what is in force
    page.wait_for_selector(".said-line.bad:not(:empty)")
    page.click(".given button")
    page.wait_for_selector("text=Taken back")
    assert [one["state"] for one in site.ask(f"alerts/{incident}")["feedback"]] == ["undone"]
    until(page, "document.querySelector('.given').textContent.includes('undone')")


def test_a_source_shows_its_score_line_and_reads_it_out(page: Any, site: Site) -> None:
    site.go(page, "sources/app")
    page.wait_for_selector("svg.chart path.line")
    assert page.locator("svg.chart a").count() >= 1  # incidents
    page.focus("svg.chart")
    page.keyboard.press("ArrowLeft")
    assert re.search(r"score \d+\.\d\d, .* judged", page.locator(".readout").text_content())
    assert "request_id=<*>" in page.locator("section[aria-labelledby=templates-title]").text_content()
    assert page.locator("section[aria-labelledby=model-title] tbody tr").count() >= 1
    verdict = next(one for one in site.ask("sources") if one["source"] == "app")["verdicts"][0]["sentence"]
    assert verdict in page.locator("section[aria-labelledby=verdict-title]").text_content()


def test_a_source_of_metrics_shows_its_heatmap(page: Any, site: Site) -> None:
    site.go(page, "sources/app-metrics.csv")
    page.locator("figure img").scroll_into_view_if_needed()
    until(page, "document.querySelector('figure img').naturalWidth > 100")


def test_a_risk_that_is_not_known_says_why_and_shuts_the_gate(page: Any, site: Site) -> None:
    site.go(page, "risk")
    page.wait_for_selector(".risk")
    assert "shut" in page.locator("section[aria-label=Gate]").text_content()
    assert "Not known:" in page.locator(".risk").first.text_content()


def test_hostile_text_stays_text(page: Any, site: Site) -> None:
    for place in ("", "incidents", f"incidents/{site.incident('onerror')}", f"sources/{quote(NAMED, safe='')}"):
        site.go(page, place)
        until(page, "document.querySelector('main').textContent.includes('<img src=x onerror')")
        assert page.locator("main img[src=x]").count() == 0
        assert page.locator("main script").count() == 0
        text = page.locator("body").text_content()
        assert not {"\x1b", "\x07", "\u202e"} & set(text)
        assert "owned" not in page.title()
    site.go(page, f"incidents/{site.incident('onerror')}")
    assert "</script>" in page.locator(".lines li.odd").last.text_content()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
