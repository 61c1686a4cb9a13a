"""What stands between quotes or brackets is a value, whole: a name, a list, an object, the arguments of a call.

A statement's own words seldom stand there; where they do (`(read only)`), the group is left to be read like the rest.
"""

from __future__ import annotations

import re

from logwatch.parse.mask_marks import VARIABLE

_QUOTED = re.compile(
    r"""(?<![\w"\\])[bru]{0,2}"(?:[^"\\]|\\.)*"(?![\w"])|(?<![\w'\\])[bru]{0,2}'(?:[^'\\]|\\.)*'(?![\w'])|`[^`]*`"""
)
_REQUEST = re.compile(rf"""[bru]{{0,2}}["']([A-Z]{{3,7}}) (?:/|https?:|{VARIABLE})""")
"""Of a request in quotes its method stays: what was asked for is no name of a thing."""
_BRACKET = re.compile(r"[\[\](){}<>]")
_OPENED_BY = {")": "(", "]": "[", "}": "{", ">": "<"}
_CLOSED_BY = {"(": ")", "[": "]"}
_LIKE_VALUES = re.compile(rf"[=:,{VARIABLE}0]|->")

_PROSE = re.compile(r"(?<![\w=:./-])[A-Za-z][a-z]+ [a-z]{2,}(?![\w=:./-])")
"""`111: Connection refused`: two words of a sentence."""

CROSSED = 2
"""Brackets of other kinds that may stay open inside a group: text is not always well formed."""

UNCLOSED = 8
"""Brackets left open that are looked at: what was cut off at its end."""

LONG = 20
"""Characters after an open bracket that make it one that was cut off."""


def without_groups(text: str) -> str:
    """The text with `VARIABLE` for each quoted string and each bracketed group of values."""
    if '"' in text or "'" in text or "`" in text:
        text = _QUOTED.sub(_quoted, text)
    if not ("(" in text or "[" in text or "{" in text or "<" in text):
        return text
    parts: list[str] = []
    at = 0
    for begin, end in _groups(text):
        opening = text[begin]
        if _is_value(opening, text[begin + 1 : end - 1], text[begin - 1 : begin]):
            parts.append(text[at:begin])
            parts.append(f"{opening}{VARIABLE}{_CLOSED_BY[opening]}" if opening in _CLOSED_BY else VARIABLE)
            at = end
    return "".join((*parts, text[at:]))


def _quoted(match: re.Match[str]) -> str:
    request = _REQUEST.match(match[0])
    return f'"{request[1]} {VARIABLE}"' if request else VARIABLE


def _groups(text: str) -> list[tuple[int, int]]:
    """The outermost groups, in order: where they begin, and where the text goes on."""
    found: list[tuple[int, int]] = []
    opened: list[int] = []
    for match in _BRACKET.finditer(text):
        at = match.start()
        if text[at] not in _OPENED_BY:
            if text[at] != "<" or _opens(text, at):
                opened.append(at)
        elif text[at] != ">" or text[at - 1 : at] not in ("-", "="):
            _close(text, at, opened, found)
    for begin in opened[:UNCLOSED]:
        inner = text[begin + 1 :]
        if len(inner) > LONG and _LIKE_VALUES.search(inner) and _is_value(text[begin], inner, text[begin - 1 : begin]):
            return [group for group in found if group[0] < begin] + [(begin, len(text) + 1)]
    return found


def _opens(text: str, at: int) -> bool:
    """`<Task 7>`, `</b>`, not `a < b`."""
    after = text[at + 1 : at + 2]
    return after.isalpha() or (after != "" and after in f"_/{VARIABLE}")


def _close(text: str, at: int, opened: list[int], found: list[tuple[int, int]]) -> None:
    for depth in range(len(opened) - 1, max(-1, len(opened) - 1 - CROSSED), -1):
        if text[opened[depth]] == _OPENED_BY[text[at]]:
            begin = opened[depth]
            del opened[depth:]
            while found and found[-1][0] > begin:
                found.pop()
            found.append((begin, at + 1))
            return


def _is_value(opening: str, inner: str, before: str) -> bool:
    if opening in "{<":
        return True
    if before.isalnum() or before == "_":
        return opening == "(" or _LIKE_VALUES.search(inner) is not None
    if opening == "(" and "->" not in inner and _PROSE.search(inner):
        return False
    if not inner.strip() or _LIKE_VALUES.search(inner):
        return True
    return before in "=:" and before != "" if opening == "[" else " " not in inner
