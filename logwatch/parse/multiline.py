"""How the lines of a source are joined, as its settings say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from logwatch.types import Bool


@dataclass(frozen=True, slots=True)
class Multiline:
    """Args: start: the regular expression of a record's first line, where `kind` is "start"."""

    kind: Literal["auto", "off", "start"] = "auto"
    start: str = ""


AUTO, OFF = Multiline(), Multiline("off")


def multiline(kind: Literal["auto", "off", "start"], start: str = "") -> Multiline:
    """One setting: equal ones are the same object."""
    return {"auto": AUTO, "off": OFF}.get(kind) or Multiline(kind, start)


def matches(texts: list[bytes], pattern: str) -> Bool:
    """Which of the texts [n] the expression matches somewhere."""
    found = pl.Series([text.decode("utf-8", "replace") for text in texts], dtype=pl.String).str.contains(pattern)
    return np.asarray(found.to_numpy(), dtype=np.bool_)
