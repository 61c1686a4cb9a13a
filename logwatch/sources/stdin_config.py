"""Settings of the source that reads standard input."""

from __future__ import annotations

from pydantic import Field

from logwatch.api import PluginConfig
from logwatch.config import Duration, Size
from logwatch.sources.limits import MAX_LINE_BYTES


class StdinConfig(PluginConfig):
    """`[[source]]` with `kind = "stdin"`."""

    flush_after: Duration = 5.0
    """How long a last line without its line end is waited for."""

    max_line_bytes: Size = Field(MAX_LINE_BYTES, ge=64)
    """Longer lines are truncated."""
