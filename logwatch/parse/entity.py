"""The entity of each line, by the user's regular expression, on an engine of linear time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import polars as pl

from logwatch.errors import ConfigError
from logwatch.types import Bool

LIMIT = 256
"""Characters of an entity: it becomes part of a key and of every alert."""


@lru_cache(maxsize=1024)
def check_regex(pattern: str, setting: str = "entity") -> int:
    """Number of groups of a regular expression of the linear-time engine (Rust's `regex`).

    Raises:
        ConfigError: it is not one; the message names the setting, the hint what to do.
    """
    for mark, what in (("(?=", "look-ahead"), ("(?!", "look-ahead"), ("(?<=", "look-behind"), ("(?<!", "look-behind"),
                       ("(?P=", "a back-reference"), ("(?>", "an atomic group"), ("(?(", "a condition")):  # fmt: skip
        if mark in pattern.replace(r"\(", ""):
            raise ConfigError(
                f"{setting} = {pattern!r}: {what}, {mark}...), is not supported",
                "capture what you want in a group instead; the text around it need not be excluded",
            )
    try:
        pl.Series([""], dtype=pl.String).str.extract(pattern, 0)
        return len(pl.Series([""], dtype=pl.String).str.extract_groups(pattern).struct.fields)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise ConfigError(
            f"{setting} = {pattern!r}: not a regular expression: {_reason(error)}",
            "the syntax is https://docs.rs/regex (no look-around, no back-references); in TOML use 'single quotes'",
        ) from error


def entities(texts: Sequence[str], pattern: str) -> list[str | None]:
    """First group of the first match, else the whole match; None where the pattern does not match or is empty."""
    group = 1 if check_regex(pattern) else 0
    found = pl.Series(texts, dtype=pl.String).str.extract(pattern, group).str.head(LIMIT)
    return [entity or None for entity in found.to_list()]


def matches(texts: Sequence[str], pattern: str) -> Bool:
    """Which texts [n] a pattern is found in."""
    check_regex(pattern)
    return pl.Series(texts, dtype=pl.String).str.contains(pattern).to_numpy()


def _reason(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return said[-1] if said else lines[0].removeprefix("regex error: ") if lines else "unknown"
