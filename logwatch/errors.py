"""Every error that logwatchd raises on purpose, in one tree.

    LogwatchError                    base; carries the exit code of `interfaces`
    ├── UsageError              64   the command line is wrong
    ├── DataError               65   data missing, too old, unreadable, labels that do not match
    ├── NoInputError            66   nothing to read
    ├── UnreachableError        69   daemon or broker unreachable
    ├── DeliveryError           69   a sink cannot deliver now: tried again
    │   └── RefusedError        69   this alert will never be taken: not tried again
    ├── StateError
    │   ├── StateNotWritable    73   the state directory cannot be written
    │   ├── StateFull           73   no space left for a commit (the pipeline pauses and tries again)
    │   ├── StateLocked         75   another process holds the state
    │   └── StateCorrupt        78   state corrupt, or of a newer schema
    └── ConfigError             78   configuration

Only `logwatch.cli` turns an error into an exit.
"""

from __future__ import annotations


class LogwatchError(Exception):
    """Base of all errors that carry a message for people.

    Args:
        message: what is wrong and where, in one line.
        hint: what to do about it; may be empty.
    """

    exit_code = 70

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class UsageError(LogwatchError):
    """The command line is wrong."""

    exit_code = 64


class DataError(LogwatchError):
    """Data is missing, too old or unreadable, or labels do not match it."""

    exit_code = 65


class NoInputError(LogwatchError):
    """There is nothing to read."""

    exit_code = 66


class UnreachableError(LogwatchError):
    """A daemon or a broker cannot be reached now."""

    exit_code = 69


class DeliveryError(LogwatchError):
    """A sink cannot deliver now; the alerts are offered again.

    Args:
        message: why, without a secret.
        delivered: how many of the alerts that it was given, the first ones, were delivered all the same.
        retry_after: seconds for which the other side asks not to be tried.
    """

    exit_code = 69

    def __init__(self, message: str, hint: str = "", *, delivered: int = 0, retry_after: float = 0.0) -> None:
        super().__init__(message, hint)
        self.delivered = delivered
        self.retry_after = retry_after


class RefusedError(DeliveryError):
    """The alert after the delivered ones will never be taken: it is kept as a dead letter, and not offered again."""


class StateError(LogwatchError):
    """The state directory cannot be used."""


class StateNotWritable(StateError):
    """The state directory cannot be written (permissions, read-only file system, disk full at start)."""

    exit_code = 73


class StateFull(StateError):
    """No space is left for a commit. Nothing is lost: input pauses until a commit succeeds."""

    exit_code = 73


class StateLocked(StateError):
    """Another process holds the state."""

    exit_code = 75


class StateCorrupt(StateError):
    """The state is corrupt, or was written by a newer version."""

    exit_code = 78


class ConfigError(LogwatchError):
    """The configuration is wrong; the message names file, line, key and the nearest valid name."""

    exit_code = 78
