"""Where reading begins the first time: `"end"`, `"beginning"` or a time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_time(text: str) -> int:
    """A time in RFC 3339, with its zone, as ns since the epoch. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("no zone")
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000


def _check(value: Any) -> str:
    text = value.isoformat() if isinstance(value, datetime) else str(value)  # TOML has times of its own
    if text not in ("end", "beginning"):
        try:
            read_time(text)
        except ValueError:
            raise ValueError(f'must be "end", "beginning" or a time like 2026-01-31T08:00:00Z: {text!r}') from None
    return text


Start = Annotated[str, BeforeValidator(_check)]
"""`"end"`, `"beginning"`, or a time in RFC 3339."""
