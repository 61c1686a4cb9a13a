"""Shapes the next batch in a process of its own while this one scores the batch before it.

Only where a source is behind (full batches in a row) and a second processor is free; everything else is shaped where it
is scored, without a detour. Cursors ride on their batches, so reading one ahead loses nothing: a commit covers only
what was processed. The results are the same bits either way.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from logwatch import telemetry
from logwatch.api import Clock
from logwatch.parse.settings import ParseSettings
from logwatch.parse.shape import Shaped
from logwatch.parse.wire import pack, unpack
from logwatch.parse.worker import HEAD, ROOT, Request, Shared
from logwatch.types import Bool, Int32, RecordBatch

log = telemetry.Logger(__name__)

FULL = 2048
"""Records of a batch that is worth the way to another process."""

BEHIND = 4
"""Full batches without a pause until the process is started."""

HELD = 8
"""Batches that wait behind one that is being shaped, at most."""

RETRY_S = 60.0
"""After the process has died, this long everything is shaped here."""

IDLE_S = 300.0
"""A process that had nothing to do for so long is let go."""

PATIENCE_S = 30.0
"""An answer that takes longer will not come."""

KNOWN = 100_000
"""Sources whose settings are remembered."""


class Ready(NamedTuple):
    """A batch whose turn it is, with what was shaped of it."""

    name: str
    records: RecordBatch
    warm: Bool | None


@dataclass(slots=True)
class _Waiting:
    ready: Ready
    number: int  # of the request; -1: shaped where it is scored
    dropped: bool = False


class Dead(Exception):
    """The process is gone, or does not answer."""


class Ahead:
    """Stands between the sources and the pipeline. Batches leave in the order in which they came.

    Args:
        settings: of a source, by the component that brings it and its name.
        redact: rules, as the pipeline's parser has them.
        clock: for pauses.
        processors: how many may be used; None: as many as this process may.
    """

    def __init__(
        self, settings: Callable[[str, str], ParseSettings], redact: Sequence[str], clock: Clock,
        processors: int | None = None,
    ) -> None:  # fmt: skip
        self._settings_of = settings
        self._redact = tuple(redact)
        self._clock = clock
        self._possible = (usable_processors() if processors is None else processors) >= 2
        self._queue: deque[_Waiting] = deque()
        self._kinds: dict[tuple[str, str], int] = {}  # source -> index into `_settings`
        self._settings: list[ParseSettings] = []
        self._worker: Worker | None = None
        self._full = 0  # full batches since nothing was left to read
        self._used = self._not_before = clock.monotonic()

    def feed(self, name: str, records: RecordBatch, warm: Bool | None = None) -> list[Ready]:
        """Take a batch in; what is to be processed now, in order. The newest may stay until the next call.

        Args:
            name: the component that read it.
            warm: [n] as `Pipeline.process` takes it.
        """
        number = -1
        if len(records) >= FULL:
            self._full += 1
            if self._at_hand():
                number = self._submit(name, records)
        self._queue.append(_Waiting(Ready(name, records, warm), number))
        return self._due(keep=number)

    def flush(self) -> list[Ready]:
        """Everything that is still held: nothing more is there to read just now."""
        self._full = 0
        if self._worker is not None and self._clock.monotonic() - self._used > IDLE_S and not self._queue:
            self._stop()
        return self._due(keep=-1, wait=True)

    def through(self, name: str, batches: Iterable[RecordBatch]) -> Iterator[Ready]:
        """All batches of one component, to their end."""
        for records in batches:
            yield from self.feed(name, records)
        yield from self.flush()

    def forget(self, lane: str) -> None:
        """Drop what is held of a lane that is no longer this worker's: whoever owns it now reads it again."""
        for waiting in self._queue:
            waiting.dropped |= waiting.ready.records.lane == lane

    def held(self, lane: str) -> int:
        """Records of a lane that have not left yet."""
        return sum(len(w.ready.records) for w in self._queue if w.ready.records.lane == lane and not w.dropped)

    def close(self) -> None:
        """End the process; what is held is dropped, and read again by whoever begins at the saved cursors."""
        self._queue.clear()
        self._stop()

    @property
    def process(self) -> int | None:
        """Its id; None where there is none."""
        return None if self._worker is None else self._worker.id

    def _due(self, keep: int, wait: bool = False) -> list[Ready]:
        """What may leave: all before the request `keep`, and without one, what is not held up by an answer."""
        out: list[Ready] = []
        while self._queue:
            first = self._queue[0]
            if first.number >= 0:
                if first.number == keep:
                    break
                if keep < 0 and not wait and len(self._queue) < HELD and not self._answered():
                    break
                self._receive(first)
            self._queue.popleft()
            if not first.dropped:
                out.append(first.ready)
        return out

    def _answered(self) -> bool:
        return self._worker is None or self._worker.answered(0.0)

    def _at_hand(self) -> bool:
        """A process that takes requests; one is started where it is worth while."""
        if self._worker is None:
            now = self._clock.monotonic()
            if self._full >= BEHIND and self._possible and now >= self._not_before:
                try:
                    self._worker = Worker(self._redact)
                except (AttributeError, OSError) as error:
                    self._possible = False
                    log.info("lines are parsed beside nothing else", reason=str(error))
            return False
        try:
            return self._worker.ready()
        except Dead as error:
            self._bury(error)
            return False

    def _submit(self, name: str, records: RecordBatch) -> int:
        worker = self._worker
        assert worker is not None  # noqa: S101  # for the type checker: it is at hand
        try:
            number = worker.submit(Request.of(records.lines, *self._grouped(name, records)))
        except Dead as error:
            self._bury(error)
            return -1
        self._used = self._clock.monotonic()
        return number

    def _receive(self, first: _Waiting) -> None:
        if self._worker is None:
            return
        try:
            first.ready.records.shaped = self._worker.result(first.number)
        except Dead as error:
            self._bury(error)

    def _grouped(self, name: str, records: RecordBatch) -> tuple[list[ParseSettings], Int32]:
        """Settings of a batch, and the index of each record's among them (empty: all have the first)."""
        kinds = np.array([self._kind(name, stream.source) for stream in records.streams], np.int32)
        used = np.unique(kinds[np.unique(records.stream)])
        settings = [self._settings[kind] for kind in used.tolist()]
        if len(used) == 1:
            return settings, np.zeros(0, np.int32)
        return settings, np.searchsorted(used, kinds[records.stream]).astype(np.int32)

    def _kind(self, name: str, source: str) -> int:
        kind = self._kinds.get((name, source))
        if kind is None:
            settings = self._settings_of(name, source)
            if settings not in self._settings:
                self._settings.append(settings)
            if len(self._kinds) >= KNOWN:
                self._kinds.clear()
            kind = self._kinds[name, source] = self._settings.index(settings)
        return kind

    def _bury(self, error: Dead) -> None:
        """Go on without it."""
        telemetry.PARSERS_LOST.inc()
        log.warning("the process that parses ahead was lost; parsing goes on without it", reason=str(error))
        self._not_before = self._clock.monotonic() + RETRY_S
        for waiting in self._queue:
            waiting.number = -1
        self._stop()

    def _stop(self) -> None:
        if self._worker is not None:
            self._worker.close()
            self._worker = None


class Worker:
    """The process, from its parent's side.

    Args:
        redact: rules.

    Raises:
        OSError, AttributeError: it cannot be started here.
    """

    def __init__(self, redact: Sequence[str]) -> None:
        file = Shared.make()
        try:
            self._shared = Shared(file)
            self._process = subprocess.Popen(  # noqa: S603  # our own interpreter, fixed arguments
                [sys.executable, "-P", "-c", f"from logwatch.parse.worker import main; main({file})"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
                pass_fds=(file,), start_new_session=True, env=_environment(),
            )  # fmt: skip
        finally:
            os.close(file)
        to, back = self._process.stdin, self._process.stdout
        assert to is not None  # noqa: S101  # for the type checker: they are pipes
        assert back is not None  # noqa: S101
        self._to, self._from = to, back
        self._poll = select.poll()
        self._poll.register(self._from, select.POLLIN)
        self._ready = False
        self._count = 0
        self.id = self._process.pid
        with contextlib.suppress(OSError):  # it is dead already: `ready` says so
            self._to.write(json.dumps(list(redact)).encode() + b"\n")

    def ready(self) -> bool:
        """It has started, and runs the code that runs here. Raises Dead."""
        if not self._ready and self.answered(0.0):
            root = self._from.readline()
            if root != json.dumps(ROOT).encode() + b"\n":
                raise Dead("it did not start" if not root else f"it runs the code in {root.decode().strip()}")
            self._ready = True
        return self._ready

    def submit(self, request: Request) -> int:
        """Number of the request, -1 where it is too long; two at most are on their way. Raises Dead."""
        size = self._shared.put(self._count % 2, pack(request))
        if size < 0:
            return -1
        try:
            self._to.write(HEAD.pack(self._count, size))
        except OSError as error:
            raise Dead(str(error)) from error
        self._count += 1
        return self._count - 1

    def answered(self, seconds: float) -> bool:
        """Something can be read within that time, be it the end."""
        return bool(self._poll.poll(seconds * 1000))

    def result(self, number: int) -> Shaped | None:
        """The answer to a request, None where it must be shaped here; in the order of the requests. Raises Dead."""
        if not self.answered(PATIENCE_S):
            raise Dead(f"no answer for {PATIENCE_S:g} s")
        head = self._from.read(HEAD.size) or b""
        if len(head) != HEAD.size:
            raise Dead("it ended")
        of, size = HEAD.unpack(head)
        if of != number:
            raise Dead(f"it answers {of}, not {number}")
        return unpack(Shaped, self._shared.get(2 + number % 2, size)) if size >= 0 else None

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(OSError):
            self._to.close()
        self._from.close()
        self._process.kill()
        self._process.wait()
        self._shared.close()


def _environment() -> dict[str, str]:
    """Ours, without our settings (they may hold secrets), and with one thread a library."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOGWATCHD_")}
    root = Path(ROOT).parent
    if root.name not in ("site-packages", "dist-packages"):  # run from a clone
        kept["PYTHONPATH"] = os.pathsep.join(filter(None, (str(root), kept.get("PYTHONPATH"))))
    return kept | {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def usable_processors() -> int:
    """Processors that this process may use: its affinity, and the quota of its control groups (version 2)."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with contextlib.suppress(OSError, ValueError, StopIteration):
        own = next(line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))
        folder = Path("/sys/fs/cgroup", own.lstrip("/"))
        for level in (folder, *folder.parents[: len(Path(own).parts) - 1]):
            count = min(count, _quota(level))
    return count


def _quota(folder: Path) -> int:
    """Whole processors that a control group grants; many where it sets no limit."""
    try:
        quota, period = (folder / "cpu.max").read_text().split()
        return int(quota) // int(period)
    except (OSError, ValueError):  # none set: "max"
        return sys.maxsize
