"""Standard output: text on a terminal, JSON lines elsewhere, each alert at once."""

from __future__ import annotations

import io
import json

import pytest

from logwatch.sinks.schema import from_json
from logwatch.sinks.stdout import Config, StdoutSink
from logwatch.testing import sample_alert


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def test_a_pipe_gets_json_lines_that_can_be_read_back() -> None:
    out = io.StringIO()
    alerts = [sample_alert(1), sample_alert(2)]
    StdoutSink(Config(), out).deliver(alerts)
    assert [from_json(json.loads(line)) for line in out.getvalue().splitlines()] == alerts


def test_a_terminal_gets_coloured_text() -> None:
    out = Terminal()
    StdoutSink(Config(), out).deliver([sample_alert()])
    assert "out of memory" in out.getvalue()
    assert "\x1b[" in out.getvalue()


def test_text_in_a_pipe_is_plain_and_not_wrapped_again() -> None:
    out = io.StringIO()
    StdoutSink(Config(format="text"), out).deliver([sample_alert()])
    assert "\x1b" not in out.getvalue()
    assert all(line.startswith("▌") or not line for line in out.getvalue().splitlines())


@pytest.mark.parametrize("how", ["never", "NO_COLOR"])
def test_colour_can_be_switched_off(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if how == "NO_COLOR":
        monkeypatch.setenv("NO_COLOR", "1")
    out = Terminal()
    StdoutSink(Config(color="never" if how == "never" else "auto"), out).deliver([sample_alert()])
    assert "\x1b[31m" not in out.getvalue()
    assert "\x1b[1;33m" not in out.getvalue()


def test_json_can_be_asked_for_on_a_terminal() -> None:
    out = Terminal()
    StdoutSink(Config(format="json"), out).deliver([sample_alert()])
    assert json.loads(out.getvalue())["schema"] == 1


def test_log_text_is_not_taken_for_markup() -> None:
    out = Terminal()
    StdoutSink(Config(), out).deliver([sample_alert(detail="[red]not red[/red] :smile: [/]")])
    assert "[red]not red[/red] :smile: [/]" in out.getvalue()


class ClosedPipe(Terminal):
    def write(self, text: str) -> int:
        raise BrokenPipeError


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_reader_that_went_away_is_an_error_and_not_the_end_of_the_program(form: str) -> None:
    sink = StdoutSink(Config.model_validate({"format": form}), ClosedPipe())
    with pytest.raises(BrokenPipeError):
        sink.deliver([sample_alert()])


def test_a_stream_that_is_gone_is_said() -> None:
    out = io.StringIO()
    sink = StdoutSink(Config(), out)
    out.close()
    with pytest.raises(ValueError, match="closed"):
        sink.deliver([sample_alert()])
    sink.close()
