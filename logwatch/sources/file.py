"""The file source: follows files by open descriptor and delivers their lines, a bounded turn for each."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Mapping

import numpy as np

from logwatch.api import Clock, plugin
from logwatch.errors import StateCorrupt
from logwatch.sources.access import Problem
from logwatch.sources.cursor import load
from logwatch.sources.descriptors import Descriptors, Hold
from logwatch.sources.file_config import FileConfig
from logwatch.sources.follow import Seen
from logwatch.sources.followed import Followed
from logwatch.sources.lines import Records, no_records
from logwatch.sources.naming import is_compressed
from logwatch.sources.opening import OpenFile, Refused
from logwatch.sources.roster import Roster
from logwatch.sources.table import Table
from logwatch.telemetry import Logger
from logwatch.types import Flag, Gap, RecordBatch, Stream

__all__ = ["FileConfig", "FileSource", "Problem"]

log = Logger(__name__)

POLL_S = 0.04
"""How often a file that grew lately is looked at; nobody notices half of it."""

IDLE_LOOKS = 40
"""Idle files looked at in one sweep: bounds the cost of a thousand of them to under 1 % of a processor."""

THOROUGH = 8
"""Every so many rounds an idle file is looked at for more than its size: rewritten to the same size."""

LATELY_S = 10.0
"""A file that grew within this time is looked at in every sweep."""

SCAN_S = 1.0
SCAN_MAX_S = 15.0
SCAN_SHARE = 400
"""New files are noticed within a second, or later where a scan takes more than 1/400 of that."""

MIN_TURN = 64
"""Records that each waiting file gets at least, before the busy ones get the rest."""

ROUNDS = 16
"""Turns of one file in one poll: a line without an end brings no records and must not hold up the others."""

CUT_WAIT_S = 300.0
"""A compressed file that ends too early may be on its way: waited for as long since it last grew."""

MIN_READ, MAX_READ = 16 * 1024, 1024 * 1024
LINE_GUESS = 160
"""Bytes a line has about: a turn reads what its share of records needs, and not much more stays in memory."""

MAIN = "files"
"""Name of the cell that belongs to no file."""


@plugin(kind="source", name="file", api=(1, 0), config=FileConfig)
class FileSource:
    """Follows files.

    Args:
        config: which files, and how.
        clock: time for waits and for the names of new files.
        name: the sources' names: `{path}`, `{name}` and `{host}` are filled in.
    """

    def __init__(self, config: FileConfig, clock: Clock, name: str = "{name}") -> None:
        self._config = config
        self._clock = clock
        self._table = Table(config, clock, name, self._opened)
        self._roster = Roster(self._table)
        self._ready: dict[Followed, None] = {}  # known to have something; the longest waiting first
        self._open = Descriptors()
        self._hold = Hold(config.deleted_hold, config.deleted_hold_size)
        self._turn: list[Followed] = []  # files not yet looked at in this round
        self._round = 0
        self._lately: dict[Followed, None] = {}  # grew lately
        self._scan_at = self._sweep_at = self._scan_took = 0.0
        self._touched: dict[Followed, None] = {}
        self._warm: dict[Stream, int] = {}
        self._said: set[Problem] = set()
        self._closing = threading.Event()

    @property
    def problems(self) -> list[Problem]:
        """Files that match or are named and cannot be read now."""
        return list(self._table.access.problems.values())

    @property
    def files(self) -> int:
        """Files followed."""
        return len(self._table.live)

    @property
    def warm_until(self) -> Mapping[Stream, int]:
        """Per stream the offset where live begins; records that start before it are warm-up. Absent: all live."""
        return self._warm

    def is_warm(self, stream: Stream, offset: int) -> bool:
        """Whether the record that starts at `offset` is warm-up: learned in silence."""
        return offset < self._warm.get(stream, 0)

    def open(self, cursors: Mapping[str, bytes]) -> None:
        """Start, or go on. Raises StateCorrupt where a cursor cannot be read."""
        try:
            main = json.loads(cursors.get(MAIN, b'{"v":1,"started":false,"closed":[],"names":[]}'))
            if main["v"] != 1:
                raise ValueError(f"version {main['v']!r}")
            closed = [load(json.dumps(cell).encode()) for cell in main["closed"]]
            names = [str(name) for name in main["names"]]
            pending = {key: load(cell) for key, cell in cursors.items() if key != MAIN}
        except (ValueError, KeyError, TypeError) as error:
            raise StateCorrupt(f"the saved position of a file cannot be read: {error}") from error
        self._table.ledger.restore(pending, closed, names, bool(main["started"]))
        self._scan()

    def poll(self, max_records: int) -> RecordBatch | None:
        """The next records of all files that have some, in turns."""
        now = self._clock.monotonic()
        if now >= self._scan_at and not self._config.once:
            self._scan()
        if now >= self._sweep_at:
            self._sweep(now)
        parts = self._gather(max_records, now)
        return self._batch(parts)

    def wait(self, seconds: float) -> None:
        """Sleep until a file grew, at most `seconds`."""
        while seconds > 0 and not self._ready and not self._closing.wait(min(POLL_S, seconds)):
            seconds -= POLL_S
            now = self._clock.monotonic()
            if now >= self._scan_at:
                return
            self._sweep(now)

    def exhausted(self) -> bool:
        """With `once`: everything up to the end that the files had has been delivered."""
        return self._config.once and not self._ready and not any(entry.busy for entry in self._table.live)

    def hold(self) -> None:
        """To be called about once a second while nothing is polled: deleted files are kept only within bounds."""
        self._release_deleted(paused=True)

    def close(self) -> None:
        """Close all files."""
        self._closing.set()
        for entry in self._table.live:
            entry.release()
        self._open.clear()
        self._ready.clear()

    # -- what there is

    def _scan(self) -> None:
        began = self._clock.monotonic()
        self._roster.scan()
        self._open.tidy()
        self._release_deleted(paused=False)
        now = self._clock.monotonic()
        # One scan that took long was interrupted, perhaps; two were slow.
        took, self._scan_took = min(now - began, self._scan_took), now - began
        self._scan_at = now + min(SCAN_MAX_S, max(SCAN_S, SCAN_SHARE * took))
        self._ready.update((entry, None) for entry in self._table.live if entry.busy)
        for problem in set(self._table.access.problems.values()) - self._said:
            log.warning("file cannot be read", path=problem.path, reason=problem.reason, hint=problem.hint)
        self._said = set(self._table.access.problems.values())

    def _sweep(self, now: float) -> None:
        """Look at the files that may have grown: those that did lately, and some of the others in turn."""
        self._sweep_at = now + POLL_S
        if not self._turn:
            self._turn = list(self._table.live)
            self._round += 1
        thorough = self._round % THOROUGH == 0
        for _ in range(min(IDLE_LOOKS, len(self._turn))):
            entry = self._turn.pop()
            if thorough or not entry.asleep():
                self._look(entry, now)
        for entry in list(self._lately):
            if now - entry.follower.grown_at > LATELY_S:
                del self._lately[entry]
            else:
                self._look(entry, now)

    def _look(self, entry: Followed, now: float) -> None:
        """See whether the file has something; end it where its time has come."""
        if entry not in self._table.live or entry in self._ready:
            return
        if not entry.over and not entry.muted:
            seen = self._compare(entry)
            if seen is Seen.REPLACED:
                self._replace(entry)
            elif seen is Seen.MORE and entry.unread:
                self._ready[entry] = None
                return
        self._finish_idle(entry, now)
        if entry.follower.queued:
            self._ready[entry] = None
        entry.rest()

    def _compare(self, entry: Followed) -> Seen:
        follower = entry.follower
        try:
            if entry.file is not None:
                return follower.look(entry.file)
            found = entry.stat()
            known = entry.resting if is_compressed(entry.path) else follower.fed
            if found is None or (found.size == known and found.mtime == follower.mtime):
                return Seen.NOTHING  # the next scan tells what became of it
            file = self._reopen(entry)
            return follower.look(file) if file is not None else Seen.NOTHING
        except OSError as error:
            self._fail(entry, error)
            return Seen.NOTHING

    def _finish_idle(self, entry: Followed, now: float) -> None:
        """Flush a line that waited long enough; close a file that nothing more will come from."""
        follower, config = entry.follower, self._config
        if entry.over:
            if not follower.queued:
                self._end(entry)
        elif (fault := entry.fault(now, 0 if config.once else CUT_WAIT_S)) is not None:
            if fault:
                follower.flush()
            if fault and not follower.queued:
                self._roster.broken(entry, fault)
        elif config.once:
            follower.flush()
        elif not entry.attached and now - max(entry.idle_since, follower.grown_at) >= config.rotate_wait:
            follower.flush()
            if not follower.queued:
                self._end(entry)
        elif follower.flush_due(now, config.flush_after):
            follower.flush()

    def _replace(self, entry: Followed) -> None:
        self._open.drop(entry)
        self._roster.replaced(entry)
        self._ready.update((other, None) for other in self._table.live if other is entry or other.before is entry)

    def _end(self, entry: Followed) -> None:
        self._open.drop(entry)
        for group in (self._ready, self._touched, self._lately):
            group.pop(entry, None)
        self._table.close(entry)
        self._warm.pop(Stream(entry.source, entry.instance), None)

    def _fail(self, entry: Followed, error: OSError) -> None:
        """A read failed: say so, and try again from the next scan on."""
        refusal = Refused(f"cannot be read: {error.strerror}", "the disk or the network may be at fault")
        self._table.access.note(entry.path, refusal)
        entry.release()
        self._open.drop(entry)
        self._ready.pop(entry, None)
        self._give_up(entry)

    def _give_up(self, entry: Followed) -> None:
        """A file that is read once and cannot be read now has no later in this run."""
        if self._config.once:
            entry.limit = entry.follower.fed

    # -- descriptors

    def _reopen(self, entry: Followed) -> OpenFile | None:
        file = entry.reopen(self._config.follow_links)
        if file is not None:
            self._opened(entry)
        return file

    def _opened(self, entry: Followed) -> None:
        """Note a used descriptor."""
        for other in self._open.used(entry):
            self._let_go(other, "deleted, while too many others were open, before it was read to its end")

    def _release_deleted(self, paused: bool) -> None:
        for entry in self._hold.overdue(self._open, self._clock.monotonic(), paused):
            self._let_go(entry, "deleted, and not read to its end for too long")

    def _let_go(self, entry: Followed, reason: str) -> None:
        """Close a file that no path leads to; what was not read of it is lost."""
        with contextlib.suppress(OSError):
            if entry.file is not None and entry.follower.look(entry.file) is Seen.MORE:
                lost = entry.unread
                log.warning("a file is let go", path=entry.path, reason=reason, offset=entry.follower.fed, lost=lost)
        self._roster.abandon(entry, reason)
        entry.release()
        self._open.drop(entry)
        self._ready[entry] = None

    # -- turns

    def _gather(self, room: int, now: float) -> list[tuple[Followed, Records]]:
        parts = []
        for _ in range(ROUNDS):
            waiting = [entry for entry in self._ready if entry.before not in self._ready]
            if not waiting or not room:
                break
            share = max(MIN_TURN, room // len(waiting))
            for entry in waiting:
                records = self._serve(entry, min(share, room), now)
                if len(records):
                    parts.append((entry, records))
                    room -= len(records)
                if not room:
                    break
        return parts

    def _serve(self, entry: Followed, share: int, now: float) -> Records:
        """One turn: at most `share` records; afterwards the file is last in the row, or out of it."""
        self._ready.pop(entry, None)
        if entry.before is not None:
            # The program may have written to the old file after that was looked at, and to the new one since.
            self._look(entry.before, now)
            if entry.before in self._ready:
                self._ready[entry] = None
                return no_records()
        entry.resting = -1
        entry.before = None  # its turn has come; and a chain of all that ever had the path must not grow
        follower = entry.follower
        if not follower.queued and entry.unread and not entry.over:
            self._read(entry, share, now)
        records = follower.take(share)
        if len(records):
            self._table.instance(entry)
            self._touched[entry] = self._lately[entry] = None
            entry.served_at = now
        if not _has_more(entry) and (entry.over or self._config.once):
            self._look(entry, now)
        if _has_more(entry):
            self._ready[entry] = None
        return records

    def _read(self, entry: Followed, share: int, now: float) -> None:
        size = min(entry.unread, max(MIN_READ, min(MAX_READ, share * LINE_GUESS)))
        try:
            file = self._reopen(entry)
            if file is None:
                self._give_up(entry)
            elif entry.follower.read(file, size, now) is Seen.REPLACED:
                self._replace(entry)
        except OSError as error:
            self._fail(entry, error)

    # -- batches

    def _batch(self, parts: list[tuple[Followed, Records]]) -> RecordBatch | None:
        table = self._table
        index: dict[Stream, int] = {}
        which = []
        for entry, records in parts:
            stream = Stream(entry.source, table.instance(entry))
            if entry.warm:
                self._warm[stream] = entry.warm
            which.append(index.setdefault(stream, len(index)))
            if entry.mark:
                records.flags[0] |= entry.mark
                entry.mark = Flag.NONE
        cursor = self._cursors()
        gaps, table.gaps = table.gaps, []
        if not parts and not cursor and not gaps:
            return None
        return _joined(parts, list(index), which, cursor, gaps)

    def _cursors(self) -> dict[str, bytes | None]:
        """What changed since the last batch."""
        ledger = self._table.ledger
        cursor: dict[str, bytes | None] = dict.fromkeys(ledger.gone)
        ledger.gone = []
        for entry in self._table.live:
            if entry.dirty or entry in self._touched:
                entry.dirty = False
                cursor[entry.key] = entry.saved().dump()
        self._touched.clear()
        if ledger.dirty:
            ledger.dirty = False
            closed = [json.loads(saved.dump()) for saved in ledger.closed]
            main = {"v": 1, "started": True, "closed": closed, "names": list(ledger.names)}
            cursor[MAIN] = json.dumps(main, separators=(",", ":")).encode()
        return cursor


def _has_more(entry: Followed) -> bool:
    """Whether another turn would bring something. A file that was closed is looked at again first."""
    return bool(entry.follower.queued or (entry.unread and not entry.over and entry.file is not None))


def _joined(
    parts: list[tuple[Followed, Records]],
    streams: list[Stream],
    which: list[int],
    cursor: dict[str, bytes | None],
    gaps: list[Gap],
) -> RecordBatch:
    lines: list[bytes] = []
    for _, records in parts:
        lines += records.lines
    counts = [len(records) for _, records in parts]
    none = np.zeros(0, np.int64)
    return RecordBatch(
        lines,
        streams,
        np.repeat(np.asarray(which, np.int32), counts),
        np.concatenate([none, *(records.start for _, records in parts)]),
        np.concatenate([none, *(records.end for _, records in parts)]),
        np.concatenate([none.astype(np.uint8), *(records.flags for _, records in parts)]),
        cursor,
        gaps,
    )
