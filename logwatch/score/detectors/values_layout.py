"""What stands where in a line, by its outline: the line with each run of digits made `0` and hexadecimal words `x`.

Lines of one statement have few outlines, so each is read once: all but the numbers themselves follows from it.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from itertools import islice
from typing import NamedTuple

MOST = 32
"""Values of a line that are looked at."""

LIST, SEGMENT, KIND, NET = "\x00", "\x01", "\x02", "\x03"
"""End the names of places: lengths of a list, first segments of a path, its extensions, networks of addresses."""

_END = r"(?=$|[\s,;)\]}>\"'|]|[.:](?:\s|$))"
_NUMBER = r"[-+]?+0(?:\.0)?+"
SCALE = {
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0,
    **{f"{power}{unit}": 1024.0**i for i, power in enumerate("KMGT", 1) for unit in ("B", "iB")}, "kB": 1024.0,
}  # fmt: skip
_UNIT = rf" ?+(?:{'|'.join(SCALE)}|B|%){_END}"
_NAME = r"[A-Za-z_$][\w./-]{0,31}+"
# Possessive and bounded: linear. A path or a quoted text is one piece, so that quotes stay in step.
_PIECE = re.compile(
    rf"[\"'](?P<key>{_NAME})[\"'] ?+: ?+(?P<its>{_NUMBER}){_END}"
    rf"|(?<![\w./@:-])(?P<name>{_NAME})(?:"
    rf"(?P<between> ?+[=:] ?+|=\"| |\()(?:(?P<number>{_NUMBER})(?P<unit>{_UNIT})?+{_END}"
    rf"(?P<more>(?:, ?+{_NUMBER}(?:{_UNIT})?+{_END}){{0,64}}+)|(?P<net>0\.0\.0)\.0(?:[:/]0)?+{_END})"
    rf"|=(?P<word>[A-Za-z][\w.@/+-]{{0,63}}+){_END}"
    r"|(?: ?+[=:] ?+| |\()(?P<path>/[^\s\"'?#;,)]{0,256}+)"
    r"|(?: ?+[=:] ?+| |\(|\(\) )(?:\"(?P<quoted>[^\"]{0,512}+)\"|'(?P<single>[^']{0,512}+)'(?!\w)))"
    r"|\"(?P<lone>[^\"]{0,512}+)\""
)  # fmt: skip
_PATH = re.compile(r"(?:[A-Z]{3,8} )?+(?:[a-z]{2,8}://[^/\s]*+)?+/([^/\s?#]*+)([^\s?#]*+)")
_KIND = re.compile(r"\.([A-Za-z]{1,5})$")
_WORD = 64
HEX = "x"
"""Stands for a hexadecimal word."""
_DATES = frozenset(("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"))
_DATE = re.compile(
    rf"\b(?:{'|'.join(sorted(_DATES))}|Mon|Tue|Wed|Thu|Fri|Sat|Sun|AM|PM)\b"
    r"|(?<=[:.]0 )[A-Z]{2,5}\b"  # zones: summer is another
)


class Numbers(NamedTuple):
    """The numbers in an outline [k], and the lengths of its lists."""

    names: list[str]
    run: list[int]  # of digits in which it begins, counted from the line's first; -1: it is `scale` itself
    fraction: list[bool]  # the next run is its fraction
    scale: list[float]  # what one of it is; negative where the number is


class Layout(NamedTuple):
    """What stands in the lines of an outline."""

    key: int  # 64 bits of the outline without names of days and months
    numbers: Numbers
    words: list[tuple[str, str]]  # place and value
    nets: list[tuple[str, int]]  # place, and the run in which the address begins


def layout(outline: str) -> Layout:
    """Read an outline."""
    name = _DATE.sub("0", outline)
    key = int.from_bytes(blake2b(name.encode("utf-8", "replace"), digest_size=8).digest(), "little")
    found = Layout(key, Numbers([], [], [], []), [], [])
    lone = 0
    for piece in islice(_PIECE.finditer(outline), MOST):
        which = piece.lastgroup or ""
        name = piece["name"] or piece["key"] or ""
        if piece["number"] or piece["its"]:
            if name not in _DATES:
                _number(outline, name, piece, found.numbers)
        elif which == "net":
            found.nets.append((name + NET, outline.count("0", 0, piece.start("net"))))
        elif which == "word":
            if piece["word"] != HEX:
                found.words.append((name, piece["word"]))
        else:
            if which == "lone":
                name, lone = f"quote{lone}", lone + 1
            found.words.extend(_kinds(name, piece[which]))
    return found


def _number(outline: str, name: str, piece: re.Match[str], found: Numbers) -> None:
    """Take down a number, or the length of a list."""
    group = "number" if piece["number"] else "its"
    more, number = piece["more"] or "", piece[group]
    if not more:
        unit = SCALE.get((piece["unit"] or "").strip(), 1.0)
        found.names.append(name)
        found.run.append(outline.count("0", 0, piece.start(group)))
        found.fraction.append("." in number)
        found.scale.append(-unit if number[0] == "-" else unit)
    if more or (piece["between"] or "").strip(" ("):
        found.names.append(name + LIST)
        found.run.append(-1)
        found.fraction.append(False)
        found.scale.append(1.0 + more.count(","))


def _kinds(name: str, text: str) -> list[tuple[str, str]]:
    """What kind of thing a text names: of a path the first segment and the extension."""
    path = _PATH.match(text)
    if path is None:
        return [(name, text[:_WORD])]
    kind = _KIND.search(path[1] + path[2])
    return [(name + SEGMENT, path[1][:_WORD]), (name + KIND, kind[1] if kind else "")]
