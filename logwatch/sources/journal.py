"""The systemd journal, through `journalctl --follow --output=json`: each entry is one record, as it comes.

Where to go on is the journal's own cursor, saved with every batch. A record's position is its entry's sequence number,
its stream the unit that wrote it and the journal that counts.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from logwatch import telemetry
from logwatch.api import Clock, plugin
from logwatch.errors import StateCorrupt
from logwatch.sources.journal_child import Child, environment, program, selection
from logwatch.sources.journal_config import JournalConfig
from logwatch.sources.lines import LineSplitter
from logwatch.sources.naming import host_name
from logwatch.types import Flag, RecordBatch, Stream

CELL = "journal"
"""Name of the cursor."""

DEFAULT_NAME = "{host}:{unit}"

LONGEST = 8 * 2**20
"""Bytes of an entry that is read at all: journald itself refuses fields of more than 768 MiB, and cores are logged."""

ASK_S = 20.0
"""How long the journal may take to tell where its end is."""

_CURSOR = re.compile(r"s=(?P<journal>[0-9a-f]+);i=(?P<number>[0-9a-f]+);[ -~]{0,500}")
_PLACE = re.compile(r"\{(host|unit|identifier)\}")
_KEPT = ("MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "_SYSTEMD_UNIT", "_HOSTNAME", "_PID", "__REALTIME_TIMESTAMP",
         "__CURSOR")  # fmt: skip


class Entry(NamedTuple):
    """One entry."""

    line: bytes
    stream: Stream
    number: int
    cursor: str
    flags: int


@plugin(kind="source", name="journal", api=(1, 0), config=JournalConfig)
class JournalSource:
    """Follows the journal; its end is never reached unless `once` is set.

    `warm_until`: by stream, the position before which records are older than the first start.

    Args:
        config: its settings.
        clock: for the waits before journalctl is started again.
        name: of the sources: `{host}`, `{unit}` and `{identifier}` are filled in from each entry.
    """

    def __init__(self, config: JournalConfig, clock: Clock, name: str = DEFAULT_NAME) -> None:
        self._config = config
        self._name = name if "{path}" not in name and name != "{name}" else DEFAULT_NAME
        self._child = Child(config, clock)
        self._splitter = LineSplitter(LONGEST)
        self._entries: list[Entry] = []
        self._names: dict[tuple[str, str, str, str], Stream] = {}
        self._cursor = ""  # of the last entry that was delivered
        self._read_to = ""  # of the last entry that was read
        self._live = ("", 0)  # the journal's name, and the number of its last entry at the first start
        self._begin: list[str] = []
        self._dirty = False
        self.warm_until: dict[Stream, int] = {}

    def open(self, cursors: Mapping[str, bytes]) -> None:
        """Start. Raises ConfigError where there is no journalctl, StateCorrupt where the cursor cannot be read."""
        program()
        if CELL in cursors:
            try:
                saved = json.loads(cursors[CELL])
                self._cursor, self._live = str(saved["cursor"]), (str(saved["live"][0]), int(saved["live"][1]))
            except (ValueError, KeyError, TypeError, IndexError) as error:
                raise StateCorrupt(f"the cursor of the journal cannot be read: {error}") from error
        self._read_to = self._cursor
        if not self._cursor:
            self._begin = self._first_start()
        self._child.start(self._where())

    def poll(self, max_records: int) -> RecordBatch | None:
        """What came since the last call, without waiting."""
        while len(self._entries) < max_records and not self._child.ended:
            if not self._child.running and not self._child.start(self._where()):
                break
            block = self._child.read()
            if not block:
                if block is None:  # what it did not end is written again by the next
                    self._splitter = LineSplitter(LONGEST)
                break
            self._take(block)
        return self._batch(max_records)

    def wait(self, seconds: float) -> None:
        """Sleep until something comes, at most `seconds`."""
        if not self._entries:
            self._child.wait(seconds)

    def exhausted(self) -> bool:
        """Whether everything was delivered, with `once`."""
        return self._child.ended and not self._entries

    def close(self) -> None:
        """End journalctl. Safe to call twice."""
        self._child.close()

    # -- where to begin

    def _where(self) -> list[str]:
        if self._read_to:
            return [f"--after-cursor={self._read_to}", "--no-tail"]
        return self._begin

    def _first_start(self) -> list[str]:
        """Arguments for a first start, which remembers the journal's end."""
        if self._config.since is not None:
            return [f"--since=@{self._config.since:.6f}", "--no-tail"]
        if self._config.start == "beginning":
            return ["--no-tail"]
        if self._live[0]:  # a start before this one was the first, and ended before anything came
            return [f"--lines={self._config.warmup_entries}"]
        last = self._last_cursor()
        found = _CURSOR.fullmatch(last)
        if found is None:  # it is empty: whatever comes is new
            return ["--no-tail"]
        self._live = (found["journal"], int(found["number"], 16))
        if not self._config.warmup_entries:
            self._cursor = self._read_to = last
        self._dirty = True
        return [f"--lines={self._config.warmup_entries}"]

    def _last_cursor(self) -> str:
        command = [program(), "--output=json", "--output-fields=__CURSOR", "--quiet", "--no-pager", "--lines=1"]
        try:
            done = subprocess.run(  # noqa: S603  # no shell; the arguments are checked by `JournalConfig`
                [*command, *selection(self._config)], stdin=subprocess.DEVNULL, capture_output=True, timeout=ASK_S,
                check=False, env=environment(),
            )  # fmt: skip
            return str(json.loads(done.stdout)["__CURSOR"])
        except (subprocess.TimeoutExpired, ValueError, KeyError, TypeError):
            return ""

    # -- entries

    def _take(self, block: bytes) -> None:
        lines = self._splitter.feed(block)
        for line, flags in zip(lines.lines, lines.flags.tolist(), strict=True):
            if flags & Flag.TRUNCATED:
                telemetry.DROPPED.inc(reason="journal_entry_too_long")
                continue
            entry = self._entry(line)
            if entry is None:
                telemetry.DROPPED.inc(reason="journal_entry_unreadable")
            else:
                self._entries.append(entry)
                self._read_to = entry.cursor

    def _entry(self, line: bytes) -> Entry | None:
        import orjson  # only where a journal is read

        try:
            fields = orjson.loads(line)
            found = _CURSOR.fullmatch(fields["__CURSOR"])
        except (ValueError, KeyError, TypeError):
            return None
        if found is None:
            return None
        number, flags = int(found["number"], 16), 0
        if len(line) > self._config.max_line_bytes:
            fields, flags = _shortened(fields, self._config.max_line_bytes), int(Flag.TRUNCATED)
        stream = self._stream(fields, found["journal"])
        line = orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)  # journalctl writes fields in any order
        return Entry(line, stream, number, found[0], flags)

    def _stream(self, fields: Mapping[str, Any], journal: str) -> Stream:
        identifier = _text(fields.get("SYSLOG_IDENTIFIER")) or _text(fields.get("_COMM")) or "unknown"
        kernel = "kernel" if fields.get("_TRANSPORT") == "kernel" else ""
        unit = _text(fields.get("_SYSTEMD_UNIT")) or _text(fields.get("UNIT")) or kernel or identifier
        host = _text(fields.get("_HOSTNAME")) or host_name()
        key = (host, unit, identifier, journal)
        stream = self._names.get(key)
        if stream is None:
            values = {"host": host, "unit": unit.removesuffix(".service"), "identifier": identifier}
            stream = Stream(_PLACE.sub(lambda match: values[match[1]], self._name), journal[:16])
            if len(self._names) >= 10_000:  # identifiers may be anything
                self._names.clear()
            self._names[key] = stream
            if self._live[0] == journal:
                self.warm_until[stream] = self._live[1] + 1
        return stream

    def _batch(self, most: int) -> RecordBatch | None:
        if not self._entries and not self._dirty:
            return None
        taken, self._entries = self._entries[:most], self._entries[most:]
        if taken:
            self._cursor = taken[-1].cursor
        self._dirty = False
        index: dict[Stream, int] = {}
        stream = np.array([index.setdefault(entry.stream, len(index)) for entry in taken], np.int32)
        number = np.array([entry.number for entry in taken], np.int64)
        flags = np.array([entry.flags for entry in taken], np.uint8)
        saved = json.dumps({"v": 1, "cursor": self._cursor, "live": self._live}).encode()
        return RecordBatch(
            [entry.line for entry in taken], list(index), stream, number, number + 1, flags, {CELL: saved}
        )


def _text(value: Any) -> str:
    """A field's value; of one that was given several times the first, of one that is not text nothing."""
    if isinstance(value, list):
        value = value[0] if value and isinstance(value[0], str) else ""
    return value[:256] if isinstance(value, str) else ""


def _shortened(fields: Mapping[str, Any], most: int) -> dict[str, Any]:
    """An entry within about `most` bytes: its long fields are cut, and where that does not do, left out."""
    cut = {name: _cut(value, most // 4) for name, value in fields.items()}
    if sum(len(str(value)) for value in cut.values()) > most // 2:
        return {name: cut[name] for name in _KEPT if name in cut}
    return cut


def _cut(value: Any, most: int) -> Any:
    if isinstance(value, list):  # bytes as numbers, or a field given several times
        return value[:most] if all(isinstance(one, int) for one in value) else [_cut(one, most) for one in value[:4]]
    return value[:most] if isinstance(value, str) else value
