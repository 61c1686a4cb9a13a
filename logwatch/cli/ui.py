"""The terminal: alerts scroll by, a status line or a progress bar stands below. In a pipe: JSON lines, nothing else."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from logwatch.cli.wording import plural
from logwatch.requests import Live, Phase

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live as Screen
    from rich.progress import Progress
    from rich.text import Text

    from logwatch.types import Alert

STYLE: dict[Phase, str] = {"learning": "yellow", "watching": "green", "paused": "red"}


class Terminal:
    """Implements `logwatch.requests.Ui`.

    Args:
        as_json: JSON lines even on a terminal.
        show_alerts: False where the alerts are told in another way.
        out, err: standard output and error.
    """

    def __init__(
        self,
        *,
        as_json: bool = False,
        show_alerts: bool = True,
        out: TextIO | None = None,
        err: TextIO | None = None,
    ) -> None:
        from logwatch.sinks.stdout import console_of

        self.out, self.err = out or sys.stdout, err or sys.stderr
        self.for_people = self.out.isatty() and not as_json
        self._show_alerts = show_alerts
        self._lock = threading.Lock()
        self._gone = False
        # Where output goes to a file, the status line can still stand on standard error.
        self._console: Console = console_of(self.out if self.for_people else self.err)
        self._screen: Screen | None = None
        self._status = _StatusLine()
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def deliver(self, alerts: list[Alert]) -> None:
        """Show alerts. A reader that went away is remembered, not raised: see `gone`."""
        if not self._show_alerts or self._gone:
            return
        try:
            with self._lock:
                self._show(alerts)
        except BrokenPipeError:
            self._gone = True

    def _show(self, alerts: list[Alert]) -> None:
        from logwatch.sinks.render import render
        from logwatch.sinks.stdout import write_json

        for alert in alerts:
            if self.for_people:
                self._console.print(render(alert, width=self._console.width))
            else:
                write_json(alert, self.out)
        self.out.flush()

    def gone(self) -> bool:
        """True once the reader of standard output has gone away: time to end."""
        return self._gone

    def live(self, live: Live) -> None:
        """Renew the status line."""
        self._status.live = live
        self._stand(self._status)

    def progress(self, done: int, total: int, what: str = "") -> None:
        """Renew the progress bar, in bytes."""
        from logwatch.plain import escape

        if self._bar is None:
            self._bar = _bar(self._console)
            self._bar.add_task("")
        self._bar.update(self._bar.task_ids[0], completed=done, total=max(total, 1), description=escape(what))
        self._stand(self._bar)

    def _stand(self, below: RenderableType) -> None:
        """Let something stand below what scrolls by; nothing where nobody looks."""
        if self._screen is None and self._console.is_terminal:
            from rich.live import Live as Screen

            self._screen = Screen(below, console=self._console, transient=True, refresh_per_second=8)
            self._screen.start()

    def note(self, message: str) -> None:
        """One line for people."""
        self._say(message, "dim")

    def warn(self, message: str) -> None:
        """One line that should not be missed."""
        self._say(f"warning: {message}", "yellow")

    def _say(self, message: str, style: str) -> None:
        from rich.text import Text

        from logwatch.plain import escape
        from logwatch.sinks.stdout import console_of

        # While something stands below on the same terminal, only its own console can print above it.
        console = self._console if self._screen else console_of(self.err)
        with self._lock:
            console.print(Text(escape(message), style))

    def close(self) -> None:
        """Take away what stands below."""
        if self._screen is not None:
            self._screen.stop()
            self._screen = None

    def show(self, *rows: RenderableType) -> None:
        """Print the result of a verb: to standard output for people, else to standard error."""
        self.close()
        for row in rows:
            # Printing joins texts, and forgets how each of them wanted to be wrapped.
            no_wrap, overflow = getattr(row, "no_wrap", None), getattr(row, "overflow", None)
            self._console.print(row, soft_wrap=False, no_wrap=no_wrap, overflow=overflow)

    @property
    def columns(self) -> int:
        """Width of what `show` prints to."""
        return self._console.width

    def write(self, line: str) -> None:
        """One line of data to standard output."""
        self.out.write(line + "\n")


class _StatusLine:
    """Draws itself anew each time; `live` is replaced from outside."""

    def __init__(self) -> None:
        from rich.spinner import Spinner

        self.live = Live("learning")
        self._spinner = Spinner("dots")

    def __rich__(self) -> RenderableType:
        self._spinner.update(text=status_text(self.live))
        return self._spinner


def status_text(live: Live) -> Text:
    """`learning (about 4 min to go) · 1,204 lines/s · 3 sources · 214 templates · no incident`; metrics have values and
    series."""
    from rich.text import Text

    text = Text(no_wrap=True, overflow="ellipsis").append(live.phase, STYLE[live.phase])
    if live.to_go:
        text.append(f" ({live.to_go}{' to go' if live.phase == 'learning' else ''})")
    lines, values = live.records > 0 or not live.values, live.values > 0
    parts = [
        f"{live.rate:,.0f}{'' if lines and values else ' lines' if lines else ' values'}/s",
        *([plural(live.records, "line")] if lines else []),
        *([plural(live.values, "value")] if values else []),
        plural(live.sources, "source"),
        *([plural(live.templates, "template")] if lines else []),
        *([f"{live.series:,} series"] if values else []),
        plural(live.incidents, "incident"),
    ]
    return text.append("".join(f" · {part}" for part in parts), "dim")


def _bar(console: Console) -> Progress:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    return Progress(
        BarColumn(bar_width=30),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}", markup=False),
        console=console,
        auto_refresh=False,
    )
