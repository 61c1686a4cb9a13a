"""Numbers as people say them."""

from __future__ import annotations


def plural(count: int, noun: str) -> str:
    """`1 source`, `2 sources`, `no source`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}" if count else f"no {noun}"


def span(seconds: float) -> str:
    """`0.4 s`, `12 s`, `5 min`, `3 h`, `8 days`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
