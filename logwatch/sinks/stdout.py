"""Alerts on standard output: for people on a terminal, as JSON lines anywhere else."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal, TextIO

from logwatch.api import PluginConfig, plugin

if TYPE_CHECKING:
    from rich.console import Console

    from logwatch.api import Alert


class Config(PluginConfig):
    """Settings of the sink `stdout`."""

    format: Literal["auto", "text", "json"] = "auto"
    """`auto`: text on a terminal, JSON lines elsewhere."""

    color: Literal["auto", "always", "never"] = "auto"
    """`auto`: on a terminal, unless NO_COLOR is set (no-color.org)."""


@plugin(kind="sink", name="stdout", api=(1, 0), config=Config)
class StdoutSink:
    """Writes every alert at once, flushed, so that a reader of the pipe sees it when it happens.

    Args:
        config: the settings.
        stream: where to write; None: standard output.
    """

    def __init__(self, config: Config, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._text = self._stream.isatty() if config.format == "auto" else config.format == "text"
        self._color = config.color
        self._console: Console | None = None

    def deliver(self, alerts: list[Alert]) -> None:
        """Write all; raises OSError where the stream is gone."""
        for alert in alerts:
            if self._text:
                self._write_text(alert)
            else:
                write_json(alert, self._stream)
        self._stream.flush()

    def _write_text(self, alert: Alert) -> None:
        from logwatch.sinks.render import render

        if self._console is None:
            self._console = console_of(self._stream, self._color)
        self._console.print(render(alert, width=self._console.width))

    def close(self) -> None:
        """Flush; standard output is not ours to close."""
        if not self._stream.closed:
            self._stream.flush()


def write_json(alert: Alert, stream: TextIO) -> None:
    """One alert as a JSON line."""
    from logwatch.sinks.schema import dump_line

    stream.write(dump_line(alert).decode())


def console_of(stream: TextIO, color: Literal["auto", "always", "never"] = "auto") -> Console:
    """A console that prints what it is given: no markup, emoji or highlighting found in log lines."""
    from rich.console import Console

    class Quiet(Console):
        def on_broken_pipe(self) -> None:
            """rich would end the program (in a thread of ours: only the thread), and that is not its affair."""
            raise BrokenPipeError

    return Quiet(
        file=stream,
        force_terminal=True if color == "always" else None,
        no_color=True if color == "never" else None,
        markup=False,
        emoji=False,
        highlight=False,
        soft_wrap=True,
    )
