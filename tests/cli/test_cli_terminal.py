"""What people see: alerts above a status line, summaries, tables; and JSON where nobody looks."""

from __future__ import annotations

import io
import json
import re
import threading
from typing import Any

import pytest

from logwatch.cli.status import show_status
from logwatch.cli.summary import show_summary
from logwatch.cli.templates import show_templates
from logwatch.cli.ui import Terminal, status_text
from logwatch.cli.verdict import show_demo
from logwatch.cli.wording import plural, span
from logwatch.requests import (
    DemoReport,
    Fault,
    Live,
    RecordingReport,
    SourceReport,
    StatusReport,
    Summary,
    TemplateReport,
    VariableReport,
)
from logwatch.testing import sample_alert


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


class ClosedPipe(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")


def terminal(**options: Any) -> Terminal:
    return Terminal(out=Screen(), err=Screen(), **options)


def pipe(**options: Any) -> Terminal:
    return Terminal(out=io.StringIO(), err=io.StringIO(), **options)


_STYLE = re.compile(r"\x1b\[[0-9;]*m")


def out(ui: Terminal) -> str:
    """What was written to standard output, without styles."""
    assert isinstance(ui.out, io.StringIO)
    return _STYLE.sub("", ui.out.getvalue())


def err(ui: Terminal) -> str:
    assert isinstance(ui.err, io.StringIO)
    return _STYLE.sub("", ui.err.getvalue())


SOURCES = (
    SourceReport("web:nginx", "watching", "", 120_000, 14, incidents=2, budget="2/day", achieved="1.4/day"),
    SourceReport("web:" + "/deep" * 30 + "/app.log", "learning", "2,300 lines", 3456, 24),
)  # fmt: skip
SUMMARY = Summary(123_456, 83.2, 38, 2, SOURCES, {"truncated": 3}, 0.31, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")


def test_a_pipe_gets_nothing_but_json_lines() -> None:
    with pipe() as ui:
        ui.live(Live("learning", 10, 5.0, 1, 1))
        ui.progress(1, 2)
        ui.deliver([sample_alert(1), sample_alert(2)])
        ui.warn("cannot read x")
        show_summary(SUMMARY, ui)
    assert [json.loads(line)["schema"] for line in out(ui).splitlines()] == [1, 1]
    assert "warning: cannot read x" in err(ui)
    assert "123,456 lines" in err(ui)


def test_a_terminal_gets_alerts_and_a_status_line_that_goes_away() -> None:
    ui = terminal()
    with ui:
        ui.live(Live("watching", 10, 1204.0, 3, 214, 2))
        ui.deliver([sample_alert()])
        ui.warn("cannot read x")
    text = out(ui)
    assert "→ 2026-03-01 12:00:00 ERROR out of memory" in text
    assert "watching · 1,204 lines/s" in text
    assert "warning: cannot read x" in text, "while a status line stands, warnings go above it"
    assert text.endswith(("\x1b[2K", "\x1b[?25h")), "the status line is taken away at the end"


def test_json_on_a_terminal() -> None:
    ui = terminal(as_json=True)
    ui.deliver([sample_alert()])
    assert json.loads(out(ui))["schema"] == 1


def test_alerts_can_be_told_otherwise() -> None:
    ui = terminal(show_alerts=False)
    ui.deliver([sample_alert()])
    assert out(ui) == ""


def test_a_reader_that_went_away_is_remembered_and_not_raised() -> None:
    ui = Terminal(out=ClosedPipe(), err=io.StringIO())
    assert not ui.gone()
    ui.deliver([sample_alert()])
    ui.deliver([sample_alert()])
    assert ui.gone()


def test_warnings_cannot_act_on_the_terminal() -> None:
    ui = terminal()
    ui.warn("cannot read \x1b[2J.log")
    assert r"\x1b[2J" in err(ui)
    assert "\x1b[2J" not in err(ui)


def test_alerts_from_many_threads_do_not_mix() -> None:
    ui = pipe()
    threads = [threading.Thread(target=ui.deliver, args=([sample_alert(i)] * 20,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([json.loads(line) for line in out(ui).splitlines()]) == 160


@pytest.mark.parametrize(
    ("live", "text"),
    [
        (Live("learning", 5, 1.0, 1, 3, to_go="about 4 min"), "learning (about 4 min to go) · 1 lines/s · 5 lines"),
        (Live("watching", 5, 1.0, 1, 3), "watching · 1 lines/s · 5 lines · 1 source · 3 templates · no incident"),
        (Live("watching", 0, 9.0, 1, 0, 2, 70, 7), "watching · 9 values/s · 70 values · 1 source · 7 series · 2 inc"),
        (
            Live("watching", 5, 9.0, 1, 3, 0, 70, 7),
            "watching · 9/s · 5 lines · 70 values · 1 source · 3 templates · 7 series · no incident",
        ),
        (Live("paused", to_go="the disk is full"), "paused (the disk is full) · 0 lines/s · no line"),
    ],
)  # fmt: skip
def test_status_line(live: Live, text: str) -> None:
    assert status_text(live).plain.startswith(text)


def test_summary_for_people() -> None:
    ui = terminal()
    show_summary(SUMMARY, ui)
    text = out(ui)
    assert "123,456 lines in 83 s (1,484/s), 38 templates, 2 incidents." in text
    assert "Set aside or marked: 3 truncated." in text
    assert "Trained on 31%" in text
    assert "watching, 1.4/day of 2/day" in text
    assert "learning, 2,300 lines to go" in text
    assert "…" in text
    assert "/app.log" in text, "the end of a long name tells sources apart"
    assert max(map(len, text.splitlines())) <= 100


def test_a_summary_names_the_series_that_were_unusual() -> None:
    ui = terminal()
    unusual = tuple(("db", f"rss{i}\x1b[2J", 9 - i) for i in range(7))
    show_summary(Summary(0, 1.0, 0, 1, points=700, series=7, unusual=unusual), ui)
    text = " ".join(out(ui).split())
    assert "700 values in 1.0 s (700/s), 7 series, 1 incident." in text
    assert r"unusual: 9 steps rss0\x1b[2J 8 steps rss1" in text
    assert "5 steps rss4" in text
    assert "and 2 more series" in text
    assert "rss5" not in text


def test_many_sources_are_counted() -> None:
    ui = terminal()
    show_summary(Summary(1, 1.0, 1, 0, tuple(SourceReport(f"s{i}", "watching") for i in range(50))), ui)
    assert "and 30 more" in out(ui)


FOUND = [
    TemplateReport(1, "GET <path> <num>", 900, 0.9, None, None, "GET /x\x1b[2J 200", (
        VariableReport("path", 7, (("/x", 2), ("/\x1b[2J", 1))),
        VariableReport("num", 2, (("200", 3),), "200", "404"),
    )),
    TemplateReport(2, "boot", 100, 0.1, None, None, "boot"),
]  # fmt: skip


def test_templates_for_people() -> None:
    ui = terminal()
    show_templates(FOUND, ui, 1)
    text = out(ui)
    assert "900  90.0%  GET <path> <num>" in text
    assert r"e.g. GET /x\x1b[2J 200" in text
    assert r"<path> 7 different: /x (2), /\x1b[2J …" in text
    assert "<num> 200 … 404; 2 different: 200 (3) …" in text
    assert "1 more template, 10.0% of the lines" in err(ui)


def test_templates_as_json_lines() -> None:
    ui = pipe()
    show_templates(FOUND, ui, 2)
    first, second = (json.loads(line) for line in out(ui).splitlines())
    assert first["variables"][1] == {
        "type": "num", "distinct": 2, "values": [["200", 3]], "least": "200", "most": "404"
    }  # fmt: skip
    assert second["count"] == 100


STATUS = StatusReport(
    True, "/state", "0.1.0", 93_000, 5, 4, "lstm-1.2", "the disk is full", None, 2**21, SOURCES,
    ({"sink": "file", "delivered": 2, "waiting": 3, "error": "refused"},),
)  # fmt: skip


def test_status_for_people() -> None:
    ui = terminal()
    show_status(STATUS, ui)
    text = out(ui)
    for said in ("running for 26 h", "paused: the disk is full", "no checkpoint yet", "2.0 MiB", "3 waiting, refused"):
        assert said in text
    show_status(StatusReport(False, "/state"), ui)
    assert "not running · /state" in out(ui)


def test_status_as_json() -> None:
    ui = pipe()
    show_status(STATUS, ui)
    told = json.loads(out(ui))
    assert told["running"] is True
    assert told["sources"][0]["achieved"] == "1.4/day"


METRIC = sample_alert(
    7, kind="metric", rule="season", lines=(), expected=(), detail="rss: expected 12 to 18, saw 0, 14:02:10-14:02:20"
)
DEMO = DemoReport(
    (
        RecordingReport(
            "postgresql", 22_000,
            (
                Fault("wal", "2026-01-01T10:00:00Z", "2026-01-01T10:01:00Z", "disk full", sample_alert(), 3.0,
                      ("logs", "metrics"), (METRIC,)),
                Fault("locks", "2026-01-01T11:00:00Z", "2026-01-01T11:01:00Z"),
            ),
            (sample_alert(5, detail="412 lines in 1 min"), METRIC), 4.0, values=1_200,
        ),
        RecordingReport(
            "host", 0, (), (), 1.0, 900,
            (Fault("postgresql wal", "2026-01-01T10:00:00Z", "2026-01-01T10:01:00Z", "", METRIC, 9.0, ("metrics",)),),
        ),
    ),
    38.0,
)  # fmt: skip


def test_demo_for_people() -> None:
    ui = terminal()
    show_demo(DEMO, ui)
    text = " ".join(out(ui).split())
    for said in (
        "postgresql 22,000 lines, 1,200 values",
        "found 10:00:00 disk full, after 3.0 s, by logs and metrics",
        "said 2026-03-01 12:00:00 ERROR out of memory",
        "expected 62 % worker <*> ready",
        "said rss: expected 12 to 18, saw 0, 14:02:10-14:02:20",
        "missed 11:00:00 locks",
        "host 900 values while 10:00:00 postgresql wal, after 9.0 s, by metrics",
        "1 of 2 faults found (1 by logs and metrics), 1 missed, 2 false alerts (1 by logs, 1 by metrics) in 5.0 hours"
        " without faults (0.40/h); 38 s.",
    ):
        assert said in text
    assert re.search(r"false \d\d:\d\d:\d\d 412 lines in 1 min", text)


def test_demo_as_json() -> None:
    ui = pipe()
    show_demo(DEMO, ui)
    recording, host = json.loads(out(ui))["recordings"]
    assert [fault["found"] for fault in recording["faults"]] == [True, False]
    assert [fault["by"] for fault in recording["faults"]] == [["logs", "metrics"], []]
    assert recording["faults"][0]["alert"]["schema"] == 1
    assert [alert["kind"] for alert in recording["faults"][0]["also"]] == ["metric"]
    assert len(recording["false"]) == 2
    assert (host["records"], host["values"], len(host["seen"])) == (0, 900, 1)


def test_wording() -> None:
    assert [plural(n, "line") for n in (0, 1, 2000)] == ["no line", "1 line", "2,000 lines"]
    assert [span(s) for s in (0.42, 12, 300, 7300, 10**6)] == ["0.4 s", "12 s", "5 min", "2 h", "12 days"]
