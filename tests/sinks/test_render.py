"""The human form of an alert fits 100 columns, says what matters, and lets no log line act on the terminal."""

from __future__ import annotations

import re
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from logwatch.sinks.render import escape, headline, moment, odds, render
from logwatch.testing import sample_alert
from logwatch.testing.sink_checks import hostile_alerts
from logwatch.types import NO_TIME, Alert, Expected, Fired, Line


def shown(alert: Alert, width: int = 100) -> str:
    return render(alert, width=width, zone=UTC).plain


ACTING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def test_what_matters_is_said() -> None:
    text = shown(sample_alert(3))
    rows = [row.removeprefix("▌").strip() for row in text.splitlines()]
    assert rows[0] == "WARNING  2023-11-14 22:16:20  web:/var/log/app.log  request-3"
    assert rows[1] == "A kind of line that was never seen here before."
    assert "2026-03-01 11:59:59 INFO worker 3 started" in rows
    assert "→ 2026-03-01 12:00:00 ERROR out of memory: killed worker 3" in rows
    assert "expected instead    62 %  worker <*> ready" in rows
    assert "because           new 1 in 1,000,000 · lstm 4.1 nats" in rows
    assert any(row.startswith("where") and "byte 4,099" in row and "incident 000000000000" in row for row in rows)


def test_a_series_is_named_once_and_as_it_is_written() -> None:
    said = 'http_requests{code="200"}: expected 12 to 18, saw 0, 14:02:10-14:02:20'
    changes = {"kind": "metric", "rule": "season", "lines": (), "expected": (), "detail": said}
    rows = shown(sample_alert(entity='http_requests{code="200"}', **changes)).splitlines()
    assert rows[0].endswith("web:/var/log/app.log")
    assert rows[1] == f"▌ {said}."
    over = changes | {"state": "end", "detail": "over after 45 s: 6 members"}
    assert "▌ Over after 45 s: 6 members." in shown(sample_alert(**over))


@pytest.mark.parametrize("width", [40, 60, 80, 100, 300])
def test_no_row_is_wider_than_the_terminal_or_100(width: int) -> None:
    long = sample_alert(
        lines=(Line("word " * 200, NO_TIME, 0), Line("x" * 5000, NO_TIME, 0), Line("漢" * 300, NO_TIME, 0)),
        before=(Line("y" * 500, NO_TIME, 0),),
        source="host:/" + "very/long/" * 30,
        expected=(Expected("z" * 300, 0.5),),
        fired=tuple(Fired(f"detector_number_{i}", 5.0, 1e-5) for i in range(9)),
    )
    for alert in (long, *hostile_alerts()):
        assert max(map(cell_len, shown(alert, width).splitlines())) <= min(width, 100)


texts = st.text(max_size=300)


@given(texts, texts, texts, st.sampled_from(["open", "update", "end", "digest"]))
def test_no_text_can_act_on_the_terminal(line: str, source: str, entity: str, state: str) -> None:
    alert = sample_alert(
        lines=(Line(line, NO_TIME, 0),),
        before=(Line(line, NO_TIME, 0),),
        expected=(Expected(line, 0.1),),
        source=source,
        entity=entity,
        instance=entity,
        detail=source,
        state=state,
        position={"topic": line, "offset": 1},
    )
    text = shown(alert)
    assert not ACTING.search(text)
    assert max(map(cell_len, text.splitlines())) <= 100


def test_escapes_are_visible() -> None:
    assert escape("\x1b[31m\x9b\u202e\n\ud800") == r"\x1b[31m\x9b\u202e\n\ud800"
    assert escape("a\tb") == "a  b"


@given(st.text())
def test_ordinary_text_is_left_alone(text: str) -> None:
    kept = "".join(char for char in text if char.isprintable())
    assert escape(kept) == kept


def test_a_stack_trace_shows_its_head_and_its_end() -> None:
    trace = "\n".join(["Traceback (most recent call last):", *(f"  frame {i}" for i in range(20)), "ValueError: why"])
    text = shown(sample_alert(lines=(Line(trace, NO_TIME, 0),)))
    assert "Traceback (most recent call last):" in text
    assert "ValueError: why" in text
    assert "… 16 lines" in text
    assert "frame 10" not in text


def test_what_is_too_much_is_counted() -> None:
    alert = sample_alert(lines=tuple(Line(f"line {i}", NO_TIME, i) for i in range(12)))
    assert "… and 7 more lines" in shown(alert)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"detail": "412 lines in 1 min where 20 to 60 are usual"}, "412 lines in 1 min where 20 to 60 are usual"),
        ({"rule": "lstm", "fired": (Fired("lstm", 9.0, 1e-6),)}, "Not what was expected at this point"),
        ({"rule": "lstm", "fired": (Fired("lstm", 9.0, 1e-6), Fired("new", 6.0, 1e-3))}, "never seen here before"),
        ({"rule": "lstm", "fired": (Fired("lstm", 9.0, 1e-6), Fired("new", 0.5, 0.4))}, "Not what was expected"),
        ({"rule": "of_a_plugin", "fired": ()}, "An unusual line"),
        ({"kind": "visit"}, "An unusual course of events"),
        ({"kind": "silence", "rule": "silence"}, "Silent for longer than it should be"),
        ({"state": "update", "count": 7}, "it has got worse: 7 anomalies so far"),
        ({"state": "end", "count": 2, "first": 0, "last": 300 * 10**9}, "it is over: 2 anomalies in 5 min"),
        ({"state": "end", "count": 1, "first": 0, "last": 10**8}, "it is over: 1 anomaly in 100 ms"),
        ({"kind": "new_kind", "rule": ""}, "Something unusual"),
    ],
)
def test_headline(changes: dict[str, Any], said: str) -> None:
    assert said in headline(sample_alert(**changes))


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (1e-6, "1 in 1,000,000"),
        (1.2e-6, "1 in 830,000"),
        (0.25, "1 in 4"),
        (3e-12, "1 in 10^11"),
        (0, "1 in more than 10^30"),
    ],
)
def test_odds(p: float, text: str) -> None:
    assert odds(p) == text


def test_an_end_does_not_repeat_what_was_expected() -> None:
    assert "expected instead" not in shown(sample_alert(state="end"))


def test_time() -> None:
    assert moment(1_700_000_000 * 10**9, UTC) == "2023-11-14 22:13:20"
    assert moment(NO_TIME) == "without time"
