"""`status` says of each source whether it needs its LSTM, and what was asked of all of them."""

from __future__ import annotations

import io
import re

import pytest

from logwatch.cli.status import show_status
from logwatch.cli.ui import Terminal
from logwatch.requests import SourceReport, StatusReport, VerdictReport


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def verdict(signal: str, sentence: str) -> VerdictReport:
    return VerdictReport(signal, 11, "on", 3, 8, {"lstm": 9}, {"lstm": 12}, 0.4, sentence)


def shown(monkeypatch: pytest.MonkeyPatch, *sources: SourceReport) -> str:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm-256color")
    ui = Terminal(out=Screen(), err=Screen())
    show_status(StatusReport(True, "/state", uptime=1.0, sources=sources), ui)
    return re.sub(r"\x1b\[[0-9;]*m", "", ui.out.getvalue())


def test_each_source_has_a_sentence_for_each_side_that_was_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    both = verdict("logs", "the LSTM adds 3 of 11 incidents"), verdict("metrics", "too early to say: 2 incidents")
    text = shown(
        monkeypatch,
        SourceReport("web\x1b[2J", "watching", verdicts=both),
        SourceReport("db", "watching", verdicts=both[:1]),
        SourceReport("new", "learning"),
    )
    assert "(logs): the LSTM adds 3 of 11 incidents\n" in text
    assert "(metrics): too early to say: 2 incidents\n" in text
    assert "db: the LSTM adds 3 of 11 incidents\n" in text
    assert "\x1b[2J" not in text
    assert "budget" not in text


def test_all_budgets_together_are_told_where_they_are_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = (SourceReport(name, "watching", budget="2/day", achieved="1.4/day") for name in "ab")
    assert "budget: 2.8 incidents a day of 2 sources, 4.0 asked" in shown(monkeypatch, one, two)
    share = SourceReport("c", "watching", budget="2%", achieved="1.0/day")
    assert re.search(r"budget: 3.8 incidents a day of 3 sources *\n", shown(monkeypatch, one, two, share))
