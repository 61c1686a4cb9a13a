"""Lines that mean harm to a miner of templates: for its tests, and for the longest time that a line takes."""

from __future__ import annotations

import random


def bad_lines(rng: random.Random) -> list[str]:
    """Lines that mean harm, or look like it."""
    noise = "".join(rng.choices("ABCDEFabcdef+/0123456789", k=30_000))
    pieces = [
        "(",
        "[",
        "{",
        "<a",
        '"',
        "'",
        " '",
        "a=",
        "a.",
        "a/",
        "a-",
        "a:",
        "a::",
        "->",
        ": ",
        " - ",
        "=",
        "\\",
        "x, ",
    ]
    words = [" ".join("".join(rng.choices("abc", k=3)) for _ in range(400)) for _ in range(200)]
    return [
        " " * 1_000_000, noise, noise.lower(), '{"a":' * 6_000, '{"a":[1,"b"],' * 2_000, "<*> <num> \x00\x01\x02\x04",
        "\x1b[31mred\x1b[0m", "-" * 30_000, *(piece * 10_000 for piece in pieces), *words,
        *(f"{'x: ' * 20}{word}" for word in words), *(f"could not open the file: {word}" for word in words),
    ]  # fmt: skip
