"""The page shows untrusted lines as text, and needs nothing from elsewhere."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from logwatch.backtest.evaluation import beside, of_cases
from logwatch.backtest.plain import plain
from logwatch.backtest.report import page
from logwatch.backtest.result import Alone, Anomaly, Calibrated, Incident, Kept, Labelled, Line, Result
from logwatch.backtest.text import safe
from logwatch.types import Alert, Expected, Fired
from logwatch.types import Line as Shown

HOSTILE = "</pre><script>alert(1)</script><img src=x onerror=\"alert('2')\"> &amp; \x1b[31m\u202e`${3}`"
SECOND = 10**9


def alert(text: str) -> Alert:
    line = Shown(text, 5 * SECOND, 0, 1)
    return Alert(
        "a" * 64, "a" * 64, "open", "critical", text, "file", text, "event", "new", SECOND, 5 * SECOND, 1, 7.0, 1e-7,
        False, (Fired(text, 3.0, 0.01),), (line,), (line,), (Expected(text, 0.5),), 1, text, {"file": "x", "offset": 0},
        "1", text,
    )  # fmt: skip


def result(text: str) -> Result:
    labels = np.array([True, False, False, True])
    said = np.array([[3.0, 1.0], [0.5, 0.2], [0.1, 0.0], [2.0, 3.0]], np.float32)
    reached = of_cases(beside(["whole", text], labels, said, said > 1), np.where(said > 1, 2.0, np.nan))
    anomaly = Anomaly(text, text, SECOND, 3 * SECOND, 1.0, (text,))
    time = np.arange(10, dtype=np.int64) * SECOND
    return Result(
        files=(f"/var/log/{text}",), records=10, points=0, seconds=1.0, first=0, last=10 * SECOND, warm=0.1,
        budget="2/day", seed=0, interrupted=False, incidents=1,
        kept=(Kept(text, "2/day", 1, 0.5, 2.0, 1.0),), alone=(Alone("whole", 1, 2.0, 1), Alone(text, 1, None, 0)),
        top=(Incident(alert(text), 6 * SECOND, True),),
        lines=(Line(text, time, np.linspace(0, 6, 10), 2 * SECOND),),
        calibration=(Calibrated("event", 100, np.array([1.0, 0.1]), np.array([1.0, 0.2])),),
        labelled=Labelled("intervals", 4, 4, 4, 2, tuple(reached), (anomaly,)),
        random_split=Labelled("entities", 4, 4, 4, 2, tuple(reached)), opened={text: (5 * SECOND,)},
    )  # fmt: skip


class Elements(HTMLParser):
    """What a browser would make of it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in {"meta", "line", "rect", "path", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text.append(data)


def read(html: str) -> Elements:
    elements = Elements()
    elements.feed(html)
    return elements


@pytest.mark.parametrize("labelled", [True, False])
def test_hostile_lines_stay_text_wherever_they_stand(labelled: bool) -> None:
    whole = result(HOSTILE)
    html = page(whole if labelled else replace(whole, labelled=None, random_split=None))
    tame = page(result("tame") if labelled else replace(result("tame"), labelled=None, random_split=None))
    hostile, plain_one = read(html), read(tame)
    assert [tag for tag, _ in hostile.found] == [tag for tag, _ in plain_one.found]
    assert not any(name.startswith("on") for _, attributes in hostile.found for name in attributes)
    assert "".join(hostile.text).count("<script>alert(1)</script>") >= 8
    assert "\x1b" not in html
    assert "\u202e" not in html


def test_the_page_is_whole_by_itself_and_may_load_nothing() -> None:
    html = page(result("app"))
    tags = {tag for tag, _ in read(html).found}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "base", "form"}
    assert "http:" not in html
    assert "https:" not in html
    assert "url(" not in html
    assert "default-src 'none'" in html
    assert not read(html).open[1:]  # all that was opened is closed, but for <html>


def test_a_page_of_nothing_is_a_page() -> None:
    bare = replace(
        result("app"), records=0, first=None, last=None, incidents=0, kept=(), alone=(), top=(), lines=(),
        calibration=(), labelled=None, random_split=None, opened={},
    )  # fmt: skip
    assert "0 incidents" in page(bare)


def test_a_line_without_end_is_cut() -> None:
    assert len(safe("x" * 1_000_000)) < 3000


def test_what_is_not_defined_is_null_in_json() -> None:
    told = plain(result("app"))
    assert told["labels"]["voices"][0]["average_precision"]["value"] == 1.0
    assert told["alone"][1]["per_day"] is None
    assert told["top"][0]["right"] is True
