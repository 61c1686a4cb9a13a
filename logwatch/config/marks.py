"""Lines that are deployment marks: `[[mark]]`."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from logwatch.config.rules import Matching
from logwatch.config.values import Duration

WINDOW_S = 1800.0
"""Seconds in which drift is expected after a mark."""

LONGEST_S = 7 * 86_400.0


def _check_window(seconds: float) -> float:
    if not 1 <= seconds <= LONGEST_S:
        raise ValueError("must be 1s to 7d: while drift is expected, a fault may pass for it")
    return seconds


Window = Annotated[Duration, AfterValidator(_check_window)]


class MarkTable(BaseModel):
    """One `[[mark]]`: a line that matches begins a window; the first group, or else the match, names it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pattern: Matching
    source: str = ""  # empty: of any source
    window: Window = WINDOW_S
