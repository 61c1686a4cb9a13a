"""How long the page takes with a long history and with many sources, in a real Chromium.

`python -m tests.benchmarks.history [--alerts 1000000] [--sources 1000] [--loads 5]`: a state is filled with alerts of
the last weeks, all of other incidents; a daemon runs on it and reads a small log of every source. Each view is loaded
anew, with nothing in the browser's cache; the clock runs from the start of the navigation until nothing in it is still
loading. `nothing` is a view that asks for nothing: what the browser itself takes. CHROMIUM names it; playwright drives
it (`pip install -e '.[dev]'`).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import orjson

from logwatch.checkpoint.store import NewAlert, Store
from logwatch.sinks.schema import rfc3339, to_json
from logwatch.testing.samples import sample_alert
from tests.benchmarks.frame import Benchmark
from tests.benchmarks.watched import Watched
from tests.kafka.broker import free_ports

CONFIG = """
state = "{folder}/state"
budget = "20/hour"
[http]
listen = "127.0.0.1:{port}"
[history]
max_size = "64GiB"
[[source]]
kind = "file"
name = "{{name}}"
paths = ["{folder}/logs/*.log"]
start = "beginning"
"""

SPREAD_S = 28 * 86400
"""Over which the alerts are spread."""

LINES = 300
"""Of every source: one each half minute of its time."""

STANDS = """
new MutationObserver(() => {
  const main = document.querySelector("main");
  const stands = main?.querySelector("h1") && !main.hasAttribute("aria-busy") && !main.textContent.includes("Loading")
    && [...main.querySelectorAll("section")].every((one) => one.childElementCount);
  window.stood = stands ? (window.stood ?? performance.now()) : undefined;
}).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
"""
"""When a view stands, in ms since the navigation began: every part of it is filled."""


def name_of(number: int) -> str:
    """Of a source."""
    return f"service-{number:04d}.log"


def alerts(count: int, sources: int) -> Iterator[NewAlert]:
    """Alerts of incidents that came and went, the oldest first; one of a thousand is critical."""
    now = time.time_ns()
    body = to_json(sample_alert())
    for number in range(count):
        at = now - int(SPREAD_S * 1e9 * (count - number) / count)
        stamp = rfc3339(at)
        id = f"{number * 2654435761 % 2**32:08x}{number:056x}"
        body |= {
            "id": id, "incident": id, "source": name_of(number % sources), "first": stamp, "last": stamp,
            "state": "end", "severity": "critical" if number % 1000 == 0 else "warning", "entity": f"request-{number}",
        }  # fmt: skip
        yield NewAlert(id, at, orjson.dumps(body).decode())


def filled(state: Path, count: int, sources: int) -> None:
    """Make a state that has a history."""
    with Store(state, durable=False) as store:
        batch = []
        for one in alerts(count, sources):
            batch.append(one)
            if len(batch) == 20_000:
                store.commit({}, batch)
                batch = []
        store.commit({}, batch)


def logs(folder: Path, sources: int) -> None:
    """A small log of every source."""
    folder.mkdir()
    begin = int(time.time()) - 30 * LINES
    stamps = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(begin + 30 * i)) for i in range(LINES)]
    text = "".join(f"{stamp} INFO step {i % 5} took {i % 7} ms\n" for i, stamp in enumerate(stamps))
    for number in range(sources):
        (folder / name_of(number)).write_text(text)


def load_ms(browser: Any, url: str) -> float:
    """Of one view, from nothing."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.add_init_script(STANDS)
    page.goto(url)
    found = None
    while found is None:
        page.wait_for_timeout(50)
        found = page.evaluate("window.stood ?? null")
    context.close()
    return float(found)


def asked(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310  # our own address
        return json.load(answer)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--alerts", type=int, default=1_000_000, help="in the history (%(default)s)")
    parser.add_argument("--sources", type=int, default=1_000, help="that are read (%(default)s)")
    parser.add_argument("--loads", type=int, default=5, help="of every view (%(default)s)")
    with Benchmark("history", parser=parser) as bench, tempfile.TemporaryDirectory() as name:
        from playwright.sync_api import sync_playwright

        given, folder = bench.options, Path(name)
        found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
        filled(folder / "state", given.alerts, given.sources)
        bench.figure("state_mb", (folder / "state" / "state.db").stat().st_size / 1e6)
        logs(folder / "logs", given.sources)
        (port,) = free_ports(1)
        config = folder / "logwatchd.toml"
        config.write_text(CONFIG.format(folder=folder, port=port))
        daemon = Watched(config)
        try:
            daemon.until_ready()
            while daemon.status().get("records", 0) < given.sources * LINES:
                time.sleep(0.5)
            url = f"http://127.0.0.1:{port}"
            last = asked(f"{url}/api/v1/alerts?limit=1")["alerts"][0]["incident"]
            views = {
                "overview": "", "incidents": "incidents", "critical": "incidents?severity=critical",
                "open": "incidents?open=true", "of_a_source": f"incidents?source={name_of(1)}",
                "incident": f"incidents/{last}", "source": f"sources/{name_of(1)}", "risk": "risk",
                "nothing": "nowhere",
            }  # fmt: skip
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
                for key, place in views.items():
                    took = [load_ms(browser, f"{url}/#/{place}") for _ in range(given.loads)]
                    bench.log(f"{key}: {' '.join(f'{one:.0f}' for one in took)} ms")
                    if key == "nothing":
                        bench.baseline(f"{key}_s", median(took) / 1000)
                    else:
                        bench.figure(f"{key}_s", median(took) / 1000, floor=1.0)
                browser.close()
        finally:
            daemon.stop()


if __name__ == "__main__":
    main()
