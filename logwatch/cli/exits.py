"""How every way to end becomes an exit code and a message.

| exit | meaning |
| --- | --- |
| 0 | done; also after a signal with a clean end, or when the reader of our output went away |
| 1 | only the condition asked for (`--fail`) |
| 64 | usage |
| 65 66 69 73 75 78 | see `logwatch.errors`; 73 also where an output's disk is full |
| 70 | our bug |
"""

from __future__ import annotations

import errno
import io
import traceback
from contextlib import redirect_stderr
from dataclasses import dataclass

import click

from logwatch.errors import LogwatchError

PROGRAM = "logwatchd"
USAGE = 64
BUG = 70
NOT_WRITABLE = 73
FREE = "free space on that disk, or write to another"
COMPLETE = "_LOGWATCHD_COMPLETE"
"""Set by the completion scripts of the shells."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The end of a command that did not simply return."""

    code: int
    text: str = ""
    output_lost: bool = False  # standard output takes no more: its reader went away, or its disk is full


def explain(error: BaseException, *, debug: bool = False) -> Failure:
    """What to say and how to exit.

    Args:
        error: what ended the command.
        debug: show where an unexpected error came from.
    """
    if isinstance(error, click.exceptions.Exit):
        return Failure(error.exit_code)
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return Failure(0)
    if isinstance(error, BrokenPipeError) or (
        isinstance(error, OSError) and "(os error 32)" in str(error)
    ):  # polars' own
        return Failure(0, output_lost=True)
    if isinstance(error, OSError) and _is_full(error):
        return Failure(NOT_WRITABLE, _message(LogwatchError("cannot write the output: no space left", FREE)), True)
    if isinstance(error, click.ClickException):
        return Failure(USAGE, _usage_text(error))
    trace = "".join(traceback.format_exception(error)) if debug else ""
    if isinstance(error, LogwatchError):
        return Failure(error.exit_code, trace + _message(error))
    return Failure(BUG, trace + _bug_text(error, debug))


def _message(error: LogwatchError) -> str:
    # Paths and lines of damaged files may hold what would act on the terminal.
    lines = [_printable(line) for line in error.message.splitlines()] or [""]
    head = click.style(f"{PROGRAM}: ", bold=True)
    text = head + lines[0] if len(lines) == 1 else "\n".join(head + line for line in lines)
    return f"{text}\n  {error.hint}" if error.hint else text


def _is_full(error: OSError) -> bool:
    # The writers of rows (Rust) put the number into the text alone.
    return error.errno in (errno.ENOSPC, errno.EDQUOT) or f"(os error {errno.ENOSPC})" in str(error)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)


def _usage_text(error: click.ClickException) -> str:
    """click's own text: the usage line, and what was wrong."""
    shown = io.StringIO()
    with redirect_stderr(shown):
        error.show()
    return shown.getvalue().rstrip("\n")


def _bug_text(error: BaseException, debug: bool) -> str:
    text = f"{PROGRAM}: internal error: {type(error).__name__}: {error}\n  This is a bug in {PROGRAM}. "
    if debug:
        return text + "Please report it with the text above."
    return text + "Please report it with what the same command prints with --debug."
