"""Settings of the file source."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import Field, field_validator

from logwatch.api import PluginConfig
from logwatch.config import Duration, Size
from logwatch.sources.limits import MAX_LINE_BYTES


class FileConfig(PluginConfig):
    """`[[source]]` with `kind = "file"`."""

    paths: list[str] = Field(min_length=1)
    """Files and globs (`*`, `?`, `[…]`, `**`)."""

    exclude: list[str] = Field(default_factory=list)
    """Globs of files to leave out: of base names, or of whole paths where there is a slash in it."""

    start: str = "end"
    """`"end"`, `"beginning"`, or a time (RFC 3339): files last written before it are read from their end, others
    from their head. For files present at the state's first start; files that appear later are read from their head."""

    once: bool = False
    """Read to the present end of all files, and stop."""

    warmup: Size = 64 * 2**20
    """Bytes before the end that are read first, silently, where reading starts at the end."""

    rotate_wait: Duration = 5.0
    """How long a renamed or deleted file must be idle before it is closed."""

    deleted_hold: Duration = 600.0
    """How long a deleted file that is not read to its end, and not read on, is held open; what is left of it is then
    let go as a gap, so that the disk gets its room back."""

    deleted_hold_size: Size = 2**30
    """How much deleted files may hold in all while reading is paused."""

    flush_after: Duration = 5.0
    """How long a last line without its line end is waited for."""

    max_line_bytes: Size = Field(MAX_LINE_BYTES, ge=64)
    """Longer lines are truncated."""

    follow_links: bool = False
    """Follow also links that less privileged users can change."""

    compressed: bool = False
    """Read .gz, .xz, .bz2 and .zst files too; with `once` they always are."""

    @field_validator("start", mode="before")
    @classmethod
    def _written_as_a_time(cls, value: object) -> object:
        return value.isoformat() if isinstance(value, datetime) else value

    @field_validator("start")
    @classmethod
    def _check_start(cls, value: str) -> str:
        if value not in ("end", "beginning"):
            try:
                _time(value)
            except ValueError:
                raise ValueError(f'must be "end", "beginning" or a time like 2026-01-31T08:00:00Z: {value!r}') from None
        return value

    @property
    def since(self) -> int | None:
        """The time of `start` in ns since the epoch; None where it is no time."""
        return None if self.start in ("end", "beginning") else _time(self.start)


def _time(text: str) -> int:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("no zone")
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000
