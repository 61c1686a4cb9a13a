"""What stands in a value's place: after `=`, after `key:`, on either side of an arrow; and `true`, `null` and the like.

Every repetition is bounded or can be matched in one way only: lines are not to be trusted.
"""

from __future__ import annotations

import re

from logwatch.parse.mask_marks import VARIABLE

_KEY = r"[\w.\[\]/@$-]{1,64}"
_VALUE = rf"(?:\([\w .-]*\))?(?:[(\[]{VARIABLE}[)\]]|[^\s,;)\]}}])*"
_PAIR = re.compile(rf"(?<![^\s,;(\[{{:]){VARIABLE}?({_KEY})(?:=|:=| = )(?![=>~]){_VALUE}")
_TAIL = re.compile(rf"(?<![\w.\[\]/@$-])({_KEY}={VARIABLE}(?:[\s,;]+(?:and )?{_KEY}={VARIABLE}){{2,}}).*$")
_COLON = re.compile(r"(?<=[\s,;(\[{])([A-Za-z][\w.-]{0,63}):(?![:/\\\s])[^\s,;)\]}]+")
"""Not at the head of a line: `engine:socket` is the name of a part."""
_LITERAL = re.compile(r"(?<=[\s=:,(])(?:[Tt]rue|[Ff]alse|TRUE|FALSE|null|NULL|None|nil|undefined|NaN)(?=$|[\s,;:.)\]])")
_SIDE = rf"[\w{VARIABLE}.:-]"
_ARROW = re.compile(rf"(?<!{_SIDE}){_SIDE}{{1,80}}(?: ?(?:-{{1,3}}>|={{1,2}}>|→|<-) ?{_SIDE}{{1,80}})+")


def without_values(text: str) -> str:
    """The text with `VARIABLE` for the value of each pair, and without what follows three pairs in a row or more."""
    if "=" in text:
        text = _TAIL.sub(r"\1", _PAIR.sub(rf"\1={VARIABLE}", text))
    if ":" in text:
        text = _COLON.sub(_valued, text)
    return _LITERAL.sub(VARIABLE, text)


def _valued(match: re.Match[str]) -> str:
    return match[0] if match[1].endswith(("http", "https")) else f"{match[1]}:{VARIABLE}"


def without_changes(text: str) -> str:
    """The text with `VARIABLE` for `before -> after`."""
    if ">" in text or "→" in text or "<-" in text:
        text = _ARROW.sub(_changed, text)
    return text


def _changed(match: re.Match[str]) -> str:
    return VARIABLE + match[0][len(match[0].rstrip(".:-")) :]
