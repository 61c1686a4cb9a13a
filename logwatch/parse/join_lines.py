"""Which lines go on with the one before: the grammar of stack traces and indented texts, line by line.

An event that is open is in a `Mode`; `step` says what the next line of its stream is to it. Both are functions of the
lines alone.
"""

from __future__ import annotations

import re
from enum import IntEnum

LOOKED_AT = 240
"""Bytes of a line that are looked at."""

ALARM_WITHIN = 64
"""Bytes of a line in which its level is looked for."""


class Kind(IntEnum):
    """What a line looks like by itself."""

    PLAIN = 0
    BLANK = 1
    INDENT = 2
    FRAME = 3  # of a stack, or another part of a trace that stands nowhere else
    CLOSER = 4  # a bracket at the margin
    MARK = 5  # a part of a trace at the margin
    TRACEBACK = 6  # Python's
    EXCEPTION = 7  # begins with the name of an exception
    HEAD = 8  # begins a trace
    SOLE = 9  # a whole JSON object


class Mode(IntEnum):
    """What may belong to an open event."""

    PLAIN = 0  # indented lines, where the stream's lines have headers
    OPENS = 1  # ends in a colon, or names an exception: indented lines anywhere
    BRACE = 2  # ends in a bracket: up to the bracket at the margin
    MORE = 3  # has gone on
    TRACE = 4
    PYTHON = 5  # the line that names the exception is still to come
    RAISED = 6  # it has come; another traceback may follow
    GO = 7
    RUST = 8  # the message is still to come


class Verdict(IntEnum):
    """What a line is to the open event of its stream."""

    NEW = 0  # begins another
    MORE = 1  # belongs to it
    LAST = 2  # belongs to it, and ends it
    LATE = 3  # belongs to one that was let go


CALM = (Mode.PLAIN, Mode.OPENS, Mode.BRACE, Mode.MORE, Mode.TRACE, Mode.RAISED)
"""Modes in which a plain line always begins another event."""

OWED = (Mode.BRACE, Mode.PYTHON, Mode.RUST)
"""Modes in which more must come."""

_TYPES = (
    rb"[\w.$:\\]{0,120}?(?:Error|Exception|[a-z]{3}(?:Throwable|Interrupt|Exit|Failure|Fault|Timeout|Group|Iteration))"
)
EXCEPTION = re.compile(rb"(?=[A-Za-z_$])(?:" + _TYPES + rb")\b ?(?:$|:|\()")
"""A line that begins with the name of an exception, alone or before a colon or bracket."""

_KINDS = re.compile(
    rb"(?P<BLANK>\s*$)"
    rb"|(?P<FRAME>\s+(?:at [\w$<\[/.(]|\.\.\. \d+ (?:more|common|lines)|Suppressed: |Caused by: |File \"[^\"]*\", line|"
    rb"from \S+:\d+|---> |--- End of|\d+: +(?:0x)?[\w<]+|\|? *(?:\+-)?\+-{3,}|thrown in ))"
    rb"|(?P<INDENT>[ \t])"
    rb"|(?P<CLOSER>[}\])]+[;,]?(?:\s|$))"
    rb"|(?P<TRACEBACK>Traceback \(most recent call last\):)"
    rb"|(?P<MARK>[Cc]aused by:|\.\.\. \d+ (?:more|common)|Suppressed: |--- End of|During handling of the above"
    rb"|The above exception was the direct cause|goroutine \d+ (?:gp=\S+ [^\[]{0,60})?\[|created by \S+ |exit status \d"
    rb"|stack backtrace:|note: (?:run with|Some details)|#\d+ [/{\[\w]|(?:PHP )?Stack trace:|PHP +\d+\. "
    rb"|Node\.js v\d|\[signal \w+)"
    rb"|(?P<HEAD>panic: |fatal error: |thread '[^']*' (?:\(\d+\) )?panicked at|Exception in thread |Unhandled "
    rb"|Uncaught |(?:PHP )?Fatal error: |Exception: |\S+:\d+:in [`'])"
)
_HEADER = re.compile(
    rb"[\s\[<(|\"]{0,8}(?:\d{4}[-/.]\d\d[-/.]\d\d|\d\d?[-/.](?:\d\d?|[A-Z][a-z]{2})[-/.]\d{2,4}|\d{1,2}:\d\d:\d\d"
    rb"|(?:[A-Z][a-z]{2},? )?[A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d\d:\d\d|\d{10}(?:\d{3})?(?:\.\d+)?\b|[IWEF]\d{4} \d\d:"
    rb"|\d{1,3}>|\d+\.\d{3,}\]|(?:ts|time|level|lvl)=|(?:\d+:)?[A-Z] \d+ "
    rb"|(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|SEVERE|PANIC)(?:[\]:|]|\s))"
)
_QUIET = re.compile(rb"\b(?:INFO|DEBUG|TRACE|NOTICE|info|debug|trace|notice)\b")
_ALARM = re.compile(rb"\b(?:ERROR|FATAL|CRITICAL|SEVERE|PANIC)\b")
_GO_FRAME = re.compile(
    rb"[\w./\-*()\[\]{}$%~,\xc2\xb7]+\([^()]*\)$|\s*(?:goroutine|created by|exit status|\[)|r[a-z0-9]{1,2} +0x"
)
_JOINS = re.compile(rb"During handling of the above|The above exception was")
_FILE_LINE = re.compile(rb"\S{1,200}\.(?:[cm]?[jt]sx?|rb|py|php):\d+$")
_BRACKETS = re.compile(rb"[}\])]+[;,]?\s*$")


def kind_of(text: bytes) -> Kind:
    """What a line looks like."""
    start = text[:LOOKED_AT]
    if start[:1] == b"{" and text[-1:] == b"}":
        return Kind.SOLE
    found = _KINDS.match(start)
    if found is not None and found.lastgroup is not None:
        return Kind[found.lastgroup]
    return Kind.EXCEPTION if EXCEPTION.match(start) else Kind.PLAIN


def has_header(text: bytes) -> bool:
    """Whether a line begins with a time or a level: it stands for itself."""
    return _HEADER.match(text[:LOOKED_AT]) is not None


def alarming(text: bytes) -> bool:
    """Whether a line's header says that something failed: the trace may follow."""
    return _ALARM.search(text[:ALARM_WITHIN]) is not None


def mode_of(text: bytes, kind: Kind) -> Mode:
    """What may belong to an event that begins with this line."""
    if kind is Kind.TRACEBACK:  # every mode that is not calm begins with a line that is read by itself: see `Walk`
        return Mode.PYTHON
    if text.startswith((b"panic: ", b"fatal error: ", b"goroutine ")):
        return Mode.GO
    if kind is Kind.HEAD and text.startswith(b"thread '"):
        return Mode.RUST if text.endswith(b":") else Mode.OPENS
    if text[-1:] in (b"{", b"[", b"("):
        return Mode.BRACE
    named = kind in (Kind.HEAD, Kind.EXCEPTION) or _FILE_LINE.match(text[:LOOKED_AT])
    return Mode.OPENS if named or text[-1:] == b":" else Mode.PLAIN


def orphan(kind: Kind, text: bytes, headed: bool, multi: bool) -> Verdict:
    """What a line is where nothing is open.

    Args:
        headed: the stream's lines have headers.
        multi: lines of the stream have gone on before.
    """
    if kind is Kind.FRAME or (kind is Kind.MARK and not text.startswith(b"goroutine")):
        return Verdict.LATE
    if kind is Kind.INDENT and (headed or multi) and not has_header(text):
        return Verdict.LATE
    return Verdict.LATE if kind in (Kind.CLOSER, Kind.BLANK) and headed and multi else Verdict.NEW


def step(mode: Mode, head: bytes, kind: Kind, text: bytes, headed: bool) -> tuple[Verdict, Mode]:
    """What a line is to an open event that began with `head`, and the event's mode after it."""
    verdict, after = _STEPS[kind](mode, head, text, headed)
    return (verdict, after) if verdict is not Verdict.NEW else (Verdict.NEW, Mode.PLAIN)


_Step = tuple[Verdict, Mode]
_NEW: _Step = (Verdict.NEW, Mode.PLAIN)


def _plain(mode: Mode, head: bytes, text: bytes, headed: bool) -> _Step:
    if mode is Mode.PYTHON and not has_header(text):
        return Verdict.MORE, Mode.RAISED
    if mode is Mode.RUST and not has_header(text):
        return Verdict.MORE, Mode.TRACE
    return (Verdict.MORE, mode) if mode is Mode.GO and _GO_FRAME.match(text[:LOOKED_AT]) else _NEW


def _blank(mode: Mode, head: bytes, text: bytes, headed: bool) -> _Step:
    return _NEW if mode is Mode.PLAIN else (Verdict.MORE, mode)


def _indent(mode: Mode, head: bytes, text: bytes, headed: bool) -> _Step:
    if mode in (Mode.PYTHON, Mode.BRACE, Mode.GO):
        return Verdict.MORE, mode
    if has_header(text) or (mode is Mode.PLAIN and not headed):
        return _NEW
    return Verdict.MORE, Mode.MORE if mode in (Mode.PLAIN, Mode.OPENS) else mode


def _frame(mode: Mode, head: bytes, text: bytes, headed: bool) -> _Step:
    if mode is not Mode.TRACE and text.lstrip().startswith(b'File "'):
        return Verdict.MORE, Mode.PYTHON
    return Verdict.MORE, mode if mode in (Mode.PYTHON, Mode.GO) else Mode.TRACE


def _closer(mode: Mode, head: bytes, text: bytes, headed: bool) -> _Step:
    if mode is Mode.BRACE:
        return Verdict.LAST if _BRACKETS.match(text) else Verdict.MORE, mode
    return _NEW if mode in (Mode.PLAIN, Mode.OPENS) else (Verdict.MORE, mode)


def _mark(mode: Mode, head: bytes, text: bytes, headed: bool) -> _Step:
    if text.startswith(b"goroutine "):
        return Verdict.MORE, Mode.GO
    return Verdict.MORE, mode if mode in (Mode.GO, Mode.PYTHON) or _JOINS.match(text) else Mode.TRACE


def _traceback(mode: Mode, head: bytes, text: bytes, headed: bool) -> _Step:
    chained = mode is Mode.RAISED
    said = mode in (Mode.PLAIN, Mode.OPENS) and has_header(head) and not _QUIET.search(head[:LOOKED_AT])
    return (Verdict.MORE, Mode.PYTHON) if chained or said else _NEW


def _exception(mode: Mode, head: bytes, text: bytes, headed: bool) -> _Step:
    if mode is Mode.PYTHON:
        return Verdict.MORE, Mode.RAISED
    said = mode in (Mode.PLAIN, Mode.OPENS) and has_header(head)
    if said and _QUIET.search(head[:LOOKED_AT]):  # `java.net.ConnectException` is logged so, `TypeError` is another's
        said = b"." in text.split(b":", 1)[0]
    return (Verdict.MORE, Mode.TRACE) if said or mode in (Mode.MORE, Mode.RUST) else _NEW


def _own(mode: Mode, head: bytes, text: bytes, headed: bool) -> _Step:
    return _NEW


_STEPS = {
    Kind.PLAIN: _plain,
    Kind.BLANK: _blank,
    Kind.INDENT: _indent,
    Kind.FRAME: _frame,
    Kind.CLOSER: _closer,
    Kind.MARK: _mark,
    Kind.TRACEBACK: _traceback,
    Kind.EXCEPTION: _exception,
    Kind.HEAD: _own,
    Kind.SOLE: _own,
}
