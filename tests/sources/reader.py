"""A file source driven by hand: its clock moves when it is told to, and what it delivers is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from logwatch.sources.file import FileConfig, FileSource
from logwatch.types import Gap, RecordBatch

readers: list[Reader] = []
"""Those that are open."""


class HandClock:
    """A clock that moves only when it is told to.

    `meanwhile` happens once when the time has been asked for `after` more times: in the middle of what the reader does.
    """

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.after = 0
        self.meanwhile: Callable[[], None] | None = None

    def now(self) -> int:
        self._asked()
        return int(1_700_000_000_000_000_000 + self.seconds * 1e9)

    def monotonic(self) -> float:
        self._asked()
        return self.seconds

    def _asked(self) -> None:
        self.after -= 1
        if self.after <= 0 and self.meanwhile is not None:
            happens, self.meanwhile = self.meanwhile, None
            happens()


class Reader:
    """A file source with its committed cursors and all that it delivered."""

    def __init__(self, *paths: Path | str, name: str = "{name}", **config: object) -> None:
        self.clock = HandClock()
        values = {"start": "beginning", "warmup": 0, **config}
        self.config = FileConfig(paths=[str(path) for path in paths], **values)
        self.name = name
        self.cursors: dict[str, bytes] = {}
        self.lines: list[tuple[str, bytes]] = []  # (source, line)
        self.flags: list[int] = []
        self.batches: list[RecordBatch] = []
        self.gaps: list[Gap] = []
        self.source = self.start()
        readers.append(self)

    def start(self) -> FileSource:
        """A new source that goes on from what was committed."""
        self.source = FileSource(self.config, self.clock, self.name)
        self.source.open(dict(self.cursors))
        return self.source

    def restart(self) -> None:
        """As after a kill: what was not committed is forgotten."""
        self.source.close()
        self.start()

    def poll(self, n: int = 1000) -> RecordBatch | None:
        """One poll, committed."""
        batch = self.source.poll(n)
        if batch is None:
            return None
        self.batches.append(batch)
        self.lines += [(batch.streams[k].source, line) for k, line in zip(batch.stream, batch.lines, strict=True)]
        self.flags += batch.flags.tolist()
        self.gaps += batch.gaps
        for key, cell in batch.cursor.items():
            if cell is None:
                self.cursors.pop(key, None)
            else:
                self.cursors[key] = cell
        return batch

    def settle(self, seconds: float = 0.1, n: int = 1000) -> list[bytes]:
        """Let time pass and read all there is; the lines that came."""
        before = len(self.lines)
        end = self.clock.seconds + seconds
        while self.clock.seconds < end:
            self.clock.seconds += min(0.05, max(0.001, end - self.clock.seconds))
            while self.poll(n) is not None:
                pass
        return [line for _, line in self.lines[before:]]

    def problems_of(self, path: Path) -> str:
        """Why a path is not read; empty where it is."""
        return next((problem.reason for problem in self.source.problems if problem.path == str(path)), "")
